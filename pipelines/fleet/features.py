"""What a model may know of a vehicle at the end of a day: sums of that day and the ones before, and its services so far."""

from collections.abc import Callable

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lake.tables.fleet import FEATURES, MEASURES, ODOMETER, SERVICE_TYPES, SILENCE_H, WINDOWS
from pipelines import exact
from pipelines.status import days_in_service, silence
from pipelines.summaries import days_since_2020, level_spread_trend, looking_back, moment_names, moments

_KM = ODOMETER.resolution or 1.0
_SUMS = ("reading_count", "km_steps")


def gold_fleet__features(
    gold_fleet__daily: DataFrame, silver_fleet__services: DataFrame, silver_fleet__vehicles: DataFrame, bronze_lake__calendar: DataFrame
) -> DataFrame:
    described = days_in_service(silver_fleet__vehicles, bronze_lake__calendar, "vin")
    days = moments_of_days(gold_fleet__daily).join(described.withColumn("is_described", F.lit(True)), on=["vin", "day"], how="full")
    return (
        looking_back(days, "vin", WINDOWS, (*_SUMS, *moment_names(MEASURES)))
        .withColumn("odometer_km", newest_odometer())
        .filter("is_described")
        .join(F.broadcast(services_by_vehicle(silver_fleet__services)), on="vin", how="left")
        .withColumn("services", known_by_then())
        .withColumns(features() | since_services())
        .select(*(c.name for c in FEATURES.columns))
    )


def moments_of_days(daily: DataFrame) -> DataFrame:
    """Per vehicle and day, sums over its readings."""
    return daily.groupBy("vin", "day").agg(
        F.sum("reading_count").alias("reading_count"),
        F.sum(exact.steps(F.col("km_driven"), _KM)).alias("km_steps"),
        *moments(MEASURES, days_since_2020("day")),
        F.max("last_reading_at").alias("newest_at"),
        F.max("odometer_last_km").alias("newest_km"),
    )


def newest_odometer() -> Column:
    days = Window.partitionBy("vin").orderBy(F.unix_date("day")).rangeBetween(1 - max(WINDOWS), 0)
    return F.max("newest_km").over(days)


def services_by_vehicle(services: DataFrame) -> DataFrame:
    """One row per vehicle: all its services, as (km, type, day)."""
    one = F.struct(F.col("odometer_km").alias("km"), F.col("service_type").alias("type"), F.col("serviced_on").alias("on"))
    return services.groupBy("vin").agg(F.array_sort(F.collect_list(one)).alias("services"))


def known_by_then() -> Column:
    """Services done by the end of the day: a dated one from its day on, any other once the odometer has reached its km."""
    return F.filter("services", lambda s: F.coalesce(s["on"] <= F.col("day"), s["km"] <= F.col("odometer_km"), F.lit(False)))


def since_services() -> dict[str, Column]:
    last = F.array_max("services")
    found = {
        "last_service_type": last["type"],
        "last_serviced_on": last["on"],
        "last_service_km": last["km"],
        "km_since_last_service": km_since(last["km"]),
    }
    for type_, name in SERVICE_TYPES.items():
        mine = F.filter("services", _is_of(type_))
        found[f"km_since_{name}_service"] = km_since(F.array_max(F.transform(mine, lambda s: s["km"])))
        found[f"days_since_{name}_service"] = F.datediff("day", F.array_max(F.transform(mine, lambda s: s["on"])))
    return found


def km_since(km: Column) -> Column:
    """Zero while the last reading is older than the service."""
    driven = F.col("odometer_km") - km
    return F.when(driven < 0, 0.0).otherwise(driven)


def features() -> dict[str, Column]:
    found = {"readings": F.col("reading_count_1"), **silence(SILENCE_H)}
    for days in WINDOWS:
        found[f"km_{days}d"] = exact.amount(F.col(f"km_steps_{days}"), _KM)
        found |= level_spread_trend(MEASURES, days)
    return found


def _is_of(type_: str) -> Callable[[Column], Column]:
    return lambda s: s["type"] == type_
