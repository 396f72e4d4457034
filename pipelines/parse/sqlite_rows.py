"""A table of a SQLite file, read-only, in the order of its rowid."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from pipelines.parse.batch import Layout, Record, Request
from pipelines.parse.header import header_names
from pipelines.parse.limits import Limits, in_words
from pipelines.parse.opening import kind_of
from pipelines.parse.refusal import RefusedFile, excerpt, listed

_STEPS = 100_000
"""Instructions of SQLite between two looks at the clock: some milliseconds."""


def parse_sqlite(path: Path, binary: BinaryIO, request: Request) -> Iterator[pa.RecordBatch]:
    """The file alone is read: one with unsaved changes beside it is refused, as its rows are not all in it. `binary` is
    the same file, for a look at what it is."""
    for suffix in ("-wal", "-journal"):
        beside = path.with_name(path.name + suffix)
        if beside.exists() and beside.stat().st_size:
            raise RefusedFile(f"its last changes are still in {beside.name}; close the database, then deliver the file", is_transient=True)
    head = binary.read(4096)
    if (found := kind_of(head)) and not head.startswith(b"SQLite format 3"):
        raise RefusedFile(f"it is not a whole SQLite database but {found[0]}: {found[1]}")
    table = request.dialect.table
    watch = _Watch(request.limits)
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            connection.text_factory = lambda written: written.decode("utf-8", "surrogateescape")
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, request.limits.value_bytes)
            connection.set_progress_handler(watch.is_over, _STEPS)
            connection.execute("PRAGMA trusted_schema = OFF")
            kinds = dict(connection.execute("SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view')"))
            if table not in kinds:
                raise RefusedFile(f"it has no table {table!r}; it has {listed(kinds)}: fix the mapping's table")
            cursor, has_rowid = _select(connection, table, is_view=kinds[table] == "view")
            header = header_names([column[0] for column in cursor.description][has_rowid:])
            for batch in Layout(header, request).batches(_records(cursor, has_rowid, watch), request.batch_rows):
                yield batch
                watch.start()
    except sqlite3.Error as error:
        text = str(error)
        if "interrupted" in text:
            raise RefusedFile(
                f"its view {table!r} gives no row within {request.limits.silent_seconds:g} s; deliver its rows as a table"
            ) from error
        if "too big" in text:
            raise RefusedFile(
                f"a value is longer than {in_words(request.limits.value_bytes)}, the most that is read; leave it out"
            ) from error
        if "unable to open" in text:
            raise RefusedFile(f"it can't be opened ({text}); it is tried again at the next run", is_transient=True) from error
        raise RefusedFile(f"it is not a whole SQLite database ({excerpt(text)}); deliver the file again") from error


class _Watch:
    """Ends a statement that calculates for long without giving a row."""

    def __init__(self, limits: Limits) -> None:
        self._seconds = limits.silent_seconds
        self.start()

    def start(self) -> None:
        self._since = time.monotonic()

    def is_over(self) -> int:
        return int(time.monotonic() - self._since > self._seconds)


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


def _records(cursor: sqlite3.Cursor, has_rowid: bool, watch: _Watch) -> Iterator[Record]:
    for number, row in enumerate(cursor, 1):
        yield (row[0] if has_rowid else number), [_text(value) for value in row[has_rowid:]], None, None
        if number % 1024 == 0:
            watch.start()


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return value.hex() if isinstance(value, bytes) else repr(value)
