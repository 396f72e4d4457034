"""What Spark's workers run to take files in, and how the code reaches them."""

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from lake.source import Dialect
from pipelines.parse import RefusedFile, parse, schema

LABELS = (("_intake", pa.int64()), ("_file", pa.string()), ("_sha256", pa.string()), ("_refusal", pa.string()))
Reader = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def labelled_schema(columns: tuple[str, ...]) -> pa.Schema:
    """What `reader` yields: parsed rows with the file version they are from, or the reason why there are none."""
    fields = schema(columns)
    for name, kind in LABELS:
        fields = fields.append(pa.field(name, kind))
    return fields


def reader(landing: str, dialect: Dialect, columns: tuple[str, ...]) -> Reader:
    """A function from lists of (intake, file, digest) to rows. A refused file gives one row, with its reason."""

    def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for intake, file, sha in (f.values() for files in batch.column(0).to_pylist() for f in files):
                try:
                    whole, refusal = list(parse(Path(landing) / file, dialect, columns)), None
                except RefusedFile as refused:
                    whole, refusal = [_nothing(columns)], str(refused)
                except OSError as error:
                    whole, refusal = [_nothing(columns)], f"can't be opened: {error.strerror}"
                for part in whole:
                    yield _labelled(part, intake, file, sha, refusal)

    return read


def _nothing(columns: tuple[str, ...]) -> pa.RecordBatch:
    fields = schema(columns)
    return pa.RecordBatch.from_arrays([pa.nulls(1, f.type) for f in fields], schema=fields)


def _labelled(part: pa.RecordBatch, *labels: object) -> pa.RecordBatch:
    extra = [pa.repeat(pa.scalar(v, kind), part.num_rows) for v, (_, kind) in zip(labels, LABELS, strict=True)]
    return pa.RecordBatch.from_arrays([*part.columns, *extra], names=[*part.schema.names, *(n for n, _ in LABELS)])


def archive() -> bytes:
    """This package and what it imports of ours as a zip, for workers that don't share the checkout."""
    root = Path(__file__).resolve().parents[2]
    files = ["lake/__init__.py", "lake/source.py", "pipelines/__init__.py"]
    files += sorted(p.relative_to(root).as_posix() for p in Path(__file__).parent.glob("*.py"))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as zipped:
        for name in files:
            zipped.writestr(zipfile.ZipInfo(name), (root / name).read_bytes())
    return made.getvalue()
