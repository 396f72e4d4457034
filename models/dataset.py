"""What was known of an asset at the end of a day, and what followed: the same code for training and for scoring.

Work orders count from the day on which somebody could know of them. Windows that reach back before a repair are emptied:
rows after a repair start anew.
"""

import re
from collections.abc import Callable

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from models.problem import Problem

PAST_DAYS = 90
YOUNG_DAYS = 14
"""An asset in service for less has too little history to be judged."""

HISTORY = ("days_since_repair", "days_since_preventive", "failures_90d", "stop_h_90d")
KNOWN = (
    "asset_id", "day", "kind", "in_service_days", "is_silent", "last_reading_at", "is_stopped", "life", "naive_score",
    "naive_probability",
)  # fmt: skip
"""What a row tells beside its features."""


def feature_names(problem: Problem) -> tuple[str, ...]:
    """Columns that models look at, in order; kinds of assets come on top as columns of their own."""
    return (*problem.sensors, *problem.extra, *HISTORY, *(f"days_since_{c}_repair" for c in problem.components))


def known(problem: Problem, features: DataFrame, orders: DataFrame, assets: DataFrame, calendar: DataFrame) -> DataFrame:
    """One row per asset and day: KNOWN, and the features of `feature_names`."""
    mine = assets.filter(F.col("domain") == problem.domain).select("asset_id", "kind", "commissioned_on")
    wanted = list(dict.fromkeys((*problem.sensors, *problem.extra)))
    told = features.withColumnRenamed(problem.asset, "asset_id").select(
        "asset_id", "day", "is_silent", "last_reading_at", *(F.col(c).cast("double") for c in wanted)
    )
    # Histories are worked out on narrow rows of their own: in one step with a hundred sensors Spark would repeat them in each.
    return (
        told.join(F.broadcast(mine), on="asset_id", how="inner")
        .join(histories(problem, told.select("asset_id", "day"), orders, mine, calendar), on=["asset_id", "day"], how="inner")
        .withColumns(_anew(problem))
        .withColumns(_naive(problem))
        .select(*KNOWN, *feature_names(problem))
    )


def histories(problem: Problem, days: DataFrame, orders: DataFrame, assets: DataFrame, calendar: DataFrame) -> DataFrame:
    """What work orders tell of each asset and day: HISTORY, days since each component's repair, life, is_stopped, in_service_days."""
    past = orders_by_asset(problem, orders, calendar)
    since = tuple(f"days_since_{c}_repair" for c in problem.components)
    return (
        days.join(F.broadcast(assets.select("asset_id", "commissioned_on")), on="asset_id", how="inner")
        .join(F.broadcast(past), on="asset_id", how="left")
        .withColumn("orders", F.coalesce("orders", F.expr(f"cast(array() as array<{ORDER}>)")))
        .withColumn("seen", F.filter("orders", lambda o: o["known_on"] <= F.col("day")))
        .withColumn("repairs", F.filter("seen", lambda o: o["is_failure"] & F.coalesce(o["done_on"] <= F.col("day"), F.lit(False))))
        .withColumns(_history(problem))
        .select("asset_id", "day", "in_service_days", "is_stopped", "life", *HISTORY, *since)
    )


def labelled(problem: Problem, rows: DataFrame, orders: DataFrame, calendar: DataFrame) -> DataFrame:
    """Rows of `known` with what followed: is_failure, failed_on, component; only rows whose horizon is over, of assets that worked.

    A row whose asset stands still, is silent, or is too young isn't judged by anybody.
    """
    past = orders_by_asset(problem, orders, calendar).select("asset_id", "orders")
    as_of = calendar.agg(F.max("day").alias("as_of"))
    horizon = problem.horizon_days
    follows = F.filter(
        "orders",
        lambda o: o["is_failure"] & (o["failed_on"] > F.col("day")) & (o["failed_on"] <= F.date_add("day", horizon)),
    )
    first = F.array_min(F.transform(follows, lambda o: F.struct(o["failed_on"], o["component"])))
    return (
        rows.join(F.broadcast(past), on="asset_id", how="left")
        .crossJoin(F.broadcast(as_of))
        .filter(F.date_add("day", horizon) <= F.col("as_of"))
        .filter(~F.col("is_stopped") & ~F.col("is_silent") & (F.col("in_service_days") >= YOUNG_DAYS))
        .withColumn("next", first)
        .withColumns({"is_failure": F.col("next").isNotNull(), "failed_on": F.col("next.failed_on"), "component": F.col("next.component")})
        .drop("orders", "as_of", "next")
    )


ORDER = (
    "struct<failed_on: date, known_on: date, done_on: date, is_failure: boolean, stop_h: double, component: string, work_order_id: string>"
)


def orders_by_asset(problem: Problem, orders: DataFrame, calendar: DataFrame) -> DataFrame:
    """One row per asset: its work orders, ordered, and the first day that work orders tell of."""
    mine = orders.filter(F.col("domain") == problem.domain)
    told = (
        mine.withColumn("failed_on", F.col("stop_started_at"))
        .withColumn("requested_on", F.col("requested_at"))
        .transform(local_days(calendar, "failed_on", "requested_on"))
        .withColumn("known_on", F.coalesce("requested_on", "intervention_on", "failed_on"))
        .withColumn("component", component_of(problem))
        .withColumn("is_failure", F.col("category") == "corrective")
        # An order listed as open for the last time long ago is forgotten: it stops nothing any more.
        .withColumn("done_on", F.coalesce("intervention_on", "open_until"))
        .withColumn("stop_h", F.when(~F.col("is_long_stop"), F.col("stop_h")))
    )
    one = F.struct("failed_on", "known_on", "done_on", "is_failure", "stop_h", "component", "work_order_id")
    return told.groupBy("asset_id").agg(F.array_sort(F.collect_list(one)).cast(f"array<{ORDER}>").alias("orders"))


def local_days(calendar: DataFrame, *instants: str) -> Callable[[DataFrame], DataFrame]:
    """Turn instants into days of the site; before the calendar begins, into days in UTC."""
    ends = calendar.agg(F.array_sort(F.collect_list("ends_at")).alias("ends"), F.min("day").alias("first_day"))

    def turned(rows: DataFrame) -> DataFrame:
        wide = rows.crossJoin(F.broadcast(ends))
        for name in instants:
            passed = F.size(F.filter("ends", _is_over_by(name)))
            inside = F.col(name) >= F.element_at("ends", 1) - F.expr("interval 24 hours")
            wide = wide.withColumn(name, F.when(inside, F.date_add("first_day", passed)).otherwise(F.to_date(name)))
        return wide.drop("ends", "first_day")

    return turned


def _is_over_by(instant: str) -> Callable[[Column], Column]:
    return lambda end: end <= F.col(instant)


def component_of(problem: Problem) -> Column:
    """The component whose organ a work order names; null for any other."""
    found = F.lit(None).cast("string")
    for component, part in problem.components.items():
        found = F.when(F.col("organ").contains(part), component).otherwise(found)
    return found


def _since(orders: Column) -> Column:
    return F.datediff("day", F.array_max(F.transform(orders, lambda o: o["done_on"]))).cast("double")


def _history(problem: Problem) -> dict[str, Column]:
    recent = F.date_sub("day", PAST_DAYS)
    done = F.filter("seen", lambda o: F.coalesce(o["done_on"] <= F.col("day"), F.lit(False)))
    standing = lambda o: o["is_failure"] & F.coalesce(o["done_on"] > F.col("day"), F.lit(True))  # noqa: E731
    lately = F.filter("repairs", lambda o: o["done_on"] > recent)
    found = {
        "in_service_days": F.datediff("day", "commissioned_on"),
        "is_stopped": F.exists("seen", standing),
        "life": F.size("repairs"),
        "days_since_repair": _since(F.col("repairs")),
        "days_since_preventive": _since(F.filter(done, lambda o: ~o["is_failure"])),
        "failures_90d": F.size(F.filter("seen", lambda o: o["is_failure"] & (o["failed_on"] > recent))).cast("double"),
        "stop_h_90d": F.aggregate(lately, F.lit(0.0), lambda a, o: a + F.coalesce(o["stop_h"], F.lit(0.0))),
    }
    for c in problem.components:
        found[f"days_since_{c}_repair"] = _since(F.filter("repairs", _is_of(c)))
    return found


def _is_of(component: str) -> Callable[[Column], Column]:
    return lambda o: F.coalesce(o["component"] == component, F.lit(False))


def _anew(problem: Problem) -> dict[str, Column]:
    """Empty the windows that reach back before the last repair; distances driven and cycles are no symptoms and stay."""
    emptied = {}
    for name in problem.sensors:
        window = re.search(r"_(\d+)d$", name)
        if window and not name.startswith(("km_", "cycles_")):
            emptied[name] = F.when(F.coalesce(F.col("days_since_repair") >= int(window[1]), F.lit(True)), F.col(name))
    return emptied


def _naive(problem: Problem) -> dict[str, Column]:
    """The naive rule: what all assets of a day failed of late, shared out in proportion to one column."""
    of_day = Window.partitionBy("day")
    score = F.coalesce(F.col(problem.naive), F.lit(0.0))
    rate = F.sum("failures_90d").over(of_day) / (F.count("*").over(of_day) * PAST_DAYS)
    share = F.when(F.avg(score).over(of_day) > 0, score / F.avg(score).over(of_day)).otherwise(1.0)
    probability = F.when(rate > 0, 1 - F.exp(-problem.horizon_days * rate * share))
    return {"naive_score": score, "naive_probability": probability}
