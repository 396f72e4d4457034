"""Predictions of the newest day, as a step like any other."""

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.settings import settings
from lake.tables.predictions import PREDICTIONS
from models.dataset import YOUNG_DAYS, known, orders_known
from models.problem import Problem, problems
from models.serving import Serving, serving
from models.speak import SAID, SCHEMA, Speak


def gold_maintenance__predictions(
    gold_fleet__features: DataFrame,
    gold_line__features: DataFrame,
    gold_refrigeration__features: DataFrame,
    gold_gmao__work_orders: DataFrame,
    silver_plant__assets: DataFrame,
    gold_maintenance__model_versions: DataFrame,
    gold_maintenance__champions: DataFrame,
    bronze_lake__calendar: DataFrame,
) -> DataFrame:
    features = {"fleet": gold_fleet__features, "line": gold_line__features, "refrigeration": gold_refrigeration__features}
    champions = [r.asDict() for r in gold_maintenance__champions.collect()]
    versions = [r.asDict() for r in told_of(gold_maintenance__model_versions).collect()] if champions else []
    orders = orders_known(gold_gmao__work_orders, bronze_lake__calendar)
    made = []
    for problem in problems().values():
        rows = known(problem, features[problem.domain], orders, silver_plant__assets)
        made.append(predicted(problem, rows, serving(settings().model_root, problem, versions, champions)))
    return reduce(DataFrame.unionByName, made)


def told_of(versions: DataFrame) -> DataFrame:
    """What serving needs to know of each version."""
    return versions.select("problem", "model_version", "estimator", "artifact", "artifact_sha256")


def predicted(problem: Problem, rows: DataFrame, by: Serving) -> DataFrame:
    """Rows of `known` as predictions; where nothing can be said the status is INCONNU and the reason is told."""
    rows = rows.withColumn("unknown_reason", unknown_reason(by))
    if by.files:
        spoken = rows.drop("naive_score", "naive_probability", "last_reading_at").mapInArrow(Speak(by.manifest, by.files), SCHEMA)
    else:
        nothing = {c: F.lit(None).cast("string" if c == "component" else "double") for c in SAID}
        spoken = rows.withColumns(nothing | {"probability": F.col("naive_probability")})
    t = by.thresholds
    level = (
        F.when(F.col("unknown_reason").isNotNull(), "INCONNU")
        .when(F.col("probability") >= t["critical"], "CRITIQUE")
        .when(F.col("probability") >= t["alert"], "ALERTE")
        .when(F.col("probability") >= t["surveillance"], "SURVEILLANCE")
        .otherwise("OK")
    )
    is_known = F.col("unknown_reason").isNull()
    beside = {"forest_probability": F.col("forest_probability") if by.estimator != "RandomForest" else F.lit(None).cast("double")}
    return (
        spoken.withColumns(beside)
        .withColumns({"status": level, **{c: F.when(is_known, F.col(c)) for c in SAID}})
        .withColumns({
            "problem": F.lit(problem.name), "domain": F.lit(problem.domain), "model_version": F.lit(by.version).cast("long"),
            "estimator": F.lit(by.estimator), "horizon_days": F.lit(problem.horizon_days).cast("long"),
            "alert_threshold": F.lit(float(t["alert"])),
        })
        .select(*(c.name for c in PREDICTIONS.columns if not c.name.startswith("_")))
    )  # fmt: skip


def unknown_reason(by: Serving) -> Column:
    """Why nothing can be said of an asset; null where something can."""
    since = F.coalesce(F.date_format("last_reading_at", "yyyy-MM-dd HH:mm"), F.lit("long ago"))
    silent = F.concat(F.lit("no fresh reading: the newest is from "), since, F.lit(" UTC"))
    young = F.concat(F.lit("too little history: in service for "), F.col("in_service_days").cast("string"), F.lit(" days"))
    reason = (
        F.when(F.col("is_silent"), silent)
        .when(F.col("is_stopped"), F.lit("it stands still for a repair"))
        .when(F.col("in_service_days") < YOUNG_DAYS, young)
        .when(F.col("naive_probability").isNull() & F.lit(not by.files), F.lit("too little history to tell a failure rate from"))
    )
    return F.lit(by.trouble) if by.trouble else reason
