"""Readings summed up by hour, and how well machines were used by day, week and month.

A reading stands for the minute that follows. Availability counts planned minutes only, hour by hour: work outside the
calendar makes up for no stop, and availability can't exceed 1.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lake.spark import first_of, hour_of
from lake.tables.line import ADDITIVE, DAILY, MEASURES, MONTHLY, STATES, WEEKLY
from pipelines import exact
from pipelines.line.readings import physics
from pipelines.operating import planned_days
from pipelines.summaries import added, means, summed

HOUR_S = 3600
_COUNTS = ("reading_count", *(f"{s}_count" for s in STATES))
_IDEAL_STEP_S = 0.01


def gold_line__hourly(silver_line__readings: DataFrame) -> DataFrame:
    by_hour = (
        silver_line__readings.withColumns({"hour": hour_of("measured_at"), "counter": without_outliers(), **physics()})
        .withColumn("made", rise())
        .groupBy("machine_id", "day", "hour")
    )
    return by_hour.agg(
        F.count_if(F.lit(True)).alias("reading_count"),
        *(F.count_if(F.col("state") == s).alias(f"{s}_count") for s in STATES),
        F.sum("made").alias("cycles"),
        F.max("measured_at").alias("last_reading_at"),
        *summed(MEASURES, F.col("state") == "running"),
    )


def without_outliers() -> Column:
    """The cycle counter, less a value that lies outside both its neighbours of the day: their median takes its place.

    A counter that only rises stays as it is; the first and the last value of a day have but one neighbour and stay too.
    """
    thread = Window.partitionBy("machine_id", "day").orderBy("measured_at")
    # read backwards, for Spark goes through all that follows anew for each row of a frame that ends with the partition
    backwards = Window.partitionBy("machine_id", "day").orderBy(F.desc("measured_at"))
    counter = F.col("cycle_count")
    before = F.last("cycle_count", ignorenulls=True).over(thread.rowsBetween(Window.unboundedPreceding, -1))
    after = F.last("cycle_count", ignorenulls=True).over(backwards.rowsBetween(Window.unboundedPreceding, -1))
    median = F.greatest(F.least(before, after), F.least(F.greatest(before, after), counter))
    return F.when(counter.isNotNull(), F.when(before.isNull() | after.isNull(), counter).otherwise(median))


def rise() -> Column:
    """Cycles since the machine's latest counter of the day; 0 for the first of a day and where a counter starts anew."""
    thread = Window.partitionBy("machine_id", "day").orderBy("measured_at")
    latest = F.last("counter", ignorenulls=True).over(thread.rowsBetween(Window.unboundedPreceding, -1))
    counter = F.col("counter")
    return F.when(counter.isNotNull(), F.coalesce(F.greatest(counter - latest, F.lit(0)), F.lit(0)))


def gold_line__daily(gold_line__hourly: DataFrame, silver_line__machines: DataFrame, bronze_lake__calendar: DataFrame) -> DataFrame:
    planned = planned_days(silver_line__machines, bronze_lake__calendar, "machine_id")
    window = F.broadcast(planned.select("machine_id", "day", "opens_s", "closes_s"))
    pace = F.broadcast(silver_line__machines.select("machine_id", "nominal_cycle_s"))
    hours = gold_line__hourly.join(window, on=["machine_id", "day"], how="left").withColumns(
        {"available_min": available_min(), "counted_min": F.when(F.col("cycles").isNotNull(), _ready_min()).otherwise(0)}
    )
    worked = hours.groupBy("machine_id", "day").agg(
        *(F.sum(c).alias(c) for c in (*_COUNTS, "cycles", "available_min", "counted_min")),
        F.max("last_reading_at").alias("last_reading_at"),
        *added(MEASURES),
    )
    plan = planned.withColumn("planned_min", F.expr("(closes_s - opens_s) div 60")).select("machine_id", "day", "planned_min")
    days = plan.join(worked, on=["machine_id", "day"], how="full").join(pace, on="machine_id", how="left")
    zero = (*_COUNTS, "planned_min", "available_min", "counted_min", *(f"{c.name}_count" for c in MEASURES))
    return (
        days.withColumns({c: F.coalesce(c, F.lit(0)) for c in zero})
        .withColumn("ideal_s", F.col("cycles") * F.col("nominal_cycle_s"))
        .withColumns(use())
        .withColumns(means(MEASURES))
        .select(*(c.name for c in DAILY.columns))
    )


def gold_line__weekly(gold_line__daily: DataFrame) -> DataFrame:
    weeks = gold_line__daily.withColumn("week", first_of("day", "week"))
    return _summed_up(weeks, "week").select(*(c.name for c in WEEKLY.columns))


def gold_line__monthly(gold_line__daily: DataFrame) -> DataFrame:
    months = gold_line__daily.withColumn("month", first_of("day", "month"))
    return _summed_up(months, "month").select(*(c.name for c in MONTHLY.columns))


def available_min() -> Column:
    """Of an hour: minutes running or waiting, up to those that were planned."""
    begins = F.unix_seconds("hour")
    overlap = F.least(begins + HOUR_S, F.col("closes_s")) - F.greatest(begins, F.col("opens_s"))
    planned = F.greatest(F.coalesce(overlap, F.lit(0)), F.lit(0))
    return F.least(_ready_min(), F.floor(planned / 60))


def use() -> dict[str, Column]:
    """How well planned time was used, from what adds up."""
    availability = F.when(F.col("planned_min") > 0, F.col("available_min") / F.col("planned_min"))
    performance = F.when(F.col("counted_min") > 0, F.col("ideal_s") / (F.col("counted_min") * 60))
    return {
        "planned_h": F.col("planned_min") / 60,
        "running_h": F.col("running_count") / 60,
        "idle_h": F.col("idle_count") / 60,
        "availability": availability,
        "performance": performance,
        "oee": availability * performance,
    }


def _ready_min() -> Column:
    return F.col("running_count") + F.col("idle_count")


def _summed_up(days: DataFrame, grain: str) -> DataFrame:
    whole = (c.name for c in ADDITIVE if c.type == "long")
    return (
        days.groupBy("machine_id", grain)
        .agg(
            *(F.sum(c).alias(c) for c in whole),
            exact.total(F.col("ideal_s"), _IDEAL_STEP_S).alias("ideal_s"),
            F.max("last_reading_at").alias("last_reading_at"),
            *added(MEASURES),
        )
        .withColumns(use())
        .withColumns(means(MEASURES))
    )
