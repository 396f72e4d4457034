"""Readings summed up by day, days by week and month, vehicles by model; sums agree exactly from one to the next."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lake.spark import first_of
from lake.tables.fleet import MEASURES, ODOMETER, SUMMARY_MEASURES
from pipelines import exact
from pipelines.summaries import added, means, summed

ODOMETER_REACH_KM = 1500
"""An odometer reading further from the day's median than any vehicle drives in a day isn't believed."""
_KM = ODOMETER.resolution or 1.0


def gold_fleet__daily(silver_fleet__telemetry: DataFrame) -> DataFrame:
    by_day = silver_fleet__telemetry.withColumn("believed_km", believed_odometer()).groupBy("vin", "day")
    return by_day.agg(
        F.count_if(F.lit(True)).alias("reading_count"),
        F.min("measured_at").alias("first_reading_at"),
        F.max("measured_at").alias("last_reading_at"),
        F.min("believed_km").alias("odometer_first_km"),
        F.max("believed_km").alias("odometer_last_km"),
        (F.count("odometer_km") - F.count("believed_km")).alias("odometer_doubted_count"),
        *summed(MEASURES),
        *(F.max_by(c.name, F.when(F.col(c.name).isNotNull(), F.col("measured_at"))).alias(f"{c.name}_last") for c in MEASURES),
    ).withColumns({"km_driven": F.col("odometer_last_km") - F.col("odometer_first_km"), **means(MEASURES)})


def gold_fleet__weekly(gold_fleet__daily: DataFrame) -> DataFrame:
    return _by_vehicle(gold_fleet__daily.withColumn("week", first_of("day", "week")), "week")


def gold_fleet__monthly(gold_fleet__daily: DataFrame) -> DataFrame:
    return _by_vehicle(gold_fleet__daily.withColumn("month", first_of("day", "month")), "month")


def gold_fleet__summary_daily(gold_fleet__daily: DataFrame, silver_fleet__vehicles: DataFrame) -> DataFrame:
    return _by_model(gold_fleet__daily, silver_fleet__vehicles, "day")


def gold_fleet__summary_weekly(gold_fleet__weekly: DataFrame, silver_fleet__vehicles: DataFrame) -> DataFrame:
    return _by_model(gold_fleet__weekly, silver_fleet__vehicles, "week")


def gold_fleet__summary_monthly(gold_fleet__monthly: DataFrame, silver_fleet__vehicles: DataFrame) -> DataFrame:
    return _by_model(gold_fleet__monthly, silver_fleet__vehicles, "month")


def believed_odometer() -> Column:
    """The odometer, null where it is far from the median of the vehicle's day: rolled back, or of another vehicle."""
    day = Window.partitionBy("vin", "day").rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    away = F.abs(F.col("odometer_km") - F.median("odometer_km").over(day))
    return F.when(away <= ODOMETER_REACH_KM, F.col("odometer_km"))


def _by_vehicle(daily: DataFrame, grain: str) -> DataFrame:
    summed_up = daily.groupBy("vin", grain).agg(
        F.sum("reading_count").alias("reading_count"),
        F.count_if(F.lit(True)).alias("active_days"),
        F.max("last_reading_at").alias("last_reading_at"),
        F.max("odometer_last_km").alias("odometer_last_km"),
        exact.total(F.col("km_driven"), _KM).alias("km_driven"),
        *added(MEASURES),
    )
    return summed_up.withColumns(means(MEASURES))


def _by_model(vehicles_over_time: DataFrame, registry: DataFrame, grain: str) -> DataFrame:
    summed_up = (
        vehicles_over_time.join(F.broadcast(registry.select("vin", "model")), on="vin", how="left")
        .withColumn("model", F.coalesce("model", F.lit("unknown")))
        .groupBy("model", grain)
        .agg(
            F.count_if(F.lit(True)).alias("active_vehicles"),
            F.sum("reading_count").alias("reading_count"),
            exact.total(F.col("km_driven"), _KM).alias("km_driven"),
            *added(SUMMARY_MEASURES),
        )
    )
    return summed_up.withColumns(means(SUMMARY_MEASURES))
