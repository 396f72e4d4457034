"""Downtime as a union of stops on the operating calendar, and what follows for reliability."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lake.spark import first_of
from lake.tables.gmao import MAX_STOP_H
from pipelines import exact
from pipelines.operating import DAY_S, planned_days

FOREVER_S = MAX_STOP_H * 3600
SUMMED = ("calendar_h", "downtime_h", "failure_downtime_h")


def gold_gmao__downtime(gold_gmao__work_orders: DataFrame, silver_plant__assets: DataFrame, bronze_lake__calendar: DataFrame) -> DataFrame:
    days = planned_days(silver_plant__assets, bronze_lake__calendar, "asset_id")
    stopped = (
        in_calendar(stops(gold_gmao__work_orders), days)
        .groupBy("asset_id", "day")
        .agg(
            F.sum("gained").alias("down"),
            F.sum("failure_gained").alias("failure_down"),
            F.count_if(F.col("is_failure") & F.col("begins")).alias("failures"),
            F.count_if("stays_open").alias("open_orders"),
        )
    )
    return days.join(stopped, on=["asset_id", "day"], how="left").select(
        first_of("day", "month").alias("month"),
        "day",
        "asset_id",
        ((F.col("closes_s") - F.col("opens_s")) / 3600).alias("calendar_h"),
        (F.coalesce("down", F.lit(0)) / 3600).alias("downtime_h"),
        (F.coalesce("failure_down", F.lit(0)) / 3600).alias("failure_downtime_h"),
        F.coalesce("failures", F.lit(0)).alias("failures"),
        F.coalesce("open_orders", F.lit(0)).alias("open_orders"),
    )


def stops(orders: DataFrame) -> DataFrame:
    """One row per order and day that its stop may touch, the day before and after included (local days aren't UTC's)."""
    started = F.unix_timestamp("stop_started_at")
    ended = F.coalesce(F.unix_timestamp("stop_ended_at"), started + FOREVER_S)
    around = F.sequence(F.to_date(F.timestamp_seconds(F.col("started") - DAY_S)), F.to_date(F.timestamp_seconds(F.col("ended") + DAY_S)))
    return (
        orders.filter(F.col("stop_started_at").isNotNull())
        .select(
            "work_order_id", "asset_id", "is_open", "open_until", (F.col("category") == "corrective").alias("is_failure"),
            started.alias("started"), ended.alias("ended"),
        )
        .withColumn("day", F.explode(around))
    )  # fmt: skip


def in_calendar(stopped: DataFrame, days: DataFrame) -> DataFrame:
    """Of each stop and day: whether it begins then, and the seconds that it adds to the union of those that began before."""
    told = ~F.col("is_open") | F.col("open_until").isNull() | (F.col("day") <= F.col("open_until"))
    rows = (
        stopped.filter(told)
        .join(days, on=["asset_id", "day"], how="inner")
        .withColumns({"from": F.greatest("started", "opens_s"), "to": F.least("ended", "closes_s")})
    )
    return rows.withColumns(
        {
            "gained": _gained("asset_id", "day"),
            "failure_gained": F.when(F.col("is_failure"), _gained("asset_id", "day", "is_failure")),
            "begins": (F.col("started") >= F.col("begins_s")) & (F.col("started") < F.col("ends_s")),
            "stays_open": F.col("is_open") & (F.col("started") < F.col("ends_s")) & (F.col("ended") > F.col("ends_s")),
        }
    )


def _gained(*within: str) -> Column:
    before = Window.partitionBy(*within).orderBy("from", "to", "work_order_id").rowsBetween(Window.unboundedPreceding, -1)
    covered = F.coalesce(F.max(F.greatest("from", "to")).over(before), F.col("from"))
    return F.greatest(F.lit(0), F.col("to") - F.greatest("from", covered))


def gold_gmao__reliability(gold_gmao__downtime: DataFrame) -> DataFrame:
    monthly = gold_gmao__downtime.groupBy("asset_id", "month").agg(
        *(exact.total(F.col(c), 0.0001).alias(c) for c in SUMMED), F.sum("failures").alias("failures")
    )
    year = monthly.select(
        "asset_id", *(F.col(c).alias(f"{c}_12m") for c in (*SUMMED, "failures")),
        F.explode(F.sequence("month", F.add_months("month", 11), F.expr("interval 1 month"))).alias("month"),
    )  # fmt: skip
    added = year.groupBy("asset_id", "month").agg(
        *(exact.total(F.col(f"{c}_12m"), 0.0001).alias(f"{c}_12m") for c in SUMMED), F.sum("failures_12m").alias("failures_12m")
    )
    return monthly.join(added, on=["asset_id", "month"], how="inner").withColumns(_figures("")).withColumns(_figures("_12m"))


def _figures(suffix: str) -> dict[str, Column]:
    calendar, failures = F.col(f"calendar_h{suffix}"), F.col(f"failures{suffix}")
    uptime = calendar - F.col(f"downtime_h{suffix}")
    return {
        f"uptime_h{suffix}": uptime,
        f"mtbf_h{suffix}": F.when(failures > 0, uptime / failures),
        f"mttr_h{suffix}": F.when(failures > 0, F.col(f"failure_downtime_h{suffix}") / failures),
        f"availability{suffix}": F.when(calendar > 0, uptime / calendar),
    }
