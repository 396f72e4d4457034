"""SQLite, Parquet and Excel, and gzip around any format."""

import gzip
import sqlite3
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pyarrow as pa
import pyarrow.parquet as pq

from lake.source import Dialect
from pipelines.parse import Limits
from tests.corpus.case import Case

SQLITE, PARQUET, EXCEL = Dialect("sqlite", table="t"), Dialect("parquet"), Dialect("excel")
ENDLESS = "WITH RECURSIVE c(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM c)"
HEADER = '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="inlineStr"><is><t>b</t></is></c></row>'
SHEET = "xl/worksheets/sheet1.xml"
SAVE = "save it with Excel"


def database(*statements: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.unlink(missing_ok=True)
        connection = sqlite3.connect(path)
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()

    return write


def parquet(table: dict[str, Any] | pa.Table, **options: Any) -> Callable[[Path], None]:
    return lambda path: pq.write_table(table if isinstance(table, pa.Table) else pa.table(table), path, **options)


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
    # SQLite
    Case("plain.db", database("CREATE TABLE t (a, b)", "INSERT INTO t VALUES (1, 2.5), ('x', NULL)"), SQLITE, rows=2, cells=CELLS),
    Case("no-rows.db", database("CREATE TABLE t (a, b)"), SQLITE),
    Case("rowids.db", database("CREATE TABLE t (a, b)", "INSERT INTO t (rowid, a) VALUES (9, 1), (3, 2)"), SQLITE, rows=2, cells={"a": ["2", "1"]}),
    Case("without-rowid.db", database("CREATE TABLE t (a PRIMARY KEY, b) WITHOUT ROWID", "INSERT INTO t VALUES (1, 2)"), SQLITE, rows=1),
    Case("blob.db", database("CREATE TABLE t (a, b)", "INSERT INTO t VALUES (x'00ff', 1)"), SQLITE, rows=1, cells={"a": ["00ff"]}),
    Case("not-utf8.db", database("CREATE TABLE t (a, b)", "INSERT INTO t VALUES (CAST(x'61ff' AS TEXT), 2)"), SQLITE, rows=1, broken={1: "not utf-8"}),
    Case("view.db", database("CREATE VIEW t AS SELECT 1 AS a, 2 AS b UNION ALL SELECT 3, 4"), SQLITE, rows=2),
    Case("odd-table.db", database('CREATE TABLE "t ""x" (a, b)', 'INSERT INTO "t ""x" VALUES (1, 2)'), Dialect("sqlite", table='t "x'), rows=1),
    Case("no-table.db", database("CREATE TABLE u (a, b)"), SQLITE, refusal="it has no table 't'; it has u"),
    Case("no-column.db", database("CREATE TABLE t (a, c)"), SQLITE, refusal="its header lacks b; it has a, c"),
    Case("csv.db", b"a,b\n1,2\n" * 500, SQLITE, refusal="not a whole SQLite database"),
    Case("empty.db", b"", SQLITE, refusal="it has no table 't'"),
    Case("cut.db", b"SQLite format 3\0" + b"\1" * 400, SQLITE, refusal="not a whole SQLite database"),
    Case("parquet.db", b"PAR1" + b"\0" * 99, SQLITE, refusal="not a whole SQLite database but a Parquet file"),
    Case("endless.db", database(f"CREATE VIEW t AS {ENDLESS} SELECT a, a AS b FROM c"), SQLITE, refusal="more than 5000 rows", limits=Limits(rows=5000)),
    Case("silent.db", database(f"CREATE VIEW t AS {ENDLESS} SELECT count(*) AS a, 1 AS b FROM c"), SQLITE, refusal="gives no row within 0.2 s",
         limits=Limits(silent_seconds=0.2)),
    Case("huge-value.db", database("CREATE VIEW t AS SELECT zeroblob(2000000) AS a, 1 AS b"), SQLITE, refusal="a value is longer than 1 MiB",
         limits=Limits(value_bytes=1 << 20)),
    Case("calls.db", database("CREATE VIEW t AS SELECT load_extension('/x') AS a, 1 AS b"), SQLITE, refusal="not a whole SQLite database"),
    # Parquet
    Case("plain.parquet", parquet({"a": ["1", "x"], "b": [2.5, None]}), PARQUET, rows=2, cells=CELLS),
    Case("no-rows.parquet", parquet(pa.table({"a": pa.array([], pa.string()), "b": pa.array([], pa.int64())})), PARQUET),
    Case("types.parquet", parquet({"a": [date(2024, 5, 1)], "b": pa.array([datetime(2024, 5, 1)], pa.timestamp("ms", "UTC"))}), PARQUET, rows=1,
         cells={"a": ["2024-05-01"], "b": ["2024-05-01T00:00:00.000Z"]}),
    Case("int96.parquet", parquet({"a": pa.array([datetime(9999, 12, 31), datetime(2024, 5, 1)], pa.timestamp("us")), "b": [1, 2]},
                                  use_deprecated_int96_timestamps=True), PARQUET, rows=2,
         cells={"a": ["9999-12-31T00:00:00.000000", "2024-05-01T00:00:00.000000"]}),
    Case("nested.parquet", parquet({"a": [[1, None]], "b": [{"k": "é"}]}), PARQUET, rows=1, cells={"a": ["[1,null]"], "b": ['{"k":"é"}']}),
    Case("dictionary.parquet", parquet({"a": pa.array(["x", None, "x"]).dictionary_encode(), "b": [1, 2, 3]}), PARQUET, rows=3,
         cells={"a": ["x", None, "x"]}),
    Case("binary.parquet", parquet({"a": [b"\x00\xff"], "b": [1]}), PARQUET, rows=1, cells={"a": ["00ff"]}),
    Case("not-utf8.parquet", parquet({"a": pa.array([b"x", b"\xff"]).view(pa.string()), "b": [1, 2]}), PARQUET, rows=2, broken={2: "not utf-8"}),
    Case("groups.parquet", parquet({"a": range(100), "b": range(100)}, row_group_size=7), PARQUET, rows=100),
    Case("repeated.parquet", parquet(pa.Table.from_arrays([pa.array([1]), pa.array([2]), pa.array([3])], ["a", "b", "a"])), PARQUET, ("a", "a_2"),
         rows=1, cells={"a": ["1"], "a_2": ["3"]}),
    Case("widened.parquet", parquet({"a": pa.array(["x" * 100_000] * 400).dictionary_encode(), "b": range(400)}), PARQUET, rows=400,
         limits=Limits(batch_bytes=1 << 20)),
    Case("no-column.parquet", parquet({"a": [1]}), PARQUET, refusal="its header lacks b; it has a"),
    Case("too-many.parquet", parquet({"a": [1] * 200, "b": [1] * 200}), PARQUET, refusal="200 rows and at most 100", limits=Limits(rows=100)),
    Case("too-large.parquet", parquet({"a": [str(i) * 20 for i in range(9000)], "b": range(9000)}), PARQUET, refusal="unpacked it has",
         limits=Limits(unpacked_bytes=1 << 16)),
    Case("empty.parquet", b"", PARQUET, refusal="not a whole Parquet file"),
    Case("csv.parquet", b"a,b\n1,2\n", PARQUET, refusal="not a whole Parquet file"),
    Case("cut.parquet", b"PAR1" + b"\0" * 60 + b"PAR1", PARQUET, refusal="not a whole Parquet file"),
    Case("zip.parquet", b"PK\x03\x04", PARQUET, refusal="not a whole Parquet file but a ZIP archive"),
    # Excel
    Case("plain.xlsx", GOOD, EXCEL, rows=2, cells=CELLS),
    Case("merged.xlsx", MERGED, EXCEL, rows=4, cells={"a": ["p", "p", "p", "q"]}),
    Case("header-lower.xlsx", LATE, Dialect("excel", header_row=3), rows=1),
    Case("header-moves.xlsx", LATE, Dialect("excel", header_within=5), rows=1, cells={"a": ["1"]}),
    Case("header-too-far.xlsx", LATE, Dialect("excel", header_within=1), refusal="none of rows 1 to 2 of sheet 'Sheet' has all of"),
    Case("header-repeats.xlsx", _workbook(["a", "b"], [1, 2], ["a", "b"], [3, 4], ["b", "a"], [6, 5]), Dialect("excel", repeats_header=True), rows=3,
         cells={"a": ["1", "3", "5"]}),
    Case("repeated.xlsx", _workbook(["a", "b", "a"], [1, 2, 3]), EXCEL, ("a_2",), rows=1, cells={"a_2": ["3"]}),
    Case("too-wide.xlsx", _workbook(["a", "b"], [1, 2, 3]), EXCEL, rows=1, broken={2: "3 cells where the header has 2"}),
    Case("sheet.xlsx", _workbook(["a", "b"], [1, 2], sheet="März"), Dialect("excel", sheet="März"), rows=1),
    Case("no-sheet.xlsx", GOOD, Dialect("excel", sheet="x"), refusal="it has no sheet 'x'; it has Sheet"),
    Case("no-column.xlsx", _workbook(["a", "c"]), EXCEL, refusal="its header lacks b; it has a, c"),
    Case("no-header.xlsx", _workbook(), EXCEL, refusal="no header at row 1"),
    Case("names-given.xlsx", _workbook([1, 2]), Dialect("excel", header_row=0, names=("b", "a")), rows=1, cells={"a": ["2"]}),
    Case("formulas.xlsx", _workbook(["a", "b"], [1, "=A2*2"], ["=1", "=A3"]), EXCEL, rows=2, cells={"a": ["1", None], "b": [None, None]},
         note="formulas without value in b: 2 (B2, B3)"),
    Case("formula-empty-text.xlsx", _sheet('<row r="2"><c r="A2"><v>1</v></c><c r="B2" t="str"><f>""</f><v></v></c></row>'), EXCEL, rows=1),
    Case("errors.xlsx", _workbook(["a", "b"], ["#DIV/0!", "#N/A"]), EXCEL, rows=1, cells={"a": ["#DIV/0!"]}),
    Case("last-row.xlsx", _sheet('<row r="1048576"><c r="A1048576"><v>7</v></c></row>'), EXCEL, rows=1, cells={"a": ["7"]}),
    Case("row-beyond.xlsx", _sheet('<row r="999999999"><c r="A999999999"><v>7</v></c></row>'), EXCEL, refusal=f"Excel ends at 1048576; {SAVE}"),
    Case("column-beyond.xlsx", _sheet('<row r="2"><c r="XFE2"><v>7</v></c></row>'), EXCEL, refusal="a cell beyond column XFD"),
    Case("row-twice.xlsx", _sheet('<row r="2"><c r="A2"><v>7</v></c></row>' * 2), EXCEL, refusal="row 2 after row 2"),
    Case("far-cells.xlsx", _sheet("".join(f'<row r="{i}"><c r="XFD{i}"><v>1</v></c></row>' for i in range(2, 60))), EXCEL,
         refusal="more than 500000 cells", limits=Limits(sheet_cells=500_000)),
    Case("one-row.xlsx", _sheet('<row r="2">' + '<c r="A2" s="0"/>' * 30_000 + "</row>"), EXCEL, refusal="takes more than 65536 bytes", limits=Limits(line_bytes=1 << 16)),
    Case("bomb.xlsx", _sheet(" " * 3_000_000), EXCEL, refusal="and at most 1 MiB are read", limits=Limits(workbook_bytes=1 << 20)),
    Case("many-strings.xlsx", _changed(GOOD, shared=b"<sst>" + b"<si/>" * 300_000 + b"</sst>"), EXCEL, refusal="sharedStrings.xml has",
         limits=Limits(shared_strings_bytes=1 << 20)),
    Case("entities.xlsx", _sheet("", '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaa">]>'), EXCEL, refusal="declares a document type"),
    Case("encrypted-part.xlsx", _encrypted(GOOD), EXCEL, refusal="is encrypted; save the workbook without a password"),
    Case("no-workbook.xlsx", _changed(GOOD, workbook=None), EXCEL, refusal="not a whole Excel .xlsx workbook"),
    Case("binary-workbook.xlsx", _changed(GOOD, workbook=None, bin=b"x"), EXCEL, refusal="an .xlsb workbook; save it as .xlsx"),
    Case("not-xml.xlsx", _changed(GOOD, sheet=b"not XML"), EXCEL, refusal="not a whole Excel .xlsx workbook"),
    Case("cut.xlsx", GOOD[: len(GOOD) // 2], EXCEL, refusal="not a whole Excel .xlsx workbook"),
    Case("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, EXCEL, refusal="an old .xls workbook, or one with a password: save it as .xlsx"),
    Case("csv.xlsx", b"a,b\n1,2\n", EXCEL, refusal="not a whole Excel .xlsx workbook"),
    Case("page.xls", b"<html><table>", EXCEL, refusal="but an HTML page"),
    Case("empty.xlsx", b"", EXCEL, refusal="not a whole Excel .xlsx workbook"),
    # gzip
    Case("plain.csv.gz", gzip.compress(b"a,b\n1,2.5\nx,\n"), Dialect("csv"), rows=2, cells=CELLS),
    Case("plain.jsonl.gz", gzip.compress(b'{"a":1,"b":2.5}\n{"a":"x"}\n'), Dialect("jsonl"), rows=2, cells=CELLS),
    Case("plain.xlsx.gz", gzip.compress(GOOD), EXCEL, rows=2, cells=CELLS),
    Case("two-members.csv.gz", gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n"), Dialect("csv"), rows=2),
    Case("cut.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 999)[:-9], Dialect("csv"), refusal="its gzip is damaged or cut short"),
    Case("flipped.csv.gz", gzip.compress(b"a,b\n1,2\n" * 999).replace(b"\x00\xff", b"\xff\x00")[:20] + b"\xff" * 30, Dialect("csv"),
         refusal="its gzip is damaged or cut short"),
    Case("empty.csv.gz", b"", Dialect("csv"), refusal="its gzip is damaged or cut short"),
    Case("not-gzip.csv.gz", b"a,b\n1,2\n", Dialect("csv"), refusal="its gzip is damaged or cut short"),
    Case("zip.csv.gz", b"PK\x03\x04rest", Dialect("csv"), refusal="its name ends in .gz, but it is a ZIP archive"),
    Case("tar.csv.gz", gzip.compress(b"x" * 257 + b"ustar" + b"\0" * 300), Dialect("csv"), refusal="a tar archive: unpack it"),
    Case("xlsx-inside.csv.gz", gzip.compress(GOOD), Dialect("csv"), refusal="it is not CSV but a ZIP archive"),
    Case("zstd.jsonl.gz", b"\x28\xb5\x2f\xfdrest", Dialect("jsonl"), refusal="packed with zstd"),
    *(Case(f"bomb.{form}.gz", gzip.compress(unit * 500_000, 1), Dialect(form, table="t"), refusal="unpacked it is larger than 1 MiB",  # type: ignore[arg-type]
           limits=Limits(unpacked_bytes=1 << 20))
      for form, unit in (("csv", b"a,b\n"), ("jsonl", b'{"a":1}\n'), ("sqlite", b"\0\0\0\0"), ("parquet", b"\0\0\0\0"), ("excel", b"\0\0\0\0"))),
)  # fmt: skip
