"""What became of alerts, as steps like any other."""

import pandas as pd
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lake.tables.predictions import OUTCOMES, OUTCOMES_WEEKLY
from models.dataset import orders_by_asset
from models.frames import as_frame
from models.matching import matched, weekly
from models.problem import problems
from models.registry import current


def gold_maintenance__outcomes(
    gold_maintenance__predictions: DataFrame, gold_gmao__work_orders: DataFrame, bronze_lake__calendar: DataFrame
) -> DataFrame:
    as_of = bronze_lake__calendar.agg(F.max("day")).collect()[0][0]
    said = made_last(gold_maintenance__predictions).select(
        "problem", "domain", "asset_id", "day", "status", "component", "model_version", "horizon_days"
    ).toPandas()  # fmt: skip
    rows = []
    for problem in problems().values():
        own = said[said["problem"] == problem.name]
        if own.empty:
            continue
        organs = gold_gmao__work_orders.select("work_order_id", "organ")
        told = orders_by_asset(problem, gold_gmao__work_orders, bronze_lake__calendar).select("asset_id", F.explode("orders").alias("o"))
        failures = told.filter("o.is_failure").select("asset_id", "o.*").join(organs, on="work_order_id", how="left").toPandas()
        rows += matched(own, failures[failures["failed_on"].map(lambda d: pd.notna(d) and d <= as_of)], as_of)
    return as_frame(gold_maintenance__predictions, OUTCOMES, rows)


def made_last(predictions: DataFrame) -> DataFrame:
    """Of several versions that spoke on a day, the one that spoke last."""
    newest = Window.partitionBy("problem", "asset_id", "day").orderBy(F.col("_made_at").desc(), F.col("model_version").desc())
    return predictions.withColumn("_n", F.row_number().over(newest)).filter("_n = 1").drop("_n")


def gold_maintenance__outcomes_weekly(
    gold_maintenance__outcomes: DataFrame, gold_maintenance__champions: DataFrame, gold_maintenance__model_metrics: DataFrame
) -> DataFrame:
    outcomes = gold_maintenance__outcomes.toPandas()
    champions = [r.asDict() for r in gold_maintenance__champions.collect()]
    judged = gold_maintenance__model_metrics.filter(
        "split = 'newest window' and asset_class = 'all' and whose = 'model' and metric = 'precision'"
    ).collect()
    promised = {(r["problem"], r["model_version"]): r["value"] for r in judged}
    by_problem = {p: promised.get((p, current(champions, p))) for p in problems()}
    return as_frame(gold_maintenance__outcomes, OUTCOMES_WEEKLY, weekly(outcomes, by_problem))
