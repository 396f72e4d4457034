"""What was known of an asset at the end of a day, and what followed: the same code for training and for scoring.

Work orders count from the day on which somebody could know of them. Windows that reach back before a repair are emptied:
rows after a repair start anew.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from models.problem import Problem

PAST_DAYS = 90
NOTHING: Any = None
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


def known(problem: Problem, features: DataFrame, orders: pd.DataFrame, assets: DataFrame) -> DataFrame:
    """One row per asset and day: KNOWN, and the features of `feature_names`. `orders`: see `orders_known`.

    Windows that reach back before a repair are still filled; `models.scorer.anew` empties them where rows are in pandas.
    """
    mine = assets.filter(F.col("domain") == problem.domain).select("asset_id", "kind", "commissioned_on")
    wanted = list(dict.fromkeys((*problem.sensors, *problem.extra)))
    told = features.withColumnRenamed(problem.asset, "asset_id").select("asset_id", "day", "is_silent", "last_reading_at", *wanted)
    # Histories are worked out on narrow rows of their own: in one step with a hundred sensors Spark would repeat them in each.
    return (
        told.join(F.broadcast(mine.select("asset_id", "kind")), on="asset_id", how="inner")
        .join(histories(problem, told.select("asset_id", "day"), orders, mine), on=["asset_id", "day"], how="inner")
        .withColumns(_naive(problem))
        .select(*KNOWN, *feature_names(problem))
    )


def histories(problem: Problem, days: DataFrame, orders: pd.DataFrame, assets: DataFrame) -> DataFrame:
    """What work orders tell of each asset and day: HISTORY, days since each component's repair, life, is_stopped, in_service_days."""
    past = orders_by_asset(problem, orders, days)
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


def labelled(problem: Problem, rows: pd.DataFrame, orders: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Rows of `known` with what followed: is_failure, failed_on, component; only rows whose horizon is over, of assets that worked.

    A row whose asset stands still, is silent, or is too young isn't judged by anybody.
    """
    over = rows["day"].map(lambda d: d + timedelta(days=problem.horizon_days) <= as_of).astype(bool)
    fit = over & ~rows["is_stopped"].astype(bool) & ~rows["is_silent"].astype(bool) & (rows["in_service_days"] >= YOUNG_DAYS)
    kept = rows[fit].sort_values(["day", "asset_id"]).reset_index(drop=True)
    failures = orders[(orders["domain"] == problem.domain) & orders["is_failure"]].dropna(subset=["failed_on"])
    failures = failures.assign(on=pd.to_datetime(failures["failed_on"]), component=components_of(problem, failures["organ"]))
    failures = failures.sort_values(["on", "work_order_id"])[["asset_id", "on", "component"]]
    after = kept[["asset_id"]].assign(at=pd.to_datetime(kept["day"]) + pd.Timedelta(days=1), row=kept.index)
    found = pd.merge_asof(after.sort_values(["at", "row"]), failures, left_on="at", right_on="on", by="asset_id", direction="forward")
    found = found.set_index("row").sort_index()
    is_failure = (found["on"] - found["at"]).dt.days < problem.horizon_days
    return kept.assign(
        is_failure=is_failure,
        failed_on=found["on"].dt.date.where(is_failure, NOTHING),
        component=found["component"].where(is_failure, NOTHING),
    )


ORDER = "struct<failed_on: date, known_on: date, done_on: date, is_failure: boolean, stop_h: double, component: string>"


def orders_known(orders: DataFrame, calendar: DataFrame) -> pd.DataFrame:
    """Work orders with the days that count, in pandas: there are few, and they are told to every asset and day.

    asset_id, domain, work_order_id, organ, is_failure, stop_h (null for stops too long to be believed), and days of the
    site: failed_on, known_on (asked for, or done where nobody asked), done_on (an open order: last listed as open, after
    which it is forgotten and stops nothing any more).
    """
    told = orders.select(
        "asset_id", "domain", "work_order_id", "organ", (F.col("category") == "corrective").alias("is_failure"),
        F.when(~F.col("is_long_stop"), F.col("stop_h")).alias("stop_h"), "stop_started_at", "requested_at", "intervention_on", "open_until",
    ).toPandas()  # fmt: skip
    days = calendar.select("day", "ends_at").toPandas().sort_values("day")
    told.attrs = {}
    failed, asked = (local_days(told[c], days) for c in ("stop_started_at", "requested_at"))
    known_on = asked.where(asked.notna(), told["intervention_on"].where(told["intervention_on"].notna(), failed))
    done_on = told["intervention_on"].where(told["intervention_on"].notna(), told["open_until"])
    kept = told[["asset_id", "domain", "work_order_id", "organ", "is_failure", "stop_h"]]
    return kept.assign(failed_on=failed, known_on=known_on, done_on=done_on).sort_values("work_order_id").reset_index(drop=True)


def local_days(instants: pd.Series, days: pd.DataFrame) -> pd.Series:
    """Days of the site that hold the instants; where the calendar (day, ends_at) doesn't reach, days in UTC."""
    at = pd.to_datetime(instants, utc=True)
    ends = pd.to_datetime(days["ends_at"], utc=True)
    place = np.searchsorted(ends.to_numpy(), at.to_numpy(), side="right")
    inside = at.notna() & (place < len(days)) & (at >= (ends.min() - pd.Timedelta(hours=24)))
    names = days["day"].to_numpy(dtype=object)
    site = pd.Series(
        [names[min(p, len(names) - 1)] if i else None for p, i in zip(place, inside, strict=True)], index=at.index, dtype=object
    )
    return site.where(inside, at.dt.date.astype(object).where(at.notna(), NOTHING))


def components_of(problem: Problem, organs: pd.Series) -> pd.Series:
    """The component whose organ a work order names; None for any other."""
    named = {o: next((c for c, part in problem.components.items() if part in o), None) for o in organs.dropna().unique()}
    return organs.map(named).astype(object).where(organs.notna(), NOTHING)


def orders_by_asset(problem: Problem, orders: pd.DataFrame, like: DataFrame) -> DataFrame:
    """One row per asset with its work orders, as a Spark frame of the session that `like` belongs to."""
    mine = orders[orders["domain"] == problem.domain]
    mine = mine.assign(component=components_of(problem, mine["organ"]))
    columns = ["failed_on", "known_on", "done_on", "is_failure", "stop_h", "component"]
    plain = mine[columns].astype(object).where(mine[columns].notna(), NOTHING)
    by: dict[str, list[tuple[Any, ...]]] = {}
    for asset, one in zip(mine["asset_id"], plain.itertuples(index=False, name=None), strict=True):
        by.setdefault(asset, []).append(one)
    return like.sparkSession.createDataFrame(list(by.items()), f"asset_id string, orders array<{ORDER}>")


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


def _naive(problem: Problem) -> dict[str, Column]:
    """The naive rule: what all assets of a day failed of late, shared out in proportion to one column."""
    of_day = Window.partitionBy("day")
    score = F.coalesce(F.col(problem.naive), F.lit(0.0))
    rate = F.sum("failures_90d").over(of_day) / (F.count("*").over(of_day) * PAST_DAYS)
    share = F.when(F.avg(score).over(of_day) > 0, score / F.avg(score).over(of_day)).otherwise(1.0)
    probability = F.when(rate > 0, 1 - F.exp(-problem.horizon_days * rate * share))
    return {"naive_score": score, "naive_probability": probability}
