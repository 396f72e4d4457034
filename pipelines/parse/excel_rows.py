"""A sheet of an .xlsx workbook: the values last calculated, dates in ISO 8601.

The value of cells merged over several rows belongs to each of these rows (an organ that stands once beside its failure
modes), in the leftmost column only: what is merged over columns is a title.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError

import pyarrow as pa

from lake.source import Dialect
from pipelines.parse.batch import Layout, Record, RefusedFile, header_names, listed, quoted

_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, ParseError, LookupError, ValueError, TypeError, AttributeError)
"""What openpyxl raises, depending on which part of a workbook is damaged."""

_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?\bref="([A-Z]+)(\d+):[A-Z]+(\d+)"')
_CHUNK, _OVERLAP = 1 << 20, 200
"""Bytes of a sheet looked through at once, and of those before them: more than one such element takes."""

Merged = dict[int, list[tuple[int, int]]]
"""First row -> (column, last row) of the cells merged over rows that begin there; rows from 1, columns from 0."""


def parse_excel(binary: BinaryIO, dialect: Dialect, columns: tuple[str, ...], batch_rows: int) -> Iterator[pa.RecordBatch]:
    from openpyxl import load_workbook  # here, as only this format needs it

    try:
        book = load_workbook(binary, read_only=True, data_only=True)
        sheets = {sheet.title: sheet for sheet in book.worksheets}
        if not sheets or (dialect.sheet and dialect.sheet not in sheets):
            raise RefusedFile(f"it has no sheet {dialect.sheet!r}; it has {listed(sheets)}: mend the mapping's sheet")
        sheet = sheets[dialect.sheet] if dialect.sheet else book.worksheets[0]
        sheet.reset_dimensions()  # some writers declare a sheet smaller than it is, which would cut it
        rows = _rows(sheet, _merged(sheet))
        header = list(dialect.names)
        if dialect.header_row:
            cells = next((cells for number, cells in rows if number == dialect.header_row), [])
            if not cells:
                raise RefusedFile(f"it has no header at row {dialect.header_row} of sheet {sheet.title!r}; mend header_row")
            header = header_names(cells)
        yield from Layout(header, columns, dialect).batches(_of_width(rows, len(header)), batch_rows)
    except _DAMAGED as error:
        raise RefusedFile(f"it is not a whole Excel .xlsx workbook ({error}); deliver the file again") from error


def _merged(sheet: Any) -> Merged:
    """Read ahead of the rows, as a sheet tells of its merged cells after them."""
    from openpyxl.utils import column_index_from_string

    found: set[tuple[bytes, bytes, bytes]] = set()
    with sheet._get_source() as source:
        tail = b""
        while chunk := source.read(_CHUNK):
            found.update(_MERGED.findall(tail + chunk))
            tail = chunk[-_OVERLAP:]
    merged: Merged = {}
    for letters, first, last in found:
        if int(last) > int(first):
            merged.setdefault(int(first), []).append((column_index_from_string(letters.decode()) - 1, int(last)))
    return merged


def _rows(sheet: Any, merged: Merged) -> Iterator[tuple[int, list[str | None]]]:
    """Every row with its number, without the empty cells at its end. A row with no cell of its own stays empty."""
    lent: dict[int, tuple[str, int]] = {}  # column -> text, last row
    for number, row in enumerate(sheet.iter_rows(), 1):
        cells = [_text(cell) for cell in row]
        while cells and cells[-1] is None:
            cells.pop()
        own = bool(cells)
        for column, (text, last) in lent.items():
            if own and number <= last:
                cells += [None] * (column + 1 - len(cells))
                cells[column] = cells[column] or text
        for column, last in merged.get(number, ()):
            if column < len(cells) and (value := cells[column]):
                lent[column] = value, last
        yield number, cells


def _of_width(rows: Iterator[tuple[int, list[str | None]]], width: int) -> Iterator[Record]:
    for number, cells in rows:
        if len(cells) > width:
            raw = "[" + ",".join(map(quoted, cells)) + "]"
            yield number, cells, f"{len(cells)} cells where the header has {width}", raw
        elif cells:
            yield number, cells + [None] * (width - len(cells)), None, None


def _text(cell: Any) -> str | None:
    value = cell.value
    if value is None or value == "":
        return None
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case datetime():
            return value.date().isoformat() if _is_day(cell.number_format) else value.isoformat()
        case date() | time():
            return value.isoformat()
        case timedelta():
            minutes, seconds = divmod(round(value.total_seconds()), 60)
            return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    return str(value)


def _is_day(number_format: str) -> bool:
    from openpyxl.styles.numbers import is_datetime

    return bool(is_datetime(number_format.lower()) == "date")
