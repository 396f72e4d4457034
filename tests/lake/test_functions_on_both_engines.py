"""Whatever a mapping may write gives the same cells on Sail and on Apache Spark, and raises on neither."""

# ruff: noqa: E501

import math
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from lake.contract import Column, Feed
from lake.engine import fetched
from lake.functions import FUNCTIONS
from lake.mapping import render
from lake.source import Dialect, Source

DIALECTS = {
    "point": Dialect("csv", date_formats=("yyyy-MM-dd", "dd/MM/yyyy"), timestamp_formats=("yyyy-MM-dd'T'HH:mm:ss[.SSSSSS]X", "yyyy-MM-dd HH:mm:ss")),
    "comma": Dialect("csv", decimal=",", date_formats=("d.M.yyyy",), timestamp_formats=("dd/MM/yyyy HH:mm",), time_zone="Europe/Paris"),
}  # fmt: skip
TEXTS = [
    None, "", " ", "abc", "ABC d'ef", "-1", "0", "-0", "0.5", "1.5", "2.5", "-0.5", "1,005", "2.675", "12", "1 234,5", "1e3", "1e99", "-1e99", "1e-9",
    "9007199254740993", "9223372036854775807", "9223372036854775808", "12345678901234567890.123", "NaN", "inf", "-Infinity", "[1", "{}", "$1", "\\",
    "(", "%", "é\u00a0E", "ÉCOLE straße İi", "1-2-3", "a-b--c-", "😀a😀", "e\u0301", "a" * 400, "\t\n x", "a\nb\r\n", "٣", "oui", "vrai", "2000000000.5",
    "2024-02-29", "2026-02-31", "0001-01-01", "9999-12-31", "+2026-01-01", "29/02/2024", "4.1.2026", "2026-01-04T10:30:00z", "2026-03-29T01:30:00.5+01",
    "2026-03-29 02:30:00", "1969-12-31T23:59:59.5Z", "0001-01-01T00:00:00Z", "2026-10-25 02:30:00", "29/03/2026 02:30", "25/10/2026 02:30", "31/12/1969 23:59",
]  # fmt: skip
# what stands for an argument of each letter; x and y are texts
ARGUMENTS = {
    "t": ["x", "y", "'a-b'", "concat(x, y)"], "D": ["x", "y", "number(x) / 7", "-2.5", "number(x) * number(y)"], "i": ["3", "-2", "y"], "n": ["2", "y"],
    "m": ["5", "y"], "w": ["3"], "c": ["1", "2"], "k": ["2", "-1"], "b": ["x"], "d": ["local_date(x)", "date '2026-01-04'", "local_date(y)"],
    "s": ["instant(x)", "instant(y)", "timestamp '1969-12-31 23:59:59.5'"], "x": ["x", "y", "'b'"], "a": ["split(x, '-')", "array(x, y, 'a', null)"],
    "l": ["'a'"], "r": ["'([a-z])-?'", "'[^0-9]'", "'.$'"], "f": ["'yyyy-MM-dd HH:mm:ss.SSS EEE'", "'d/M/yy h:m a DDD X'"], "z": ["'Europe/Paris'"],
}  # fmt: skip
KINDS = {"t": "string", "x": "string", "l": "long", "D": "double", "b": "boolean", "d": "date", "s": "timestamp", "a": "array<string>"}


def calls() -> list[tuple[str, str]]:
    """Calls of every listed function, by the type of their result."""
    found = []
    for call, (signature, result, _) in FUNCTIONS.items():
        for letters in dict.fromkeys((signature.partition("?")[0].rstrip("*"), signature.replace("?", "").rstrip("*"))):
            if (call, letters) == ("regexp_extract", "tr"):
                letters = "trc"
            for turn in range(3):
                chosen = [ARGUMENTS[c][(turn + i) % len(ARGUMENTS[c])] for i, c in enumerate(letters)]
                if call == "regexp_extract":
                    chosen[1:] = ["'([a-z])-?'", str(turn % 2)]
                if call in ("trunc", "date_trunc"):
                    chosen[call == "trunc"] = ("'week'", "'month'", "'quarter'")[turn]
                if call == "regexp_replace":
                    chosen[1:] = ["'([a-z])-?'", "'<$1>'"]
                found.append((f"{call}({', '.join(chosen)})", KINDS[result]))
    return list(dict.fromkeys(found))


UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
OPERATORS = [
    *((f"number(x) {sign} number(y)", "double") for sign in ("+", "-", "*", "/", "%")),
    *((f"cast(x as bigint) {sign} cast(y as bigint)", "double") for sign in ("+", "-", "*", "/", "%", "div")),
    *((f"number(x) {sign} number(y)", "boolean") for sign in ("=", "<>", "<", "<=", ">", ">=", "<=>")),
    *((f"x {sign} y", "boolean") for sign in ("=", "<>", "<", "<=", ">", ">=", "<=>", "and", "or")),
    *((f"instant(x) + interval 3 {unit}", "timestamp") for unit in UNITS),
    *((f"local_date(x) - interval 99 {unit}", "date") for unit in UNITS[:5]),
    *((f"timestampadd({unit}, 50, instant(x))", "timestamp") for unit in UNITS),
    *((f"timestampdiff({unit}, instant(x), instant(y))", "long") for unit in UNITS),
    *((f"date_trunc('{unit}', instant(x))", "timestamp") for unit in UNITS),
    *((f"round(x, {n})", "double") for n in (-2, -1, 0, 1, 2, 6)),
    *((f"cast(x as {kind})", "string") for kind in ("int", "double", "boolean", "date", "timestamp", "decimal(10, 2)", "decimal(38, 9)", "decimal(3, 0)")),
    *((f"cast(number(x) / 3 as {kind})", "string") for kind in ("bigint", "double", "decimal(10, 2)", "string")),
    ("x like '%a_'", "boolean"), ("x not ilike 'A%'", "boolean"), ("x rlike '^[^0-9.]+$'", "boolean"), ("x rlike '(?i)^\\\\w+\\\\s?[a-f]'", "boolean"),
    ("x in (1, 12, 0.5)", "boolean"), ("x in ('a', null)", "boolean"), ("x between 1 and y", "boolean"), ("x between 'a' and 'b'", "boolean"),
    ("case when x > 5 then x else y end", "string"), ("case x when 12 then 'a' else y end", "string"), ("if(x = y, x, null)", "string"),
    ("-x", "double"), ("not x", "boolean"), ("x is true", "boolean"), ("x is null", "boolean"), ("split(x, '-')[1]", "string"), ("x || y", "string"),
    ("trim(both 'a ' from x)", "string"), ("trim(leading y from x)", "string"), ("trim(x)", "string"),
    ("greatest(number(x), number(y), 0)", "double"), ("least(local_date(x), date '2026-01-01')", "date"), ("local_date(x) < instant(y)", "boolean"),
    ("x", "string"), ("x", "long"), ("x", "double"), ("x", "boolean"), ("x", "date"), ("x", "timestamp"), ("instant(local_date(x))", "timestamp"),
]  # fmt: skip
PATTERNS = [
    "yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ssX", "yyyy-MM-dd HH:mm:ss,SSS", "dd MMM yyyy", "d/M/yy", "MM/dd/yyyy hh:mm a", "yyyyMMddHHmmss", "yyyy-DDD", "yyyy",
    "yyyy-MM-dd[ HH:mm[:ss]]", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "HH:mm dd.MM.yyyy", "yyyy-MM-dd kk:mm", "yyyy-MM-dd HH:mm:ssZ",
]  # fmt: skip


def cells(spark: SparkSession, expressions: list[tuple[str, str]], dialect: Dialect, rows: list[tuple[Any, Any]]) -> dict[str, list[Any]]:
    feed = Feed(
        "d",
        "f",
        "",
        tuple(Column(f"c{i}", kind, "", resolution=0.01 if kind == "double" else None) for i, (_, kind) in enumerate(expressions)),
        "",
    )
    rendered = render(Source("s", "d", feed.name, "*.csv", dialect, {f"c{i}": sql for i, (sql, _) in enumerate(expressions)}), feed)
    columns = [f"{sql} AS `{c}`" for c, sql in rendered.read.items()]
    table = fetched(spark.createDataFrame(rows, "x string, y string").selectExpr(*columns))
    return {c: [_plain(v) for v in _whole(table[c]).to_pylist()] for c in table.column_names}


def _whole(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Instants as numbers: Python's are too few."""
    return column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column


def _plain(value: Any) -> Any:
    return "NaN" if isinstance(value, float) and math.isnan(value) else repr(value)


def assert_equal(
    sail: SparkSession, spark: SparkSession, expressions: list[tuple[str, str]], dialect: Dialect, rows: list[tuple[Any, Any]]
) -> None:
    ours, theirs = (cells(s, expressions, dialect, rows) for s in (sail, spark))
    differ = {
        (expressions[int(c.split()[0][1:])][0], c.partition(" ")[2]): [
            (r, a, b) for r, a, b in zip(rows, ours[c], theirs[c], strict=True) if a != b
        ][:3]
        for c in ours
        if ours[c] != theirs[c]
    }
    assert not differ, "\n".join(f"{k}: {v}" for k, v in differ.items())


FIXED = [(x, TEXTS[(i * 7 + 5) % len(TEXTS)]) for i, x in enumerate(TEXTS)]


@pytest.mark.parametrize("name", DIALECTS)
def test_every_function_gives_the_same_cells(sail: SparkSession, apache_spark: SparkSession, name: str) -> None:
    assert_equal(sail, apache_spark, calls(), DIALECTS[name], FIXED)


def test_every_operator_and_conversion_gives_the_same_cells(sail: SparkSession, apache_spark: SparkSession) -> None:
    for dialect in DIALECTS.values():
        assert_equal(sail, apache_spark, OPERATORS, dialect, FIXED)


def test_every_pattern_reads_and_writes_the_same(sail: SparkSession, apache_spark: SparkSession) -> None:
    made = [(f"instant(x, '{p}')".replace("'T'", "\\'T\\'"), "timestamp") for p in PATTERNS]
    assert_equal(
        sail, apache_spark, made, DIALECTS["point"], [*FIXED, ("2026-07-01 10:00:00+0200", ""), ("5 July 2026", ""), ("05 jul 2026", "")]
    )


numbers = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**64), 2**64), st.decimals(-1000, 1000, places=3)).map(
    str
)
dates = st.one_of(
    st.dates().map(str),
    st.datetimes().map(lambda d: d.isoformat(timespec="seconds") + "Z"),
    st.datetimes().map(lambda d: f"{d:%d/%m/%Y %H:%M}"),
)
values = st.one_of(st.none(), st.sampled_from(TEXTS), numbers, dates, st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=12))


@settings(
    max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)  # shrinking would ask for minutes
@given(
    st.lists(st.tuples(values, values), min_size=30, max_size=60),
    st.lists(st.sampled_from([*calls(), *OPERATORS]), min_size=60, max_size=60, unique=True),
)
def test_generated_values_give_the_same_cells(
    sail: SparkSession, apache_spark: SparkSession, rows: list[Any], expressions: list[tuple[str, str]]
) -> None:
    assert_equal(sail, apache_spark, expressions, DIALECTS["point"], rows)
