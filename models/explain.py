"""Reasons of the predictions of the newest day, as a step like any other."""

from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.settings import settings
from lake.tables.predictions import REASONS
from models.dataset import known, orders_known
from models.problem import Problem, problems
from models.score import told_of
from models.serving import Serving, speaking
from models.why import SCHEMA, Explain


def gold_maintenance__reasons(
    gold_fleet__features: DataFrame,
    gold_line__features: DataFrame,
    gold_refrigeration__features: DataFrame,
    gold_gmao__work_orders: DataFrame,
    silver_plant__assets: DataFrame,
    gold_maintenance__predictions: DataFrame,
    gold_maintenance__model_versions: DataFrame,
    bronze_lake__calendar: DataFrame,
) -> DataFrame:
    features = {"fleet": gold_fleet__features, "line": gold_line__features, "refrigeration": gold_refrigeration__features}
    said = gold_maintenance__predictions.filter("unknown_reason is null").select("problem", "asset_id", "day", "model_version")
    # The version made last is the one to explain; those before it were explained when they were made.
    newest = gold_maintenance__predictions.groupBy("problem").agg(F.max_by("model_version", "_made_at").alias("version")).collect()
    spoke = {r["problem"]: int(r["version"]) for r in newest}
    versions = [r.asDict() for r in told_of(gold_maintenance__model_versions).collect()] if any(spoke.values()) else []
    orders = orders_known(gold_gmao__work_orders, bronze_lake__calendar)
    made = []
    for problem in problems().values():
        rows = known(problem, features[problem.domain], orders, silver_plant__assets)
        by = speaking(settings().model_root, problem, spoke.get(problem.name, 0), versions)
        mine = said.filter((F.col("problem") == problem.name) & (F.col("model_version") == by.version))
        about = rows.join(F.broadcast(mine.select("asset_id", "day")), on=["asset_id", "day"], how="left_semi")
        made.append(explained(problem, about, by))
    return reduce(DataFrame.unionByName, made)


def explained(problem: Problem, rows: DataFrame, by: Serving) -> DataFrame:
    """Reasons of the rows of `known`; of the naive rule its one column, against the mean of the day."""
    if by.files:
        told = rows.drop("naive_score", "naive_probability", "last_reading_at").mapInArrow(Explain(by.manifest, by.files), SCHEMA)
    else:
        mean = rows.groupBy("day").agg(F.avg("naive_score").alias("mean"))
        told = rows.join(F.broadcast(mean), on="day", how="inner").select(
            "asset_id", "day", F.lit(1).cast("long").alias("rank"), F.lit(problem.naive).alias("feature"),
            F.col("naive_score").alias("value"), (F.col("naive_score") - F.col("mean")).alias("contribution"),
        )  # fmt: skip
    named = {
        "problem": F.lit(problem.name),
        "domain": F.lit(problem.domain),
        "model_version": F.lit(by.version).cast("long"),
    }
    return told.withColumns(named).select(*(c.name for c in REASONS.columns if not c.name.startswith("_")))
