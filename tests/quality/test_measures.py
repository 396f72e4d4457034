"""Figures about whole tables, on both engines."""

from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest

from lake.constraints import EqualSums, Fresh, Monotonic, NullRateBand, RowCountBand, TablePromise
from quality.frames import prepared
from quality.measures import Context, measures
from quality.verdict import Measure, Verdict
from tests.quality.samples import column, judged, on, rows, table, verdict

D1 = date(2026, 3, 1)
AS_OF = date(2026, 3, 4)
OLD = 14
NAN = float("nan")


def days(*counts: int) -> dict[date | None, int]:
    return {D1 + timedelta(i): n for i, n in enumerate(counts)}


def one(promise: TablePromise, context: Context, n: int = 1) -> tuple[Measure, Verdict]:
    t = table(column("id", "string"), column("x", "double"), promises=(promise,))
    staged = rows(t, *((str(i), None if i else 1.0) for i in range(n)))
    (measure,) = measures(t, prepared(staged), context)
    return measure, verdict(judged(t, staged, context), promise.name)


@pytest.mark.parametrize(("staged", "outcome"), [(days(5), "warned"), (days(5, 5, 5), "passed"), (days(5, 0, 0), "warned")])
def test_fresh(staged: dict[date | None, int], outcome: str) -> None:
    _, seen = one(Fresh("warning", 1), Context(AS_OF, staged, {date(2026, 2, 1): 9}, OLD))
    assert seen.outcome == outcome


def test_a_stale_table_says_how_old_it_is() -> None:
    measure, seen = one(Fresh("critical", 2), Context(AS_OF, {}, days(5), OLD))
    assert (measure.observed, seen.observed, seen.blocks) == (3, "newest 2026-03-01, 3 days before 2026-03-04", True)


def test_a_table_that_never_had_rows_is_not_fresh() -> None:
    assert one(Fresh("critical"), Context(AS_OF, {}, days(0), OLD))[1].observed == "no partition has rows"


@pytest.mark.parametrize(("rows_", "outcome"), [(34, "passed"), (300, "passed"), (33, "warned"), (301, "warned"), (0, "warned")])
def test_row_count_band(rows_: int, outcome: str) -> None:
    context = Context(AS_OF, {AS_OF: rows_, D1: 100}, days(100, 90, 1000), OLD)
    measure, seen = one(RowCountBand(), context)
    assert seen.outcome == outcome
    assert measure.detail.startswith("2026-03-04 has")


def test_null_rate_band() -> None:
    promise = NullRateBand("warning", "x", 0.5)
    assert one(promise, Context(publications=OLD), 2)[1].outcome == "passed"
    measure, seen = one(promise, Context(publications=OLD), 4)
    assert (measure.observed, seen.outcome, seen.observed) == (0.75, "warned", "75.0% of 4 rows null")


@pytest.mark.parametrize("promise", [RowCountBand("critical", 2), NullRateBand("critical", "x", 0.1)])
def test_bands_only_warn_until_there_is_a_history(promise: TablePromise) -> None:
    staged = days(1)
    assert one(promise, Context(AS_OF, staged, days(100), OLD - 1), 4)[1].outcome == "warned"
    assert one(promise, Context(AS_OF, staged, days(100), OLD), 4)[1].outcome == "failed"


def test_freshness_needs_no_history() -> None:
    assert one(Fresh("critical", 0), Context(AS_OF, days(1), {}, 0))[1].outcome == "failed"


def test_equal_sums() -> None:
    promise = EqualSums("critical", "x", "silver_toy__parts", "price", 0.01)
    agree = {promise.name: {D1: (10.0, 10.005)}}
    assert one(promise, Context(sums=agree))[1].outcome == "passed"

    apart = {promise.name: {D1: (10.0, 10.0), AS_OF: (7.0, 9.5)}}
    measure, seen = one(promise, Context(sums=apart))
    assert (measure.observed, measure.breaks, seen.outcome) == (2.5, 1, "failed")
    assert seen.observed == "2 partitions; widest apart 2026-03-04: 7 here, 9.5 there"
    assert one(promise, Context(sums={promise.name: {None: (1.0, NAN)}}))[1].outcome == "failed"


def test_conservation_of_rows() -> None:
    t = table(column("id", "string"))
    fates = {"published": 1, "merged": 0, "quarantined": 2}
    sound = verdict(judged(t, rows(t, ("1",)), Context(read=3, fates=fates)), "conservation")
    lost = verdict(judged(t, rows(t, ("1",)), Context(read=5, fates=fates)), "conservation")

    assert (sound.outcome, sound.observed) == ("passed", "read 3 = published 1 + merged 0 + quarantined 2")
    assert (lost.outcome, lost.unexpected) == ("failed", 2)
    assert lost.observed.endswith("; 2 unaccounted for")


@pytest.mark.parametrize("engine", ["pandas", "spark"])
def test_a_counter_that_falls(engine: str, spark: Any) -> None:
    promises = (
        Monotonic("critical", "hours", ("unit",), "at"),
        Monotonic("warning", "cycles", ("unit", "part"), "id"),
        NullRateBand("warning", "part", 0.5),
    )
    t = table(
        column("id", "string"), column("unit", "string"), column("part", "string"), column("at", "long"),
        column("hours", "double"), column("cycles", "long"), promises=promises,
    )  # fmt: skip
    staged = rows(
        t,
        ("1", "u1", "p", 1, 10.0, 5),
        ("4", "u1", "p", 4, 11.0, None),
        ("2", "u1", "p", 2, None, 6),
        ("3", "u1", "p", 3, 12.0, 6),
        ("5", "u1", None, 4, 13.0, 1),
        ("6", "u1", None, 5, NAN, 2),
        ("7", "u2", None, 1, 5.0, 0),
        ("8", "u2", None, None, 1.0, 9),
    )
    seen = {m.name: m for m in measures(t, prepared(on(engine, staged, spark)), Context(publications=OLD))}
    assert (seen["hours never falls"].observed, seen["hours never falls"].detail) == (1, "1 fall of hours, in u1")
    assert seen["cycles never falls"].observed == 0
    assert seen["null rate of part"].observed == 0.5


def test_a_promise_about_a_missing_column_is_an_error() -> None:
    t = table(column("id", "string"), promises=(NullRateBand("warning", "x"),))
    with pytest.raises(ValueError, match=r"gold_toy__things.*lack: x"):
        measures(t, pa.table({"id": ["1"]}).to_pandas(), Context())
