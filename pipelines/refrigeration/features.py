"""What a model may know of a unit at the end of a day, from hourly sums of that day and the six before."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.tables.refrigeration import FEATURES, MEASURES, MODES, WINDOWS
from pipelines.status import days_in_service, silence
from pipelines.summaries import hours_since_2020, level_spread_trend, looking_back, moment_names, moments

HOURS_A_DAY = 24
_COUNTS = ("reading_count", "defrost_starts", *(f"{m}_count" for m in MODES))


def gold_refrigeration__features(
    gold_refrigeration__hourly: DataFrame, silver_refrigeration__units: DataFrame, bronze_lake__calendar: DataFrame
) -> DataFrame:
    described = days_in_service(silver_refrigeration__units, bronze_lake__calendar, "unit_id")
    days = moments_of_days(gold_refrigeration__hourly).join(
        described.withColumn("is_described", F.lit(True)), on=["unit_id", "day"], how="full"
    )
    return (
        looking_back(days, "unit_id", WINDOWS, (*_COUNTS, *moment_names(MEASURES)))
        .filter("is_described")
        .withColumns(features())
        .select(*(c.name for c in FEATURES.columns))
    )


def moments_of_days(hourly: DataFrame) -> DataFrame:
    """Per unit and day, sums over its steady readings."""
    sums = [F.sum(c).alias(c) for c in _COUNTS]
    over_time = moments(MEASURES, hours_since_2020("hour"))
    return hourly.groupBy("unit_id", "day").agg(*sums, *over_time, F.max("last_reading_at").alias("newest_at"))


def features() -> dict[str, Column]:
    found = {"readings": F.col("reading_count_1"), **silence()}
    for days in WINDOWS:
        readings = F.col(f"reading_count_{days}")
        found[f"defrost_starts_{days}d"] = F.col(f"defrost_starts_{days}")
        found |= {f"{m}_share_{days}d": F.when(readings > 0, F.col(f"{m}_count_{days}") / readings) for m in MODES}
        found |= level_spread_trend(MEASURES, days, HOURS_A_DAY)
    return found
