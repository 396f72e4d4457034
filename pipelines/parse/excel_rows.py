"""A sheet of an .xlsx workbook: the values last calculated, dates in ISO 8601.

The value of cells merged over several rows belongs to each of these rows (an organ that stands once beside its failure
modes), in the leftmost column only: what is merged over columns is a title.

A formula that no program has calculated has no value. Its cell is empty, and the formula itself is rescued under
`<column> (formula without value)`.
"""

import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError

import pyarrow as pa

from pipelines.parse.batch import Layout, Record, Request, quoted
from pipelines.parse.header import Cells, as_asked, header_names
from pipelines.parse.opening import kind_of
from pipelines.parse.refusal import RefusedFile, excerpt, listed
from pipelines.parse.sheet import Row, check_workbook, rows_of_sheet

_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, ParseError, LookupError, ValueError, TypeError, AttributeError, NotImplementedError)
"""What openpyxl raises, depending on which part of a workbook is damaged."""

_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?\bref="([A-Z]+)(\d+):[A-Z]+(\d+)"')
_CHUNK, _OVERLAP = 1 << 20, 200
"""Bytes of a sheet looked through at once, and of those before them: more than one such element takes."""

Merged = dict[int, list[tuple[int, int]]]
"""First row -> (column, last row) of the cells merged over rows that begin there; rows from 1, columns from 0."""


def parse_excel(binary: BinaryIO, request: Request) -> Iterator[pa.RecordBatch]:
    from openpyxl import load_workbook  # here, as only this format needs it

    head = binary.read(4096)
    if (found := kind_of(head)) and not head.startswith(b"PK\x03\x04"):
        raise RefusedFile(f"it is not a whole Excel .xlsx workbook but {found[0]}: {found[1]}")
    wanted = request.dialect.sheet
    try:
        check_workbook(binary, request.limits)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = load_workbook(binary, read_only=True, data_only=True)
            sheets = {sheet.title: sheet for sheet in book.worksheets}
            if not sheets or (wanted and wanted not in sheets):
                raise RefusedFile(f"it has no sheet {wanted!r}; it has {listed(sheets)}: fix the mapping's sheet")
            sheet = sheets[wanted] if wanted else book.worksheets[0]
            yield from _Reader(_lent(rows_of_sheet(sheet, request.limits), _merged(sheet)), sheet.title, request).batches()
    except _DAMAGED as error:
        raise RefusedFile(f"it is not a whole Excel .xlsx workbook ({excerpt(str(error))}); deliver the file again") from error


class _Reader:
    """Rows under the header that was read last."""

    def __init__(self, rows: Iterator[Row], title: str, request: Request) -> None:
        self.rows, self.title, self.request = rows, title, request
        self.without_value: dict[str, list[str]] = {}
        self._names: list[str] | None = list(request.dialect.names) if not request.dialect.header_row else self._found_header()

    def _found_header(self) -> list[str]:
        dialect, columns = self.request.dialect, set(self.request.columns)
        first, within = dialect.header_row, dialect.header_within
        for number, cells, _ in self.rows:
            if number > first + within:
                break
            names = as_asked(header_names(cells), self.request.columns)
            if cells and number >= first and (not within or columns <= set(names)):
                return names
        if within:
            raise RefusedFile(
                f"none of rows {first} to {first + within} of sheet {self.title!r} has all of {listed(columns)}; fix header_within"
            )
        raise RefusedFile(f"it has no header at row {first} of sheet {self.title!r}; fix header_row")

    def batches(self) -> Iterator[pa.RecordBatch]:
        while self._names is not None:
            layout, self._names = Layout(self._names, self.request), None
            yield from layout.batches(self._records(layout), self.request.batch_rows)
        for name, places in self.without_value.items():
            shown = ", ".join(places[:5]) + (", …" if len(places) > 5 else "")
            self.request.notes.append(
                f"formulas without value in {excerpt(name)}: {len(places)} ({shown}); their cells are empty. "
                "Open the workbook in Excel or LibreOffice, which calculates them, and save it"
            )

    def _records(self, layout: Layout) -> Iterator[Record]:
        width, columns = len(layout.header), set(self.request.columns)
        for number, cells, formulas in self.rows:
            if self.request.dialect.repeats_header and columns <= set(names := header_names(cells)):
                if tuple(as_asked(names, self.request.columns)) != layout.header:
                    self._names = names
                    return
                continue
            extra = {self._name(layout.header, place): text for place, text in sorted(formulas.items())}
            if extra:
                layout.extra[number] = {name + " (formula without value)": text for name, text in extra.items()}
                for name, place in zip(extra, sorted(formulas), strict=True):
                    self.without_value.setdefault(name, []).append(f"{_letters(place)}{number}")
            if len(cells) > width:
                yield number, cells, f"{len(cells)} cells where the header has {width}", _raw(cells)
            elif cells or extra:
                yield number, cells + [None] * (width - len(cells)), None, None

    def _name(self, header: Cells, place: int) -> str:
        return header[place] or "" if place < len(header) else f"column_{place + 1}"


def _raw(cells: Cells) -> str:
    return "[" + ",".join(map(quoted, cells)) + "]"


def _letters(place: int) -> str:
    from openpyxl.utils import get_column_letter

    return str(get_column_letter(place + 1))


def _merged(sheet: Any) -> Merged:
    """Read ahead of the rows, as a sheet lists its merged cells after them."""
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


def _lent(rows: Iterator[Row], merged: Merged) -> Iterator[Row]:
    """Rows with the values that cells merged over rows lend them. A row with no cell of its own stays empty."""
    lent: dict[int, tuple[str, int]] = {}  # column -> text, last row
    for number, cells, formulas in rows:
        lent = {column: held for column, held in lent.items() if number <= held[1]} if lent else lent
        own = bool(cells)
        for column, (text, _) in lent.items():
            if own:
                cells += [None] * (column + 1 - len(cells))
                cells[column] = cells[column] or text
        for column, last in merged.get(number, ()):
            if column < len(cells) and (value := cells[column]):
                lent[column] = value, last
        yield number, cells, formulas
