"""Measures summed up by time, and levels, spreads and trends over days, all exact: see pipelines.exact.

The columns are those that lake.summaries declares.
"""

from collections.abc import Iterable, Sequence

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.contract import Column
from pipelines import exact

MOMENTS = ("count", "added", "squared", "time", "time_squared", "time_added")


def summed(measures: Iterable[Column], where: SparkColumn | None = None) -> list[SparkColumn]:
    """Aggregates from readings to the first grain: count, sum, extremes and sum of squares of each measure, of rows `where`."""
    found = []
    for c in measures:
        resolution = c.resolution or 1.0
        value = F.col(c.name) if where is None else F.when(where, F.col(c.name))
        found += [
            F.count(value).alias(f"{c.name}_count"),
            exact.total(value, resolution).alias(f"{c.name}_sum"),
            F.min(value).alias(f"{c.name}_min"),
            F.max(value).alias(f"{c.name}_max"),
            exact.square_total(value, resolution).alias(f"{c.name}_square_sum"),
        ]
    return found


def added(measures: Iterable[Column], with_squares: bool = False) -> list[SparkColumn]:
    """Aggregates from one grain to a coarser one."""
    found = []
    for c in measures:
        resolution = c.resolution or 1.0
        found += [
            F.sum(f"{c.name}_count").alias(f"{c.name}_count"),
            exact.total(F.col(f"{c.name}_sum"), resolution).alias(f"{c.name}_sum"),
            F.min(f"{c.name}_min").alias(f"{c.name}_min"),
            F.max(f"{c.name}_max").alias(f"{c.name}_max"),
        ]
        if with_squares:
            found.append(exact.total(F.col(f"{c.name}_square_sum"), resolution**2).alias(f"{c.name}_square_sum"))
    return found


def means(measures: Iterable[Column]) -> dict[str, SparkColumn]:
    """The mean of each measure from its count and sum."""
    return {f"{c.name}_mean": _mean(c.name, c.resolution or 1.0) for c in measures}


def _mean(name: str, resolution: float) -> SparkColumn:
    return exact.mean(F.col(f"{name}_count"), exact.steps(F.col(f"{name}_sum"), resolution), resolution)


def days_since_2020(day: str) -> SparkColumn:
    """Time for `moments`: small enough that sums of its squares, of a reading a second for two years, fit into 64 bits."""
    return F.unix_date(day).cast("bigint") - 18_262


def hours_since_2020(hour: str) -> SparkColumn:
    """Time for `moments`, of an instant; the same in hours."""
    return F.expr(f"unix_seconds({hour}) div 3600") - 438_288


def moments(measures: Iterable[Column], time: SparkColumn) -> list[SparkColumn]:
    """Aggregates over summed-up rows: sums of 1, x, x², t, t², tx by measure; x in steps, `time` a whole number."""
    found = []
    for c in measures:
        resolution = c.resolution or 1.0
        count = F.col(f"{c.name}_count")
        total = exact.steps(F.col(f"{c.name}_sum"), resolution)
        squared = exact.steps(F.col(f"{c.name}_square_sum"), resolution**2)
        values = (count, total, squared, count * time, count * time * time, total * time)
        found += [F.sum(v).alias(f"{c.name}_{m}") for m, v in zip(MOMENTS, values, strict=True)]
    return found


def looking_back(rows: DataFrame, asset: str, windows: Sequence[int], names: Iterable[str]) -> DataFrame:
    """Adds `<name>_<days>`: each sum over each window, by calendar days and not by rows, so that missing days stay missing.

    `rows` has one row per asset and day, and whole numbers in `names`. Each day with readings is given to the days that look back on
    it, and these add up what they were given: as many rows as the longest window has days, but one grouping. Sail takes a hundred times
    as long for frames that slide, and twice as long for differences of running totals.
    `last_reading_at` is the newest `newest_at` in the longest window. Spark raises when the sums outgrow 64 bits.
    """
    names = list(names)
    longest = max(windows)
    seen = rows.filter(F.coalesce(*(F.col(n).cast("string") for n in names), F.col("newest_at").cast("string")).isNotNull())
    given = seen.select(asset, F.col("day").alias("_seen"), "newest_at", *names).withColumn(
        "day", F.explode(F.sequence("_seen", F.date_add("_seen", longest - 1)))
    )
    ago = F.datediff("day", "_seen")
    sums = [F.sum(F.when(ago < d, F.col(n))).alias(f"{n}_{d}") for d in windows for n in names]
    looked = given.groupBy(asset, "day").agg(*sums, F.max("newest_at").alias("last_reading_at"))
    filled = {f"{n}_{d}": F.coalesce(F.col(f"{n}_{d}"), F.lit(0)) for d in windows for n in names}
    return rows.join(looked, on=[asset, "day"], how="left").withColumns(filled)


def moment_names(measures: Iterable[Column]) -> list[str]:
    """The columns that `moments` makes."""
    return [f"{c.name}_{m}" for c in measures for m in MOMENTS]


def level_spread_trend(measures: Iterable[Column], days: int, times_a_day: int = 1) -> dict[str, SparkColumn]:
    """The features that lake.summaries.features_over declares. `times_a_day`: how many of `time`'s units make a day."""
    found: dict[str, SparkColumn] = {}
    for c in measures:
        name, resolution = c.name, c.resolution or 1.0
        count, total, squared, time, time_squared, time_added = (F.col(f"{name}_{m}_{days}") for m in MOMENTS)
        slope = exact.slope(count, time, time_squared, total, time_added, resolution)
        found |= {
            f"{name}_mean_{days}d": exact.mean(count, total, resolution),
            f"{name}_std_{days}d": exact.deviation(count, total, squared, resolution),
            f"{name}_trend_{days}d": slope * times_a_day,
        }
    return found
