"""What a landed file becomes: every row once, as the source wrote it, with the place where a person finds it."""

import csv
import gzip
import io
import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from pathlib import Path
from time import perf_counter
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.source import Dialect
from pipelines.parse import LIMITS, RefusedFile, parse, schema
from pipelines.parse.header import check_header, distinct

Rows = list[dict[str, Any]]
Read = Callable[..., Rows]

CSV = Dialect("csv")
JSONL = Dialect("jsonl")
HERE = ("a", "b")


def rows_of(path: Path, dialect: Dialect, columns: tuple[str, ...] = HERE, batch_rows: int = 50_000) -> Rows:
    batches = list(parse(path, dialect, columns, batch_rows))
    assert all(batch.schema == schema(columns) and 0 < batch.num_rows <= batch_rows for batch in batches)
    return [row for batch in batches for row in batch.to_pylist()]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Rows of a file with this content."""

    def read(content: str | bytes, dialect: Dialect, columns: tuple[str, ...] = HERE, name: str = "file") -> Rows:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return rows_of(path, dialect, columns)

    return read


def told(rows: Rows) -> list[tuple[int, Any, Any, str | None]]:
    """(line, a, b or the raw text, reason) of each row."""
    return [(row["_row"], row["a"], row["_raw"] if row["_broken"] else row["b"], row["_broken"]) for row in rows]


def test_schema() -> None:
    assert schema(("a", "b")).names == ["a", "b", "_rescued", "_row", "_broken", "_raw"]
    assert schema(("a",)).field("_row").type == pa.int64()


# CSV: (what it shows, dialect, content, rows as (line, a, b or raw text, reason))
NOT_DOUBLED = "text after a closing quote: quotes inside a quoted cell must be doubled"
CASES: list[tuple[str, Dialect, str | bytes, list[tuple[int, Any, Any, str | None]]]] = [
    ("rows are numbered by line", CSV, "a,b\n1,2\n3,4\n", [(2, "1", "2", None), (3, "3", "4", None)]),
    ("the last line may lack its end", CSV, "a,b\n1,2", [(2, "1", "2", None)]),
    ("header only", CSV, "a,b\n", []),
    ("Windows line ends", CSV, "a,b\r\n1,2\r\n", [(2, "1", "2", None)]),
    ("old Mac line ends", CSV, "a,b\r1,2\r3,4\r", [(2, "1", "2", None), (3, "3", "4", None)]),
    ("blank lines are no rows", CSV, "a,b\n\n1,2\n  \n3,4\n\n", [(3, "1", "2", None), (5, "3", "4", None)]),
    ("a row of empty cells is a row", CSV, "a,b\n,\n", [(2, None, None, None)]),
    ("cells are not stripped", CSV, "a,b\n 1 ,2\n", [(2, " 1 ", "2", None)]),
    ("header names are", CSV, "\ufeffa , b\n1,2\n", [(2, "1", "2", None)]),
    ("a byte order mark and a quoted header", CSV, '\ufeff"a","b"\n1,2\n', [(2, "1", "2", None)]),
    ("nulls are compared stripped", Dialect("csv", null_values=("", "N/A")), "a,b\n N/A,x\n", [(2, None, "x", None)]),
    ("without null values", Dialect("csv", null_values=()), "a,b\n,x\n", [(2, "", "x", None)]),
    ("separator", Dialect("csv", separator=";"), "a;b\n1,5;2\n", [(2, "1,5", "2", None)]),
    ("tab", Dialect("csv", separator="\t"), "a\tb\n\t\n1\t2\n", [(2, None, None, None), (3, "1", "2", None)]),
    ("a quote of its own", Dialect("csv", quote="'"), "a,b\n'1,5',\"\n", [(2, "1,5", '"', None)]),
    ("no quote at all", Dialect("csv", quote=""), 'a,b\n"1,2\n', [(2, '"1', "2", None)]),
    ("lines before the header", Dialect("csv", header_row=3), 'Export "x\n\na,b\n1,2\n', [(4, "1", "2", None)]),
    ("no header", Dialect("csv", header_row=0, names=("b", "a")), "1,2\n", [(1, "2", "1", None)]),
    ("no header, empty", Dialect("csv", header_row=0, names=("b", "a")), "", []),
    ("latin-1", Dialect("csv", encoding="latin-1"), "a,b\né,2\n".encode("latin-1"), [(2, "é", "2", None)]),
    ("cp1252", Dialect("csv", encoding="cp1252"), "a,b\n€,2\n".encode("cp1252"), [(2, "€", "2", None)]),
    ("utf-16", Dialect("csv", encoding="utf-16"), "a,b\né,2\n".encode("utf-16"), [(2, "é", "2", None)]),
    ("inch marks", CSV, 'a,b\nTuyau 1/2" inox,3"\n', [(2, 'Tuyau 1/2" inox', '3"', None)]),
    ("doubled quotes", CSV, 'a,b\n"1/2"" inox",2\n', [(2, '1/2" inox', "2", None)]),
    (
        "line breaks inside cells don't shift line numbers",
        CSV,
        'a,b\n"1\n\n1",2\n3,4\n"5\r\n5",6\n7,8\n',
        [(2, "1\n\n1", "2", None), (5, "3", "4", None), (6, "5\r\n5", "6", None), (8, "7", "8", None)],
    ),
    (
        "too few or too many cells",
        CSV,
        "a,b\n1\n2,2\n3,3,3\n",
        [
            (2, None, "1", "1 cell where the header has 2"),
            (3, "2", "2", None),
            (4, None, "3,3,3", "3 cells where the header has 2"),
        ],
    ),
    (
        "too few cells over two lines",
        CSV,
        'a,b\n"x\ny"\n1,2\n',
        [(2, None, '"x\ny"', "1 cell where the header has 2"), (4, "1", "2", None)],
    ),
    (
        "a quote never closed breaks its line only",
        CSV,
        'a,b\n1,"x\n2,y\n3,z\n',
        [(2, None, '1,"x', "a quote is opened and never closed"), (3, "2", "y", None), (4, "3", "z", None)],
    ),
    (
        "a quote closed by that of a later line does too",
        CSV,
        'a,b\n1,"x\n2,y\n3,"z"\n4,w\n',
        [(2, None, '1,"x', NOT_DOUBLED), (3, "2", "y", None), (4, "3", "z", None), (5, "4", "w", None)],
    ),
    ("quotes not doubled", CSV, 'a,b\n"1/2" inox",2\n', [(2, None, '"1/2" inox",2', NOT_DOUBLED)]),
    (
        "bytes that are not of the encoding",
        CSV,
        b"a,b\n1,2\n\xff,caf\xe9\n3,4\n",
        [(2, "1", "2", None), (3, None, "\ufffd,caf\ufffd", "not utf-8; cp1252 fits"), (4, "3", "4", None)],
    ),
    (
        "the replacement character is a character",
        CSV,
        "a,b\n\ufffd,2\n",
        [(2, "\ufffd", "2", None)],
    ),
]


@pytest.mark.parametrize(("dialect", "content", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_csv(read: Read, dialect: Dialect, content: str | bytes, expected: Any) -> None:
    assert told(read(content, dialect)) == expected


def test_unknown_columns_are_rescued_as_text(read: Read) -> None:
    (row,) = read('z,a,b,100%,\n1.50,x,y,"say ""é""",\n', CSV)
    assert (row["a"], row["b"]) == ("x", "y")
    assert row["_rescued"] == '{"100%":"say \\"é\\"","column_5":"","z":"1.50"}'


def test_unknown_columns_read_fast_and_slowly_are_rescued_alike(read: Read) -> None:
    (fast,), (slow,) = read("z,a,b\n1,x,y\n", CSV), read('z,a,b\n"1",x,y\n', CSV)
    assert fast == slow


@pytest.mark.parametrize("written", ["T [°C]", "T [Â°C]"])
def test_a_column_name_that_was_encoded_twice_is_found_under_its_right_name(read: Read, written: str) -> None:
    (row,) = read(f"{written},Ã©\n1,2\n", CSV, ("T [°C]",))
    assert (row["T [°C]"], row["_rescued"]) == ("1", '{"Ã©":"2"}'), "a name that nobody asked for stays as it is"


@pytest.mark.parametrize(
    ("content", "columns", "message"),
    [
        ("Â°,b\n1,2\n", ("Â°", "b"), ""),
        ("°,Â°\n1,2\n", ("°",), ""),
        ("Â€,b\n1,2\n", ("a",), "its header lacks a; it has Â€, b"),
    ],
)
def test_a_name_is_corrected_only_where_the_mapping_asks_for_it(read: Read, content: str, columns: tuple[str, ...], message: str) -> None:
    if message:
        with pytest.raises(RefusedFile, match=message):
            read(content, CSV, columns)
    else:
        assert read(content, CSV, columns)[0][columns[0]] == "1"


def test_bad_bytes_in_an_unknown_column_break_the_row(read: Read) -> None:
    (row,) = read(b"a,b,z\n1,2,\xe9\n", CSV)
    assert row == dict.fromkeys(row) | {"_row": 2, "_broken": "not utf-8; cp1252 fits", "_raw": "1,2,\ufffd"}


def test_raw_text_of_a_quote_never_closed_is_bounded(read: Read) -> None:
    (row,) = read('a,b\n1,"' + "x" * 50_000, CSV)
    assert len(row["_raw"]) == 10_000


def test_one_column_of_empty_cells(read: Read) -> None:
    rows = read('a\n""\n\nx\n', CSV, ("a",))
    assert [(row["_row"], row["a"]) for row in rows] == [(2, None), (4, "x")]


@pytest.mark.parametrize("batch_rows", [1, 2, 3, 7])
def test_batches_cut_anywhere_give_the_same_rows(tmp_path: Path, batch_rows: int) -> None:
    (tmp_path / "f").write_text('a,b\n1,2\n"x\ny\nz",2\n\n3,"open\n4,5\n6\n7,8\n')
    assert rows_of(tmp_path / "f", CSV, HERE, batch_rows) == rows_of(tmp_path / "f", CSV)
    assert [row["_row"] for row in rows_of(tmp_path / "f", CSV)] == [2, 3, 7, 8, 9, 10]


@pytest.mark.parametrize(
    ("dialect", "content", "message"),
    [
        (CSV, "", "no header at line 1"),
        (CSV, "\n\na,b\n", "no header at line 1"),
        (Dialect("csv", header_row=4), "a,b\n1,2\n", "no header at line 4"),
        (CSV, "a,c,d\n1,2,3\n", "its header lacks b; it has a, c, d"),
        (CSV, '"a,b\n1,2\n', "its header at line 1 can't be read: a quote is opened and never closed"),
        (CSV, b"\x1f\x8b\x08\x00\xff", "it is not CSV but a gzip file: give its name the ending .gz"),
        (Dialect("csv", encoding="utf-16"), "a,b\n1,2\n", "it is not utf-16"),
        (Dialect("csv", encoding="klingon"), "a,b\n", "names the encoding 'klingon'"),
        (Dialect("csv", header_row=0, names=("x",)), "1\n", "lacks a, b; it has x"),
    ],
)
def test_csv_refused(read: Read, dialect: Dialect, content: str | bytes, message: str) -> None:
    with pytest.raises(RefusedFile, match=message):
        read(content, dialect)


ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
TRICKY_TEXT = st.text(st.sampled_from('",;\n\r\t a\x00\ufeff\u2028é'), max_size=8)


@settings(deadline=None, max_examples=300)
@given(
    rows=st.lists(st.tuples(*[ANY_TEXT | TRICKY_TEXT] * 3), max_size=8),
    separator=st.sampled_from(",;\t|"),
    line_end=st.sampled_from(["\n", "\r\n"]),
    batch_rows=st.integers(1, 5),
)
def test_csv_gives_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, ...]],
    separator: str,
    line_end: str,
    batch_rows: int,
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator=line_end).writerows([("a", "b", "c"), *rows])
    path = tmp_path_factory.getbasetemp() / "written.csv"
    path.write_bytes(text.getvalue().encode())
    dialect = Dialect("csv", separator=separator, null_values=())
    parsed = rows_of(path, dialect, ("a", "b", "c"), batch_rows)
    assert [(row["a"], row["b"], row["c"]) for row in parsed] == rows
    assert not any(row["_broken"] for row in parsed)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.lists(st.text(st.sampled_from('"" x\té\x00\u2028'), max_size=5), min_size=1, max_size=4), max_size=6))
def test_lines_without_quoted_cells_are_read_as_the_csv_module_reads_them(
    tmp_path_factory: pytest.TempPathFactory, cells: list[list[str]]
) -> None:
    """The fast path and the slow one agree: a quoted cell at the end makes the whole block slow."""
    path = tmp_path_factory.getbasetemp() / "plain.csv"
    lines = "a,b\n" + "".join(",".join(row) + "\n" for row in cells if not any(c.startswith('"') for c in row))
    path.write_text(lines)
    plain = rows_of(path, CSV)
    path.write_text(lines + '"x","y"\n')
    assert plain == rows_of(path, CSV)[:-1]


# JSON lines


def test_json_values_are_text_as_written(read: Read) -> None:
    lines = ['{"a":1.50,"b":"1.50"}', '{"a":-0,"b":1E5}', '{"a":true,"b":null}', '{"b":NaN,"a":false}', '{"a":""}',
             '{"a":{"x":[1.0,"1",null,true,-Infinity],"é":"\\u00e9\\""},"b":[]}', ' {"a":1,"a":2} ',
             '{"a":123456789012345678901234567890,"b":1e400}']  # fmt: skip
    assert told(read("\n".join(lines), JSONL)) == [
        (1, "1.50", "1.50", None),
        (2, "-0", "1E5", None),
        (3, "true", None, None),
        (4, "false", "NaN", None),
        (5, None, None, None),
        (6, '{"x":[1.0,"1",null,true,-Infinity],"é":"é\\""}', "[]", None),
        (7, "2", None, None),
        (8, "123456789012345678901234567890", "1e400", None),
    ]


def test_json_fields_that_are_unknown_are_rescued_as_the_same_text(read: Read) -> None:
    rows = read('{"z":1.50,"a":"x","c":null,"b":"y","d":{"k":[1.0]},"e":true}\n{"a":1,"b":2}\n', JSONL)
    assert [row["_rescued"] for row in rows] == ['{"c":null,"d":"{\\"k\\":[1.0]}","e":"true","z":"1.50"}', None]


def test_json_lines_that_are_broken_are_kept(read: Read) -> None:
    deep = '{"a":' + "[" * 100_000 + "]" * 100_000 + "}"
    too_deep_to_write = '{"z":' + "[" * 600 + "]" * 600 + ',"a":1}'
    lines = ['{"a":1}', "", '{"a":', "[1]", '{"a":1}{"a":2}', "null", deep, too_deep_to_write, '{"a":"\\ud800"}',
             '{"a":"x', '"a"', '{"a":2}']  # fmt: skip
    rows = read("\n".join(lines), JSONL)
    assert [(row["_row"], row["a"], row["_broken"]) for row in rows] == [
        (1, "1", None),
        (3, None, "not JSON: Expecting value at character 6"),
        (4, None, "not a JSON object"),
        (5, None, "text after the JSON value"),
        (6, None, "not a JSON object"),
        (7, None, "nested too deeply"),
        (8, None, "nested too deeply"),
        (9, None, "half a Unicode character"),
        (10, None, "not JSON: Unterminated string starting at at character 6"),
        (11, None, "not a JSON object"),
        (12, "2", None),
    ]
    assert [row["_raw"] for row in rows] == [lines[r["_row"] - 1] if r["_broken"] else None for r in rows]
    assert not any(row["_rescued"] for row in rows)


def test_json_bytes_that_are_not_utf8(read: Read) -> None:
    rows = read(b'\xef\xbb\xbf{"a":"1"}\r\n{"a":"\xff"}\r\n{"a":"3","z":"\xff"}\r\n', JSONL)
    assert [(row["a"], row["_broken"], row["_raw"]) for row in rows] == [
        ("1", None, None),
        (None, "not utf-8; cp1252 fits", '{"a":"\ufffd"}'),
        (None, "not utf-8; cp1252 fits", '{"a":"3","z":"\ufffd"}'),
    ]


def test_json_without_rows(read: Read) -> None:
    assert read("", JSONL) == read("\n \n", JSONL) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n", "not JSON lines: none of its lines is a JSON object .not JSON: Expecting value at character 1"),
        (b"\x1f\x8b\xff\x00\n\xff\xfe", "not JSON lines"),
        ('{"x":1,"y":2}\n{"z":1}\n[]\n', "none of its lines has any of a, b; they have x, y, z"),
    ],
)
def test_json_refused(tmp_path: Path, content: str | bytes, message: str) -> None:
    (tmp_path / "f").write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(RefusedFile, match=message):
        next(parse(tmp_path / "f", JSONL, HERE))


JSON_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None, max_examples=300)
@given(objects=st.lists(st.dictionaries(st.sampled_from("abcd"), JSON_VALUE), max_size=8), batch_rows=st.integers(1, 5))
def test_json_gives_back_what_was_written(tmp_path_factory: pytest.TempPathFactory, objects: Rows, batch_rows: int) -> None:
    def text(value: Any) -> str | None:
        if value is None or isinstance(value, str):
            return value
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    objects = [{"a": "x"}, *objects]
    path = tmp_path_factory.getbasetemp() / "written.jsonl"
    path.write_text("".join(json.dumps(fields) + "\n" for fields in objects))
    parsed = rows_of(path, Dialect("jsonl", null_values=()), HERE, batch_rows)
    assert [(row["a"], row["b"]) for row in parsed] == [(text(f.get("a")), text(f.get("b"))) for f in objects]
    unknown = [{name: text(value) for name, value in fields.items() if name not in HERE} for fields in objects]
    assert [json.loads(row["_rescued"] or "{}") for row in parsed] == unknown
    assert [row["_row"] for row in parsed] == list(range(1, len(objects) + 1))


PIECE = st.sampled_from([
    '"a":1', '"a":"1"', '"a":"x,y"', '"a":"\\u0041"', '"a":"\\""', '"a":null', '"a":true', '"a":-0.50E+3', '"a":01', '"a":1.', '"a":+1',
    '"a":NaN', '"a":[1]', '"a":{}', '"a": 1', '"a" :1', '"a":1 ', '"a":"é\x7f"', '"a":"\t"', '"a":"\udcff"', '"a":"\r"', '"a":null1',
    '"a":"1"2', '"A":1', "'a':1", '"a"', "1", "", "{", "}", '"b":2', '"b":""', '"b":"2"', '"c":"3"', '"c":null', '"c":3', '"\\u0061":1',
])  # fmt: skip
FLAT = st.sampled_from(['{"a":1,"b":2}', '{"a":1,"b":2,"c":3}', '{"b":"", "a": "x"}', '{"c":false,"a":"\ufeff"}'])
LINE = FLAT | st.lists(PIECE, max_size=4).map(lambda pieces: "{" + ",".join(pieces) + "}") | st.lists(PIECE, max_size=3).map(",".join)


@settings(deadline=None, max_examples=300)
@given(lines=st.lists(LINE, max_size=12), extra=FLAT | st.just(""))
def test_flat_json_is_read_as_the_json_module_reads_it(tmp_path_factory: pytest.TempPathFactory, lines: list[str], extra: str) -> None:
    """The fast path and the slow one agree: without a flat line among the first five all lines are read slowly."""
    path = tmp_path_factory.getbasetemp() / "flat.jsonl"

    def read(before: list[str]) -> list[dict[str, Any]]:
        path.write_bytes("\n".join([*before, '{"a":0}', *lines]).encode("utf-8", "surrogateescape"))
        return [{**row, "_row": row["_row"] - len(before)} for row in rows_of(path, JSONL)][sum(map(bool, before)) :]

    assert read([extra]) == read(["["] * 5)


def test_flat_json_beside_lines_that_are_not(read: Read) -> None:
    lines = ["{", '{"a":1.50,"b":"x","z":null,"y":7}', "", '{"a":2,"b":"x,y","z":1,"y":7}', '{"a":null,"b":"é","z":"q","y":1e5}',
             '{"b":3}']  # fmt: skip
    rows = read("\n".join(lines), JSONL)
    assert told(rows)[1:] == [(2, "1.50", "x", None), (4, "2", "x,y", None), (5, None, "é", None), (6, None, "3", None)]
    assert rows[0]["_raw"] == "{"
    assert [row["_rescued"] for row in rows] == [None, '{"y":"7","z":null}', '{"y":"7","z":"1"}', '{"y":"1e5","z":"q"}', None]


# Gzip


@pytest.mark.parametrize(("dialect", "content"), [(CSV, b"a,b\n1,2\n"), (JSONL, b'{"a":1,"b":2}\n')])
def test_gzip(read: Read, dialect: Dialect, content: bytes) -> None:
    assert read(gzip.compress(content), dialect, name="f.gz") == read(content, dialect)


@pytest.mark.parametrize("format", ["csv", "jsonl", "sqlite", "parquet", "excel"])
@pytest.mark.parametrize("damage", ["not gzip", "cut short", "empty", "flipped"])
def test_damaged_gzip_is_refused(read: Read, format: Any, damage: str) -> None:
    whole = gzip.compress(b'{"a":1,"b":2}\n' * 1000 if format == "jsonl" else b"a,b\n1,2\n" * 1000)
    content = {
        "not gzip": b"a,b\n",
        "cut short": whole[:-10],
        "empty": b"",
        "flipped": whole[:20] + b"\xff\xff\xff" + whole[23:],
    }[damage]
    with pytest.raises(RefusedFile, match="gzip is damaged or cut short"):
        read(content, Dialect(format), name="f.GZ")


# SQLite


def database(path: Path, *statements: str) -> bytes:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return path.read_bytes()


def test_sqlite(tmp_path: Path) -> None:
    database(
        tmp_path / "a b?#%.db",
        'CREATE TABLE "t ""x" (a, b, z)',
        "INSERT INTO \"t \"\"x\" (rowid, a, b, z) VALUES (7, 1, 1.5, x'00ff'), (3, 'é', NULL, NULL), (9, 1e300, '', 1)",
    )
    rows = rows_of(tmp_path / "a b?#%.db", Dialect("sqlite", table='t "x'))
    assert [(row["_row"], row["a"], row["b"], row["_rescued"]) for row in rows] == [
        (3, "é", None, '{"z":null}'),
        (7, "1", "1.5", '{"z":"00ff"}'),
        (9, "1e+300", None, '{"z":"1"}'),
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE t (a TEXT PRIMARY KEY, b) WITHOUT ROWID",
        "CREATE TABLE t (a, b, rowid TEXT, _rowid_ TEXT, oid TEXT)",
        "CREATE VIEW t AS SELECT 'x' AS a, 1 AS b UNION ALL SELECT 'y', 2",
    ],
)
def test_sqlite_without_rowid_counts_rows(tmp_path: Path, statement: str) -> None:
    fill = "SELECT 1" if "VIEW" in statement else "INSERT INTO t (a, b) VALUES ('x', 1), ('y', 2)"
    database(tmp_path / "f", statement, fill)
    assert told(rows_of(tmp_path / "f", Dialect("sqlite", table="t"))) == [(1, "x", "1", None), (2, "y", "2", None)]


def test_sqlite_gzip_and_text_that_is_not_utf8(tmp_path: Path, read: Read) -> None:
    content = database(tmp_path / "db", "CREATE TABLE t (a, b)", "INSERT INTO t VALUES (CAST(x'61ff' AS TEXT), 2)")
    (row,) = read(gzip.compress(content), Dialect("sqlite", table="t"), name="f.db.gz")
    assert (row["a"], row["_broken"], row["_raw"]) == (None, "not utf-8", '{"a":"a\ufffd","b":"2","_rescued":null}')


def test_sqlite_refused(tmp_path: Path, read: Read) -> None:
    whole = database(tmp_path / "db", "CREATE TABLE t (a, c)", *["INSERT INTO t VALUES (hex(randomblob(2000)), 1)"] * 50)
    table = Dialect("sqlite", table="t")
    with pytest.raises(RefusedFile, match="it has no table 'u'; it has t: fix"):
        read(whole, Dialect("sqlite", table="u"))
    with pytest.raises(RefusedFile, match="its header lacks b; it has a, c"):
        read(whole, table)
    for content in (b"a,b\n" * 1000, whole[: len(whole) // 2]):
        with pytest.raises(RefusedFile, match="not a whole SQLite database"):
            read(content, table, ("a",))
    (tmp_path / "db-wal").write_bytes(b"x")
    with pytest.raises(RefusedFile, match="last changes are still in db-wal"):
        rows_of(tmp_path / "db", table, ("a",))


# Parquet


def test_parquet(tmp_path: Path) -> None:
    instant = datetime(2024, 5, 1, 10, 30, tzinfo=UTC)
    columns: dict[str, Any] = {
        "zoned": pa.array([instant, None], pa.timestamp("ms", "Europe/Paris")),
        "naive": pa.array([datetime(2024, 5, 1, 10, 30), None], pa.timestamp("us")),
        "day": [date(2024, 5, 1), None],
        "number": [1.5, None],
        "whole": [2**60, None],
        "flag": [True, None],
        "category": pa.array(["x", None]).dictionary_encode(),
        "bytes": [b"\x00\xff", None],
        "list": [[1, None], None],
        "text": ["é", ""],
    }
    pq.write_table(pa.table(columns), tmp_path / "f")
    first, second = rows_of(tmp_path / "f", Dialect("parquet"), tuple(columns)[:-1])
    assert list(first.values()) == [
        "2024-05-01T10:30:00.000Z", "2024-05-01T10:30:00.000000", "2024-05-01", "1.5", str(2**60), "true", "x", "00ff",
        "[1,null]", '{"text":"é"}', 1, None, None,
    ]  # fmt: skip
    assert list(second.values()) == [None] * 9 + ['{"text":""}', 2, None, None]


def test_parquet_rows_are_numbered_through_batches(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": range(10), "b": range(10)}), tmp_path / "f", row_group_size=4)
    rows = rows_of(tmp_path / "f", Dialect("parquet"), HERE, batch_rows=3)
    assert [(row["_row"], row["a"]) for row in rows] == [(n + 1, str(n)) for n in range(10)]


def test_parquet_text_that_is_not_utf8_breaks_its_row(tmp_path: Path) -> None:
    bad = pa.array([b"x", b"\xff"]).view(pa.string())
    pq.write_table(pa.table({"a": bad, "b": ["1", "2"]}), tmp_path / "f")
    rows = rows_of(tmp_path / "f", Dialect("parquet"))
    assert [(row["a"], row["b"], row["_broken"]) for row in rows] == [("x", "1", None), (None, None, "not utf-8")]


def test_parquet_refused(tmp_path: Path, read: Read) -> None:
    pq.write_table(pa.table({"a": ["1"], "c": ["2"]}), tmp_path / "p")
    whole = (tmp_path / "p").read_bytes()
    with pytest.raises(RefusedFile, match="lacks b; it has a, c"):
        read(whole, Dialect("parquet"))
    assert len(read(gzip.compress(whole), Dialect("parquet"), ("a",), name="f.parquet.gz")) == 1
    for content in (b"", b"a,b\n1,2\n", whole[:-20]):
        with pytest.raises(RefusedFile, match="not a whole Parquet file"):
            read(content, Dialect("parquet"), ("a",))


# Excel


def workbook(path: Path, sheets: dict[str, list[list[Any]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for number, row in enumerate(rows, 1):
            for place, value in enumerate(row, 1):
                sheet.cell(number, place, value)
    book.save(path)
    return path.read_bytes()


def test_excel(tmp_path: Path) -> None:
    workbook(
        tmp_path / "f",
        {
            "x": [
                ["Report"],
                ["a", "b ", "z"],
                [1, 2.5, "t"],
                [],
                [3.0, True],
                [date(2024, 5, 1), datetime(2024, 5, 1, 0, 0), time(10, 30)],
                [" é ", "N/A", None, "extra"],
                [None, None, 4],
            ]
        },
    )
    dialect = Dialect("excel", header_row=2, null_values=("N/A",))
    assert [(r["_row"], r["a"], r["b"], r["_rescued"]) for r in rows_of(tmp_path / "f", dialect)] == [
        (3, "1", "2.5", '{"z":"t"}'),
        (5, "3", "true", '{"z":null}'),
        (6, "2024-05-01", "2024-05-01T00:00:00", '{"z":"10:30:00"}'),
        (7, None, None, None),
        (8, None, None, '{"z":"4"}'),
    ]
    broken = rows_of(tmp_path / "f", dialect)[3]
    assert (broken["_broken"], broken["_raw"]) == ("4 cells where the header has 3", '[" é ","N/A",null,"extra"]')


def test_excel_cells_merged_over_rows_stand_in_each_of_them(tmp_path: Path) -> None:
    sheet = (book := openpyxl.Workbook()).worksheets[0]
    for row in (
        ["AMDEC"], [], ["a", "two columns"], [None, "b", "z"],
        ["press", "x", 1], [None, "y", 2], [None, "w"], [], [], ["end", "v"], ["total", None, 3],
    ):  # fmt: skip
        sheet.append(row)
    for merged in ("A1:C1", "A3:A4", "B3:C3", "A5:A9", "C6:C7", "A11:B11"):
        sheet.merge_cells(merged)
    book.save(tmp_path / "f")
    assert [(r["_row"], r["a"], r["b"], r["_rescued"]) for r in rows_of(tmp_path / "f", Dialect("excel", header_row=4))] == [
        (5, "press", "x", '{"z":"1"}'),
        (6, "press", "y", '{"z":"2"}'),
        (7, "press", "w", '{"z":"2"}'),
        (10, "end", "v", '{"z":null}'),
        (11, "total", None, '{"z":"3"}'),
    ]


def test_excel_days_are_days_however_their_format_is_written(tmp_path: Path) -> None:
    sheet = (book := openpyxl.Workbook()).worksheets[0]
    for row in (["a", "b"], [datetime(2024, 5, 1), datetime(2024, 5, 1)]):
        sheet.append(row)
    sheet["A2"].number_format, sheet["B2"].number_format = "DD/MM/YYYY", "DD/MM/YYYY HH:MM"
    book.save(tmp_path / "f")
    assert told(rows_of(tmp_path / "f", Dialect("excel"))) == [(2, "2024-05-01", "2024-05-01T00:00:00", None)]


def test_excel_sheets_names_and_gzip(tmp_path: Path, read: Read) -> None:
    content = workbook(tmp_path / "w", {"one": [["a", "b"], [1, 2]], "two": [[3, 4]]})
    assert told(read(content, Dialect("excel"))) == [(2, "1", "2", None)]
    second = Dialect("excel", sheet="two", header_row=0, names=("b", "a"))
    assert told(read(gzip.compress(content), second, name="f.xlsx.gz")) == [(1, "4", "3", None)]


@pytest.mark.parametrize(
    ("dialect", "columns", "message"),
    [
        (Dialect("excel", sheet="nine"), HERE, "no sheet 'nine'; it has one, two"),
        (Dialect("excel", sheet="two"), HERE, "no header at row 1 of sheet 'two'"),
        (Dialect("excel", header_row=5), HERE, "no header at row 5 of sheet 'one'"),
        (Dialect("excel"), ("a", "q"), "lacks q; it has a, b"),
    ],
)
def test_excel_refused(tmp_path: Path, dialect: Dialect, columns: tuple[str, ...], message: str) -> None:
    workbook(tmp_path / "w", {"one": [["a", "b"], [1, 2]], "two": []})
    with pytest.raises(RefusedFile, match=message):
        rows_of(tmp_path / "w", dialect, columns)


def test_what_is_not_excel_is_refused(tmp_path: Path, read: Read) -> None:
    whole = workbook(tmp_path / "w", {"one": [["a", "b"], [1, 2]]})
    for content in (b"", b"a,b\n1,2\n", b"\xd0\xcf\x11\xe0 old .xls", whole[: len(whole) // 2]):
        with pytest.raises(RefusedFile, match=r"not a whole Excel \.xlsx workbook"):
            read(content, Dialect("excel"))


@pytest.mark.parametrize("format", ["csv", "jsonl", "sqlite", "parquet", "excel"])
@pytest.mark.parametrize("name", ["gone", "gone.gz"])
def test_a_file_that_is_gone_is_refused_for_a_passing_reason(tmp_path: Path, format: Any, name: str) -> None:
    with pytest.raises(RefusedFile, match="No such file or directory; it is tried again at the next run") as refused:
        rows_of(tmp_path / name, Dialect(format))
    assert refused.value.is_transient


# Laws


@given(st.lists(st.sampled_from(["a", "b", "a_2", "a_3", "a_2_2", "", "é"]), max_size=12))
def test_every_column_gets_a_name_of_its_own(names: list[str]) -> None:
    """The first column of a name keeps it, and names that nothing else has stay as they are."""
    unique = distinct(names)
    assert len(set(unique)) == len(names) == len(unique)
    for place, name in enumerate(names):
        assert unique[place] == name or (name in names[:place] and unique[place].startswith(f"{name}_"))


@settings(deadline=None, max_examples=200)
@given(
    header=st.lists(st.sampled_from(["x", "y", "x", "", " "]), min_size=1, max_size=5),
    lines=st.lists(st.lists(st.sampled_from(["", "1", " ", "é"]), min_size=1, max_size=8), max_size=8),
    separator=st.sampled_from(",;"),
)
def test_no_cell_of_a_csv_line_is_lost(
    tmp_path_factory: pytest.TempPathFactory, header: list[str], lines: list[list[str]], separator: str
) -> None:
    """A line is blank, or a row with all its texts, or broken and kept raw; read fast or slowly alike."""
    path = tmp_path_factory.getbasetemp() / "ragged.csv"
    written = [separator.join(cells) for cells in (["a", *header], *lines)]
    dialect = Dialect("csv", separator=separator, null_values=())
    path.write_text("\n".join(written) + "\n")
    rows = rows_of(path, dialect, ("a",))
    assert [row["_row"] for row in rows] == [n for n, line in enumerate(written[1:], 2) if line.strip()]
    for row in rows:
        line = written[row["_row"] - 1]
        if row["_broken"]:
            assert row["_raw"] == line
        else:
            kept = [row["a"], *(json.loads(row["_rescued"]).values() if row["_rescued"] else ())]
            assert sorted(cell.strip() for cell in line.split(separator) if cell.strip()) == sorted(
                c.strip() for c in kept if c and c.strip()
            )
    path.write_text("\n".join([*written, separator.join(['"q"', *["1"] * len(header)])]) + "\n")
    assert rows == rows_of(path, dialect, ("a",))[:-1]


QUOTED = st.lists(st.text(st.sampled_from('a, "\té'), max_size=4), min_size=2, max_size=3)


@settings(deadline=None, max_examples=200)
@given(lines=st.lists(QUOTED, max_size=6), is_odd=st.booleans())
def test_well_quoted_lines_are_read_as_the_csv_module_reads_them(
    tmp_path_factory: pytest.TempPathFactory, lines: list[list[str]], is_odd: bool
) -> None:
    """A quoted line break at the end makes the whole block slow; cells are quoted where they must be, or all of them."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL if is_odd else csv.QUOTE_MINIMAL, lineterminator="\n").writerows([["a", "b"], *lines])
    path = tmp_path_factory.getbasetemp() / "quoted.csv"
    path.write_text(text.getvalue())
    fast = rows_of(path, CSV)
    path.write_text(text.getvalue() + '"x\n","y"\n')
    assert fast == rows_of(path, CSV)[:-1]


READING = st.fixed_dictionaries({"t": st.integers(0, 3)}, optional={"v": st.integers(0, 9), "w": st.none()})


@settings(deadline=None, max_examples=200)
@given(messages=st.lists(st.dictionaries(st.sampled_from(["p", "q"]), st.lists(READING, max_size=4), max_size=2), min_size=1, max_size=4))
def test_no_reading_of_a_message_is_lost_or_doubled(
    tmp_path_factory: pytest.TempPathFactory, messages: list[dict[str, list[dict[str, int]]]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "series.jsonl"
    path.write_text("".join(json.dumps({"id": "m", "s": message}) + "\n" for message in messages))
    rows = rows_of(path, Dialect("jsonl", explode="s", explode_by="t"), ("id", "s.t", "s.p.v", "s.q.v"))
    for array in ("p", "q"):
        sent = sorted((line, str(e["t"]), str(e["v"])) for line, m in enumerate(messages, 1) for e in m.get(array, []) if "v" in e)
        got = [(row["_row"] // 1_000_000, row["s.t"], row[f"s.{array}.v"]) for row in rows]
        assert sorted(reading for reading in got if reading[2] is not None) == sent
    assert len({row["_row"] for row in rows}) == len(rows)


def test_a_wide_header_is_checked_in_linear_time(tmp_path: Path) -> None:
    names = [f"c{place}" for place in range(300_000)]
    began = perf_counter()
    assert distinct(names) == names and len(distinct(["a"] * 300_000)) == 300_000
    with pytest.raises(RefusedFile, match="300000 columns and at most 10000"):
        check_header(names, ("c7",), LIMITS)
    assert perf_counter() - began < 20, "seconds; a quadratic check takes many minutes"


def test_long_lines_come_in_batches_of_bounded_size(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a,b\n" + ("x" * 60_000 + ",1\n") * 500)
    sizes = [batch.nbytes for batch in parse(tmp_path / "f", CSV, HERE)]
    assert sum(sizes) > 500 * 60_000 and max(sizes) < 5 << 20


def test_what_no_one_foresaw_refuses_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").write_text("a,b\n1,2\n")
    for error, words in (
        (KeyError("k\x1b"), "can't be read as csv"),
        (MemoryError(), "more memory"),
        (OSError(24, "Too many open files"), "next run"),
    ):
        monkeypatch.setattr("pipelines.parse.parse_csv", lambda *_, e=error: (_ for _ in ()).throw(e))
        with pytest.raises(RefusedFile, match=words) as refused:
            rows_of(tmp_path / "f", CSV)
        assert str(refused.value).isprintable()
