"""What all exports tell of an order, in one row: when its asset stood still, and what it cost."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lake.spark import first_of
from lake.tables.gmao_results import LABOUR_RATE_EUR_H, LONG_STOP_H, LOOK_DAYS, STRAY_DAYS
from pipelines import exact
from pipelines.operating import counted_back_s

HOUR_S = 3600
SHARED = ("month", "work_order_id", "asset_id", "failure_type", "stop_h", "intervention_on")
PREVENTIVE = "(?i)^pr[ée]v"


def gold_gmao__work_orders(
    silver_gmao__interventions: DataFrame,
    silver_gmao__parts: DataFrame,
    silver_workload__interventions: DataFrame,
    silver_workload__labour: DataFrame,
    silver_plant__assets: DataFrame,
) -> DataFrame:
    parts = silver_gmao__parts.groupBy("work_order_id").agg(
        F.count_if(F.lit(True)).alias("part_lines"), exact.total(F.col("total_price_eur"), 0.01).alias("parts_price_eur")
    )
    labour = silver_workload__labour.groupBy("work_order_id").agg(exact.total(F.col("hours_h"), 0.01).alias("labour_lines_h"))
    assets = silver_plant__assets.select("asset_id", "domain", "closes_at")
    orders = (
        combined(still_open_or_done(silver_gmao__interventions), silver_workload__interventions)
        .join(parts, on="work_order_id", how="left")
        .join(labour, on="work_order_id", how="left")
        .join(F.broadcast(assets), on="asset_id", how="left")
    )
    return orders.withColumns(stop()).withColumns(cost()).withColumn("total_cost_eur", _sum("parts_cost_eur", "labour_cost_eur"))


def still_open_or_done(interventions: DataFrame) -> DataFrame:
    """Without open orders that an intervention with the same asset, failure type and request has closed."""
    order = Window.partitionBy("asset_id", "failure_type", "requested_at").rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    closed_in = F.when(F.col("requested_at").isNotNull(), F.min(F.when(~F.col("is_open"), F.col("month"))).over(order))
    # No further ahead than the table's look-ahead, or a month built alone would come out otherwise than with all others.
    in_sight = F.col("closed_in") <= first_of(F.date_add(F.last_day("month"), LOOK_DAYS), "month")
    return (
        interventions.withColumn("closed_in", closed_in).filter(~(F.col("is_open") & F.coalesce(in_sight, F.lit(False)))).drop("closed_in")
    )


def combined(interventions: DataFrame, workload: DataFrame) -> DataFrame:
    """Every event of either, once; what both tell is taken from the interventions."""
    told = interventions.select(
        *SHARED, "requested_at", "day_ends_at", "is_open", "open_until", "summary", "cause", "organ", "material_cost_eur", "seen_in"
    )
    hours = workload.select(
        *(F.col(c).alias(f"_{c}") if c != "work_order_id" else F.col(c) for c in SHARED),
        F.col("category").alias("_category"), "labour_h", F.col("total_cost_eur").alias("_exported_eur"), F.col("_source").alias("_hours"),
        F.col("day_ends_at").alias("_day_ends_at"),
    )  # fmt: skip
    preventive = F.coalesce(F.coalesce("_category", "failure_type").rlike(PREVENTIVE), F.lit(False))
    seen = F.array_compact(F.array_append(F.coalesce("seen_in", F.array().cast("array<string>")), F.col("_hours")))
    return (
        told.join(hours, on="work_order_id", how="full")
        .withColumns({c: F.coalesce(c, f"_{c}") for c in (*SHARED, "day_ends_at") if c != "work_order_id"})
        .withColumns(
            {
                "is_open": F.coalesce("is_open", F.lit(False)),
                "category": F.when(preventive | F.col("failure_type").rlike(PREVENTIVE), "preventive").otherwise("corrective"),
                "seen_in": F.sort_array(F.array_distinct(seen)),
            }
        )
    )


def stop() -> dict[str, Column]:
    """When the asset stood still, from what little the exports say of hours."""
    requested, day_end = F.unix_timestamp("requested_at"), F.unix_timestamp("day_ends_at")
    length = F.round(F.coalesce("stop_h", F.lit(0.0)) * HOUR_S).cast("bigint")
    is_late = F.coalesce(requested > day_end, F.lit(False))
    # One that would be over long before the intervention was asked for in advance; long after it, the request or stop_h is wrong.
    stray = STRAY_DAYS * 24 * HOUR_S
    fits = F.coalesce((requested + length).between(day_end - 25 * HOUR_S - stray, day_end + stray), F.lit(False))
    by_request = F.col("is_open") | (~is_late & fits)
    closes = counted_back_s(day_end, F.coalesce("closes_at", F.lit("24:00")))
    started = F.when(by_request, requested).otherwise(closes - length)
    return {
        "stop_basis": F.when(by_request, "request").otherwise("day"),
        "stop_started_at": F.timestamp_seconds(started),
        "stop_ended_at": F.when(~F.col("is_open"), F.timestamp_seconds(started + length)),
        "is_long_stop": F.coalesce(F.col("stop_h") >= LONG_STOP_H, F.lit(False)),
        "is_request_late": is_late,
    }


def cost() -> dict[str, Column]:
    """Parts as exported where that can be, else by their prices; labour is what the exported total leaves, else by its hours."""
    material, priced, exported = F.col("material_cost_eur"), F.col("parts_price_eur"), F.col("_exported_eur")
    used = F.coalesce(F.col("part_lines"), F.lit(0))
    parts = F.coalesce(F.when(material > 0, material), F.when(priced > 0, priced), F.when(material == 0, material))
    labour_h = F.coalesce(F.when(F.col("labour_h") >= 0, F.col("labour_h")), F.col("labour_lines_h"))
    left_over = F.when((exported > 0) & (exported >= F.coalesce(parts, F.lit(0.0))), exported - F.coalesce(parts, F.lit(0.0)))
    return {
        "part_lines": used,
        "is_cost_suspect": F.coalesce((material < 0) | ((material == 0) & (used > 0)), F.lit(False)),
        "parts_cost_eur": parts,
        "labour_h": labour_h,
        "labour_cost_eur": F.coalesce(left_over, labour_h * LABOUR_RATE_EUR_H),
    }


def _sum(*columns: str) -> Column:
    """Null only where all are."""
    added = sum((F.coalesce(c, F.lit(0.0)) for c in columns), F.lit(0.0))
    return F.when(F.coalesce(*columns).isNotNull(), added)
