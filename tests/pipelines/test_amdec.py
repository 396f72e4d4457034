"""AMDEC: scales, RPN, levels, the published action priority, open actions; and the simulated sheets from file to gold."""

import inspect
from datetime import date, datetime, timedelta
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

import pipelines.amdec as steps
from lake.contract import Table
from lake.fmea import GRAVITY_FROM_STOP, OCCURRENCE_FROM_RATE, SCALES, action_priority, level, normalised, whole
from lake.spark import conform, struct
from lake.tables.amdec import ACTIONS, FAILURE_MODES, OTHER_ROLE, RATED_MODES
from pipelines.judge import NO_PROBLEMS, judged
from pipelines.simulator.amdec import deliver
from pipelines.simulator.dirt import Dirt
from pipelines.simulator.plant import Plant
from tests.sandbox import Sandbox

Row = dict[str, Any]
TODAY = date(2026, 3, 31)
RATING = st.integers(1, 10)


def frame(spark: SparkSession, table: Table, rows: list[Row]) -> DataFrame:
    """Rows of a table; columns that don't matter may be left out."""
    names = [c.name for c in table.columns]
    return spark.createDataFrame([tuple(r.get(n) for n in names) for r in rows], struct(table))


def kept(df: DataFrame, table: Table) -> dict[str, Row]:
    """What the engine would store, by cause."""
    return {r.cause: r.asDict() for r in conform(df, table).collect()}


def mode(cause: str, g: float | None = 5, o: float | None = 5, d: float | None = 5, scale: str = "1-10", **more: Any) -> Row:
    given = {"gravity_given": g, "occurrence_given": o, "detection_given": d}
    fixed = {"domain": "line", "organ": "roulement", "mode": "grippage", "_source": "s", "_file": "f", "_row": 1}
    return {**fixed, "cause": cause, "scale": scale, **given, **more}


def normalised_row(row: Row) -> Row:
    on = {k: row[f"{k}_given"] for k in ("gravity", "occurrence", "detection")}
    return {**row, **{f"{k}_normalised": None if v is None else normalised(v, row["scale"]) for k, v in on.items()}}


@pytest.mark.parametrize("table", [FAILURE_MODES, RATED_MODES, ACTIONS], ids=lambda t: t.name)
def test_each_step_reads_what_its_table_declares(table: Table) -> None:
    assert tuple(inspect.signature(getattr(steps, table.name)).parameters) == table.reads


# Scales


@pytest.mark.parametrize("scale", SCALES)
def test_the_ends_of_a_scale_meet_1_and_10_and_its_middle_the_middle(scale: str) -> None:
    low, high = SCALES[scale]
    assert [normalised(x, scale) for x in (low, (low + high) / 2, high)] == [1, 5.5, 10]


@given(scale=st.sampled_from(sorted(SCALES)), share=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_normalising_keeps_the_order_within_a_scale_and_stays_within_1_to_10(scale: str, share: tuple[float, float]) -> None:
    low, high = SCALES[scale]
    smaller, larger = (normalised(low + s * (high - low), scale) for s in sorted(share))
    assert 1 <= smaller <= larger <= 10 + 1e-9
    assert 1 <= whole(smaller) <= whole(larger) <= 10


def test_each_rating_of_1_to_5_and_of_1_to_10_keeps_a_place_of_its_own() -> None:
    assert [whole(normalised(x, "1-10")) for x in range(1, 11)] == list(range(1, 11))
    assert [whole(normalised(x, "1-5")) for x in range(1, 6)] == [1, 3, 6, 8, 10]


@pytest.mark.parametrize("table", [OCCURRENCE_FROM_RATE, GRAVITY_FROM_STOP], ids=["occurrence", "gravity"])
def test_tables_of_observed_ratings_fall_from_10_to_1_and_miss_no_value(table: tuple[tuple[int, float], ...]) -> None:
    assert [rating for rating, _ in table] == list(range(10, 0, -1))
    assert table[-1][1] == 0
    assert all(a > b for (_, a), (_, b) in pairwise(table))


# The action priority


@pytest.mark.parametrize(
    ("gravity", "occurrence", "detection", "priority"),
    [
        # AIAG & VDA FMEA Handbook (2019), 3.5.9, at the edges of its bands
        (10, 10, 1, "H"), (9, 6, 1, "H"), (10, 5, 2, "H"), (9, 4, 1, "M"), (10, 3, 7, "H"), (9, 2, 6, "M"), (9, 3, 4, "L"),
        (10, 2, 1, "L"), (10, 1, 10, "L"), (8, 8, 1, "H"), (7, 7, 2, "H"), (8, 6, 1, "M"), (7, 5, 7, "H"), (8, 4, 6, "M"),
        (7, 4, 1, "M"), (8, 3, 10, "M"), (7, 2, 5, "M"), (8, 3, 4, "L"), (7, 1, 10, "L"), (6, 8, 5, "H"), (4, 10, 4, "M"),
        (5, 9, 1, "M"), (6, 7, 10, "M"), (4, 6, 2, "M"), (5, 7, 1, "L"), (6, 5, 7, "M"), (4, 4, 6, "L"), (6, 3, 10, "L"),
        (3, 8, 5, "M"), (2, 10, 7, "M"), (3, 10, 4, "L"), (2, 7, 10, "L"), (1, 10, 10, "L"),
        # the case study of Pop et al., Applied Sciences 16(5):2591 (2026), tables 2 and 3
        (6, 6, 4, "M"), (6, 4, 4, "L"), (6, 6, 2, "M"), (6, 4, 2, "L"), (6, 4, 6, "L"), (7, 6, 6, "H"), (7, 3, 6, "M"), (7, 3, 4, "L"),
    ],
)  # fmt: skip
def test_action_priority_of_the_published_table(gravity: int, occurrence: int, detection: int, priority: str) -> None:
    assert action_priority(gravity, occurrence, detection) == priority


@given(RATING, RATING, RATING, st.integers(0, 2))
def test_a_worse_rating_never_lowers_the_action_priority(gravity: int, occurrence: int, detection: int, which: int) -> None:
    better = [gravity, occurrence, detection]
    worse = [min(r + (i == which), 10) for i, r in enumerate(better)]
    assert "LMH".index(action_priority(*worse)) >= "LMH".index(action_priority(*better))


def test_spark_gives_every_combination_its_priority_and_level(spark: SparkSession) -> None:
    rows = [normalised_row(mode(f"{g} {o} {d}", g, o, d)) for g, o, d in product(range(1, 11), repeat=3)]
    made = kept(steps.gold_amdec__ratings(frame(spark, FAILURE_MODES, rows)), RATED_MODES)
    assert len(made) == 1000
    for cause, row in made.items():
        g, o, d = map(int, cause.split())
        assert (row["action_priority"], row["level"], row["rpn_normalised"]) == (action_priority(g, o, d), level(g * o * d), g * o * d)
    hidden = [r for r in made.values() if r["gravity_rating"] >= 9 and r["action_priority"] == "H" and r["level"] in ("low", "medium")]
    assert hidden, "gravity 9 can hide behind a low product"


# Ratings


def test_the_rpn_is_computed_on_the_sheets_own_scale_and_compared(spark: SparkSession) -> None:
    rows = [
        mode("right", 4, 3, 2, rpn_given=24.0), mode("wrong", 4, 3, 2, rpn_given=26.0), mode("missing", 4, 3, 2),
        mode("unrated", None, 3, 2, rpn_given=24.0), mode("half", 3, 2, 5, "1-5", rpn_given=30.0), mode("percent", 90, 50, 0, "0-100"),
    ]  # fmt: skip
    made = kept(steps.gold_amdec__ratings(frame(spark, FAILURE_MODES, [normalised_row(r) for r in rows])), RATED_MODES)
    columns = ("rpn_computed", "rpn_difference", "rpn_state", "rpn_normalised", "level", "action_priority")
    assert {cause: tuple(row[c] for c in columns) for cause, row in made.items()} == {
        "right": (24, 0, "right", 24, "low", "L"),
        "wrong": (24, 2, "wrong", 24, "low", "L"),
        "missing": (24, None, "missing", 24, "low", "L"),
        "unrated": (None, None, "not_computable", None, None, None),
        "half": (30, 0, "right", 6 * 3 * 10, "high", "L"),
        "percent": (0, None, "missing", 9 * 6 * 1, "medium", "H"),
    }


def test_a_rating_beyond_its_scale_goes_to_quarantine_and_names_become_roles(spark: SparkSession) -> None:
    rows = [
        mode("sound ", 5, 1, 3, "1-5", organ="  Moteur\n électrique", action_status="EN COURS", responsible_role="Méthodes "),
        mode("empty", None, 1, 3, "1-5", responsible_role="Jean Dupont"),
        mode("beyond", 6, 1, 0, "1-5"), mode("ends", 0, 100, 50, "0-100"), mode("below", -1, 100, 50, "0-100"),
        mode("unknown", scale="1-4"),
    ]  # fmt: skip
    fed = frame(spark, FAILURE_MODES, rows).drop(*(c.name for c in FAILURE_MODES.columns if c.name.endswith("_normalised")))
    fed = fed.selectExpr("*", f"{NO_PROBLEMS} as _problems", "false as _is_broken", "date'1900-01-01' as _partition", "'' as _content")
    told = {r.cause: r for r in judged(FAILURE_MODES, steps.silver_amdec__failure_modes(fed), {}).collect()}
    assert {c: [(p.promise, p.found) for p in r._broken_promises or ()] for c, r in told.items() if r._fate == "quarantined"} == {
        "beyond": [
            ("gravity_given: within the scale of its sheet", "6 on 1-5"),
            ("detection_given: within the scale of its sheet", "0 on 1-5"),
        ],
        "below": [("gravity_given: within the scale of its sheet", "-1 on 0-100")],
        "unknown": [("scale: one of 1-5, 1-10, 0-100", "1-4")],
    }
    sound = told["sound"]
    assert (sound.organ, sound.action_status, sound.responsible_role) == ("moteur électrique", "en cours", "méthodes")
    assert (sound.gravity_normalised, sound.occurrence_normalised, sound.detection_normalised) == (10, 1, 5.5)
    assert (told["ends"].gravity_normalised, told["ends"].occurrence_normalised) == (1, 10)
    assert (told["empty"]._fate, told["empty"].gravity_normalised, told["empty"].responsible_role) == ("published", None, OTHER_ROLE)


# Actions


def test_actions_not_done_are_overdue_from_the_day_after_they_were_due(spark: SparkSession) -> None:
    def action(cause: str, status: str | None, due: int | None, what: str | None = "graisser") -> Row:
        due_on = None if due is None else TODAY + timedelta(days=due)
        return mode(cause, preventive_action=what, action_status=status, due_on=due_on)

    rows = [
        action("late", "ouverte", -10), action("due today", "en cours", 0), action("ahead", "ouverte", 5),
        action("no date", "ouverte", None),
        action("done late", "faite", -10), action("no action", "ouverte", -10, None), action("no status", None, -10),
    ]  # fmt: skip
    calendar = spark.createDataFrame(
        [(TODAY - timedelta(days=1), datetime(2026, 3, 30)), (TODAY, datetime(2026, 3, 31))], "day date, ends_at timestamp"
    )
    made = kept(steps.gold_amdec__actions(frame(spark, RATED_MODES, rows), calendar), ACTIONS)
    assert {c: (r["day"], r["is_overdue"], r["days_overdue"]) for c, r in made.items()} == {
        "late": (TODAY, True, 10), "due today": (TODAY, False, 0), "ahead": (TODAY, False, 0), "no date": (TODAY, False, None),
    }  # fmt: skip


# From simulated files to gold


def test_simulated_sheets_flow_to_gold_and_what_is_wrong_with_them_is_found(tmp_path: Path) -> None:
    box = Sandbox(tmp_path)
    deliveries = deliver(TODAY, Plant(seed=7, scale=1, dirt=Dirt(), time_zone="Europe/Paris"))
    for delivery in deliveries:
        path = box.settings.landing / delivery.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(delivery.content)
    box.run(only=[t for t in box.cat.tables if "_amdec__" in t] + ["bronze_lake__calendar"])
    dirt = {(d["file"], d["row"]): d["kind"] for delivery in deliveries for d in delivery.truth["dirt"]}
    assert {"rating_out_of_scale", "rpn_missing", "rpn_wrong"} <= set(dirt.values()), "or this test proves less than it says"

    out = box.open("silver_amdec__failure_modes__quarantine").read(["_file", "_row", "content"]).to_pylist()
    assert all('"Responsable":"***"' in r["content"] or '"responsable":"***"' in r["content"] for r in out), "sheets may name persons"
    assert {(r["_file"], r["_row"]) for r in out} == {place for place, kind in dirt.items() if kind == "rating_out_of_scale"}
    modes = box.open("silver_amdec__failure_modes").read().to_pandas()
    states = box.frame("gold_amdec__ratings").set_index(["domain", "organ", "mode", "cause"])["rpn_state"]
    found = {(m["_file"], m["_row"]): states[m["domain"], m["organ"], m["mode"], m["cause"]] for _, m in modes.iterrows()}
    means = {"rpn_missing": "missing", "rpn_wrong": "wrong", "rating_missing": "not_computable"}
    assert found == {place: means.get(dirt.get(place, ""), "right") for place in found}
    known = [r for delivery in deliveries for r in delivery.truth["ratings"] if r["in_sheet"]]
    assert len(modes) + len(out) == len(known)
    assert set(modes["equipment"].dropna()) == {"Ligne de production", "Véhicule utilitaire", "Groupe frigorifique"}
    assert modes["equipment"].notna().all(), "merged cells"

    actions = box.frame("gold_amdec__actions")
    assert set(actions["day"]) == {TODAY} and actions["is_overdue"].any() and not actions["is_overdue"].all()
