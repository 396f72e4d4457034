"""Readings summed up by hour, and hours by day, week and month, with sums that agree exactly from one to the next."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lake.spark import first_of, hour_of
from lake.tables.refrigeration import ADDITIVE, MEASURES, MODES, READING_INTERVAL_MINUTES
from pipelines.summaries import added, means, summed


def gold_refrigeration__hourly(gold_refrigeration__indicators: DataFrame) -> DataFrame:
    by_hour = gold_refrigeration__indicators.withColumns({"hour": hour_of("measured_at"), "begins_defrost": begins_defrost()}).groupBy(
        "unit_id", "day", "hour"
    )
    return by_hour.agg(
        F.count_if(F.lit(True)).alias("reading_count"),
        F.count_if("is_steady").alias("steady_count"),
        F.count_if(F.col("mode") != "defrost").alias("running_count"),
        *(F.count_if(F.col("mode") == m).alias(f"{m}_count") for m in MODES),
        F.count_if("begins_defrost").alias("defrost_starts"),
        F.max("measured_at").alias("last_reading_at"),
        *summed(MEASURES, F.col("is_steady")),
    )


def gold_refrigeration__daily(gold_refrigeration__hourly: DataFrame) -> DataFrame:
    return _summed_up(gold_refrigeration__hourly, "day")


def gold_refrigeration__weekly(gold_refrigeration__daily: DataFrame) -> DataFrame:
    return _summed_up(gold_refrigeration__daily.withColumn("week", first_of("day", "week")), "week")


def gold_refrigeration__monthly(gold_refrigeration__daily: DataFrame) -> DataFrame:
    return _summed_up(gold_refrigeration__daily.withColumn("month", first_of("day", "month")), "month")


def begins_defrost() -> Column:
    """In defrost, and the unit's previous reading of the same day was not, or there was none."""
    earlier = F.lag("mode").over(Window.partitionBy("unit_id", "day").orderBy("measured_at"))
    return (F.col("mode") == "defrost") & (F.coalesce(earlier, F.lit("")) != "defrost")


def _summed_up(finer: DataFrame, grain: str) -> DataFrame:
    summed_up = finer.groupBy("unit_id", grain).agg(
        *(F.sum(c).alias(c) for c in ADDITIVE),
        F.max("last_reading_at").alias("last_reading_at"),
        *added(MEASURES),
    )
    return summed_up.withColumns({"running_h": F.col("running_count") * READING_INTERVAL_MINUTES / 60, **means(MEASURES)})
