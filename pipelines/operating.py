"""When assets are planned to work: their operating calendar, in instants of the site's days.

A registry says on which days of the week (`weekdays`: "1-5", or "6-2" around a weekend) and from when to when by the local
clock (`opens_at` "05:00", `closes_at` "21:00" or "24:00"). Days have 23 or 25 hours when the clock changes, which it does in
the small hours: later times are counted back from the day's end, earlier ones on from its beginning. So the time zone
isn't needed; a plant that opens between 1 and 3 is off by an hour on two days a year.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

DAY_S = 86_400
CLOCK_CHANGED_S = 3 * 3600


def planned_days(assets: DataFrame, calendar: DataFrame, asset: str) -> DataFrame:
    """One row per asset and calendar day since it went into service: `asset`, day, ends_at, and in seconds since 1970 when
    the day begins and ends (begins_s, ends_s) and the asset opens and closes (opens_s, closes_s; equal on a day off).

    The calendar needs a day of look-back to tell when a day begins; without one, a day has 24 hours.
    """
    days = calendar.withColumn("ends_s", F.unix_seconds("ends_at")).withColumn("begins_s", _begins_s())
    since = days["day"] >= assets["commissioned_on"]
    opens, closes = _instant_s(F.col("opens_at")), _instant_s(F.col("closes_at"))
    at_work = works(F.col("day"), F.col("weekdays"))
    return (
        F.broadcast(days)
        .join(assets.select(asset, "commissioned_on", "weekdays", "opens_at", "closes_at"), on=since, how="inner")
        .withColumn("opens_s", opens)
        .withColumn("closes_s", F.when(at_work, F.greatest("opens_s", closes)).otherwise(F.col("opens_s")))
        .select(asset, "day", "ends_at", "begins_s", "ends_s", "opens_s", "closes_s")
    )


def counted_back_s(ends_s: Column, clock: Column) -> Column:
    """Seconds since 1970 at a time of the clock, counted back from the end of its day."""
    return ends_s - (DAY_S - clock_s(clock))


def _instant_s(clock: Column) -> Column:
    is_early = clock_s(clock) < CLOCK_CHANGED_S
    return F.when(is_early, F.col("begins_s") + clock_s(clock)).otherwise(counted_back_s(F.col("ends_s"), clock))


def clock_s(clock: Column) -> Column:
    """HH:MM as seconds since midnight."""
    return F.substring(clock, 1, 2).cast("bigint") * 3600 + F.substring(clock, 4, 2).cast("bigint") * 60


def works(day: Column, weekdays: Column) -> Column:
    """Whether a day is one of the working days, "first-last" with 1 for Monday."""
    weekday, first, last = (F.dayofweek(day) + 5) % 7 + 1, F.substring(weekdays, 1, 1).cast("int"), F.substring(weekdays, 3, 1).cast("int")
    after, before = weekday >= first, weekday <= last
    return F.when(first <= last, after & before).otherwise(after | before)


def _begins_s() -> Column:
    """The end of the day before, or 24 hours before the end where the calendar doesn't know it."""
    by_day = Window.orderBy(F.unix_date("day"))
    previous = F.max("ends_s").over(by_day.rangeBetween(-1, -1))
    return F.coalesce(previous, F.col("ends_s") - DAY_S)
