"""Alerts across domains: what sensors say passes through; an asset from which nothing is heard is one alert with a life."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from lake.catalog import catalog
from lake.contract import Table
from lake.spark import conform, struct
from lake.tables.maintenance import ALERTS, SILENCE
from pipelines.maintenance import gold_maintenance__alerts

Row = dict[str, Any]
D1 = date(2025, 3, 28)
"""A Friday; the clock changes on the Sunday that follows."""
KEYS = {"fleet": "vin", "line": "machine_id", "refrigeration": "unit_id"}


def frame(spark: SparkSession, table: Table, rows: list[Row]) -> DataFrame:
    return spark.createDataFrame([tuple(r.get(c.name) for c in table.columns) for r in rows], struct(table))


def at(day: date, hour: int = 12) -> datetime:
    return datetime.combine(day, time(hour), UTC)


def day(n: int) -> date:
    return D1 + timedelta(days=n)


def status(domain: str, asset: str, heard: str) -> list[Row]:
    """One row a day; `heard` has a letter for each: h heard, s silent."""
    last = None
    rows = []
    for n, letter in enumerate(heard):
        last = at(day(n)) if letter == "h" else last
        told = "OK" if letter == "h" else "INCONNU"
        rows.append({"day": day(n), KEYS[domain]: asset, "status": told, "reason": "", "last_reading_at": last})
    return rows


def run(spark: SparkSession, statuses: dict[str, list[Row]], days: list[int], own: DataFrame, alerts: dict[str, list[Row]]) -> DataFrame:
    cat = catalog()
    wanted = {day(n) for n in days}
    inputs = {f"gold_{d}__{e}": frame(spark, cat[f"gold_{d}__{e}"], [r for r in rows.get(d, []) if r["day"] in wanted])
              for e, rows in (("status", statuses), ("alerts", alerts)) for d in KEYS}  # fmt: skip
    calendar = frame(spark, cat["bronze_lake__calendar"], [{"day": d, "ends_at": at(d, 23)} for d in sorted(wanted)])
    return conform(gold_maintenance__alerts(**inputs, bronze_lake__calendar=calendar, gold_maintenance__alerts=own), ALERTS)


def rows_of(made: DataFrame) -> list[Row]:
    return sorted((r.asDict() for r in made.collect()), key=lambda r: (r["asset_id"], r["day"], r["alert_id"]))


@pytest.fixture(scope="module")
def statuses() -> dict[str, list[Row]]:
    return {
        "fleet": status("fleet", "VIN-1", "hsshhs"),
        "line": status("line", "CNC-01", "hhhhhh"),
        "refrigeration": status("refrigeration", "FRIGO-01", "sssssh"),
    }


@pytest.fixture(scope="module")
def sensed() -> dict[str, list[Row]]:
    rule = next(c for c in catalog()["gold_line__alerts"].columns if c.name == "rule").constraints[1].values[0]  # type: ignore[attr-defined]
    row = {"day": day(1), "alert_id": "a1", "machine_id": "CNC-01", "rule": rule, "indicator": "x", "state": "open", "severity": "warning",
           "started_at": at(day(1)), "opened_at": at(day(1)), "last_active_at": at(day(1)), "is_active": True, "worst_value": 9.0,
           "reading_count": 5, "critical_count": 0}  # fmt: skip
    return {"line": [row]}


@pytest.fixture(scope="module")
def at_once(spark, statuses: dict[str, list[Row]], sensed: dict[str, list[Row]]) -> list[Row]:
    return rows_of(run(spark, statuses, [0, 1, 2, 3, 4, 5], frame(spark, ALERTS, []), sensed))


def test_each_run_of_silent_days_is_one_alert_that_ends_when_something_is_heard(at_once: list[Row]) -> None:
    seen = [(r["asset_id"], (r["day"] - D1).days, r["state"]) for r in at_once if r["rule"] == SILENCE]
    assert seen == [
        ("FRIGO-01", 0, "open"), ("FRIGO-01", 1, "open"), ("FRIGO-01", 2, "worsened"), ("FRIGO-01", 3, "worsened"),
        ("FRIGO-01", 4, "worsened"), ("FRIGO-01", 5, "cleared"),
        ("VIN-1", 1, "open"), ("VIN-1", 2, "open"), ("VIN-1", 3, "cleared"), ("VIN-1", 5, "open"),
    ]  # fmt: skip
    identities = {(r["asset_id"], (r["day"] - D1).days): r["alert_id"] for r in at_once}
    assert len({identities["FRIGO-01", n] for n in range(6)}) == 1
    assert identities["VIN-1", 1] == identities["VIN-1", 3] != identities["VIN-1", 5]


def test_a_silence_begins_with_the_last_that_was_heard(at_once: list[Row]) -> None:
    silent = {(r["asset_id"], (r["day"] - D1).days): r for r in at_once if r["rule"] == SILENCE}
    stamp = {k: (r["started_at"], r["opened_at"], r["worsened_at"], r["cleared_at"]) for k, r in silent.items()}
    naive = {n: at(day(n)).replace(tzinfo=None) for n in range(6)}
    ends = {n: at(day(n), 23).replace(tzinfo=None) for n in range(6)}
    assert stamp["VIN-1", 3] == (naive[0], ends[1], None, naive[3])
    assert stamp["FRIGO-01", 5] == (ends[0] - timedelta(days=1), ends[0], ends[2], naive[5])


def test_what_sensors_say_passes_through_with_its_title(at_once: list[Row]) -> None:
    (row,) = [r for r in at_once if r["rule"] != SILENCE]
    assert (row["asset_id"], row["domain"], row["alert_id"], row["state"], row["worst_value"]) == ("CNC-01", "line", "a1", "open", 9.0)
    assert row["title"] and row["title"] != row["rule"]


@pytest.mark.parametrize("cuts", [(1, 2, 3, 4, 5), (2, 4)])
def test_day_by_day_equals_all_at_once(
    spark, statuses: dict[str, list[Row]], sensed: dict[str, list[Row]], at_once: list[Row], cuts: tuple[int, ...]
) -> None:
    walked: list[Row] = []
    own = frame(spark, ALERTS, [])
    for first, end in zip((0, *cuts), (*cuts, 6), strict=True):
        made = rows_of(run(spark, statuses, list(range(first, end)), own, sensed))
        walked += made
        own = frame(spark, ALERTS, [r for r in made if r["day"] == day(end - 1)])
    assert sorted(walked, key=lambda r: (r["asset_id"], r["day"], r["alert_id"])) == at_once
