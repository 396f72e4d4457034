"""The list of what the workshop should look at next, as a step like any other."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.tables.predictions import PRIORITIES
from models.dataset import components_of
from models.frames import as_frame
from models.outcomes import made_last
from models.problem import problems
from models.worth import Past, ranked


def gold_maintenance__priorities(
    gold_maintenance__predictions: DataFrame,
    gold_maintenance__reasons: DataFrame,
    silver_plant__assets: DataFrame,
    gold_gmao__work_orders: DataFrame,
    silver_gmao__parts: DataFrame,
    gold_amdec__ratings: DataFrame,
    silver_workload__technicians: DataFrame,
    bronze_lake__calendar: DataFrame,
) -> DataFrame:
    day = bronze_lake__calendar.agg(F.max("day")).collect()[0][0]
    last = made_last(gold_maintenance__predictions.filter(F.col("day") == F.lit(day)))
    said = last.select("problem", "domain", "asset_id", "status", "probability", "component", "model_version").toPandas()
    why = gold_maintenance__reasons.filter(F.col("day") == F.lit(day)).select(
        "problem", "asset_id", "model_version", "rank", "feature", "value", "contribution"
    ).toPandas().merge(said[["problem", "asset_id", "model_version"]], on=["problem", "asset_id", "model_version"])  # fmt: skip
    names = {r["asset_id"]: r["name"] for r in silver_plant__assets.select("asset_id", "name").collect()}
    past = past_of(gold_gmao__work_orders, silver_gmao__parts, gold_amdec__ratings, silver_workload__technicians)
    return as_frame(gold_maintenance__predictions, PRIORITIES, ranked(problems(), said, why, names, past, day))


def past_of(orders: DataFrame, parts: DataFrame, ratings: DataFrame, technicians: DataFrame) -> Past:
    """What is known of past work."""
    told = orders.filter(~F.col("is_open")).select(
        "work_order_id", "asset_id", "domain", "category", "organ", F.col("intervention_on").alias("done_on"),
        F.when(~F.col("is_long_stop"), F.col("stop_h")).alias("stop_h"), "total_cost_eur", "labour_h",
        F.concat_ws(", ", "organ", "cause", "summary").alias("text"),
    ).toPandas()  # fmt: skip
    told["component"] = None
    for problem in problems().values():
        mine = told["domain"] == problem.domain
        told.loc[mine, "component"] = components_of(problem, told.loc[mine, "organ"])
    modes = ratings.select("domain", "organ", "gravity_rating", F.concat_ws(" ", "organ", "mode", "cause", "effect").alias("text"))
    part = F.coalesce("part_designation", "part_reference").alias("part")
    hours = technicians.agg(F.sum("weekly_h")).collect()[0][0]
    return Past(told, parts.select("work_order_id", part).toPandas(), modes.toPandas(), None if hours is None else float(hours))
