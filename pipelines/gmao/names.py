"""What exports name: assets by the crosswalk, organs by their aliases; one identity per event."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.tables.gmao import MAX_STOP_H
from pipelines import exact
from pipelines.judge import with_problems
from pipelines.texts import capitalised, comparable, even, plain

ALWAYS = "1900-01-01"


def told(rows: DataFrame, crosswalk: DataFrame) -> DataFrame:
    """Feed rows with `asset_id`, `work_order_id` and evened texts, row for row.

    An asset whose name the crosswalk doesn't know on the day, or knows for several assets, stays null, with a problem
    that names it; so does a row dated after the export that holds it. (Where the day can't be read, any day is meant.)
    """
    known = _periods(crosswalk)
    on_day = F.coalesce("intervention_on", "reported_on") if "reported_on" in rows.columns else F.col("intervention_on")
    meant = F.coalesce(
        F.array_distinct(
            F.transform(
                F.filter(
                    "_periods",
                    lambda p: on_day.isNull() | ((on_day >= p["valid_from"]) & (p["valid_to"].isNull() | (on_day <= p["valid_to"]))),
                ),
                lambda p: p["asset_id"],
            )
        ),
        F.array().cast("array<string>"),
    )
    rows = (
        rows.withColumns({"asset_name": even(F.col("asset_name")), "failure_type": capitalised(even(F.col("failure_type")))})
        .withColumn("_name", comparable(F.col("asset_name")))
        .join(F.broadcast(known), on=(F.col("_source") == F.col("_known_source")) & (F.col("_name") == F.col("_known_name")), how="left")
        .withColumn("_meant", meant)
        .withColumn("asset_id", F.when(F.size("_meant") == 1, F.col("_meant")[0]))
    )
    where = F.concat(F.col("asset_name"), F.lit(" ("), F.concat_ws(", ", "_source", on_day.cast("string")), F.lit(")"))
    among = F.concat(where, F.lit(": "), F.array_join(F.sort_array("_meant"), ", "))
    named = F.col("asset_name").isNotNull()
    rows = with_problems(
        rows,
        (named & (F.size("_meant") == 0), "asset_id: name known in silver_gmao__crosswalk", where),
        (named & (F.size("_meant") > 1), "asset_id: name of one asset only in silver_gmao__crosswalk", among),
        (F.coalesce(on_day > F.col("exported_on"), F.lit(False)), "intervention_on: not after the export", on_day.cast("string")),
    )
    return rows.withColumn("work_order_id", identity(rows)).drop("_name", "_known_source", "_known_name", "_periods", "_meant")


def identity(rows: DataFrame) -> Column:
    """Exports carry no number: an event is what has the same asset, day, failure type and stop; an open order has no
    day yet, so its request tells it."""
    until = F.col("intervention_on").cast("string")
    when = F.coalesce(until, F.unix_micros("requested_at").cast("string")) if "requested_at" in rows.columns else until
    facts = (F.coalesce("asset_id", "asset_name"), when, F.col("failure_type"), exact.steps(F.col("stop_h"), 0.01).cast("string"))
    return F.substring(F.sha2(F.concat_ws("|", *(F.coalesce(f, F.lit("")) for f in facts)), 256), 1, 16)


def part_of_sound(rows: DataFrame) -> DataFrame:
    """Lines of an event that its own table keeps out are kept out too."""
    unsound = F.col("failure_type").isNull() | ~F.coalesce(F.col("stop_h").between(0, MAX_STOP_H), F.lit(True))
    found = F.concat_ws(", ", "failure_type", F.col("stop_h").cast("string"))
    return with_problems(rows, (unsound, "work_order_id: of a sound intervention", found))


def organ(rows: DataFrame, organs: DataFrame) -> DataFrame:
    """Rows with `organ`: what the alias file says is meant, or the spelling evened out."""
    canonical = organs.select(plain(F.col("organ")).alias("_spelling"), "organ")
    aliases = organs.select(F.col("spelling").alias("_spelling"), "organ").unionByName(canonical)
    aliases = aliases.groupBy("_spelling").agg(F.min("organ").alias("_organ"))
    return (
        rows.withColumn("_written", plain(F.col("organ_written")))
        .join(F.broadcast(aliases), on=F.col("_written") == F.col("_spelling"), how="left")
        .withColumn("organ", F.coalesce("_organ", "_written"))
        .drop("_written", "_spelling", "_organ")
    )


def _periods(crosswalk: DataFrame) -> DataFrame:
    period = F.struct("valid_from", "valid_to", "asset_id")
    return crosswalk.groupBy(F.col("source").alias("_known_source"), F.col("source_name").alias("_known_name")).agg(
        F.collect_set(period).alias("_periods")
    )
