"""What the gate lets through, on both engines."""

import json
import socket
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest

from lake.constraints import Between, Monotonic, NotNull, OneOf, Pattern, References, RowPromise
from lake.contract import Type
from quality.measures import Context
from tests.quality.samples import column, judged, on, outcomes, rows, table, verdict

NAN = float("nan")
ID = column("id", "string")
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(params=["pandas", "spark"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


PROMISES: list[tuple[RowPromise, Type, list[Any], list[Any]]] = [
    (NotNull(), "string", ["x", ""], [None]),
    (NotNull(), "double", [1.0, NAN], [None]),
    (NotNull(), "date", [date(1900, 1, 1)], [None]),
    (NotNull(), "timestamp", [AT], [None]),
    (NotNull(), "array<string>", [["a"], []], [None]),
    (Between("critical", 0, 10), "double", [0.0, 10.0, None], [-0.01, 10.01, NAN]),
    (Between("critical", 0, None), "double", [0.0, 1e300, None], [-1.0, NAN]),
    (Between("critical", None, 10), "double", [-1e300, 10.0, None], [10.5, NAN]),
    (Between("critical", 0, 10), "long", [0, 10, None], [-1, 2**60]),
    (OneOf("critical", ("on", "off")), "string", ["on", "off", None], ["On", ""]),
    (Pattern("critical", "[A-Z]|[A-Z][0-9]+"), "string", ["A", "B12", None], ["AB", "B12\n", " B12", ""]),
    (References("critical", "gold_toy__others", "id"), "string", ["u1", "u2", None], ["u3"]),
]


def test_row_promises(engine: str, spark: Any) -> None:
    """All kinds side by side: the values of one promise are one column, those that keep it first."""
    columns = [column(f"c{i}", type_, promise) for i, (promise, type_, _, _) in enumerate(PROMISES)]
    t = table(ID, *columns)
    references = {("gold_toy__others", "id"): {"u1", "u2", None}}

    def staged(values: list[list[Any]]) -> Any:
        """Short columns are filled up with their first value, which keeps the promise."""
        n = max(map(len, values))
        full = [v + v[:1] * (n - len(v)) for v in values]
        return on(engine, rows(t, *zip(map(str, range(n)), *full, strict=True)), spark)

    good = judged(t, staged([kept for _, _, kept, _ in PROMISES]), references=references)
    assert set(outcomes(good).values()) == {"passed"}

    bad = judged(t, staged([kept + broken for _, _, kept, broken in PROMISES]), references=references)
    for c, (promise, _, kept, broken) in zip(columns, PROMISES, strict=True):
        seen = verdict(bad, f"{c.name}: {promise.sentence}")
        assert (seen.outcome, seen.unexpected, seen.blocks) == ("failed", len(broken), True), c
        assert {json.loads(s)["id"] for s in seen.samples} == {str(len(kept) + i) for i in range(len(broken))}, c


@pytest.mark.parametrize("keys", [("id",), ("id", "at")])
def test_a_repeated_key_blocks(keys: tuple[str, ...], engine: str, spark: Any) -> None:
    t = table(ID, column("at", "timestamp"), key=keys)
    sound = rows(t, ("a", AT), ("b", AT), ("c", None))
    twice = rows(t, ("a", AT), ("a", AT), ("b", None))
    check = f"key {', '.join(keys)}: unique"

    assert verdict(judged(t, on(engine, sound, spark)), check).outcome == "passed"
    seen = verdict(judged(t, on(engine, twice, spark)), check)
    assert (seen.outcome, seen.unexpected) == ("failed", 2)
    assert json.loads(seen.samples[0])["id"] == "a"


@pytest.mark.parametrize(
    ("found", "observed"),
    [
        (["id"], "missing value"),
        (["value", "id"], "in another order: value, id"),
        (["id", "value", "x"], "not declared x"),
    ],
)
def test_columns_are_the_declared_ones_in_order(found: list[str], observed: str, engine: str, spark: Any) -> None:
    t = table(ID, column("value", "double", NotNull("warning")))
    staged = table(*(column(n, "string") for n in found), key=found[:1])
    a = judged(t, on(engine, rows(staged, ["1"] * len(found)), spark))

    assert verdict(a, "columns: as declared").observed == observed
    assert a.blocks
    if "value" not in found:
        assert verdict(a, "value: never null").observed == "a column is missing"


def test_no_rows_and_only_nulls(engine: str, spark: Any) -> None:
    t = table(
        ID, column("x", "double", Between("critical", 0, 1)), column("n", "long", Between("critical", 0, None)),
        column("s", "string", OneOf("critical", ("a",)), Pattern("critical", "a+")), column("d", "date"),
        column("at", "timestamp"), column("l", "array<string>", NotNull()), column("b", "boolean", NotNull()),
    )  # fmt: skip
    empty = judged(t, on(engine, rows(t), spark))
    assert set(outcomes(empty).values()) == {"passed"}
    assert {v.observed for v in empty.verdicts} == {"no rows"}

    nulls = judged(t, on(engine, rows(t, ["1"] + [None] * 7, ["2"] + [None] * 7), spark))
    assert [c for c, o in outcomes(nulls).items() if o != "passed"] == ["l: never null", "b: never null"]


def test_a_warning_does_not_block(engine: str, spark: Any) -> None:
    t = table(ID, column("x", "double", Between("warning", 0, 1)))
    a = judged(t, on(engine, rows(t, ("1", 2.0)), spark))
    assert outcomes(a)["x: from 0 to 1"] == "warned"
    assert not a.blocks


def test_a_waived_check_does_not_block(engine: str, spark: Any) -> None:
    t = table(ID, column("x", "double", Between("critical", 0, 1), NotNull()))
    waivers = {"x: from 0 to 1": "Ana: sensor swapped, until 2026-04-01", "x: never null": "unused"}
    a = judged(t, on(engine, rows(t, ("1", 2.0)), spark), waivers=waivers)

    assert not a.blocks
    assert verdict(a, "x: from 0 to 1").outcome == "waived"
    assert verdict(a, "x: from 0 to 1").waived_by.startswith("Ana")
    assert verdict(a, "x: never null").outcome == "passed"


def test_personal_values_are_shown_nowhere(engine: str, spark: Any) -> None:
    who = column("technician", "string", Pattern("critical", "T[0-9]"), personal=True)
    known = References("critical", "gold_toy__people", "name")
    approver = column("approver", "string", known, personal=True)
    never_falls = Monotonic("critical", "minutes", ("technician",), "approver")
    t = table(who, approver, column("minutes", "long"), key=("technician",), promises=(never_falls,))
    staged = rows(t, ("Durand", "Petit", 9), ("Durand", "Martin", 12), ("Moreau", None, 1))
    a = judged(t, on(engine, staged, spark), references={("gold_toy__people", "name"): {"Leroy"}})

    assert {v.check for v in a.verdicts if v.blocks} == {
        "key technician: unique", "technician: matches T[0-9]", "approver: found in gold_toy__people.name",
        "minutes never falls",
    }  # fmt: skip
    assert '"***"' in verdict(a, "technician: matches T[0-9]").samples[0]
    told = json.dumps(a.results) + repr(a.verdicts)
    assert not [name for name in ("Durand", "Petit", "Martin", "Moreau", "Leroy") if name in told]


def test_what_cannot_be_judged_fails() -> None:
    t = table(ID, column("x", "double", Between("critical", 0, 1)))
    a = judged(t, pd_table(t))
    assert verdict(a, "x: from 0 to 1").outcome == "failed"
    assert verdict(a, "x: from 0 to 1").observed.startswith("can't be judged")


def pd_table(t: Any) -> Any:
    return rows(table(*(column(c.name, "string") for c in t.columns)), ("1", "warm"))


def test_a_pandas_frame_with_any_index() -> None:
    t = table(ID, column("x", "double", Between("critical", 0, 1)), column("n", "long", Between("critical", 0, 1)))
    frame = pd.DataFrame({"id": ["a", "b", "c"], "x": [1.0, NAN, 5.0], "n": [0, 1, 7]}, index=[7, 7, 9])
    exact = frame.convert_dtypes(dtype_backend="pyarrow")
    for f in (frame, exact):
        a = judged(t, f, Context())
        assert verdict(a, "x: from 0 to 1").samples == ('{"id": "c", "x": 5.0}',)
        assert verdict(a, "n: from 0 to 1").samples == ('{"id": "c", "n": 7}',)


def test_results_are_strict_json_and_count_every_check() -> None:
    t = table(ID, column("x", "double", Between("critical", 0, None)))
    a = judged(t, rows(t, ("1", NAN)), Context(read=1, fates={"published": 1}))
    json.dumps(a.results, allow_nan=False)
    assert a.results["statistics"]["evaluated_expectations"] == len(a.verdicts) == 4
    assert verdict(a, "x: at least 0").samples == ('{"id": "1", "x": "NaN"}',)


def test_nothing_is_sent_and_nothing_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Any, capfd: pytest.CaptureFixture[str]) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("an audit opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.chdir(tmp_path)
    t = table(ID, column("x", "double", Between("critical", 0, 1)))
    judged(t, rows(t, ("1", 2.0)))
    assert not list(tmp_path.iterdir())
    assert capfd.readouterr() == ("", "")
