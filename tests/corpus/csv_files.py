"""CSV: separators, quotes, encodings, headers, lines that don't fit."""

import gzip

from lake.source import Dialect
from pipelines.parse import Limits
from tests.corpus.case import Case

CSV, SEMICOLON = Dialect("csv"), Dialect("csv", separator=";")
NOT_DOUBLED = "text after a closing quote"
NEVER_CLOSED = "a quote is opened and never closed"


def _encoded(encoding: str, text: str = "a,b\né,ü\nà,ß\n") -> Case:
    cells: dict[str, list[str | None]] = {"a": ["é", "à"], "b": ["ü", "ß"]}
    return Case(f"in-{encoding}.csv", text.encode(encoding), Dialect("csv", encoding=encoding), rows=2, cells=cells)


CASES = (
    Case("plain.csv", b"a,b\n1,2\n3,4\n", CSV, rows=2, cells={"a": ["1", "3"]}),
    Case("no-end.csv", b"a,b\n1,2", CSV, rows=1),
    Case("header-only.csv", b"a,b\n", CSV),
    Case("header-only-no-end.csv", b"a,b", CSV),
    Case("windows-lines.csv", b"a,b\r\n1,2\r\n", CSV, rows=1, cells={"b": ["2"]}),
    Case("mac-lines.csv", b"a,b\r1,2\r3,4\r", CSV, rows=2, cells={"b": ["2", "4"]}),
    Case("mixed-lines.csv", b"a,b\n1,2\r\n3,4\r5,6\n", CSV, rows=3, cells={"b": ["2", "4", "6"]}),
    Case("blank-lines.csv", b"a,b\n\n1,2\n   \n3,4\n\n\n", CSV, rows=2),
    Case("empty-cells.csv", b"a,b\n,\n,\n", CSV, rows=2, cells={"a": [None, None]}),
    Case("bom.csv", b"\xef\xbb\xbfa,b\n1,2\n", CSV, rows=1),
    Case("bom-quoted.csv", b'\xef\xbb\xbf"a","b"\n1,2\n', CSV, rows=1),
    Case("quoted.csv", b'"a","b"\n"1","2,5"\n', CSV, rows=1, cells={"b": ["2,5"]}),
    Case("quoted-break.csv", b'a,b\n"1\n2",3\n4,5\n', CSV, rows=2, cells={"a": ["1\n2", "4"]}),
    Case("doubled.csv", b'a,b\n"1/2"" x",2\n', CSV, rows=1, cells={"a": ['1/2" x']}),
    Case("inch.csv", b'a,b\n1/2" x,3"\n', CSV, rows=1, cells={"b": ['3"']}),
    Case("not-doubled.csv", b'a,b\n"1/2" x",2\n3,4\n', CSV, rows=2, broken={2: NOT_DOUBLED}),
    Case("never-closed.csv", b'a,b\n1,"x\n2,y\n', CSV, rows=2, broken={2: NEVER_CLOSED}, cells={"b": ["y"]}),
    Case("closed-later.csv", b'a,b\n1,"x\n2,y\n3,"z"\n', CSV, rows=3, broken={2: NOT_DOUBLED}),
    Case("no-quotes.csv", b'a,b\n"1,2\n', Dialect("csv", quote=""), rows=1, cells={"a": ['"1']}),
    Case("single-quotes.csv", b"a,b\n'1,5',2\n", Dialect("csv", quote="'"), rows=1, cells={"a": ["1,5"]}),
    Case("semicolons.csv", b"a;b\n1,5;2\n", SEMICOLON, rows=1, cells={"a": ["1,5"]}),
    Case("tabs.csv", b"a\tb\n1\t2\n\t\n", Dialect("csv", separator="\t"), rows=2, cells={"a": ["1", None]}),
    Case("pipes.csv", b"a|b\n1|2\n", Dialect("csv", separator="|"), rows=1),
    Case("nulls.csv", b"a,b\nN/A,-\nx,y\n", Dialect("csv", null_values=("", "N/A", "-")), rows=2, cells={"a": [None, "x"]}),
    Case("few-cells.csv", b"a,b,c\n1\n1,2,3\n", CSV, rows=2, broken={2: "1 cell where the header has 3"}),
    Case("many-cells.csv", b"a,b\n1,2,3\n1,2\n", CSV, rows=2, broken={2: "3 cells where the header has 2"}),
    Case("separator-at-some-ends.csv", b"a,b\n1,2,\n3,4\n5,6,,\n", CSV, rows=3, cells={"b": ["2", "4", "6"]}),
    Case("separator-at-all-ends.csv", b"a,b\n1,2,\n3,4,\n", CSV, rows=2, cells={"b": ["2", "4"]}),
    Case("separator-at-header-end.csv", b"a,b,\n1,2\n3,4,\n5,6,x\n", CSV, rows=3, cells={"b": ["2", "4", "6"]}),
    Case("separator-at-header-end-only.csv", b"a,b,\n1,2\n3,4\n", CSV, rows=2, cells={"b": ["2", "4"]}),
    Case("blank-beyond-header.csv", b"a,b\n1,2,  \n", CSV, rows=1),
    Case("text-beyond-empty.csv", b"a,b\n1,2,,x\n", CSV, rows=1, broken={2: "4 cells where the header has 2"}),
    Case("two-nameless-at-end.csv", b"a,b,,\n1,2\n3\n", CSV, rows=2, broken={3: "1 cell where the header has 4"}),
    Case("nameless-in-between.csv", b"a,,b\n1,x,2\n", CSV, ("a", "b", "column_2"), rows=1, cells={"column_2": ["x"]}),
    Case("repeated.csv", b"a,b,a\n1,2,3\n", CSV, ("a", "a_2"), rows=1, cells={"a": ["1"], "a_2": ["3"]}),
    Case("repeated-thrice.csv", b"a,a,a,b\n1,2,3,4\n", CSV, ("a_3", "b"), rows=1, cells={"a_3": ["3"]}),
    Case("repeated-number-taken.csv", b"a,a_2,a\n1,2,3\n", CSV, ("a_2", "a_3"), rows=1, cells={"a_2": ["2"], "a_3": ["3"]}),
    Case("header-lower.csv", b"title\n\na,b\n1,2\n", Dialect("csv", header_row=3), rows=1),
    Case("header-stray-quote-above.csv", b'Export "x\na,b\n1,2\n', Dialect("csv", header_row=2), rows=1),
    Case("header-moves-down.csv", b"Export\nof today\na,b\n1,2\n", Dialect("csv", header_within=10), rows=1),
    Case(
        "header-too-far.csv", b"x\n" * 20 + b"a,b\n1,2\n", Dialect("csv", header_within=10), refusal="none of its lines 1 to 11 has all of"
    ),
    Case("header-repeats.csv", b"a,b\n1,2\na,b\n3,4\n", Dialect("csv", repeats_header=True), rows=2, cells={"a": ["1", "3"]}),
    Case("header-repeats-moved.csv", b"a,b\n1,2\nb,a\n3,4\n", Dialect("csv", repeats_header=True), rows=2, cells={"a": ["1", "4"]}),
    Case("header-repeats-wider.csv", b"a,b\n1,2\nc,b,a\n0,3,4\n", Dialect("csv", repeats_header=True), rows=2, cells={"a": ["1", "4"]}),
    Case("header-repeats-undeclared.csv", b"a,b\n1,2\na,b\n3,4\n", CSV, rows=3, cells={"a": ["1", "a", "3"]}),
    Case("comments.csv", b"# made today\na,b\n1,2\n# half\n3,4\n", Dialect("csv", comment="#"), rows=2, cells={"a": ["1", "3"]}),
    Case("comment-in-cell.csv", b'a,b\n"1\n#x",2\n#y\n3,#4\n', Dialect("csv", comment="#"), rows=2, cells={"a": ["1\n#x", "3"]}),
    Case("comments-undeclared.csv", b"a,b\n# c\n1,2\n", CSV, rows=2, broken={2: "1 cell"}),
    Case("names-given.csv", b"1,2\n3,4\n", Dialect("csv", header_row=0, names=("b", "a")), rows=2, cells={"a": ["2", "4"]}),
    Case("names-given-end.csv", b"1,2,\n3,4\n", Dialect("csv", header_row=0, names=("a", "b")), rows=2),
    Case("one-column.csv", b'a\nx\n\n""\ny\n', CSV, ("a",), rows=3, cells={"a": ["x", None, "y"]}),
    Case("only-unknown-columns.csv", b"x,y\n1,2\n", CSV, (), rows=1),
    Case("nul-in-cell.csv", b"a,b\nx\0y,2\n", CSV, rows=1, cells={"a": ["x\0y"]}),
    Case("line-separator-in-cell.csv", "a,b\nx\u2028y,2\n".encode(), CSV, rows=1, cells={"a": ["x\u2028y"]}),
    Case("narrow-blank.csv", "a,b\n131\u202f207,2\n".encode(), CSV, rows=1, cells={"a": ["131\u202f207"]}),
    Case("twice-encoded-name.csv", "Â°C,b\n1,2\n".encode(), CSV, ("°C", "b"), rows=1, cells={"°C": ["1"]}),
    Case("twice-encoded-beside-right.csv", "°C,Â°C\n1,2\n".encode(), CSV, ("°C",), rows=1, cells={"°C": ["1"]}),
    Case("formula-text.csv", b"a,b\n=1+1,@x\n", CSV, rows=1, cells={"a": ["=1+1"]}),
    Case("long-cell.csv", b"a,b\n" + b"x" * 300_000 + b",2\n", CSV, rows=1),
    Case(
        "thousand-columns.csv", b",".join(b"c%d" % i for i in range(1000)) + b"\n" + b",".join([b"1"] * 1000) + b"\n", CSV, ("c7",), rows=1
    ),
    *(
        _encoded(e)
        for e in ("utf-8", "utf-8-sig", "cp1252", "latin-1", "iso8859-15", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp850")
    ),
    _encoded("mac-roman"),
    Case("cp1252-as-utf8.csv", "a,b\né,2\nx,3\n".encode("cp1252"), CSV, rows=2, broken={2: "not utf-8; cp1252 fits"}),
    Case("cp1252-name-as-utf8.csv", "é,b\n1,2\n".encode("cp1252"), CSV, ("é",), refusal="write `encoding: cp1252`"),
    Case(
        "utf8-as-cp1252.csv",
        "a,b\né,2\n".encode(),
        Dialect("csv", encoding="cp1252"),
        refusal="its bytes are UTF-8; write `encoding: utf-8`",
    ),
    Case("utf8-as-latin1.csv", "a,b\né,2\n".encode(), Dialect("csv", encoding="latin-1"), refusal="its bytes are UTF-8"),
    Case("utf8-name-as-cp1252.csv", "é,b\n1,2\n".encode(), Dialect("csv", encoding="cp1252"), ("è",), refusal="its bytes are UTF-8"),
    Case("ascii-as-cp1252.csv", b"a,b\n1,2\n", Dialect("csv", encoding="cp1252"), rows=1),
    Case("utf8-as-ascii.csv", "a,b\né,2\nx,3\n".encode(), Dialect("csv", encoding="ascii"), rows=2, broken={2: "not ascii"}),
    Case("half-cp1252.csv", b"a,b\n\x81,2\n\xe9,3\n", Dialect("csv", encoding="cp1252"), rows=2, broken={2: "not cp1252"}),
    Case("utf16-as-utf8.csv", "a,b\n1,2\n".encode("utf-16"), CSV, refusal="its bytes are utf-16; write `encoding: utf-16`"),
    Case("utf16le-as-utf8.csv", "a,b\n1,2\n".encode("utf-16-le"), CSV, refusal="its bytes are utf-16-le"),
    Case("utf16be-as-cp1252.csv", "a,b\n1,2\n".encode("utf-16-be"), Dialect("csv", encoding="cp1252"), refusal="its bytes are utf-16-be"),
    Case("utf8-as-utf16.csv", b"a,b\n1,2\n", Dialect("csv", encoding="utf-16"), refusal="it is not utf-16"),
    Case("no-encoding.csv", b"a,b\n", Dialect("csv", encoding="klingon"), refusal="names the encoding 'klingon'"),
    Case("empty.csv", b"", CSV, refusal="no header at line 1"),
    Case("blank.csv", b"\n\n", CSV, refusal="no header at line 1"),
    Case("short.csv", b"a,b\n", Dialect("csv", header_row=5), refusal="no header at line 5"),
    Case("column-gone.csv", b"a,c\n1,2\n", CSV, refusal="its header lacks b; it has a, c"),
    Case("other-separator.csv", b"a;b\n1;2\n", CSV, refusal="seem to be separated by ';'"),
    Case("header-broken.csv", b'"a,b\n1,2\n', CSV, refusal="its header at line 1 can't be read"),
    Case("control-characters.csv", b"\x1b[2Jx,y\n1,2\n", CSV, refusal=r"it has \x1b[2Jx, y"),
    Case("random.csv", bytes((i * 7 + i // 3) % 256 for i in range(5000)), CSV, refusal="it holds binary data, not text"),
    Case("zip.csv", b"PK\x03\x04" + b"\0" * 50, CSV, refusal="it is not CSV but a ZIP archive"),
    Case("gzip.csv", gzip.compress(b"a,b\n"), CSV, refusal="give its name the ending .gz"),
    Case("pdf.csv", b"%PDF-1.7\n", CSV, refusal="it is not CSV but a PDF"),
    Case("page.csv", b"\n<!DOCTYPE html><html>", CSV, refusal="an HTML page, perhaps of a failed login"),
    Case("xls.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", CSV, refusal="save it as .xlsx"),
    Case("secret.csv", b"-----BEGIN PRIVATE KEY-----" + b"A" * 500 + b"\n", CSV, refusal="AAAA…: fix the file"),
    Case(
        "20000-columns.csv",
        b",".join(b"c%d" % i for i in range(20_000)) + b"\n",
        CSV,
        ("c7",),
        refusal="has 20000 columns and at most 10000",
    ),
    Case("one-line.csv", b"a,b\n" + b"x" * 70_000, CSV, refusal="a line of more than 65536 bytes", limits=Limits(line_bytes=1 << 16)),
    Case("one-record.csv", b'a,b\n"' + b'x\n","' * 30_000, CSV, refusal="record at line 2 is longer", limits=Limits(line_bytes=1 << 16)),
    Case("too-many-rows.csv", b"a,b\n" + b"1,2\n" * 101, CSV, refusal="more than 100 rows", limits=Limits(rows=100)),
    Case(
        "too-much-text.csv", b"a,b\n" + b"123456789,2\n" * 50_000, CSV, refusal="more than 1 MiB of text", limits=Limits(text_bytes=1 << 20)
    ),
)
