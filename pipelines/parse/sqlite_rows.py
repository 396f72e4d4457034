"""A table of a SQLite file, read-only, in the order of its rowid."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa

from lake.source import Dialect
from pipelines.parse.batch import Layout, Record, RefusedFile, header_names, listed


def parse_sqlite(path: Path, dialect: Dialect, columns: tuple[str, ...], batch_rows: int) -> Iterator[pa.RecordBatch]:
    """The file alone is read: one with unsaved changes beside it is refused, as its rows are not all in it."""
    path.stat()  # SQLite would call a missing file one that it is unable to open
    for suffix in ("-wal", "-journal"):
        beside = path.with_name(path.name + suffix)
        if beside.exists() and beside.stat().st_size:
            raise RefusedFile(f"its last changes are still in {beside.name}; close the database, then deliver the file")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            connection.text_factory = lambda written: written.decode("utf-8", "surrogateescape")
            kinds = dict(connection.execute("SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view')"))
            if dialect.table not in kinds:
                raise RefusedFile(f"it has no table {dialect.table!r}; it has {listed(kinds)}: mend the mapping's table")
            cursor, has_rowid = _select(connection, dialect.table, is_view=kinds[dialect.table] == "view")
            header = header_names([column[0] for column in cursor.description][has_rowid:])
            yield from Layout(header, columns, dialect).batches(_records(cursor, has_rowid), batch_rows)
    except sqlite3.Error as error:
        raise RefusedFile(f"it is not a whole SQLite database ({error}); deliver the file again") from error


def _select(connection: sqlite3.Connection, table: str, is_view: bool) -> tuple[sqlite3.Cursor, bool]:
    quoted = '"' + table.replace('"', '""') + '"'
    cursor = connection.execute(f"SELECT * FROM {quoted} LIMIT 0")  # noqa: S608 - the name was found in sqlite_master and is quoted
    taken = {column[0].lower() for column in cursor.description}
    alias = next((name for name in ("rowid", "_rowid_", "oid") if name not in taken), None)
    if alias and not is_view:
        try:
            return connection.execute(f"SELECT {alias}, * FROM {quoted} ORDER BY {alias}"), True  # noqa: S608
        except sqlite3.OperationalError as error:
            if "no such column" not in str(error):
                raise
    return connection.execute(f"SELECT * FROM {quoted}"), False  # noqa: S608


def _records(cursor: sqlite3.Cursor, has_rowid: bool) -> Iterator[Record]:
    for number, row in enumerate(cursor, 1):
        yield (row[0] if has_rowid else number), [_text(value) for value in row[has_rowid:]], None, None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return value.hex() if isinstance(value, bytes) else repr(value)
