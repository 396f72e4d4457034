"""Exports to silver: each intervention once, its parts once, assets resolved; nothing guessed."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pipelines.gmao.names import ALWAYS, organ, part_of_sound, told
from pipelines.texts import comparable, even, plain


def silver_gmao__crosswalk(feed_gmao__crosswalk: DataFrame) -> DataFrame:
    return feed_gmao__crosswalk.withColumns(
        {
            "source": even(F.col("source")),
            "source_name": comparable(F.col("source_name")),
            "asset_id": even(F.col("asset_id")),
            "valid_from": F.coalesce("valid_from", F.lit(ALWAYS).cast("date")),
        }
    )


def silver_gmao__organs(feed_gmao__organs: DataFrame) -> DataFrame:
    return feed_gmao__organs.withColumns({"spelling": plain(F.col("spelling")), "organ": even(F.col("organ"))})


def silver_gmao__interventions(
    feed_gmao__interventions: DataFrame, silver_gmao__crosswalk: DataFrame, silver_gmao__organs: DataFrame
) -> DataFrame:
    event = Window.partitionBy("month", "work_order_id").rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    return organ(told(feed_gmao__interventions, silver_gmao__crosswalk), silver_gmao__organs).withColumns(
        {
            "is_open": F.col("intervention_on").isNull(),
            "open_until": F.when(F.col("intervention_on").isNull(), F.max("exported_on").over(event)),
            "summary": even(F.col("summary")),
            "cause": even(F.col("cause")),
            "organ_written": even(F.col("organ_written")),
            "seen_in": F.sort_array(F.collect_set("_source").over(event)),
        }
    )


def silver_gmao__parts(feed_gmao__interventions: DataFrame, silver_gmao__crosswalk: DataFrame) -> DataFrame:
    return part_of_sound(told(feed_gmao__interventions, silver_gmao__crosswalk)).withColumns(
        {
            "part_designation": even(F.col("part_designation")),
            "part_reference": F.coalesce(F.upper(even(F.col("part_reference"))), even(F.col("part_designation"))),
            "quantity": F.col("part_quantity"),
            "total_price_eur": F.col("part_total_eur"),
        }
    )
