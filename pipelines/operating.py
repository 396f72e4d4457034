"""When assets are planned to work: their operating calendar, in instants of the site's days.

A registry says on which days of the week (`weekdays`: "1-5", or "6-2" around a weekend) and from when to when by the local
clock (`opens_at` "05:00", `closes_at` "21:00" or "24:00"). Days have 23 or 25 hours when the clock changes: an opening time
is counted back from the day's end and 00:00 is the end of the day before, which is right wherever the clock changes before
the shift begins or while an asset works around it.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

DAY_S = 86_400


def planned_days(assets: DataFrame, calendar: DataFrame, asset: str) -> DataFrame:
    """One row per asset and calendar day since it went into service: `asset`, day, ends_at, opens_s and closes_s in seconds
    since 1970; those two are equal on a day off.

    The calendar needs a day of look-back for a day that begins at 00:00; without one, a day before has 24 hours.
    """
    with_begin = calendar.withColumn("ends_s", F.unix_seconds("ends_at")).withColumn("begins_s", _begins_s())
    since = with_begin["day"] >= assets["commissioned_on"]
    opens, closes = clock_s(F.col("opens_at")), clock_s(F.col("closes_at"))
    opens_s = F.when(opens == 0, F.col("begins_s")).otherwise(F.col("ends_s") - (DAY_S - opens))
    closes_s = F.col("ends_s") - (DAY_S - closes)
    return (
        with_begin.join(assets.select(asset, "commissioned_on", "weekdays", "opens_at", "closes_at"), on=since, how="inner")
        .withColumns({"opens_s": opens_s, "closes_s": F.when(works(F.col("day"), F.col("weekdays")), closes_s).otherwise(opens_s)})
        .select(asset, "day", "ends_at", "opens_s", "closes_s")
    )


def clock_s(clock: Column) -> Column:
    """HH:MM as seconds since midnight."""
    return F.substring(clock, 1, 2).cast("bigint") * 3600 + F.substring(clock, 4, 2).cast("bigint") * 60


def works(day: Column, weekdays: Column) -> Column:
    """Whether a day is one of the working days, "first-last" with 1 for Monday."""
    weekday, first, last = F.weekday(day) + 1, F.substring(weekdays, 1, 1).cast("int"), F.substring(weekdays, 3, 1).cast("int")
    after, before = weekday >= first, weekday <= last
    return F.when(first <= last, after & before).otherwise(after | before)


def _begins_s() -> Column:
    """The end of the day before, or 24 hours before the end where the calendar doesn't know it."""
    by_day = Window.orderBy(F.unix_date("day"))
    previous = F.max("ends_s").over(by_day.rangeBetween(-1, -1))
    return F.coalesce(previous, F.col("ends_s") - DAY_S)
