"""The rows of one sheet of an .xlsx workbook as texts, read piece by piece within limits."""

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any, BinaryIO, TypeAlias
from xml.etree.ElementTree import XMLPullParser

from pipelines.parse.limits import SHEET_ROWS, Limits, in_words
from pipelines.parse.refusal import RefusedFile

Row: TypeAlias = tuple[int, list[str | None], dict[int, str]]
"""Number from 1, cells up to the last filled one, and the formulas that have no value by place from 0."""

_CHUNK = 1 << 16
_PARTS, _COLUMNS = 10_000, 16_384
_XML_HEAD = 1024
_OTHERS = (
    ("xl/workbook.bin", "an .xlsb workbook"), ("word/document.xml", "a Word document"), ("content.xml", "an OpenDocument file"),
)  # fmt: skip


def check_workbook(binary: BinaryIO, limits: Limits) -> None:
    """Raises RefusedFile: encrypted, another kind of document, or one that unpacks to more than the limits."""
    binary.seek(0)
    with zipfile.ZipFile(binary) as zipped:
        parts = {info.filename: info for info in zipped.infolist()}
        if kind := next((kind for name, kind in _OTHERS if name in parts and "xl/workbook.xml" not in parts), ""):
            raise RefusedFile(f"it is not a whole Excel .xlsx workbook but {kind}; save it as .xlsx")
        if len(parts) > _PARTS:
            raise RefusedFile(f"it has {len(parts)} parts and at most {_PARTS} are read; save its data alone")
        texts = [info for name, info in parts.items() if name.lower().endswith((".xml", ".rels"))]
        for info in texts:
            if info.flag_bits & 1:
                raise RefusedFile(f"its part {info.filename} is encrypted; save the workbook without a password")
            most = limits.shared_strings_bytes if info.filename.lower().endswith("sharedstrings.xml") else limits.workbook_bytes
            if info.file_size > most:
                raise RefusedFile(
                    f"unpacked its part {info.filename} has {in_words(info.file_size)} and at most {in_words(most)} are read; "
                    "split it into several workbooks, or deliver CSV"
                )
        if (size := sum(info.file_size for info in texts)) > limits.workbook_bytes:
            raise RefusedFile(
                f"unpacked it has {in_words(size)} and at most {in_words(limits.workbook_bytes)} are read; "
                "split it into several workbooks, or deliver CSV"
            )
        for info in texts:
            with zipped.open(info) as part:
                if b"<!DOCTYPE" in part.read(_XML_HEAD):
                    raise RefusedFile(f"its part {info.filename} declares a document type, as no workbook does; save it with Excel")
    binary.seek(0)


def rows_of_sheet(sheet: Any, limits: Limits) -> Iterator[Row]:
    """Rows that the sheet has, in order, an empty one too. Raises RefusedFile beyond the limits."""
    from openpyxl.cell.read_only import ReadOnlyCell

    last = count = 0
    for number, found in _elements(sheet, limits):
        if number > SHEET_ROWS:
            raise RefusedFile(f"its sheet {sheet.title!r} has a row {number}, and Excel ends at {SHEET_ROWS}; save it with Excel")
        if number <= last:
            raise RefusedFile(f"its sheet {sheet.title!r} has row {number} after row {last}; save it with Excel")
        last = number
        cells: list[str | None] = []
        formulas: dict[int, str] = {}
        for cell in found:
            formula, place = cell.pop("formula", None), cell["column"] - 1
            if place >= _COLUMNS:
                raise RefusedFile(
                    f"row {number} of its sheet {sheet.title!r} has a cell beyond column XFD, Excel's last; save it with Excel"
                )
            if formula is not None:
                formulas[place] = formula
            elif cell["value"] is not None and cell["value"] != "":
                cells += [None] * (place + 1 - len(cells))
                cells[place] = _text(cell["value"], lambda cell=cell: ReadOnlyCell(sheet, **cell).number_format)
        count += max(len(cells), 1)
        if count > limits.sheet_cells:
            raise RefusedFile(
                f"its sheet {sheet.title!r} has more than {limits.sheet_cells} cells, the most that is read; "
                "clear cells far from the table, or split it"
            )
        yield number, cells, formulas


def _elements(sheet: Any, limits: Limits) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    from openpyxl.worksheet._reader import DATA_TAG, ROW_TAG

    book, silent = sheet.parent, 0
    with sheet._get_source() as source:
        reader = _reader()(
            source, sheet._shared_strings, data_only=True, epoch=book.epoch,
            date_formats=book._date_formats, timedelta_formats=book._timedelta_formats,
        )  # fmt: skip
        parser: Any = XMLPullParser(("end",))
        while chunk := source.read(_CHUNK):
            parser.feed(chunk)
            silent += len(chunk)
            for _, element in parser.read_events():
                if element.tag == ROW_TAG:
                    silent = 0
                    row = reader.parse_row(element)
                    element.clear()
                    yield row
                elif element.tag == DATA_TAG:
                    return
            if silent > limits.line_bytes:
                raise RefusedFile(
                    f"a row of its sheet {sheet.title!r} takes more than {in_words(limits.line_bytes)}, the most that is read; split it"
                )
        parser.close()


@cache
def _reader() -> Any:
    from openpyxl.worksheet._reader import FORMULA_TAG, VALUE_TAG, WorkSheetParser

    class Reader(WorkSheetParser):  # type: ignore[misc]
        """Marks the cells whose formula was never calculated; an empty text is a value."""

        def parse_cell(self, element: Any) -> dict[str, Any]:
            cell: dict[str, Any] = super().parse_cell(element)
            formula = element.find(FORMULA_TAG) if cell["value"] is None else None
            if formula is not None and (element.get("t") != "str" or element.find(VALUE_TAG) is None):
                cell["formula"] = f"={formula.text or ''}"
            return cell

    return Reader


def _text(value: Any, number_format: Any) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case datetime():
            return value.date().isoformat() if _is_day(number_format()) else value.isoformat()
        case date() | time():
            return value.isoformat()
        case timedelta():
            minutes, seconds = divmod(round(value.total_seconds()), 60)
            return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    return str(value)


def _is_day(number_format: str) -> bool:
    from openpyxl.styles.numbers import is_datetime

    return bool(is_datetime(number_format.lower()) == "date")
