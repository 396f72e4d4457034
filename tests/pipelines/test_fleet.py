"""Fleet steps by hand on a few readings and services, and the laws: any days at once or day by day, and nothing later known."""

import inspect
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pyspark.sql import DataFrame, SparkSession

import pipelines.fleet as steps
from lake.contract import Table
from lake.spark import conform, struct
from lake.tables import fleet as declared
from lake.tables.fleet import (
    ALERTS,
    DAILY,
    FEATURES,
    MONTHLY,
    REPORTING,
    RULES,
    SERVICES,
    STATUS,
    SUMMARY_DAILY,
    SUMMARY_MONTHLY,
    SUMMARY_WEEKLY,
    TELEMETRY,
    VEHICLES,
    WEEKLY,
)
from lake.tables.predictions import PREDICTIONS

Row = dict[str, Any]
D1 = date(2025, 1, 6)
"""A Monday; in Paris its day begins at 23:00 UTC the day before."""
SOUND: Row = {
    "engine_temperature_c": 92.0, "speed_kmh": 50.0, "oil_pressure_bar": 4.0, "engine_speed_rpm": 1800.0,
    "battery_voltage_v": 13.2, "acceleration_0_100_s": None, "consumption_l_per_100km": 7.5, "injection_pressure_bar": 310.0,
}  # fmt: skip
TABLES = [t for t in vars(declared).values() if isinstance(t, Table) and t.domain == "fleet"]


def on(n: int) -> date:
    """The n-th day of the story; D1 is the first."""
    return D1 + timedelta(days=n - 1)


def frame(spark: SparkSession, table: Table, rows: Iterable[Row] = ()) -> DataFrame:
    """Rows of a table; columns that don't matter may be left out."""
    names = [c.name for c in table.columns]
    return spark.createDataFrame([tuple(r.get(n) for n in names) for r in rows], struct(table))


def kept(df: DataFrame, table: Table) -> list[Row]:
    """What the engine would store, ordered by the key."""
    rows = [r.asDict() for r in conform(df, table).collect()]
    return sorted(rows, key=lambda r: tuple(str(r[k]) for k in table.key))


def days(spark: SparkSession, *numbers: int) -> DataFrame:
    ends = [datetime.combine(on(n + 1), time.min, ZoneInfo("Europe/Paris")) for n in numbers]
    return spark.createDataFrame([(on(n), end) for n, end in zip(numbers, ends, strict=True)], "day date, ends_at timestamp")


def at(minute: float, n: int = 1) -> datetime:
    """Minutes after midnight in Paris, in winter."""
    day = on(n)
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minute - 60)


def reading(n: int, minute: float, km: float | None, vin: str = "V1", **values: Any) -> Row:
    return {**SOUND, "vin": vin, "measured_at": at(minute, n), "day": on(n), "odometer_km": km, **values}


def service(type_: str, km: float, day: int | None, vin: str = "V1") -> Row:
    return {"vin": vin, "service_type": type_, "odometer_km": km, "serviced_on": day and on(day)}


READINGS = [
    # Day 1: one odometer reading is of another vehicle, the newest voltage is missing, one acceleration.
    reading(1, 600, 1000.0, battery_voltage_v=13.1), reading(1, 605, 1010.1, battery_voltage_v=13.2, acceleration_0_100_s=9.5),
    reading(1, 610, 9000.0), reading(1, 615, 1100.3, battery_voltage_v=None, engine_temperature_c=92.3),
    # Day 2: two readings; then nothing until day 8, a Monday.
    reading(2, 600, 1101.0, battery_voltage_v=13.0), reading(2, 610, 1150.5, battery_voltage_v=13.0),
    reading(8, 600, 1151.0, battery_voltage_v=12.4), reading(8, 610, 1300.0, battery_voltage_v=12.4),
    # A month later, and another vehicle.
    reading(31, 600, 1301.0), reading(31, 610, 1309.0),
    reading(1, 600, None, vin="V2"), reading(2, 600, 500.0, vin="V2"), reading(2, 660, 570.0, vin="V2"),
]  # fmt: skip
SERVED = [
    service("Vidange", 900.0, -20), service("Vidange", 1120.0, 2), service("Pneus", 1150.0, None), service("Freins", 1290.0, 9),
    service("Moteur", 400.0, None), service("Batterie", 100.0, 1, vin="V2"),
]  # fmt: skip
FLEET = [
    {"vin": "V1", "model": "Daily", "model_year": 2020, "commissioned_on": date(2020, 1, 1)},
    {"vin": "V2", "model": None, "model_year": 2025, "commissioned_on": on(2)},
    {"vin": "V3", "model": "Daily", "model_year": 2025, "commissioned_on": on(38)},
]


@pytest.fixture(scope="module")
def telemetry(spark: SparkSession) -> DataFrame:
    return frame(spark, TELEMETRY, READINGS)


@pytest.fixture(scope="module")
def summed(telemetry: DataFrame) -> list[Row]:
    return kept(steps.gold_fleet__daily(telemetry), DAILY)


@pytest.fixture(scope="module")
def daily(spark: SparkSession, summed: list[Row]) -> DataFrame:
    return frame(spark, DAILY, summed)


@pytest.fixture(scope="module")
def registry(spark: SparkSession) -> DataFrame:
    return frame(spark, VEHICLES, FLEET)


@pytest.fixture(scope="module")
def described(spark: SparkSession, daily: DataFrame, registry: DataFrame) -> list[Row]:
    """Features of 40 days at once."""
    services = frame(spark, SERVICES, SERVED)
    return kept(steps.gold_fleet__features(daily, services, registry, days(spark, *range(1, 41))), FEATURES)


def of(rows: list[Row], n: int, vin: str = "V1") -> Row:
    [row] = [r for r in rows if r["vin"] == vin and r["day"] == on(n)]
    return row


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_each_step_reads_what_its_table_declares(table: Table) -> None:
    assert tuple(inspect.signature(getattr(steps, table.name)).parameters) == table.reads


def test_silver_steps_pass_technical_columns_on(telemetry: DataFrame) -> None:
    fed = telemetry.selectExpr("*", "1 as _intake")
    for step in (steps.silver_fleet__telemetry, steps.silver_fleet__services, steps.silver_fleet__vehicles):
        assert step(fed).columns == fed.columns


# Readings summed up


def test_a_day_is_summed_up_exactly_and_a_stray_odometer_not_believed(summed: list[Row]) -> None:
    first = of(summed, 1)
    assert (first["reading_count"], first["first_reading_at"], first["last_reading_at"]) == (4, *naive(at(600), at(615)))
    assert (first["odometer_first_km"], first["odometer_last_km"], first["km_driven"]) == (1000.0, 1100.3, 100.3)
    assert first["odometer_doubted_count"] == 1
    assert (first["battery_voltage_v_count"], first["battery_voltage_v_sum"], first["battery_voltage_v_mean"]) == (3, 39.5, 13.17)
    assert (first["battery_voltage_v_min"], first["battery_voltage_v_max"], first["battery_voltage_v_last"]) == (13.1, 13.2, 13.2)
    assert (first["acceleration_0_100_s_count"], first["acceleration_0_100_s_last"]) == (1, 9.5)
    assert first["engine_temperature_c_square_sum"] == round(3 * 92.0**2 + 92.3**2, 2)
    other = of(summed, 1, "V2")
    assert (other["odometer_last_km"], other["km_driven"], other["odometer_doubted_count"]) == (None, None, 0)


def naive(*moments: datetime) -> list[datetime]:
    """As Spark gives them back: local time without a zone."""
    return [m.astimezone().replace(tzinfo=None) for m in moments]


def test_weeks_months_and_models_add_up(spark: SparkSession, daily: DataFrame, registry: DataFrame) -> None:
    weekly = kept(steps.gold_fleet__weekly(daily), WEEKLY)
    told = [(r["vin"], r["week"], r["reading_count"], r["active_days"], r["km_driven"], r["odometer_last_km"]) for r in weekly]
    assert told == [
        ("V1", on(1), 6, 2, 149.8, 1150.5), ("V1", on(8), 2, 1, 149.0, 1300.0), ("V1", on(29), 2, 1, 8.0, 1309.0),
        ("V2", on(1), 3, 2, 70.0, 570.0),
    ]  # fmt: skip
    assert weekly[0]["battery_voltage_v_mean"] == 13.1
    monthly = kept(steps.gold_fleet__monthly(daily), MONTHLY)
    assert [(r["vin"], r["month"], r["km_driven"]) for r in monthly] == [
        ("V1", date(2025, 1, 1), 298.8), ("V1", date(2025, 2, 1), 8.0), ("V2", date(2025, 1, 1), 70.0),
    ]  # fmt: skip
    by_day = kept(steps.gold_fleet__summary_daily(daily, registry), SUMMARY_DAILY)
    assert [(r["model"], r["day"], r["active_vehicles"], r["km_driven"]) for r in by_day if r["day"] < on(8)] == [
        ("Daily", on(1), 1, 100.3), ("Daily", on(2), 1, 49.5), ("unknown", on(1), 1, None), ("unknown", on(2), 1, 70.0),
    ]  # fmt: skip
    by_week = kept(steps.gold_fleet__summary_weekly(frame(spark, WEEKLY, weekly), registry), SUMMARY_WEEKLY)
    by_month = kept(steps.gold_fleet__summary_monthly(frame(spark, MONTHLY, monthly), registry), SUMMARY_MONTHLY)
    assert [(r["active_vehicles"], r["reading_count"]) for r in (*by_week, *by_month)] == [
        (1, 6), (1, 2), (1, 2), (1, 3), (1, 8), (1, 2), (1, 3),
    ]  # fmt: skip


# Features


def test_levels_spread_and_trends_look_back_over_calendar_days(described: list[Row]) -> None:
    first, eighth = of(described, 1), of(described, 8)
    assert (first["readings"], first["battery_voltage_v_mean_1d"], first["battery_voltage_v_std_1d"]) == (
        4,
        13.17,
        round(0.005**0.5 / 1.2247449, 6),
    )
    assert first["battery_voltage_v_trend_7d"] is None, "one day has no slope"
    assert (eighth["battery_voltage_v_mean_1d"], eighth["battery_voltage_v_mean_7d"], eighth["battery_voltage_v_mean_28d"]) == (
        12.4,
        12.7,
        12.9,
    )
    assert eighth["battery_voltage_v_trend_7d"] == -0.1
    assert (eighth["km_1d"], eighth["km_7d"], eighth["km_28d"]) == (149.0, 198.5, 298.8)
    fifth = of(described, 5)
    assert (fifth["readings"], fifth["battery_voltage_v_mean_1d"], fifth["km_1d"], fifth["odometer_km"]) == (0, None, 0.0, 1150.5)
    assert not any(r["vin"] == "V2" and r["day"] == on(1) for r in described), "not in service yet"


def test_a_vehicle_may_rest_for_a_weekend_before_it_counts_as_silent(described: list[Row]) -> None:
    silent = {n: of(described, n)["is_silent"] for n in range(1, 41)}
    assert [n for n, s in silent.items() if not s] == [1, 2, 3, 4, 8, 9, 10, 31, 32, 33]
    assert of(described, 4)["hours_since_last_reading"] == round((4320 - 1440 + 1440 - 610) / 60, 2)
    assert of(described, 30)["last_reading_at"] == naive(at(610, 8))[0]


def test_services_count_from_their_day_and_undated_ones_from_their_kilometres(described: list[Row]) -> None:
    oil = {n: (of(described, n)["km_since_oil_service"], of(described, n)["days_since_oil_service"]) for n in (1, 2, 8)}
    assert oil == {1: (200.3, 21), 2: (30.5, 0), 8: (180.0, 6)}
    tyres = [(of(described, n)["km_since_tyre_service"], of(described, n)["days_since_tyre_service"]) for n in (1, 2, 8)]
    assert tyres == [(None, None), (0.5, None), (150.0, None)], "no date: kilometres only, once they were reached"
    brakes = [(of(described, n)["km_since_brake_service"], of(described, n)["days_since_brake_service"]) for n in (8, 9, 31)]
    assert brakes == [(None, None), (10.0, 0), (19.0, 22)], "the odometer was there on day 8, the service on day 9"
    last = [
        (of(described, n)["last_service_type"], of(described, n)["last_serviced_on"], of(described, n)["last_service_km"])
        for n in (1, 2, 9)
    ]
    assert last == [("Vidange", on(-20), 900.0), ("Pneus", None, 1150.0), ("Freins", on(9), 1290.0)]
    assert (of(described, 1)["km_since_engine_service"], of(described, 1)["days_since_engine_service"]) == (700.3, None)
    other = of(described, 40, "V2")
    assert (other["odometer_km"], other["km_since_battery_service"], other["days_since_battery_service"]) == (None, None, 39)


def test_features_come_out_the_same_for_any_days_and_know_nothing_later(
    spark: SparkSession, daily: DataFrame, registry: DataFrame, described: list[Row]
) -> None:
    so_far = daily.filter(daily.day <= on(9)).repartition(5)
    told_by_then = frame(spark, SERVICES, (s for s in SERVED if (s["serviced_on"] or D1) <= on(9)))
    alone = kept(steps.gold_fleet__features(so_far, told_by_then, registry, days(spark, 2, 9)), FEATURES)
    assert alone == [r for r in described if r["day"] in (on(2), on(9))]


def test_a_vehicle_that_never_told_anything_has_features_too(described: list[Row]) -> None:
    assert [r["day"] for r in described if r["vin"] == "V3"] == [on(38), on(39), on(40)]
    row = of(described, 40, "V3")
    assert (row["readings"], row["is_silent"], row["km_28d"]) == (0, True, 0.0)
    assert (row["odometer_km"], row["last_reading_at"], row["last_service_type"], row["km_since_oil_service"]) == (None, None, None, None)


# Alerts and status


def test_each_rule_opens_once_it_lasts_and_not_at_its_limit(spark: SparkSession) -> None:
    rows: list[Row] = []
    for rule in RULES:
        margin = abs(rule.critical_limit - rule.limit) / 4 * (1 if rule.direction == "above" else -1)
        rows += [reading(1, 600 + m, None, f"{rule.name} beyond", **{rule.indicator: rule.limit + margin}) for m in range(0, 12, 2)]
        rows += [reading(1, 600 + m, None, f"{rule.name} at", **{rule.indicator: rule.limit}) for m in range(0, 12, 2)]
    made = kept(steps.gold_fleet__alerts(frame(spark, TELEMETRY, rows), days(spark, 1), frame(spark, ALERTS)), ALERTS)
    assert sorted((a["vin"], a["rule"], a["state"]) for a in made) == sorted((f"{r.name} beyond", r.name, "open") for r in RULES)


def test_status_and_report_carry_forward_what_was_last_known(
    spark: SparkSession, daily: DataFrame, registry: DataFrame, described: list[Row]
) -> None:
    features = frame(spark, FEATURES, described)
    alert = {"day": on(8), "alert_id": "a", "vin": "V1", "rule": "voltage_low", "state": "open"}
    stood = kept(steps.gold_fleet__status(features, frame(spark, ALERTS, [alert])), STATUS)
    assert [of(stood, n)["status"] for n in (1, 4, 5, 8, 9, 40)] == ["OK", "OK", "INCONNU", "ALERTE", "OK", "INCONNU"]
    status = frame(spark, STATUS, stood)
    said = [{"day": on(8), "asset_id": "V1", "problem": "p", "domain": "fleet", "model_version": v, "status": s, "probability": p,
             "_made_at": datetime(2025, 1, 9, v, tzinfo=UTC)} for v, s, p in ((0, "OK", 0.1), (1, "ALERTE", 0.4))]  # fmt: skip
    told = frame(spark, PREDICTIONS, said)
    report = kept(steps.gold_fleet__reporting(features, daily, status, registry, told, frame(spark, REPORTING)), REPORTING)
    risk = of(report, 8)
    assert (risk["risk_model_version"], risk["risk_status"], risk["risk_probability"]) == (1, "ALERTE", 0.4), "what was said last counts"
    assert of(report, 9)["risk_probability"] is None
    assert len(report) == len(described)
    first, last = of(report, 1), of(report, 40)
    assert (first["model"], first["model_year"], first["age_years"], first["status"]) == ("Daily", 2020, 5.0, "OK")
    assert (first["battery_voltage_v"], first["acceleration_0_100_s"], first["odometer_km"]) == (13.2, 9.5, 1100.3)
    assert (last["status"], last["odometer_km"], last["last_reading_at"]) == ("INCONNU", 1309.0, naive(at(610, 31))[0])
    assert (last["battery_voltage_v"], last["acceleration_0_100_s"]) == (13.2, 9.5)
    assert (last["last_service_type"], last["last_serviced_on"], last["km_since_last_service"], last["days_since_last_service"]) == (
        "Freins", on(9), 19.0, 31)  # fmt: skip
    tyres = of(report, 8)
    assert (tyres["last_service_type"], tyres["km_since_last_service"], tyres["days_since_last_service"]) == ("Pneus", 150.0, None)
    other = of(report, 40, "V2")
    assert (other["odometer_km"], other["km_since_last_service"]) == (570.0, 470.0), "known however long it has been silent"

    some = (1, 2, 3)
    day_by_day: list[Row] = []
    for n in some:
        own = frame(spark, REPORTING, [r for r in day_by_day if r["day"] == on(n - 1)])
        today = (f.filter(f.day == on(n)) for f in (features, daily, status))
        day_by_day += kept(steps.gold_fleet__reporting(*today, registry, told, own), REPORTING)
    assert sorted(day_by_day, key=lambda r: (r["vin"], r["day"])) == [r for r in report if r["day"] <= on(some[-1])]


def test_nothing_in_nothing_out(spark: SparkSession, registry: DataFrame) -> None:
    assert kept(steps.gold_fleet__daily(frame(spark, TELEMETRY)), DAILY) == []
    assert kept(steps.gold_fleet__summary_weekly(frame(spark, WEEKLY), registry), SUMMARY_WEEKLY) == []
