"""Refrigeration steps: each indicator and rule by hand, and the two laws: any days at once, or day by day, same rows."""

import inspect
import math
import random
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

import pipelines.refrigeration as steps
from lake.contract import Table
from lake.spark import conform
from lake.tables import refrigeration as declared
from lake.tables.refrigeration import (
    ALERTS,
    DAILY,
    FEATURES,
    HOURLY,
    INDICATORS,
    MODES,
    MONTHLY,
    READINGS,
    RULES,
    STATUS,
    UNITS,
    WEEKLY,
    Rule,
)
from tests.frames import Row, days, frame, kept, stored

D1 = date(2025, 1, 6)
"""A Monday; in Paris its day begins at 23:00 UTC the day before."""
SOUND: Row = {
    "evaporator_temperature_c": -20.0, "condenser_temperature_c": 40.0, "high_pressure_bar": 12.0,
    "low_pressure_bar": 2.0, "superheat_k": 8.0, "subcooling_k": 5.0, "current_a": 9.0, "vibration_g": 0.02,
    "efficiency": 0.7,
}  # fmt: skip
TABLES = [t for t in vars(declared).values() if isinstance(t, Table)]


def at(minute: float, day: date = D1) -> datetime:
    """Minutes after midnight in Paris, in winter."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minute - 60)


def reading(minute: float, unit: str = "u1", mode: str = "normal", day: date = D1, **values: Any) -> Row:
    local = day + timedelta(days=int(minute // 1440))
    fixed = {"unit_id": unit, "measured_at": at(minute, day), "day": local, "mode": mode, "_source": "s", "_file": "f"}
    return {**SOUND, **fixed, "_row": 1, **values}


def every(minutes: Iterable[float], **same: Any) -> list[Row]:
    return [reading(m, **same) for m in minutes]


def indicators(spark: SparkSession, rows: Iterable[Row]) -> DataFrame:
    return conform(steps.gold_refrigeration__indicators(frame(spark, READINGS, rows)), INDICATORS)


def minutes(moment: datetime | None) -> float | None:
    """Minutes after D1's midnight in Paris, of an instant that Spark gave back."""
    return None if moment is None else (moment.astimezone(UTC) - at(0)).total_seconds() / 60


def life(alert: Row) -> tuple[Any, ...]:
    return alert["state"], *(minutes(alert[f"{e}_at"]) for e in ("started", "opened", "worsened", "cleared"))


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_each_step_reads_what_its_table_declares(table: Table) -> None:
    assert tuple(inspect.signature(getattr(steps, table.name)).parameters) == table.reads


def test_silver_steps_pass_technical_columns_on(spark: SparkSession) -> None:
    fed = frame(spark, READINGS, [reading(0)]).selectExpr("*", "1 as _intake")
    assert steps.silver_refrigeration__readings(fed).columns == fed.columns
    assert steps.silver_refrigeration__units(fed).columns == fed.columns


def test_a_condenser_in_fahrenheit_breaks_its_range() -> None:
    promises = READINGS.column("condenser_temperature_c").constraints
    assert all(p.holds(40.0) for p in promises)
    assert not all(p.holds(104.0) for p in promises)


def test_indicators_by_hand(spark: SparkSession) -> None:
    [row] = indicators(spark, [reading(0)]).collect()
    assert row.theoretical_cop == round(253.15 / 60, 3) == 4.219
    assert row.pressure_ratio == 6.0
    assert row.temperature_difference_k == 60.0
    assert row.compressor_efficiency == 0.7
    assert row.effective_cop == 2.953
    assert row.is_steady


def test_an_indicator_without_meaning_is_null(spark: SparkSession) -> None:
    cases: list[tuple[Row, str]] = [
        ({"condenser_temperature_c": -20.0}, "theoretical_cop"),
        ({"condenser_temperature_c": -30.0}, "theoretical_cop"),
        ({"evaporator_temperature_c": None}, "theoretical_cop"),
        ({"low_pressure_bar": 0.0}, "pressure_ratio"),
        ({"high_pressure_bar": 0.0}, "pressure_ratio"),
        ({"efficiency": 0.0}, "compressor_efficiency"),
    ]
    rows = indicators(spark, (reading(i, **values) for i, (values, _) in enumerate(cases))).orderBy("measured_at").collect()
    assert [row[missing] for row, (_, missing) in zip(rows, cases, strict=True)] == [None] * len(cases)


def test_hours_sum_up_steady_readings_and_count_the_others(spark: SparkSession) -> None:
    rows = [
        reading(0, mode="defrost", current_a=99.0), reading(2, current_a=0.1), reading(4, current_a=0.2),
        reading(6, mode="defrost"), reading(8, mode="defrost"), reading(10, mode="startup"),
        reading(60, current_a=None),
    ]  # fmt: skip
    first, second = kept(steps.gold_refrigeration__hourly(indicators(spark, rows)), HOURLY)
    assert (first["reading_count"], first["steady_count"], first["running_count"]) == (6, 2, 3)
    assert (first["defrost_count"], first["startup_count"], first["defrost_starts"]) == (3, 1, 2)
    assert (first["current_a_count"], first["current_a_sum"], first["current_a_square_sum"]) == (2, 0.3, 0.05)
    assert (first["current_a_min"], first["current_a_max"]) == (0.1, 0.2)
    assert (second["reading_count"], second["current_a_count"], second["current_a_sum"]) == (1, 0, None)


def test_days_weeks_and_months_add_up(spark: SparkSession) -> None:
    rows = [reading(m, day=D1 + timedelta(d), current_a=5.0 + d) for d in (0, 6, 7, 30) for m in (0, 2)]
    hours = conform(steps.gold_refrigeration__hourly(indicators(spark, rows)), HOURLY)
    daily = stored(spark, steps.gold_refrigeration__daily(hours), DAILY)
    assert [r["current_a_mean"] for r in kept(daily, DAILY)] == [5.0, 11.0, 12.0, 35.0]
    weekly = kept(steps.gold_refrigeration__weekly(daily), WEEKLY)
    assert [(r["week"], r["reading_count"]) for r in weekly] == [
        (D1, 4), (D1 + timedelta(7), 2), (D1 + timedelta(28), 2),
    ]  # fmt: skip
    assert weekly[0]["current_a_mean"] == 8.0
    monthly = kept(steps.gold_refrigeration__monthly(daily), MONTHLY)
    assert [(r["month"], r["reading_count"], r["running_h"]) for r in monthly] == [
        (date(2025, 1, 1), 6, 0.2), (date(2025, 2, 1), 2, 0.07),
    ]  # fmt: skip


def beyond(rule: Rule, side: float) -> Row:
    """Sensor values at a distance from the rule's limit; positive is bad."""
    value = rule.limit + (side if rule.direction == "above" else -side)
    if rule.indicator == "pressure_ratio":
        return {"high_pressure_bar": 1.6 * value, "low_pressure_bar": 1.6}
    return {rule.indicator: value}


WARM: Row = {"evaporator_temperature_c": -2.0}
HOT: Row = {"condenser_temperature_c": 52.0}
BETWEEN: Row = {"condenser_temperature_c": 49.0}


def just_long_enough(rule: Rule, margin: float) -> list[Row]:
    return every(range(0, rule.minimum_minutes + 1, 2), **beyond(rule, margin))


SCENARIOS: dict[str, list[Row]] = {
    **{f"{r.name} beyond": just_long_enough(r, abs(r.critical_limit - r.limit) / 4) for r in RULES},
    **{f"{r.name} at its limit": just_long_enough(r, 0) for r in RULES},
    "warm in defrost and startup": every(range(0, 60, 2), mode="defrost", **WARM) + every(range(60, 120, 2), mode="startup", **WARM),
    "warm around a defrost": every(range(0, 22, 2), **WARM) + every(range(22, 90, 2), mode="defrost") + every((90,), **WARM),
    "peak at the end": every((0, 2, 4), **HOT),
    "peak, then calm": every((0, 2, 4), **HOT) + every(range(6, 60, 2)),
    "two spikes": every((0, 20), **HOT) + every(range(2, 20, 2)),
    "flapping": [reading(m, **(HOT if m % 8 == 0 else SOUND)) for m in range(0, 240, 2)],
    "hot, calm, hot": every([*range(0, 20, 2), *range(100, 120, 2)], **HOT) + every(range(20, 100, 2)),
    "never beyond": every(range(0, 60, 2), **BETWEEN),
    "between after hot": every(range(0, 12, 2), **HOT) + every(range(12, 120, 2), **BETWEEN),
    "ever hotter": every(range(0, 12, 2), **HOT) + every(range(12, 20, 2), condenser_temperature_c=61.0),
    "warm for hours": every(range(0, 260, 10), **WARM),
    "across midnight": every(range(1420, 1460, 2), **HOT) + every(range(3 * 1440, 3 * 1440 + 60, 2)),
}


@pytest.fixture(scope="module")
def told(spark: SparkSession) -> dict[str, list[Row]]:
    """The alerts of each scenario on its days, by beginning and day; each scenario is a unit of its own."""
    rows = [{**r, "unit_id": name} for name, scenario in SCENARIOS.items() for r in scenario]
    made = steps.gold_refrigeration__alerts(indicators(spark, rows), days(spark, D1, 5), frame(spark, ALERTS))
    found = sorted(kept(made, ALERTS), key=lambda a: (a["started_at"], a["day"]))
    return {name: [a for a in found if a["unit_id"] == name] for name in SCENARIOS}


def on_first_day(told: dict[str, list[Row]], scenario: str) -> list[Row]:
    return [a for a in told[scenario] if a["day"] == D1]


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.name)
def test_each_rule_opens_once_it_lasts_and_not_at_its_limit(told: dict[str, list[Row]], rule: Rule) -> None:
    margin = abs(rule.critical_limit - rule.limit) / 4
    [alert] = [a for a in on_first_day(told, f"{rule.name} beyond") if a["rule"] == rule.name]
    assert life(alert) == ("open", 0, rule.minimum_minutes, None, None)
    assert alert["worst_value"] == pytest.approx(rule.limit + (margin if rule.direction == "above" else -margin))
    assert [a for a in told[f"{rule.name} at its limit"] if a["rule"] == rule.name] == []


def test_a_warm_evaporator_is_no_fault_while_defrosting_or_starting(told: dict[str, list[Row]]) -> None:
    assert told["warm in defrost and startup"] == []


def test_a_defrost_neither_clears_nor_prolongs_a_warm_evaporator(told: dict[str, list[Row]]) -> None:
    [alert] = on_first_day(told, "warm around a defrost")
    assert life(alert) == ("open", 0, 20, None, None)
    assert (alert["reading_count"], minutes(alert["last_active_at"])) == (12, 90)


def test_a_short_peak_is_pending_then_forgotten(told: dict[str, list[Row]]) -> None:
    assert [life(a) for a in on_first_day(told, "peak at the end")] == [("pending", 0, None, None, None)]
    assert told["peak, then calm"] == []


def test_two_spikes_are_no_alert_though_they_span_the_minimum_duration(told: dict[str, list[Row]]) -> None:
    assert [a["state"] for a in on_first_day(told, "two spikes")] == ["pending"]


def test_a_flapping_sensor_is_one_alert(told: dict[str, list[Row]]) -> None:
    [alert] = on_first_day(told, "flapping")
    assert life(alert) == ("open", 0, 16, None, None)
    assert alert["reading_count"] == 30


def test_an_alert_clears_at_the_first_reading_after_enough_calm(told: dict[str, list[Row]]) -> None:
    assert [life(a) for a in on_first_day(told, "hot, calm, hot")] == [
        ("cleared", 0, 10, None, 48), ("open", 100, 110, None, None),
    ]  # fmt: skip


def test_between_the_limits_an_alert_goes_on_but_none_begins(told: dict[str, list[Row]]) -> None:
    assert told["never beyond"] == []
    [alert] = on_first_day(told, "between after hot")
    assert (alert["state"], minutes(alert["last_active_at"]), alert["worst_value"]) == ("open", 118, 52.0)


def test_an_alert_worsens_by_value_or_by_lasting(told: dict[str, list[Row]]) -> None:
    [alert] = on_first_day(told, "ever hotter")
    assert life(alert) == ("worsened", 0, 10, 16, None)
    assert (alert["severity"], alert["worst_value"]) == ("critical", 61.0)
    [alert] = on_first_day(told, "warm for hours")
    assert life(alert) == ("worsened", 0, 20, 240, None)


def test_an_alert_across_midnight_is_one_and_stands_on_silent_days(told: dict[str, list[Row]]) -> None:
    found = told["across midnight"]
    assert len({a["alert_id"] for a in found}) == 1
    assert [(a["day"].day, a["state"], a["reading_count"], minutes(a["last_active_at"])) for a in found] == [
        (6, "open", 10, 1438), (7, "open", 20, 1458), (8, "open", 20, 1458), (9, "cleared", 20, 1458),
    ]  # fmt: skip


def test_nothing_in_nothing_out(spark: SparkSession) -> None:
    ind, hourly = indicators(spark, []), frame(spark, HOURLY)
    none = frame(spark, ALERTS)
    assert kept(ind, INDICATORS) == []
    assert kept(steps.gold_refrigeration__alerts(ind, days(spark, D1), none), ALERTS) == []
    assert kept(steps.gold_refrigeration__hourly(ind), HOURLY) == []
    assert kept(steps.gold_refrigeration__daily(hourly), DAILY) == []
    assert kept(steps.gold_refrigeration__weekly(frame(spark, DAILY)), WEEKLY) == []
    assert kept(steps.gold_refrigeration__status(frame(spark, FEATURES), none), STATUS) == []


@pytest.fixture(scope="module")
def plant(spark: SparkSession) -> DataFrame:
    """Five days of two units that wander across their limits, fall silent for a day and defrost; 15 min apart."""
    chance = random.Random(7)
    rows: list[Row] = []
    for unit in ("u1", "u2"):
        hot, gone = 48.0, range(1, 2) if unit == "u2" else range(0)
        for m in range(0, 5 * 1440, 15):
            hot += chance.uniform(-1.5, 1.5) + (49 - hot) * 0.03
            if m // 1440 in gone or chance.random() < 0.1:
                continue
            mode = chance.choice(MODES) if chance.random() < 0.3 else "normal"
            values: Row = {
                "condenser_temperature_c": round(hot, 2), "evaporator_temperature_c": round(-8 + (hot - 47) * 0.8, 2),
                "superheat_k": None if chance.random() < 0.05 else round(3.5 + chance.uniform(-0.6, 2), 2),
                "high_pressure_bar": round(hot / 3.1, 3),
                "low_pressure_bar": 2.2,
            }  # fmt: skip
            rows.append(reading(m, unit=unit, mode=mode, **values))
    return stored(spark, indicators(spark, rows), INDICATORS)


@pytest.fixture(scope="module")
def at_once(spark: SparkSession, plant: DataFrame) -> list[Row]:
    return kept(steps.gold_refrigeration__alerts(plant, days(spark, D1, 5), frame(spark, ALERTS)), ALERTS)


def test_alerts_day_by_day_equal_all_at_once(spark: SparkSession, plant: DataFrame, at_once: list[Row]) -> None:
    assert {a["state"] for a in at_once} == {"pending", "open", "worsened", "cleared"}
    day_by_day: list[Row] = []
    for i in range(5):
        day = D1 + timedelta(i)
        yesterday = frame(spark, ALERTS, (a for a in day_by_day if a["day"] == day - timedelta(1)))
        today = steps.gold_refrigeration__alerts(plant.filter(plant.day == day), days(spark, day), yesterday)
        day_by_day += kept(today, ALERTS)
    assert sorted(day_by_day, key=lambda a: (a["alert_id"], a["day"])) == at_once


def test_alerts_agree_with_a_plain_python_reference(plant: DataFrame, at_once: list[Row]) -> None:
    episodes = {(a["unit_id"], a["rule"], a["started_at"]): a for a in sorted(at_once, key=lambda a: a["day"])}
    got = {k: (a["opened_at"], a["worsened_at"], a["cleared_at"], a["reading_count"]) for k, a in episodes.items()
           if a["opened_at"]}  # fmt: skip
    rows = sorted((r.asDict() for r in plant.collect()), key=lambda r: r["measured_at"])
    expected = {
        (unit, rule.name, e["started"]): (e["opened"], e["worsened"], e["cleared"], e["readings"])
        for rule in RULES for unit in ("u1", "u2")
        for e in reference(rule, [r for r in rows if r["unit_id"] == unit]) if e["opened"]
    }  # fmt: skip
    assert got == expected


def reference(rule: Rule, rows: list[Row]) -> list[Row]:
    """The life of a rule's alerts, one reading after the other."""
    told: list[Row] = []
    alive: Row | None = None
    active = False
    for r in rows:
        value, now = r[rule.indicator], r["measured_at"]
        if value is None or r["mode"] in rule.excluded_modes:
            continue
        sign = 1 if rule.direction == "above" else -1
        active = sign * value > sign * rule.limit or (active and sign * value > sign * rule.clear_limit)
        if active:
            if alive is None:
                alive = {"started": now, "opened": None, "worsened": None, "cleared": None, "readings": 0, "grave": 0}
                told.append(alive)
            alive["readings"] += 1
            alive["grave"] += sign * value > sign * rule.critical_limit
            alive["last"] = now
            lasting = (now - alive["started"]).total_seconds() / 60
            if alive["readings"] >= 3 and lasting >= rule.minimum_minutes:
                alive["opened"] = alive["opened"] or now
                if alive["grave"] >= 3 or lasting >= rule.critical_minutes:
                    alive["worsened"] = alive["worsened"] or now
        elif alive and (now - alive["last"]).total_seconds() / 60 >= rule.calm_minutes:
            alive["cleared"], alive = now, None
    return told


@pytest.fixture(scope="module")
def hourly(spark: SparkSession, plant: DataFrame) -> DataFrame:
    return stored(spark, steps.gold_refrigeration__hourly(plant), HOURLY)


def test_hours_and_days_come_out_the_same_for_any_days(plant: DataFrame, hourly: DataFrame) -> None:
    some = [D1, D1 + timedelta(3)]
    alone = steps.gold_refrigeration__hourly(plant.filter(plant.day.isin(some)).repartition(5))
    assert kept(alone, HOURLY) == kept(hourly.filter(hourly.day.isin(some)), HOURLY)
    daily = conform(steps.gold_refrigeration__daily(hourly), DAILY)
    alone = steps.gold_refrigeration__daily(hourly.filter(hourly.day.isin(some)).repartition(5))
    assert kept(alone, DAILY) == kept(daily.filter(daily.day.isin(some)), DAILY)


def registry(spark: SparkSession, **commissioned: date) -> DataFrame:
    return frame(spark, UNITS, ({"unit_id": u, "commissioned_on": d} for u, d in commissioned.items()))


def test_features_come_out_the_same_for_any_days_and_know_nothing_later(spark: SparkSession, hourly: DataFrame) -> None:
    units = registry(spark, u1=D1, u2=D1)
    at_once = kept(steps.gold_refrigeration__features(hourly, units, days(spark, D1, 5)), FEATURES)
    first, third = D1, D1 + timedelta(2)
    so_far = hourly.filter(hourly.day <= third).repartition(5)
    alone = kept(steps.gold_refrigeration__features(so_far, units, days(spark, first).union(days(spark, third))), FEATURES)
    assert alone == [r for r in at_once if r["day"] in (first, third)]


def test_features_by_hand(spark: SparkSession) -> None:
    rows = [reading(h * 60 + 30, day=D1 + timedelta(d), current_a=8 + d + h / 24) for d in range(3) for h in (0, 12)]
    rows += every((1439,), day=D1 + timedelta(2), mode="defrost")
    hours = conform(steps.gold_refrigeration__hourly(indicators(spark, rows)), HOURLY)
    made = steps.gold_refrigeration__features(hours, registry(spark, u1=D1 + timedelta(2)), days(spark, D1, 3))
    [row] = kept(made, FEATURES)
    assert (row["day"], row["readings"], row["is_silent"], row["hours_since_last_reading"]) == (
        D1 + timedelta(2), 3, False, 0.02)  # fmt: skip
    assert (row["current_a_mean_1d"], row["current_a_mean_3d"]) == (10.25, 9.25)
    assert row["current_a_std_3d"] == round(math.sqrt(sum((v - 9.25) ** 2 for v in (8, 8.5, 9, 9.5, 10, 10.5)) / 5), 6)
    assert row["current_a_trend_1d"] == row["current_a_trend_3d"] == row["current_a_trend_7d"] == 1.0
    assert (row["normal_share_1d"], row["defrost_share_3d"], row["defrost_starts_7d"]) == (0.6667, 0.1429, 1)


def test_a_silent_unit_is_unknown_and_says_since_when(spark: SparkSession) -> None:
    hours = conform(steps.gold_refrigeration__hourly(indicators(spark, every((600, 602)))), HOURLY)
    units = registry(spark, u1=date(2024, 1, 1), u2=D1 + timedelta(8))
    features = conform(steps.gold_refrigeration__features(hours, units, days(spark, D1, 9)), FEATURES)
    stood = kept(steps.gold_refrigeration__status(features, frame(spark, ALERTS)), STATUS)
    u1 = [(r["status"], r["hours_since_last_reading"]) for r in stood if r["unit_id"] == "u1"]
    assert u1[:2] == [("OK", 13.97), ("INCONNU", 37.97)]
    assert u1[-1] == ("INCONNU", None)
    assert [(r["day"], r["status"]) for r in stood if r["unit_id"] == "u2"] == [(D1 + timedelta(8), "INCONNU")]
    assert stood[1]["reason"] == "no reading since 2025-01-06 09:02 UTC"


def test_status_takes_the_gravest_alert(spark: SparkSession) -> None:
    def alert(unit: str, rule: str, state: str) -> Row:
        return {"day": D1, "alert_id": f"{unit}{rule}", "unit_id": unit, "rule": rule, "state": state}

    held = {"day": D1, "is_silent": False, "last_reading_at": at(600), "hours_since_last_reading": 1.0}
    features = frame(spark, FEATURES, ({**held, "unit_id": f"u{i}", "is_silent": i == 5} for i in range(6)))
    lived = frame(spark, ALERTS, [
        alert("u1", "condenser_hot", "pending"), alert("u2", "condenser_hot", "cleared"),
        alert("u3", "condenser_hot", "open"), alert("u3", "current_high", "pending"),
        alert("u4", "vibration_high", "worsened"), alert("u4", "condenser_hot", "open"),
        alert("u5", "condenser_hot", "worsened"),
    ])  # fmt: skip
    stood = kept(steps.gold_refrigeration__status(features, lived), STATUS)
    assert [r["status"] for r in stood] == ["OK", "SURVEILLANCE", "SURVEILLANCE", "ALERTE", "CRITIQUE", "INCONNU"]
    assert stood[3]["reason"] == "open: condenser temperature above 50 °C"
    assert stood[4]["reason"] == "critical: vibration above 0.05 g"
    assert (stood[4]["open_alerts"], stood[5]["critical_alerts"]) == (2, 1)
