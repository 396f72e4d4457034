"""Read one landed file, of any format, as Arrow batches of text: what the source wrote, row by row, nothing rejected."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from lake.source import Dialect
from pipelines.parse.batch import Request, schema
from pipelines.parse.csv_rows import parse_csv
from pipelines.parse.excel_rows import parse_excel
from pipelines.parse.json_lines import parse_json_lines
from pipelines.parse.limits import LIMITS, Limits, in_words
from pipelines.parse.opening import content, kind_of, unpacked
from pipelines.parse.parquet_rows import parse_parquet
from pipelines.parse.refusal import RefusedFile, excerpt, refusal_of
from pipelines.parse.sqlite_rows import parse_sqlite

__all__ = ["LIMITS", "Limits", "RefusedFile", "parse", "schema"]

_NAMES = {"csv": "CSV", "jsonl": "JSON lines"}


def parse(
    path: Path,
    dialect: Dialect,
    columns: tuple[str, ...],
    batch_rows: int = 50_000,
    limits: Limits = LIMITS,
    notes: list[str] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Batches of `schema(columns)`; a file without rows gives none.

    Raises `RefusedFile` and nothing else when the file as a whole can't be read, whatever is wrong with it. That may
    come after batches were given (a gzip cut short, a corrupt page): the caller then discards them. `notes` receives
    sentences on a file that is taken in (formulas never calculated, columns that no line has).
    """
    request = Request(dialect, columns, min(batch_rows, limits.rows + 1), limits, [] if notes is None else notes)
    rows = size = 0
    try:
        for batch in _batches(path, request):
            rows, size = rows + batch.num_rows, size + batch.nbytes
            if rows > limits.rows:
                raise RefusedFile(f"it has more than {limits.rows} rows, which are read of a file at most; split it into several files")
            if size > limits.text_bytes:
                raise RefusedFile(f"its rows hold more than {in_words(limits.text_bytes)} of text; split it into several files")
            yield batch
    except RefusedFile:
        raise
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise RefusedFile(f"its gzip is damaged or cut short ({excerpt(str(error))}); deliver the file again") from error
    except OSError as error:
        raise refusal_of(error) from error
    except MemoryError as error:
        raise RefusedFile("reading it needs more memory than there is; split it into several files") from error
    except Exception as error:  # every file stands alone: what no one foresaw refuses this one, and the others go on
        raise RefusedFile(
            f"it can't be read as {dialect.format} ({type(error).__name__}: {excerpt(str(error))}); deliver it again"
        ) from error


def _batches(path: Path, request: Request) -> Iterator[pa.RecordBatch]:
    match request.dialect.format:
        case "csv" | "jsonl" as form:
            with content(path, request.limits) as binary:
                if found := kind_of(binary.head):
                    raise RefusedFile(f"it is not {_NAMES[form]} but {found[0]}: {found[1]}")
                yield from (parse_csv if form == "csv" else parse_json_lines)(binary, request)
        case "sqlite":
            with unpacked(path, request.limits) as (plain, binary):
                yield from parse_sqlite(plain, binary, request)
        case "parquet":
            with unpacked(path, request.limits) as (_, binary):
                yield from parse_parquet(binary, request)
        case "excel":
            with unpacked(path, request.limits) as (_, binary):
                yield from parse_excel(binary, request)
