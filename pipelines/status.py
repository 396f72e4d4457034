"""How each asset stood at the end of each day, and why."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.alerts import Rule
from lake.contract import Table
from lake.status import SILENCE_H


def status(features: DataFrame, alerts: DataFrame, table: Table, rules: Sequence[Rule], asset: str, days: int) -> DataFrame:
    """The state of each asset; `features` look back over `days` days for its newest reading."""
    assets = features.select(asset, "day", "last_reading_at", "hours_since_last_reading", "is_silent")
    return (
        assets.join(alerts_by_asset(alerts, rules, asset), on=[asset, "day"], how="left")
        .withColumns({c: F.coalesce(c, F.lit(0)) for c in ("critical_alerts", "open_alerts", "watched_alerts")})
        .withColumns({"status": status_of(), "reason": reason(days)})
        .select(*(c.name for c in table.columns))
    )


def silence(hours: int = SILENCE_H) -> dict[str, Column]:
    """How long an asset has been silent at the end of the day, from `last_reading_at` and the calendar's `ends_at`."""
    silence_s = F.unix_seconds("ends_at") - F.unix_seconds("last_reading_at")
    return {
        "hours_since_last_reading": silence_s / 3600,
        "is_silent": F.coalesce(silence_s > hours * 3600, F.lit(True)),
    }


def days_in_service(assets: DataFrame, calendar: DataFrame, asset: str) -> DataFrame:
    """One row per asset and calendar day from its commissioning on, whether it sent something or not."""
    since = calendar["day"] >= assets["commissioned_on"]
    return calendar.join(assets, on=since, how="inner").select(asset, "day", "ends_at")


def alerts_by_asset(alerts: DataFrame, rules: Sequence[Rule], asset: str) -> DataFrame:
    """Per asset and day: how many alerts are critical, open or merely watched, and their titles."""
    critical, is_open = F.col("state") == "worsened", F.col("state").isin("open", "worsened")
    return alerts.withColumn("title", _titles(rules)[F.col("rule")]).groupBy(asset, "day").agg(
        F.count_if(critical).alias("critical_alerts"),
        F.count_if(is_open).alias("open_alerts"),
        F.count_if(~is_open).alias("watched_alerts"),
        _listed(critical).alias("critical_titles"),
        _listed(is_open).alias("open_titles"),
        _listed(~is_open).alias("watched_titles"),
    )  # fmt: skip


def status_of() -> Column:
    return (
        F.when(F.col("is_silent"), "INCONNU")
        .when(F.col("critical_alerts") > 0, "CRITIQUE")
        .when(F.col("open_alerts") > 0, "ALERTE")
        .when(F.col("watched_alerts") > 0, "SURVEILLANCE")
        .otherwise("OK")
    )


def reason(days: int) -> Column:
    since = F.date_format("last_reading_at", "yyyy-MM-dd HH:mm")
    return (
        F.when(F.col("last_reading_at").isNull(), f"no reading in {days} days")
        .when(F.col("is_silent"), F.concat(F.lit("no reading since "), since, F.lit(" UTC")))
        .when(F.col("critical_alerts") > 0, F.concat(F.lit("critical: "), F.col("critical_titles")))
        .when(F.col("open_alerts") > 0, F.concat(F.lit("open: "), F.col("open_titles")))
        .when(F.col("watched_alerts") > 0, F.concat(F.lit("pending or cleared today: "), F.col("watched_titles")))
        .otherwise("readings within limits")
    )


def _listed(condition: Column) -> Column:
    return F.array_join(F.array_sort(F.collect_set(F.when(condition, F.col("title")))), ", ")


def _titles(rules: Sequence[Rule]) -> Column:
    return F.create_map(*(F.lit(t) for r in rules for t in (r.name, r.title)))
