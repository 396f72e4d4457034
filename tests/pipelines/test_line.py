"""Line steps: cycles, physics, use and silence by hand, and the law that any days alone come out as all at once."""

import inspect
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

import pipelines.line as steps
from lake.contract import Table
from lake.partitions import needed
from lake.tables import line as declared
from lake.tables.line import ALERTS, DAILY, FEATURES, HOURLY, MACHINES, MONTHLY, READINGS, STATUS, WEEKLY
from tests.frames import Row, days, frame, kept, stored

D1 = date(2025, 1, 6)
"""A Monday; in Paris its day begins at 23:00 UTC the day before."""
TABLES = [t for t in vars(declared).values() if isinstance(t, Table)]
TWO_SHIFTS = {"weekdays": "1-5", "opens_at": "05:00", "closes_at": "21:00"}
ALWAYS = {"weekdays": "1-7", "opens_at": "00:00", "closes_at": "24:00"}
SOUND: Row = {
    "vibration_x_mm_s": 1.0, "vibration_y_mm_s": 1.1, "vibration_z_mm_s": 0.9, "bearing_temperature_c": 50.0, "current_a": 22.0,
    "voltage_v": 400.0, "power_w": 13000.0, "spindle_speed_rpm": 600.0, "torque_nm": 100.0, "tool_wear_min": 20.0,
    "ambient_temperature_c": 20.0, "humidity_pct": 45.0, "pressure_hpa": 1013.0,
}  # fmt: skip


def at(minute: float, day: date = D1) -> datetime:
    """Minutes after midnight in Paris, in winter."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minute - 60)


def clock(text: str) -> int:
    hours, minutes = text.split(":")
    return 60 * int(hours) + int(minutes)


def reading(machine: str, minute: float, state: str = "running", counter: int | None = None, day: date = D1, **values: Any) -> Row:
    where = {"machine_id": machine, "measured_at": at(minute, day), "day": day, "state": state, "cycle_count": counter}
    return {**SOUND, **where, "_source": "s", "_file": "f", "_row": 1, **values}


def spell(machine: str, begin: str, end: str, state: str = "running", day: date = D1, **values: Any) -> list[Row]:
    """A reading a minute from one time of the clock to another, the second one left out."""
    return [reading(machine, m, state, day=day, **values) for m in range(clock(begin), clock(end))]


def machine(name: str, since: date = date(2020, 1, 1), cycle_s: float | None = 60.0, **hours: str) -> Row:
    return {"machine_id": name, "commissioned_on": since, "nominal_cycle_s": cycle_s, **TWO_SHIFTS, **hours}


def worked_monday() -> list[Row]:
    """Five hours of pieces, an hour of waiting, two off, eight unheard of; then half an hour outside the calendar."""
    rows = [reading("press", clock("05:00") + i, counter=1000 + i) for i in range(300)]
    rows += spell("press", "10:00", "11:00", "idle", cycle_count=1299, torque_nm=2.0)
    rows += spell("press", "11:00", "13:00", "off", cycle_count=1299, torque_nm=0.0)
    return rows + [reading("press", clock("22:00") + i, counter=1300 + i) for i in range(30)]


def counted() -> list[Row]:
    """A lost row, a null, an outlier on each side, an hour's end, and a counter that starts anew."""
    values = {"05:00": 100, "05:01": 101, "05:03": 104, "05:04": None, "05:05": 106, "05:06": 9_000_000, "05:07": 107, "05:08": 50,
              "05:09": 108, "05:59": 110, "06:00": 112, "06:01": 114, "06:02": 3, "06:03": 4, "06:04": 6}  # fmt: skip
    return [reading("counter", clock(c), counter=v) for c, v in values.items()]


REGISTRY = [
    machine("press"), machine("counter"), machine("mute", cycle_s=None), machine("pump", **ALWAYS),
    machine("weekend", weekdays="6-7", opens_at="00:00", closes_at="08:00"), machine("around", weekdays="6-2"),
    machine("new", since=date(2026, 3, 30)),
]  # fmt: skip


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_each_step_reads_what_its_table_declares(table: Table) -> None:
    assert tuple(inspect.signature(getattr(steps, table.name)).parameters) == table.reads


def test_silver_steps_pass_technical_columns_on(spark: SparkSession) -> None:
    fed = frame(spark, READINGS, [reading("press", 0)]).selectExpr("*", "1 as _intake")
    assert steps.silver_line__readings(fed).columns == fed.columns


@pytest.fixture(scope="module")
def hourly(spark: SparkSession) -> DataFrame:
    rows = worked_monday() + counted() + spell("mute", "05:00", "05:10")
    return stored(spark, steps.gold_line__hourly(frame(spark, READINGS, rows)), HOURLY)


@pytest.fixture(scope="module")
def daily(spark: SparkSession, hourly: DataFrame) -> dict[tuple[str, date], Row]:
    """The Monday of the readings, and the days around the two clock changes of 2026."""
    around = (days(spark, D1), days(spark, date(2026, 3, 26), 6), days(spark, date(2026, 10, 24), 2))
    made = steps.gold_line__daily(hourly, frame(spark, MACHINES, REGISTRY), reduce(DataFrame.union, around))
    return {(r["machine_id"], r["day"]): r for r in kept(made, DAILY)}


# Hours


def test_hours_count_states_and_sum_up_running_readings(hourly: DataFrame) -> None:
    hours = {r["hour"]: r for r in kept(hourly, HOURLY) if r["machine_id"] == "press"}
    told = [(h["reading_count"], h["running_count"], h["idle_count"], h["off_count"]) for _, h in sorted(hours.items())]
    assert told == [(60, 60, 0, 0)] * 5 + [(60, 0, 60, 0), (60, 0, 0, 60), (60, 0, 0, 60), (30, 30, 0, 0)]
    first, waiting = sorted(hours.items())[0][1], sorted(hours.items())[5][1]
    assert (first["torque_nm_count"], first["torque_nm_sum"], first["torque_nm_square_sum"]) == (60, 6000.0, 600_000.0)
    assert (waiting["torque_nm_count"], waiting["torque_nm_sum"], waiting["torque_nm_max"]) == (0, None, None)


def test_physics_by_hand(hourly: DataFrame) -> None:
    first = kept(hourly.filter("machine_id = 'press'").limit(1), HOURLY)[0]
    assert first["mechanical_power_w_max"] == 6283.0  # 100 Nm at ten turns a second
    assert first["temperature_difference_k_max"] == 30.0
    assert first["wear_torque_min_nm_max"] == 2000.0


def test_cycles_survive_lost_rows_outliers_and_a_new_counter(hourly: DataFrame) -> None:
    five, six = [r["cycles"] for r in kept(hourly, HOURLY) if r["machine_id"] == "counter"]
    assert five == 110 - 100
    assert six == (112 - 110) + (6 - 4), "around the fall to 3 the neighbours' median hides two rises, and the fall counts nothing"
    assert [r["cycles"] for r in kept(hourly, HOURLY) if r["machine_id"] == "mute"] == [None]


# Days


def test_use_of_a_day_by_hand(daily: dict[tuple[str, date], Row]) -> None:
    day = daily["press", D1]
    assert (day["planned_h"], day["running_h"], day["idle_h"], day["off_count"]) == (16.0, 5.5, 1.0, 120)
    assert day["available_min"] == 360, "the half hour after 22:00 was not planned and makes up for nothing"
    assert day["availability"] == 0.375
    assert day["cycles"] == 299 + 30
    assert day["counted_min"] == 390
    assert day["performance"] == round(329 / 390, 4)
    assert day["oee"] == round(0.375 * 329 / 390, 4)


def test_without_cycles_or_a_nominal_pace_there_is_no_oee(daily: dict[tuple[str, date], Row]) -> None:
    day = daily["mute", D1]
    assert (day["cycles"], day["ideal_s"], day["performance"], day["oee"]) == (None,) * 4
    assert day["availability"] == round(10 / 960, 4)


def test_planned_time_follows_the_calendar_of_the_machine_and_of_the_clock(daily: dict[tuple[str, date], Row]) -> None:
    def planned(name: str) -> dict[date, float]:
        return {d: r["planned_h"] for (m, d), r in daily.items() if m == name and d.year == 2026}

    friday, saturday, sunday, monday, tuesday = (date(2026, 3, 27) + timedelta(n) for n in range(5))
    assert [planned("press")[d] for d in (friday, saturday, sunday, monday)] == [16, 0, 0, 16]
    assert [planned("pump")[d] for d in (saturday, sunday, monday)] == [24, 23, 24]
    assert planned("pump")[date(2026, 10, 25)] == 25
    assert [planned("weekend")[d] for d in (friday, saturday, sunday)] == [0, 8, 7]
    assert planned("weekend")[date(2026, 10, 25)] == 9
    assert [planned("around")[d] for d in (friday, saturday, sunday, monday, tuesday)] == [0, 16, 16, 16, 16]
    assert sorted(planned("new")) == [monday, tuesday, date(2026, 10, 24), date(2026, 10, 25)]
    assert all((r["availability"] is None) == (r["planned_min"] == 0) for r in daily.values())
    assert daily["pump", D1]["availability"] == 0, "a silent machine was not available"


def test_weeks_and_months_add_up_before_they_divide(spark: SparkSession) -> None:
    zeros = {c.name: 0 for c in DAILY.columns if c.name.endswith("_count") or c.name == "counted_min"}

    def day(on: date, planned: int, available: int, cycles: int | None, mean: float | None = None) -> Row:
        known = {"machine_id": "press", "day": on, "planned_min": planned, "available_min": available, "cycles": cycles}
        counted = {"counted_min": available if cycles else 0, "ideal_s": cycles * 60.0 if cycles else None}
        torque = {"torque_nm_count": 4 if mean else 0, "torque_nm_sum": mean and 4 * mean, "running_count": available}
        return {**zeros, **known, **counted, **torque}

    held = frame(spark, DAILY, [day(date(2025, 1, 30), 960, 240, None), day(date(2025, 1, 31), 960, 720, 360, 10.0),
                                day(date(2025, 2, 1), 0, 0, None), day(date(2025, 2, 2), 0, 0, 90, 20.0)])  # fmt: skip
    [week] = kept(steps.gold_line__weekly(held), WEEKLY)
    assert (week["week"], week["planned_h"], week["availability"], week["cycles"]) == (date(2025, 1, 27), 32.0, 0.5, 450)
    assert week["performance"] == round(450 / 720, 4)
    assert week["oee"] == round(0.5 * 450 / 720, 4)
    assert week["torque_nm_mean"] == 15.0
    january, february = kept(steps.gold_line__monthly(held), MONTHLY)
    assert (january["month"], january["availability"], january["running_h"]) == (date(2025, 1, 1), 0.5, 16.0)
    assert (february["planned_h"], february["availability"], february["oee"]) == (0.0, None, None)


# Features, silence and state

FRIDAY = D1 + timedelta(4)
HEARD = {"press": "20:59", "half": "12:59", "pump": "20:59", "late": "12:59"}
"""Machines and when they were last heard of, all on that Friday; two of them never rest."""


@pytest.fixture(scope="module")
def last_heard(spark: SparkSession) -> tuple[DataFrame, DataFrame]:
    """An hour of readings from each machine on three days, the Friday being the last; and the registry."""
    hours = [
        {"machine_id": m, "day": day, "hour": at(clock(c) // 60 * 60, day), "last_reading_at": at(clock(c), day), "reading_count": 4,
         "running_count": 3, "idle_count": 1, "cycles": 5, "torque_nm_count": 3, "torque_nm_sum": 3 * (100.0 + n),
         "torque_nm_square_sum": 3 * (100.0 + n) ** 2}
        for n, day in enumerate((D1, D1 + timedelta(3), FRIDAY)) for m, c in HEARD.items()
    ]  # fmt: skip
    registry = [machine(m, **(ALWAYS if m in ("pump", "late") else TWO_SHIFTS)) for m in (*HEARD, "never")]
    return frame(spark, HOURLY, hours), frame(spark, MACHINES, registry)


@pytest.fixture(scope="module")
def features(spark: SparkSession, last_heard: tuple[DataFrame, DataFrame]) -> list[Row]:
    return kept(steps.gold_line__features(*last_heard, days(spark, D1, 14)), FEATURES)


def alone(table: Table, some: list[date], *frames: DataFrame) -> list[Row]:
    """Some days of a table from nothing but the days of its inputs that its declaration says they need."""
    reach = [needed(some, "day", "day", read.days_before) for read in table.inputs]
    pruned = (f.filter(f.day.isin(*r)).repartition(3) if "day" in f.columns else f for f, r in zip(frames, reach, strict=True))
    return [r for r in kept(getattr(steps, table.name)(*pruned), table) if r["day"] in some]


def test_any_days_alone_come_out_as_all_at_once(
    spark: SparkSession, hourly: DataFrame, daily: dict[tuple[str, date], Row],
    last_heard: tuple[DataFrame, DataFrame], features: list[Row],
) -> None:  # fmt: skip
    some = [FRIDAY + timedelta(n) for n in (-1, 3)]
    assert alone(FEATURES, some, *last_heard, days(spark, D1, 14)) == [r for r in features if r["day"] in some]
    some = [D1, date(2026, 3, 29)]
    calendar = days(spark, D1).union(days(spark, date(2026, 3, 20), 20))
    found = alone(DAILY, some, hourly, frame(spark, MACHINES, REGISTRY), calendar)
    assert {(r["machine_id"], r["day"]): r for r in found} == {k: r for k, r in daily.items() if k[1] in some}


def test_features_by_hand(features: list[Row]) -> None:
    [row] = [r for r in features if (r["machine_id"], r["day"]) == ("press", FRIDAY)]
    assert (row["readings"], row["cycles_1d"], row["cycles_7d"]) == (4, 5, 15)
    assert (row["running_share_1d"], row["idle_share_7d"], row["off_share_3d"]) == (0.75, 0.25, 0.0)
    assert (row["torque_nm_mean_1d"], row["torque_nm_mean_3d"], row["torque_nm_mean_7d"]) == (102.0, 101.5, 101.0)
    assert (row["torque_nm_std_1d"], row["torque_nm_trend_1d"], row["torque_nm_trend_3d"]) == (0.0, None, 1.0)


def test_a_machine_that_is_not_planned_to_work_is_not_silent(spark: SparkSession, features: list[Row]) -> None:
    found = {(r["machine_id"], (r["day"] - FRIDAY).days): r for r in features}

    def silence(name: str, *after: int) -> list[tuple[float | None, bool]]:
        return [(found[name, n]["planned_h_since_last_reading"], found[name, n]["is_silent"]) for n in after]

    assert silence("press", 0, 1, 2, 3) == [(0.02, False), (0.02, False), (0.02, False), (16.02, True)]
    assert silence("half", 0, 2) == [(8.02, True), (8.02, True)], "a shift is missing"
    assert silence("pump", 0, 1) == [(3.02, False), (27.02, True)], "the night shift's file comes a day later"
    assert silence("late", 0) == [(11.02, True)]
    assert silence("never", 0) == silence("press", 7) == [(None, True)]

    made = steps.gold_line__status(frame(spark, FEATURES, features), frame(spark, ALERTS))
    stood = {(r["machine_id"], (r["day"] - FRIDAY).days): r for r in kept(made, STATUS)}
    assert [stood["press", n]["status"] for n in range(4)] == ["OK", "OK", "OK", "INCONNU"]
    assert stood["half", 1]["reason"] == "no reading since 2025-01-10 11:59 UTC"
    assert stood["never", 0]["reason"] == "no reading in 7 days"


def test_alerts_look_at_running_readings_and_at_the_axis_that_shakes_most(spark: SparkSession) -> None:
    def rows() -> Iterable[Row]:
        yield from spell("shaky", "06:00", "06:20", vibration_y_mm_s=5.0, vibration_z_mm_s=None)
        yield from spell("waiting", "06:00", "07:00", "idle", vibration_x_mm_s=9.0, bearing_temperature_c=90.0)
        yield from spell("hot", "06:00", "06:30", bearing_temperature_c=80.0)
        yield from spell("strained", "06:00", "06:20", current_a=35.0)
        yield from spell("strained", "06:20", "13:00", current_a=25.0)
        yield from spell("sound", "06:00", "06:30")

    told = steps.gold_line__alerts(frame(spark, READINGS, rows()), days(spark, D1), frame(spark, ALERTS))
    lives = {(a["machine_id"], a["rule"]): (a["state"], a["opened_at"].astimezone(UTC), a["worst_value"]) for a in kept(told, ALERTS)}
    assert lives == {
        ("shaky", "vibration_high"): ("open", at(clock("06:15")), 5.0),
        ("hot", "bearing_hot"): ("worsened", at(clock("06:10")), 80.0),
        ("strained", "current_high"): ("open", at(clock("06:10")), 35.0),
    }
