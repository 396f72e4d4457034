"""Across domains: all alerts in one list, and assets that fell silent."""

from functools import reduce

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from lake.tables import fleet, line, refrigeration
from lake.tables.maintenance import ALERTS, GRAVE_AFTER_DAYS, SILENCE

RULES = {"fleet": fleet.RULES, "line": line.RULES, "refrigeration": refrigeration.RULES}
_THREAD = "struct<alert_id: string, started_at: timestamp, opened_at: timestamp, worsened_at: timestamp>"
IDENTIFIERS = {"fleet": "vin", "line": "machine_id", "refrigeration": "unit_id"}


def gold_maintenance__alerts(
    gold_fleet__alerts: DataFrame,
    gold_line__alerts: DataFrame,
    gold_refrigeration__alerts: DataFrame,
    gold_fleet__status: DataFrame,
    gold_line__status: DataFrame,
    gold_refrigeration__status: DataFrame,
    bronze_lake__calendar: DataFrame,
    gold_maintenance__alerts: DataFrame,
) -> DataFrame:
    alerts = {"fleet": gold_fleet__alerts, "line": gold_line__alerts, "refrigeration": gold_refrigeration__alerts}
    statuses = {"fleet": gold_fleet__status, "line": gold_line__status, "refrigeration": gold_refrigeration__status}
    heard = reduce(DataFrame.unionByName, (of_sensors(frame, domain) for domain, frame in alerts.items()))
    states = reduce(DataFrame.unionByName, (hearing(frame, domain) for domain, frame in statuses.items()))
    return heard.unionByName(silences(states, bronze_lake__calendar, gold_maintenance__alerts))


def of_sensors(alerts: DataFrame, domain: str) -> DataFrame:
    """A domain's alerts in the shape of all."""
    titles = F.create_map(*(F.lit(t) for r in RULES[domain] for t in (r.name, r.title)))
    named = {"asset_id": F.col(IDENTIFIERS[domain]), "domain": F.lit(domain), "title": titles[F.col("rule")]}
    return alerts.withColumns(named).select(*(c.name for c in ALERTS.columns))


def hearing(status: DataFrame, domain: str) -> DataFrame:
    """Per asset and day: is it silent, and when was it last heard."""
    silent = (F.col("status") == "INCONNU").alias("is_silent")
    return status.select(F.col(IDENTIFIERS[domain]).alias("asset_id"), F.lit(domain).alias("domain"), "day", silent, "last_reading_at")


def silences(states: DataFrame, calendar: DataFrame, own: DataFrame) -> DataFrame:
    """One alert per unbroken run of silent days. `own` is the table on the day before the first: what was silent then still is."""
    alive = own.filter((F.col("rule") == SILENCE) & (F.col("state") != "cleared"))
    carried = alive.select("asset_id", F.struct("alert_id", "started_at", "opened_at", "worsened_at").cast(_THREAD).alias("carried"))
    by_day = Window.partitionBy("asset_id").orderBy("day")
    so_far = by_day.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    began = F.struct(_identity().alias("alert_id"), _since().alias("started_at"), F.col("ends_at").alias("opened_at"),
                     F.lit(None).cast("timestamp").alias("worsened_at")).cast(_THREAD)  # fmt: skip
    was_silent = F.coalesce(F.lag("is_silent").over(by_day), F.col("carried").isNotNull())
    grave = F.unix_seconds("ends_at") - F.unix_seconds("thread.opened_at") >= (GRAVE_AFTER_DAYS - 1) * 86_400 - 7_200
    return (
        states.join(F.broadcast(calendar), on="day", how="inner")
        .join(F.broadcast(carried), on="asset_id", how="left")
        .withColumn("was_silent", was_silent)
        .withColumn("begins", F.when(F.col("is_silent") & ~F.col("was_silent"), began))
        .withColumn("thread", F.coalesce(F.last("begins", ignorenulls=True).over(so_far), F.col("carried")))
        .withColumn("grave_at", F.when(F.col("is_silent") & grave, F.col("ends_at")))
        .withColumn("worsened_at", F.coalesce("thread.worsened_at", F.min("grave_at").over(_of_thread())))
        .filter("is_silent or was_silent")
        .withColumns(_told())
        .select(*(c.name for c in ALERTS.columns))
    )


def _of_thread() -> WindowSpec:
    return Window.partitionBy("asset_id", "thread.alert_id").orderBy("day").rowsBetween(Window.unboundedPreceding, Window.currentRow)


def _identity() -> Column:
    return F.substring(F.sha2(F.concat_ws("|", "asset_id", F.lit(SILENCE), F.col("day").cast("string")), 256), 1, 16)


def _since() -> Column:
    return F.coalesce("last_reading_at", F.col("ends_at") - F.expr("interval 24 hours"))


def _told() -> dict[str, Column]:
    is_over = ~F.col("is_silent")
    return {
        "alert_id": F.col("thread.alert_id"),
        "rule": F.lit(SILENCE),
        "title": F.lit("no reading arrives"),
        "state": F.when(is_over, "cleared").when(F.col("worsened_at").isNotNull(), "worsened").otherwise("open"),
        "severity": F.when(F.col("worsened_at").isNotNull(), "critical").otherwise("warning"),
        "started_at": F.col("thread.started_at"),
        "opened_at": F.col("thread.opened_at"),
        "cleared_at": F.when(is_over, F.coalesce("last_reading_at", "ends_at")),
        "worst_value": F.lit(None).cast("double"),
    }
