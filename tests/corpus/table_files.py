"""SQLite and Parquet, and gzip around any format."""

import gzip
import sqlite3
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lake.source import Dialect
from pipelines.parse import Limits
from tests.corpus.case import Case
from tests.corpus.excel_files import EXCEL, GOOD

SQLITE, PARQUET = Dialect("sqlite", table="t"), Dialect("parquet")
ENDLESS = "WITH RECURSIVE c(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM c)"


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


CELLS: dict[str, list[str | None]] = {"a": ["1", "x"], "b": ["2.5", None]}

CASES = (
    # SQLite
    Case("plain.db", database("CREATE TABLE t (a, b)", "INSERT INTO t VALUES (1, 2.5), ('x', NULL)"), SQLITE, rows=2, cells=CELLS),
    Case("no-rows.db", database("CREATE TABLE t (a, b)"), SQLITE),
    Case(
        "rowids.db",
        database("CREATE TABLE t (a, b)", "INSERT INTO t (rowid, a) VALUES (9, 1), (3, 2)"),
        SQLITE,
        rows=2,
        cells={"a": ["2", "1"]},
    ),
    Case("without-rowid.db", database("CREATE TABLE t (a PRIMARY KEY, b) WITHOUT ROWID", "INSERT INTO t VALUES (1, 2)"), SQLITE, rows=1),
    Case("blob.db", database("CREATE TABLE t (a, b)", "INSERT INTO t VALUES (x'00ff', 1)"), SQLITE, rows=1, cells={"a": ["00ff"]}),
    Case(
        "not-utf8.db",
        database("CREATE TABLE t (a, b)", "INSERT INTO t VALUES (CAST(x'61ff' AS TEXT), 2)"),
        SQLITE,
        rows=1,
        broken={1: "not utf-8"},
    ),
    Case("view.db", database("CREATE VIEW t AS SELECT 1 AS a, 2 AS b UNION ALL SELECT 3, 4"), SQLITE, rows=2),
    Case(
        "odd-table.db",
        database('CREATE TABLE "t ""x" (a, b)', 'INSERT INTO "t ""x" VALUES (1, 2)'),
        Dialect("sqlite", table='t "x'),
        rows=1,
    ),
    Case("no-table.db", database("CREATE TABLE u (a, b)"), SQLITE, refusal="it has no table 't'; it has u"),
    Case("no-column.db", database("CREATE TABLE t (a, c)"), SQLITE, refusal="its header lacks b; it has a, c"),
    Case("csv.db", b"a,b\n1,2\n" * 500, SQLITE, refusal="not a whole SQLite database"),
    Case("empty.db", b"", SQLITE, refusal="it has no table 't'"),
    Case("cut.db", b"SQLite format 3\0" + b"\1" * 400, SQLITE, refusal="not a whole SQLite database"),
    Case("parquet.db", b"PAR1" + b"\0" * 99, SQLITE, refusal="not a whole SQLite database but a Parquet file"),
    Case(
        "endless.db",
        database(f"CREATE VIEW t AS {ENDLESS} SELECT a, a AS b FROM c"),
        SQLITE,
        refusal="more than 5000 rows",
        limits=Limits(rows=5000),
    ),
    Case(
        "silent.db",
        database(f"CREATE VIEW t AS {ENDLESS} SELECT count(*) AS a, 1 AS b FROM c"),
        SQLITE,
        refusal="gives no row within 0.2 s",
        limits=Limits(silent_seconds=0.2),
    ),
    Case(
        "huge-value.db",
        database("CREATE VIEW t AS SELECT zeroblob(2000000) AS a, 1 AS b"),
        SQLITE,
        refusal="a value is longer than 1 MiB",
        limits=Limits(value_bytes=1 << 20),
    ),
    Case("calls.db", database("CREATE VIEW t AS SELECT load_extension('/x') AS a, 1 AS b"), SQLITE, refusal="not a whole SQLite database"),
    # Parquet
    Case("plain.parquet", parquet({"a": ["1", "x"], "b": [2.5, None]}), PARQUET, rows=2, cells=CELLS),
    Case("no-rows.parquet", parquet(pa.table({"a": pa.array([], pa.string()), "b": pa.array([], pa.int64())})), PARQUET),
    Case(
        "types.parquet",
        parquet({"a": [date(2024, 5, 1)], "b": pa.array([datetime(2024, 5, 1)], pa.timestamp("ms", "UTC"))}),
        PARQUET,
        rows=1,
        cells={"a": ["2024-05-01"], "b": ["2024-05-01T00:00:00.000Z"]},
    ),
    Case(
        "int96.parquet",
        parquet(
            {"a": pa.array([datetime(9999, 12, 31), datetime(2024, 5, 1)], pa.timestamp("us")), "b": [1, 2]},
            use_deprecated_int96_timestamps=True,
        ),
        PARQUET,
        rows=2,
        cells={"a": ["9999-12-31T00:00:00.000000", "2024-05-01T00:00:00.000000"]},
    ),
    Case("nested.parquet", parquet({"a": [[1, None]], "b": [{"k": "é"}]}), PARQUET, rows=1, cells={"a": ["[1,null]"], "b": ['{"k":"é"}']}),
    Case(
        "dictionary.parquet",
        parquet({"a": pa.array(["x", None, "x"]).dictionary_encode(), "b": [1, 2, 3]}),
        PARQUET,
        rows=3,
        cells={"a": ["x", None, "x"]},
    ),
    Case("binary.parquet", parquet({"a": [b"\x00\xff"], "b": [1]}), PARQUET, rows=1, cells={"a": ["00ff"]}),
    Case(
        "not-utf8.parquet",
        parquet({"a": pa.array([b"x", b"\xff"]).view(pa.string()), "b": [1, 2]}),
        PARQUET,
        rows=2,
        broken={2: "not utf-8"},
    ),
    Case("groups.parquet", parquet({"a": range(100), "b": range(100)}, row_group_size=7), PARQUET, rows=100),
    Case(
        "repeated.parquet",
        parquet(pa.Table.from_arrays([pa.array([1]), pa.array([2]), pa.array([3])], ["a", "b", "a"])),
        PARQUET,
        ("a", "a_2"),
        rows=1,
        cells={"a": ["1"], "a_2": ["3"]},
    ),
    Case(
        "widened.parquet",
        parquet({"a": pa.array(["x" * 100_000] * 400).dictionary_encode(), "b": range(400)}),
        PARQUET,
        rows=400,
        limits=Limits(batch_bytes=1 << 20),
    ),
    Case("no-column.parquet", parquet({"a": [1]}), PARQUET, refusal="its header lacks b; it has a"),
    Case(
        "too-many.parquet", parquet({"a": [1] * 200, "b": [1] * 200}), PARQUET, refusal="200 rows and at most 100", limits=Limits(rows=100)
    ),
    Case(
        "too-large.parquet",
        parquet({"a": [str(i) * 20 for i in range(9000)], "b": range(9000)}),
        PARQUET,
        refusal="unpacked it has",
        limits=Limits(unpacked_bytes=1 << 16),
    ),
    Case("empty.parquet", b"", PARQUET, refusal="not a whole Parquet file"),
    Case("csv.parquet", b"a,b\n1,2\n", PARQUET, refusal="not a whole Parquet file"),
    Case("cut.parquet", b"PAR1" + b"\0" * 60 + b"PAR1", PARQUET, refusal="not a whole Parquet file"),
    Case("zip.parquet", b"PK\x03\x04", PARQUET, refusal="not a whole Parquet file but a ZIP archive"),
    # gzip
    Case("plain.csv.gz", gzip.compress(b"a,b\n1,2.5\nx,\n"), Dialect("csv"), rows=2, cells=CELLS),
    Case("plain.jsonl.gz", gzip.compress(b'{"a":1,"b":2.5}\n{"a":"x"}\n'), Dialect("jsonl"), rows=2, cells=CELLS),
    Case("plain.xlsx.gz", gzip.compress(GOOD), EXCEL, rows=2, cells=CELLS),
    Case("two-members.csv.gz", gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n"), Dialect("csv"), rows=2),
    Case("cut.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 999)[:-9], Dialect("csv"), refusal="its gzip is damaged or cut short"),
    Case(
        "flipped.csv.gz",
        gzip.compress(b"a,b\n1,2\n" * 999).replace(b"\x00\xff", b"\xff\x00")[:20] + b"\xff" * 30,
        Dialect("csv"),
        refusal="its gzip is damaged or cut short",
    ),
    Case("empty.csv.gz", b"", Dialect("csv"), refusal="its gzip is damaged or cut short"),
    Case("not-gzip.csv.gz", b"a,b\n1,2\n", Dialect("csv"), refusal="its gzip is damaged or cut short"),
    Case("zip.csv.gz", b"PK\x03\x04rest", Dialect("csv"), refusal="its name ends in .gz, but it is a ZIP archive"),
    Case("tar.csv.gz", gzip.compress(b"x" * 257 + b"ustar" + b"\0" * 300), Dialect("csv"), refusal="a tar archive: unpack it"),
    Case("xlsx-inside.csv.gz", gzip.compress(GOOD), Dialect("csv"), refusal="it is not CSV but a ZIP archive"),
    Case("zstd.jsonl.gz", b"\x28\xb5\x2f\xfdrest", Dialect("jsonl"), refusal="packed with zstd"),
    *(
        Case(
            f"bomb.{form}.gz",
            gzip.compress(unit * 500_000, 1),
            Dialect(form, table="t"),
            refusal="unpacked it is larger than 1 MiB",  # type: ignore[arg-type]
            limits=Limits(unpacked_bytes=1 << 20),
        )
        for form, unit in (
            ("csv", b"a,b\n"),
            ("jsonl", b'{"a":1}\n'),
            ("sqlite", b"\0\0\0\0"),
            ("parquet", b"\0\0\0\0"),
            ("excel", b"\0\0\0\0"),
        )
    ),
)
