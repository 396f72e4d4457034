"""An Excel workbook as people lay one out, byte for byte the same whenever it is written."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from io import BytesIO
from typing import Any

ZIP_TIME = (1980, 1, 1, 0, 0, 0)
WRITTEN_AT = datetime(2020, 1, 1)  # noqa: DTZ001 - what the document's properties hold has no zone

Cell = str | int | float | date | None


def workbook(title: str, block: Sequence[str], rows: Sequence[Sequence[Cell]], merged_columns: Sequence[int], spare_rows: int) -> bytes:
    """A sheet with a title block above its header (`rows[0]`), and formatted empty rows below.

    In `merged_columns` (from 0) a value that repeats from row to row stands once, in cells merged over these rows; each
    column only within the values of the column before it.
    """
    from openpyxl import Workbook  # here, as only this source needs it
    from openpyxl.styles import Border, Font, Side

    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = title
    width = len(rows[0])
    for text in block:
        sheet.append([text])
        sheet.merge_cells(start_row=sheet.max_row, start_column=1, end_row=sheet.max_row, end_column=min(width, 6))
    sheet.append([])
    header = len(block) + 2
    for number, row in enumerate(rows, header):
        for column, value in enumerate(row, 1):
            cell = sheet.cell(number, column, value)
            if isinstance(value, date):
                cell.number_format = "DD/MM/YYYY"
            if number == header:
                cell.font = Font(bold=True)
    for first, last, column in _runs(rows, merged_columns):
        for number in range(first + 1, last + 1):
            sheet.cell(header + number, column + 1).value = None
        sheet.merge_cells(start_row=header + first, end_row=header + last, start_column=column + 1, end_column=column + 1)
    for number in range(header + len(rows), header + len(rows) + spare_rows):
        for column in range(1, width + 1):
            sheet.cell(number, column).border = Border(bottom=Side("thin"))
    return _fixed(book)


def _runs(rows: Sequence[Sequence[Cell]], columns: Sequence[int]) -> list[tuple[int, int, int]]:
    """(first, last, column) of rows, from 1, that agree in a column and in all merged ones before it."""
    runs = []
    for n, column in enumerate(columns):
        shared, first = columns[: n + 1], 1
        for number in range(2, len(rows) + 1):
            if number == len(rows) or any(rows[number][c] != rows[first][c] for c in shared):
                if number - 1 > first:
                    runs.append((first, number - 1, column))
                first = number
    return runs


def _fixed(book: Any) -> bytes:
    """The workbook without the times at which it and its parts were written."""
    from openpyxl.xml.functions import tostring

    written, fixed = BytesIO(), BytesIO()
    book.save(written)
    book.properties.created = book.properties.modified = WRITTEN_AT
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(source.namelist()):
            content = tostring(book.properties.to_tree()) if name == "docProps/core.xml" else source.read(name)
            target.writestr(zipfile.ZipInfo(name, ZIP_TIME), content, zipfile.ZIP_DEFLATED)
    return fixed.getvalue()
