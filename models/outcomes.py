"""What became of alerts, as steps like any other."""

from datetime import date

import pandas as pd
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lake.tables.predictions import OUTCOMES, OUTCOMES_WEEKLY
from models.dataset import components_of, orders_known
from models.frames import as_frame
from models.matching import ALERTS, matched, weekly
from models.problem import problems
from models.registry import current


def gold_maintenance__outcomes(
    gold_maintenance__predictions: DataFrame, gold_gmao__work_orders: DataFrame, bronze_lake__calendar: DataFrame
) -> DataFrame:
    as_of = bronze_lake__calendar.agg(F.max("day")).collect()[0][0]
    orders = orders_known(gold_gmao__work_orders, bronze_lake__calendar)
    broke = orders[orders["is_failure"] & orders["failed_on"].map(lambda d: pd.notna(d) and d <= as_of).astype(bool)]
    said = that_matter(made_last(gold_maintenance__predictions), broke).toPandas()
    rows = []
    for problem in problems().values():
        own = said[said["problem"] == problem.name]
        failures = broke[broke["domain"] == problem.domain]
        if not own.empty:
            rows += matched(own, failures.assign(component=components_of(problem, failures["organ"])), as_of)
    return as_frame(gold_maintenance__predictions, OUTCOMES, rows)


def that_matter(predictions: DataFrame, broke: pd.DataFrame) -> DataFrame:
    """Of each asset: the days on alert, those within the horizon before a failure, and the newest one, which tells the horizon."""
    by: dict[tuple[str, str], list[date]] = {}
    for domain, asset, on in zip(broke["domain"], broke["asset_id"], broke["failed_on"], strict=True):
        by.setdefault((domain, asset), []).append(on)
    failed = predictions.sparkSession.createDataFrame(
        [(d, a, days) for (d, a), days in by.items()], "domain string, asset_id string, failed array<date>"
    )
    own = Window.partitionBy("problem", "asset_id")
    last = F.max(F.struct("day", "horizon_days")).over(own)
    before = F.exists("failed", lambda f: (F.col("day") < f) & (F.datediff(f, F.col("day")) <= F.col("last.horizon_days")))
    return (
        predictions.withColumn("last", last)
        .join(failed, on=["domain", "asset_id"], how="left")
        .filter(F.col("status").isin(*ALERTS) | (F.col("day") == F.col("last.day")) | F.coalesce(before, F.lit(False)))
        .select("problem", "domain", "asset_id", "day", "status", "component", "model_version", "horizon_days")
    )


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
