"""Read one landed file, of any format, as Arrow batches of text: what the source wrote, row by row, nothing rejected."""

import gzip
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from lake.source import Dialect
from pipelines.parse.batch import RefusedFile, schema
from pipelines.parse.csv_rows import parse_csv
from pipelines.parse.excel_rows import parse_excel
from pipelines.parse.json_lines import parse_json_lines
from pipelines.parse.parquet_rows import parse_parquet
from pipelines.parse.sqlite_rows import parse_sqlite

__all__ = ["RefusedFile", "parse", "schema"]


def parse(path: Path, dialect: Dialect, columns: tuple[str, ...], batch_rows: int = 50_000) -> Iterator[pa.RecordBatch]:
    """Batches of `schema(columns)`; a file without rows gives none.

    Raises `RefusedFile` when the file as a whole can't be read. That may come after batches were given (a gzip cut
    short, a corrupt page): the caller then discards them.
    """
    try:
        match dialect.format:
            case "csv":
                with _opened(path) as binary:
                    yield from parse_csv(binary, dialect, columns, batch_rows)
            case "jsonl":
                with _opened(path) as binary:
                    yield from parse_json_lines(binary, dialect, columns, batch_rows)
            case "sqlite":
                with _unzipped(path) as plain:
                    yield from parse_sqlite(plain, dialect, columns, batch_rows)
            case "parquet":
                with _unzipped(path) as plain:
                    yield from parse_parquet(plain, dialect, columns, batch_rows)
            case "excel":
                with _unzipped(path) as plain, plain.open("rb") as binary:
                    yield from parse_excel(binary, dialect, columns, batch_rows)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise RefusedFile(f"its gzip is damaged or cut short ({error}); deliver the file again") from error


def _is_gzip(path: Path) -> bool:
    return path.name.lower().endswith(".gz")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    if not _is_gzip(path):
        with path.open("rb") as binary:
            yield binary
    else:
        if path.stat().st_size == 0:  # Python reads this as an empty stream, but no gzip is empty
            raise EOFError("0 bytes")
        with gzip.open(path, "rb") as unzipped:
            yield cast(BinaryIO, unzipped)


@contextmanager
def _unzipped(path: Path) -> Iterator[Path]:
    """The path itself, or that of a temporary decompressed copy for the formats that need to seek."""
    if not _is_gzip(path):
        yield path
    else:
        with tempfile.TemporaryDirectory() as folder, _opened(path) as zipped:
            copy = Path(folder) / path.stem
            with copy.open("wb") as out:
                shutil.copyfileobj(zipped, out, 1 << 20)
            yield copy
