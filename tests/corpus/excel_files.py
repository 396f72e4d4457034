"""Excel workbooks: as programs write them, damaged ones, and some made to fill the memory."""

import zipfile
from io import BytesIO
from typing import Any

import openpyxl  # type: ignore[import-untyped]

from lake.source import Dialect
from pipelines.parse import Limits
from tests.corpus.case import Case

EXCEL = Dialect("excel")
HEADER = '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="inlineStr"><is><t>b</t></is></c></row>'
SHEET = "xl/worksheets/sheet1.xml"
SAVE = "save it with Excel"


def _workbook(*rows: list[Any], merged: tuple[str, ...] = (), sheet: str = "Sheet") -> bytes:
    book, out = openpyxl.Workbook(), BytesIO()
    page = book.worksheets[0]
    page.title = sheet
    for row in rows:
        page.append(row)
    for cells in merged:
        page.merge_cells(cells)
    book.save(out)
    return out.getvalue()


def _changed(content: bytes, **parts: bytes | None) -> bytes:
    """A workbook with other parts: `sheet`, `extra`, or without one."""
    names = {
        "sheet": SHEET,
        "shared": "xl/sharedStrings.xml",
        "workbook": "xl/workbook.xml",
        "styles": "xl/styles.xml",
        "bin": "xl/workbook.bin",
    }
    changes, out = {names[key]: value for key, value in parts.items()}, BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in [n for n in old.namelist() if n not in changes]:
            new.writestr(name, old.read(name))
        for name, value in changes.items():
            if value is not None:
                new.writestr(name, value)
    return out.getvalue()


def _sheet(rows: str, before: str = "") -> bytes:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return _changed(GOOD, sheet=f'{before}<worksheet xmlns="{space}"><sheetData>{HEADER}{rows}</sheetData></worksheet>'.encode())


def _encrypted(content: bytes) -> bytes:
    """The sheet marked as encrypted, in its own header and in the directory."""
    marked, name = bytearray(content), SHEET.encode()
    for signature, flags, at in ((b"PK\x03\x04", 6, 30), (b"PK\x01\x02", 8, 46)):
        place = -1
        while (place := marked.find(signature, place + 1)) >= 0:
            if marked[place + at : place + at + len(name)] == name:
                marked[place + flags] |= 1
    return bytes(marked)


GOOD = _workbook(["a", "b"], [1, 2.5], ["x", None])
CELLS: dict[str, list[str | None]] = {"a": ["1", "x"], "b": ["2.5", None]}
MERGED = _workbook(["a", "b"], ["p", 1], [None, 2], [None, 3], ["q", 4], merged=("A2:A4",))
LATE = _workbook(["Report"], [], ["a", "b"], [1, 2])

CASES = (
    Case("plain.xlsx", GOOD, EXCEL, rows=2, cells=CELLS),
    Case("merged.xlsx", MERGED, EXCEL, rows=4, cells={"a": ["p", "p", "p", "q"]}),
    Case("header-lower.xlsx", LATE, Dialect("excel", header_row=3), rows=1),
    Case("header-moves.xlsx", LATE, Dialect("excel", header_within=5), rows=1, cells={"a": ["1"]}),
    Case("header-too-far.xlsx", LATE, Dialect("excel", header_within=1), refusal="none of rows 1 to 2 of sheet 'Sheet' has all of"),
    Case(
        "header-repeats.xlsx",
        _workbook(["a", "b"], [1, 2], ["a", "b"], [3, 4], ["b", "a"], [6, 5]),
        Dialect("excel", repeats_header=True),
        rows=3,
        cells={"a": ["1", "3", "5"]},
    ),
    Case("repeated.xlsx", _workbook(["a", "b", "a"], [1, 2, 3]), EXCEL, ("a_2",), rows=1, cells={"a_2": ["3"]}),
    Case("too-wide.xlsx", _workbook(["a", "b"], [1, 2, 3]), EXCEL, rows=1, broken={2: "3 cells where the header has 2"}),
    Case("sheet.xlsx", _workbook(["a", "b"], [1, 2], sheet="März"), Dialect("excel", sheet="März"), rows=1),
    Case("no-sheet.xlsx", GOOD, Dialect("excel", sheet="x"), refusal="it has no sheet 'x'; it has Sheet"),
    Case("no-column.xlsx", _workbook(["a", "c"]), EXCEL, refusal="its header lacks b; it has a, c"),
    Case("no-header.xlsx", _workbook(), EXCEL, refusal="no header at row 1"),
    Case("names-given.xlsx", _workbook([1, 2]), Dialect("excel", header_row=0, names=("b", "a")), rows=1, cells={"a": ["2"]}),
    Case(
        "formulas.xlsx",
        _workbook(["a", "b"], [1, "=A2*2"], ["=1", "=A3"]),
        EXCEL,
        rows=2,
        cells={"a": ["1", None], "b": [None, None]},
        note="formulas without value in b: 2 (B2, B3)",
    ),
    Case("formula-empty-text.xlsx", _sheet('<row r="2"><c r="A2"><v>1</v></c><c r="B2" t="str"><f>""</f><v></v></c></row>'), EXCEL, rows=1),
    Case("errors.xlsx", _workbook(["a", "b"], ["#DIV/0!", "#N/A"]), EXCEL, rows=1, cells={"a": ["#DIV/0!"]}),
    Case("last-row.xlsx", _sheet('<row r="1048576"><c r="A1048576"><v>7</v></c></row>'), EXCEL, rows=1, cells={"a": ["7"]}),
    Case(
        "row-beyond.xlsx",
        _sheet('<row r="999999999"><c r="A999999999"><v>7</v></c></row>'),
        EXCEL,
        refusal=f"Excel ends at 1048576; {SAVE}",
    ),
    Case("column-beyond.xlsx", _sheet('<row r="2"><c r="XFE2"><v>7</v></c></row>'), EXCEL, refusal="a cell beyond column XFD"),
    Case("row-twice.xlsx", _sheet('<row r="2"><c r="A2"><v>7</v></c></row>' * 2), EXCEL, refusal="row 2 after row 2"),
    Case(
        "far-cells.xlsx",
        _sheet("".join(f'<row r="{i}"><c r="XFD{i}"><v>1</v></c></row>' for i in range(2, 60))),
        EXCEL,
        refusal="more than 500000 cells",
        limits=Limits(sheet_cells=500_000),
    ),
    Case(
        "one-row.xlsx",
        _sheet('<row r="2">' + '<c r="A2" s="0"/>' * 30_000 + "</row>"),
        EXCEL,
        refusal="takes more than 65536 bytes",
        limits=Limits(line_bytes=1 << 16),
    ),
    Case("bomb.xlsx", _sheet(" " * 3_000_000), EXCEL, refusal="and at most 1 MiB are read", limits=Limits(workbook_bytes=1 << 20)),
    Case(
        "many-strings.xlsx",
        _changed(GOOD, shared=b"<sst>" + b"<si/>" * 300_000 + b"</sst>"),
        EXCEL,
        refusal="sharedStrings.xml has",
        limits=Limits(shared_strings_bytes=1 << 20),
    ),
    Case("entities.xlsx", _sheet("", '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaa">]>'), EXCEL, refusal="declares a document type"),
    Case("encrypted-part.xlsx", _encrypted(GOOD), EXCEL, refusal="is encrypted; save the workbook without a password"),
    Case("no-workbook.xlsx", _changed(GOOD, workbook=None), EXCEL, refusal="not a whole Excel .xlsx workbook"),
    Case("binary-workbook.xlsx", _changed(GOOD, workbook=None, bin=b"x"), EXCEL, refusal="an .xlsb workbook; save it as .xlsx"),
    Case("not-xml.xlsx", _changed(GOOD, sheet=b"not XML"), EXCEL, refusal="not a whole Excel .xlsx workbook"),
    Case("cut.xlsx", GOOD[: len(GOOD) // 2], EXCEL, refusal="not a whole Excel .xlsx workbook"),
    Case(
        "old.xls",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        EXCEL,
        refusal="an old .xls workbook, or one with a password: save it as .xlsx",
    ),
    Case("csv.xlsx", b"a,b\n1,2\n", EXCEL, refusal="not a whole Excel .xlsx workbook"),
    Case("page.xls", b"<html><table>", EXCEL, refusal="but an HTML page"),
    Case("empty.xlsx", b"", EXCEL, refusal="not a whole Excel .xlsx workbook"),
)
