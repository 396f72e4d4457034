"""Whatever stands in a mapping file is either refused in one line, or runs.

`make test` tries some hundred texts; `make fuzz` goes on for LAKE_FUZZ_SECONDS.
"""

# ruff: noqa: E501, PT017
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from lake.contract import Column, Feed
from lake.engine import fetched
from lake.expressions import compiled
from lake.functions import FUNCTIONS
from lake.mapping import MappingError, load, render
from lake.source import Dialect, Source
from tests.lake.test_functions_on_both_engines import ARGUMENTS, FIXED, OPERATORS, calls

SECONDS = float(os.environ.get("LAKE_FUZZ_SECONDS", "0"))
TRIES = settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
DIALECT = Dialect("csv", decimal=",", timestamp_formats=("yyyy-MM-dd'T'HH:mm:ssX",), time_zone="Europe/Paris")
FEED = Feed("d", "f", "", (Column("c", "string", ""),), "")

known = [sql for sql, _ in [*calls(), *OPERATORS]]
leaves = st.sampled_from(
    [a for values in ARGUMENTS.values() for a in values]
    + ["null", "1e3-8", "1e.308", "0", "'é\\n'", "true", "interval 2 quarter", "_row", "99999"]
)
signs = st.sampled_from(["+", "-", "*", "/", "%", "div", "||", "=", "<", "<=>", "and", "or", "like", "rlike", "in", "is", "between"])
called = st.sampled_from([*FUNCTIONS, "number", "instant", "local_date", "timestampadd", "reflect", "cast", "if", "array"])
raw_regex = st.text("ab\\dwpQ0[](){}^$.*+?|-,:<=!&~ié1", max_size=10).map(lambda r: "x rlike '" + r.replace("'", "") + "'")
patterns = st.text("yMdHmsSXxZEaDh/-:' []TG", max_size=14).map(lambda p: "instant(x, '" + p.replace("'", "\\'") + "')")
grammar = st.recursive(
    st.one_of(leaves, st.sampled_from(known), raw_regex, patterns),
    lambda inner: st.one_of(
        st.tuples(inner, signs, inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(called, st.lists(inner, max_size=4)).map(lambda t: f"{t[0]}({', '.join(t[1])})"),
        st.tuples(inner, inner, inner).map(lambda t: f"case when {t[0]} then {t[1]} else {t[2]} end"),
        st.tuples(inner, st.sampled_from(["int", "double", "date", "timestamp", "decimal(3, 9)", "decimal(9, 3)", "string", "boolean"])).map(lambda t: f"cast({t[0]} as {t[1]})"),
        inner.map(lambda t: f"{t}[1]"),
    ),
    max_leaves=6,
)  # fmt: skip


@st.composite
def mutated(draw: Any) -> str:
    """A known expression with a few characters changed."""
    text = draw(st.sampled_from(known))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        text = (
            text[:at]
            + draw(st.sampled_from(["", "'", "(", ")", "[", "]", ",", "1", "e", ".", "-", "\\", "`", "é", " x ", "::", "null", "''", ";"]))
            + text[at + draw(st.integers(0, 2)) :]
        )
    return text


def accepted(sql: str) -> str | None:
    """The rendering of what the check lets pass; a refusal is one line."""
    try:
        return render(Source("s", "d", FEED.name, "*.csv", DIALECT, {"c": sql}), FEED).value["c"]
    except MappingError as error:
        assert "\n" not in str(error)
        return None


def test_an_accepted_expression_runs(sail: SparkSession, apache_spark: SparkSession) -> None:
    passed: dict[str, str] = {}

    @TRIES
    @given(st.one_of(grammar, grammar, mutated()))
    def collect(sql: str) -> None:
        made = accepted(sql)
        if made and set(compiled(sql, DIALECT).columns) <= {"x", "y"}:
            passed[sql] = made

    until = time.monotonic() + SECONDS
    while True:
        passed.clear()
        collect()
        assert len(passed) > 10
        for session in (sail, apache_spark):
            failed = _failures(session, list(passed.items()))
            assert not failed, "\n".join(f"{sql}: {why}" for sql, why in failed)
        if time.monotonic() >= until:
            return


def _failures(session: SparkSession, wanted: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Asks in one query, then halves to find those that raise."""
    frame = session.createDataFrame([(x, y, i) for i, (x, y) in enumerate(FIXED)], "x string, y string, _row long")
    try:
        fetched(frame.selectExpr(*(f"{made} AS c{i}" for i, (_, made) in enumerate(wanted))))
        return []
    except Exception as error:
        if len(wanted) == 1:
            return [(wanted[0][0], str(error).strip().splitlines()[0][:200])]
        half = len(wanted) // 2
        return _failures(session, wanted[:half]) + _failures(session, wanted[half:])


HEAD = "feeds: d.f\nfiles: d/*.csv\nformat: csv\n"


@settings(TRIES, max_examples=300)
@given(
    st.one_of(st.text(max_size=60), st.text("!?&*[]{}:-,\n \"'|>%@`#~<=0123456789boltimesamp", max_size=60)),
    st.sampled_from(["", HEAD, HEAD + "select:\n  c: ", HEAD + "dialect: "]),
)
def test_a_mapping_file_is_read_or_refused_in_one_line(tmp_path_factory: pytest.TempPathFactory, text: str, head: str) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "d_x.yaml"
    path.write_text(head + text, encoding="utf-8", errors="replace", newline="")
    try:
        load(path, {FEED.name: FEED})
    except MappingError as error:
        assert "\n" not in str(error)
        assert str(error).startswith("d_x.yaml: ")
