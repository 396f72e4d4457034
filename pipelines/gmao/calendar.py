"""The hours on which an asset is planned to work, as instants, on days of 23, 24 or 25 hours."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

CLOCK_CHANGED_H = 3
"""Clocks change in the small hours: later ones are counted back from midnight at the end of the day, earlier ones on from
midnight at its beginning. So the time zone isn't needed; a plant that opens between 1 and 3 is off by an hour on two days
a year."""


def hours(clock: Column) -> Column:
    """Hours since midnight of a text such as 05:30 or 24:00, as minutes allow."""
    return F.split_part(clock, F.lit(":"), F.lit(1)).cast("double") + F.split_part(clock, F.lit(":"), F.lit(2)).cast("double") / 60


def at_clock(day_ends_at: Column, clock: Column) -> Column:
    """Instant of a time of day, counted back from the end of the day."""
    return F.timestamp_seconds(F.unix_timestamp(day_ends_at) - F.round((F.lit(24.0) - hours(clock)) * 3600).cast("bigint"))


def working_hours(assets: DataFrame, calendar: DataFrame) -> DataFrame:
    """One row per asset and day since it went into service: asset_id, day, begins_at, ends_at, and opens, closes (epoch
    seconds; equal on a day off). The first day of the calendar serves only to tell when the second begins, unless it is
    the first of all, which is taken to have 24 hours."""
    previous = Window.partitionBy(F.lit(1)).orderBy("day")
    ends = F.unix_timestamp("ends_at")
    days = calendar.select("day", "ends_at", F.coalesce(F.lag(ends).over(previous), ends - 24 * 3600).alias("begin"), ends.alias("end"))

    def instant(clock: str) -> Column:
        since = hours(F.col(clock))
        early = F.col("begin") + F.round(since * 3600).cast("bigint")
        return F.when(since < CLOCK_CHANGED_H, early).otherwise(F.col("end") - F.round((F.lit(24.0) - since) * 3600).cast("bigint"))

    first, last = F.left("weekdays", F.lit(1)).cast("int"), F.right("weekdays", F.lit(1)).cast("int")
    works = (F.weekday("day") + 1).between(first, last)
    return (
        F.broadcast(days)
        .join(assets, on=days.day >= assets.commissioned_on, how="inner")
        .withColumns({"opens": instant("opens_at"), "closes": instant("closes_at")})
        .withColumn("closes", F.when(works, F.greatest("opens", "closes")).otherwise(F.col("opens")))
        .select("asset_id", "day", "begin", "end", "opens", "closes")
    )
