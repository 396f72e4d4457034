"""What interventions cost, by day, week and month; what costs and stops most; which parts are used."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lake.spark import first_of
from lake.tables.gmao_results import AMOUNTS, DIMENSIONS, GROUP, UNKNOWN
from pipelines import exact

KEY = tuple(c.name for c in GROUP)
DOUBLES = tuple(c.name for c in AMOUNTS if c.type == "double")


def gold_gmao__costs_daily(gold_gmao__work_orders: DataFrame) -> DataFrame:
    done = gold_gmao__work_orders.filter(~F.col("is_open")).withColumns(
        {"day": F.col("intervention_on"), "work_orders": F.lit(1), **{c: F.coalesce(c, F.lit(UNKNOWN)) for c in ("organ", "cause")}}
    )
    return _summed(done, "month", "day", *KEY)


def gold_gmao__costs_weekly(gold_gmao__costs_daily: DataFrame) -> DataFrame:
    return _summed(gold_gmao__costs_daily.withColumn("week", first_of("day", "week")), "week", *KEY)


def gold_gmao__costs_monthly(gold_gmao__costs_daily: DataFrame) -> DataFrame:
    return _summed(gold_gmao__costs_daily, "month", *KEY)


def _summed(rows: DataFrame, *by: str) -> DataFrame:
    """Nothing told counts as nothing spent."""
    totals = (F.coalesce(exact.total(F.col(c), 0.01), F.lit(0.0)).alias(c) for c in DOUBLES)
    return rows.groupBy(*by).agg(F.sum("work_orders").alias("work_orders"), *totals)


def gold_gmao__pareto(gold_gmao__costs_monthly: DataFrame) -> DataFrame:
    months = F.sequence("month", F.add_months("month", 11), F.expr("interval 1 month"))
    told = F.explode(F.array(*(F.struct(F.lit(d).alias("dimension"), F.col(d).alias("value")) for d in DIMENSIONS)))
    year = (
        gold_gmao__costs_monthly.withColumn("month", F.explode(months))
        .join(F.broadcast(gold_gmao__costs_monthly.select("month").distinct()), on="month", how="left_semi")
        .select("month", told.alias("t"), "work_orders", "total_cost_eur", "stop_h")
        .groupBy("month", "t.dimension", "t.value")
        .agg(
            F.sum("work_orders").alias("work_orders"),
            *(exact.total(F.col(c), 0.01).alias(c) for c in ("total_cost_eur", "stop_h")),
        )
    )
    return year.withColumns(_ranked("cost", "total_cost_eur") | _ranked("stop", "stop_h"))


def _ranked(what: str, amount: str) -> dict[str, Column]:
    by_amount = Window.partitionBy("month", "dimension").orderBy(F.col(amount).desc(), "value")
    so_far = by_amount.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    whole = Window.partitionBy("month", "dimension").rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    counted = exact.steps(F.col(amount), 0.01)
    everything = F.sum(counted).over(whole)
    return {
        f"{what}_rank": F.row_number().over(by_amount),
        f"{what}_share": F.when(everything > 0, counted / everything),
        f"{what}_cumulative_share": F.when(everything > 0, F.sum(counted).over(so_far) / everything),
    }


def gold_gmao__part_use(silver_gmao__parts: DataFrame) -> DataFrame:
    return silver_gmao__parts.groupBy("month", "part_reference").agg(
        F.max("part_designation").alias("part_designation"),
        F.count_distinct("work_order_id").alias("work_orders"),
        *(exact.total(F.col(c), 0.01).alias(c) for c in ("quantity", "total_price_eur")),
    )


def gold_gmao__agreement(silver_gmao__interventions: DataFrame, silver_workload__interventions: DataFrame) -> DataFrame:
    told = silver_gmao__interventions.filter(~F.col("is_open")).select("month", "work_order_id", F.explode("seen_in").alias("source"))
    hours = silver_workload__interventions.select("month", "work_order_id", F.col("_source").alias("source"))
    seen = told.unionByName(hours).groupBy("month", "work_order_id").agg(F.sort_array(F.collect_set("source")).alias("sources"))
    events = seen.groupBy("month", "sources").agg(F.count_if(F.lit(True)).alias("events"))
    in_month = Window.partitionBy("month").rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    all_sources = F.sort_array(F.array_distinct(F.flatten(F.collect_set("sources").over(in_month))))
    pairs = (
        events.withColumn("all_sources", all_sources)
        .withColumn("source_a", F.explode("all_sources"))
        .withColumn("source_b", F.explode("all_sources"))
        .filter(F.col("source_a") < F.col("source_b"))
    )
    a, b = F.array_contains("sources", F.col("source_a")), F.array_contains("sources", F.col("source_b"))
    counts = {"events_a": a, "events_b": b, "events_both": a & b, "events_either": a | b}
    return (
        pairs.groupBy("month", "source_a", "source_b")
        .agg(*(F.sum(F.when(holds, F.col("events")).otherwise(0)).alias(name) for name, holds in counts.items()))
        .withColumn("agreement", F.col("events_both") / F.col("events_either"))
    )
