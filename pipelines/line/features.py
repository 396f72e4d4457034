"""What a model may know of a machine at the end of a day, from hourly sums of that day and the six before."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lake.tables.line import CONDITION, FEATURES, SILENCE_H, STATES, WINDOWS
from pipelines.operating import planned_days
from pipelines.summaries import hours_since_2020, level_spread_trend, looking_back, moment_names, moments

HOURS_A_DAY = 24
_COUNTS = ("reading_count", "cycles", *(f"{s}_count" for s in STATES))


def gold_line__features(gold_line__hourly: DataFrame, silver_line__machines: DataFrame, bronze_lake__calendar: DataFrame) -> DataFrame:
    described = planned_days(silver_line__machines, bronze_lake__calendar, "machine_id")
    days = moments_of_days(gold_line__hourly).join(described, on=["machine_id", "day"], how="full")
    return (
        looking_back(days.withColumns(planned_so_far()), "machine_id", WINDOWS, (*_COUNTS, *moment_names(CONDITION)))
        .withColumn("owed_s", owed_s())
        .filter("ends_at is not null")
        .withColumns(features())
        .select(*(c.name for c in FEATURES.columns))
    )


def moments_of_days(hourly: DataFrame) -> DataFrame:
    """Per machine and day, sums over its running readings."""
    sums = [F.sum(c).alias(c) for c in _COUNTS]
    over_time = moments(CONDITION, hours_since_2020("hour"))
    return hourly.groupBy("machine_id", "day").agg(*sums, *over_time, F.max("last_reading_at").alias("newest_at"))


def planned_so_far() -> dict[str, Column]:
    """Planned seconds up to the end of each day, from any day on, and those of the day after its newest reading."""
    so_far = Window.partitionBy("machine_id").orderBy("day").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    opens, closes = F.col("opens_s"), F.col("closes_s")
    left = F.greatest(closes - F.greatest(opens, F.unix_seconds("newest_at")), F.lit(0))
    return {"planned_s": F.sum(F.coalesce(closes - opens, F.lit(0))).over(so_far), "left_s": F.coalesce(left, F.lit(0))}


def owed_s() -> Column:
    """Planned seconds since the newest reading of the longest window; null without one."""
    window = Window.partitionBy("machine_id").orderBy(F.unix_date("day")).rangeBetween(1 - max(WINDOWS), 0)
    newest = F.max(F.when(F.col("newest_at").isNotNull(), F.struct("day", "planned_s", "left_s"))).over(window)
    return F.col("planned_s") - newest["planned_s"] + newest["left_s"]


def features() -> dict[str, Column]:
    found = {
        "readings": F.col("reading_count_1"),
        "hours_since_last_reading": (F.unix_seconds("ends_at") - F.unix_seconds("last_reading_at")) / 3600,
        "planned_h_since_last_reading": F.col("owed_s") / 3600,
        "is_silent": F.coalesce(F.col("owed_s") >= SILENCE_H * 3600, F.lit(True)),
    }
    for days in WINDOWS:
        readings = F.col(f"reading_count_{days}")
        found |= {f"{s}_share_{days}d": F.when(readings > 0, F.col(f"{s}_count_{days}") / readings) for s in STATES}
        found[f"cycles_{days}d"] = F.col(f"cycles_{days}")
        found |= level_spread_trend(CONDITION, days, HOURS_A_DAY)
    return found
