"""How each unit stood at the end of each day, and why."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.tables.refrigeration import RULES, STATUS, WINDOWS


def gold_refrigeration__status(gold_refrigeration__features: DataFrame, gold_refrigeration__alerts: DataFrame) -> DataFrame:
    units = gold_refrigeration__features.select("unit_id", "day", "last_reading_at", "hours_since_last_reading", "is_silent")
    return (
        units.join(alerts_by_unit(gold_refrigeration__alerts), on=["unit_id", "day"], how="left")
        .withColumns({c: F.coalesce(c, F.lit(0)) for c in ("critical_alerts", "open_alerts", "watched_alerts")})
        .withColumns({"status": status(), "reason": reason()})
        .select(*(c.name for c in STATUS.columns))
    )


def alerts_by_unit(alerts: DataFrame) -> DataFrame:
    """Per unit and day: how many alerts are critical, open or merely watched, and their titles."""
    critical, is_open = F.col("state") == "worsened", F.col("state").isin("open", "worsened")
    return alerts.withColumn("title", _titles()[F.col("rule")]).groupBy("unit_id", "day").agg(
        F.count_if(critical).alias("critical_alerts"),
        F.count_if(is_open).alias("open_alerts"),
        F.count_if(~is_open).alias("watched_alerts"),
        _listed(critical).alias("critical_titles"),
        _listed(is_open).alias("open_titles"),
        _listed(~is_open).alias("watched_titles"),
    )  # fmt: skip


def status() -> Column:
    return (
        F.when(F.col("is_silent"), "INCONNU")
        .when(F.col("critical_alerts") > 0, "CRITIQUE")
        .when(F.col("open_alerts") > 0, "ALERTE")
        .when(F.col("watched_alerts") > 0, "SURVEILLANCE")
        .otherwise("OK")
    )


def reason() -> Column:
    since = F.date_format("last_reading_at", "yyyy-MM-dd HH:mm")
    return (
        F.when(F.col("last_reading_at").isNull(), f"no reading in {max(WINDOWS)} days")
        .when(F.col("is_silent"), F.concat(F.lit("no reading since "), since, F.lit(" UTC")))
        .when(F.col("critical_alerts") > 0, F.concat(F.lit("critical: "), F.col("critical_titles")))
        .when(F.col("open_alerts") > 0, F.concat(F.lit("open: "), F.col("open_titles")))
        .when(F.col("watched_alerts") > 0, F.concat(F.lit("pending or cleared today: "), F.col("watched_titles")))
        .otherwise("readings within limits")
    )


def _listed(condition: Column) -> Column:
    return F.array_join(F.array_sort(F.collect_set(F.when(condition, F.col("title")))), ", ")


def _titles() -> Column:
    return F.create_map(*(F.lit(t) for r in RULES for t in (r.name, r.title)))
