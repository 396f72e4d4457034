"""What a model may know of a unit at the end of a day, from hourly sums of that day and the six before."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lake.tables.refrigeration import FEATURES, MEASURES, MODES, SILENCE_H, WINDOWS
from pipelines import exact

HOURS_A_DAY = 24
_MOMENTS = ("count", "added", "squared", "time", "time_squared", "time_added")
_COUNTS = ("reading_count", "defrost_starts", *(f"{m}_count" for m in MODES))


def gold_refrigeration__features(
    gold_refrigeration__hourly: DataFrame, silver_refrigeration__units: DataFrame, bronze_lake__calendar: DataFrame
) -> DataFrame:
    described = days_in_service(silver_refrigeration__units, bronze_lake__calendar)
    return (
        moments_of_days(gold_refrigeration__hourly)
        .join(described.withColumn("is_described", F.lit(True)), on=["unit_id", "day"], how="full")
        .withColumns(looking_back())
        .filter("is_described")
        .withColumns(features())
        .select(*(c.name for c in FEATURES.columns))
    )


def days_in_service(units: DataFrame, calendar: DataFrame) -> DataFrame:
    """One row per unit and calendar day from its commissioning on, whether it sent something or not."""
    since = calendar["day"] >= units["commissioned_on"]
    return calendar.join(units, on=since, how="inner").select("unit_id", "day", "ends_at")


def moments_of_days(hourly: DataFrame) -> DataFrame:
    """Per unit and day, sums over its steady readings of 1, x, x², t, t², tx: x in steps, t in hours since 1970."""
    time = F.expr("unix_seconds(hour) div 3600")
    sums: list[Column] = [F.sum(c).alias(c) for c in _COUNTS]
    for c in MEASURES:
        resolution = c.resolution or 1.0
        count = F.col(f"{c.name}_count")
        added = exact.steps(F.col(f"{c.name}_sum"), resolution)
        squared = exact.steps(F.col(f"{c.name}_square_sum"), resolution**2)
        values = (count, added, squared, count * time, count * time * time, added * time)
        sums += [F.sum(v).alias(f"{c.name}_{m}") for m, v in zip(_MOMENTS, values, strict=True)]
    return hourly.groupBy("unit_id", "day").agg(*sums, F.max("last_reading_at").alias("newest_at"))


def looking_back() -> dict[str, Column]:
    """Those sums over each window, by calendar days and not by rows, so that missing days stay missing."""
    sums: dict[str, Column] = {}
    for days in WINDOWS:
        window = Window.partitionBy("unit_id").orderBy(F.unix_date("day")).rangeBetween(1 - days, 0)
        for name in (*_COUNTS, *(f"{c.name}_{m}" for c in MEASURES for m in _MOMENTS)):
            sums[f"{name}_{days}"] = F.coalesce(F.sum(name).over(window), F.lit(0))
        sums["last_reading_at"] = F.max("newest_at").over(window)
    return sums


def features() -> dict[str, Column]:
    last = F.col("last_reading_at")
    silence_s = F.unix_seconds("ends_at") - F.unix_seconds(last)
    found = {
        "readings": F.col("reading_count_1"),
        "hours_since_last_reading": silence_s / 3600,
        "is_silent": F.coalesce(silence_s > SILENCE_H * 3600, F.lit(True)),
    }
    for days in WINDOWS:
        readings = F.col(f"reading_count_{days}")
        found[f"defrost_starts_{days}d"] = F.col(f"defrost_starts_{days}")
        found |= {f"{m}_share_{days}d": F.when(readings > 0, F.col(f"{m}_count_{days}") / readings) for m in MODES}
        for c in MEASURES:
            found |= _level_spread_trend(c.name, c.resolution or 1.0, days)
    return found


def _level_spread_trend(name: str, resolution: float, days: int) -> dict[str, Column]:
    count, added, squared, time, time_squared, time_added = (F.col(f"{name}_{m}_{days}") for m in _MOMENTS)
    hour = exact.slope(count, time, time_squared, added, time_added, resolution)
    return {
        f"{name}_mean_{days}d": exact.mean(count, added, resolution),
        f"{name}_std_{days}d": exact.deviation(count, added, squared, resolution),
        f"{name}_trend_{days}d": hour * HOURS_A_DAY,
    }
