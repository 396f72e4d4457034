"""Hours of the line against the usual hours of their machine, as a step like any other."""

from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.settings import settings
from lake.tables.line_anomalies import ANOMALIES
from models.problem import Anomaly
from models.problems.line import ANOMALY
from models.score import told_of
from models.serving import serving
from models.unusual import SCHEMA, Judge


def gold_line__anomalies(
    gold_line__hourly: DataFrame, gold_maintenance__model_versions: DataFrame, gold_maintenance__champions: DataFrame
) -> DataFrame:
    champions = [r.asDict() for r in gold_maintenance__champions.collect()]
    versions = [r.asDict() for r in told_of(gold_maintenance__model_versions).collect()] if champions else []
    by = serving(settings().model_root, ANOMALY, versions, champions)
    rows = hours(ANOMALY, gold_line__hourly)
    if by.files:
        said = rows.mapInArrow(Judge(by.manifest, by.files), SCHEMA).withColumn("threshold", F.lit(float(by.manifest["threshold"])))
    else:
        said = beyond_limits(ANOMALY, rows)
    return said.withColumn("model_version", F.lit(by.version).cast("long")).select(*(c.name for c in ANOMALIES.columns))


def hours(problem: Anomaly, hourly: DataFrame) -> DataFrame:
    """Hours with enough running readings: machine_id, day, hour, running_count, and the mean of each measure under its name."""
    means = {c: F.col(f"{c}_sum") / F.when(F.col(f"{c}_count") > 0, F.col(f"{c}_count")) for c in problem.measures}
    return (
        hourly.filter(F.col("running_count") >= problem.least_readings)
        .withColumnRenamed(problem.asset, "machine_id")
        .select("machine_id", "day", "hour", "running_count", *(v.alias(c) for c, v in means.items()))
    )


def beyond_limits(problem: Anomaly, rows: DataFrame) -> DataFrame:
    """The naive rule: an hour is anomalous when its mean goes beyond an alert limit; there is no score."""
    listed = F.array_compact(F.array(*(F.when(F.col(c) > limit, F.lit(c)) for c, limit in problem.limits.items())))
    nothing = reduce(lambda made, c: made.withColumn(c, F.lit(None).cast("double")), ("score", "threshold", "pc1", "pc2"), rows)
    return nothing.withColumns({
        "sensors": F.slice(listed, 1, 3), "is_anomaly": F.size(listed) > 0, "sensor_effects": F.expr("cast(array() as array<string>)"),
    })  # fmt: skip
