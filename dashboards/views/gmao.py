"""GMAO (CMMS): reliability, cost, what weighs most, and the workshop's load."""

from datetime import timedelta

import pandas as pd
import streamlit as st

from dashboards import data
from dashboards.charts import bars, lines
from dashboards.components import card, filters
from dashboards.components.card import Tile
from dashboards.look import BAD, SERIES
from dashboards.texts import Texts
from dashboards.views import Page

RELIABILITY, PARETO, WORKLOAD = "gold_gmao__reliability", "gold_gmao__pareto", "gold_workload__weekly"
WORK_ORDERS, AGREEMENT, PART_USE = "gold_gmao__work_orders", "gold_gmao__agreement", "gold_gmao__part_use"
COSTS = {"day": "gold_gmao__costs_daily", "week": "gold_gmao__costs_weekly", "month": "gold_gmao__costs_monthly"}
ALL = "*"


def draw(t: Texts) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
        days = filters.period(t, 90)
        grain = filters.grain(t, "week")
        dimension = filters.one("by", t("filter.by"), ("asset_id", "organ", "cause"), t, "dimension") or "asset_id"
        weight = filters.one("weight", t("filter.weight"), ("cost", "stop"), t, "weight") or "cost"
    reliability = data.newest(RELIABILITY)
    _tiles(reliability, t)
    left, right = st.columns(2)
    with left:
        _pareto(dimension, weight, t)
    with right:
        _costs(grain, days, t)
    left, right = st.columns(2)
    with left:
        _load(days, t)
    with right:
        _technicians(t)
    _reliability(reliability, t)
    left, right = st.columns(2)
    with left:
        parts = data.newest(PART_USE).sort_values("total_price_eur", ascending=False).reset_index(drop=True)
        card.figure("gmao", "parts", None, parts, (PART_USE,), t)
    with right:
        agreeing = data.rows(AGREEMENT).sort_values(["month", "source_a"], ascending=[False, True]).reset_index(drop=True)
        card.figure("gmao", "agreement", None, agreeing, (AGREEMENT,), t)


def _tiles(reliability: pd.DataFrame, t: Texts) -> None:
    """Figures of the plant: sums over all assets, then the quotient; a mean of quotients would weigh assets wrongly."""
    up, calendar, failures = (reliability[f"{c}_12m"].sum() for c in ("uptime_h", "calendar_h", "failures"))
    mttr = reliability["failure_downtime_h_12m"].sum() / failures if failures else None
    week = data.newest(WORKLOAD, only={"technician_id": [ALL]})
    open_orders = data.rows(WORK_ORDERS, ("is_open",))["is_open"].sum()
    months = data.partitions(COSTS["month"])
    cost = data.rows(COSTS["month"], ("total_cost_eur",), months[-1], months[-1])["total_cost_eur"].sum() if months else None
    found = [
        Tile("mtbf", t.number(up / failures if failures else None, 0, "h")),
        Tile("mttr", t.number(mttr, 1, "h")),
        Tile("availability", t.share(up / calendar if calendar else None)),
        Tile("cost", t.number(cost, 0, "€")),
        Tile("open_orders", t.number(open_orders)),
        Tile("load", t.share(week["load"].iloc[0], 0) if len(week) else t.share(None)),
    ]
    card.tiles("gmao", found, t)


def _pareto(dimension: str, weight: str, t: Texts) -> None:
    amount, unit = ("total_cost_eur", "EUR") if weight == "cost" else ("stop_h", "h")
    found = data.newest(PARETO, only={"dimension": [dimension]}).sort_values(f"{weight}_rank")
    shown = found[["value", amount, f"{weight}_share", f"{weight}_cumulative_share", f"{weight}_rank", "work_orders"]].reset_index(
        drop=True
    )
    chart = bars.pareto(shown, "value", amount, f"{weight}_cumulative_share", unit, t("gmao.cumulative"), bars=20)
    card.figure("gmao", "pareto", chart, shown, (PARETO,), t)


def _costs(grain: str, days: int, t: Texts) -> None:
    name = COSTS[grain]
    newest = data.newest_day(name)
    if newest is None:
        return
    # Days stand in partitions of months.
    columns = (grain, "category", "parts_cost_eur", "labour_cost_eur", "total_cost_eur", "work_orders")
    last = data.rows(name, (grain,), newest, newest)[grain].max()
    first = last - timedelta(days=days - 1)
    found = data.rows(name, columns, (first - timedelta(days=31)).date())
    found = found[found[grain] >= first]
    shown = found.drop(columns="category").groupby(grain, as_index=False).sum()
    labels = {"parts_cost_eur": t("gmao.parts_cost"), "labour_cost_eur": t("gmao.labour_cost")}
    card.figure("gmao", "costs", bars.by_time(shown, grain, tuple(labels), labels, "EUR", height=360), shown, (name,), t)


def _load(days: int, t: Texts) -> None:
    last = data.newest_day(WORKLOAD)
    if last is None:
        return
    found = data.rows(WORKLOAD, None, last - timedelta(days=max(days, 28) - 1), last, {"technician_id": [ALL]}).sort_values("week")
    shown = found[["week", "hours_h", "capacity_h", "load", "work_orders"]].reset_index(drop=True)
    chart = bars.by_time(shown, "week", ("hours_h",), {"hours_h": t("gmao.hours")}, "h")
    chart.add_scatter(
        x=shown["week"],
        y=shown["capacity_h"],
        name=t("gmao.capacity"),
        mode="lines+markers",
        line={"color": SERIES[1], "width": 2, "dash": "dash"},
    )
    chart.update_layout(showlegend=True)
    card.figure("gmao", "workload", chart, shown, (WORKLOAD,), t)


def _technicians(t: Texts) -> None:
    week = data.newest(WORKLOAD)
    week = week[week["technician_id"] != ALL].sort_values("hours_h", ascending=False).reset_index(drop=True)
    shown = week[["technician_id", "hours_h", "capacity_h", "load", "work_orders"]]
    chart = bars.bullet(shown, "technician_id", "hours_h", "capacity_h", "h")
    card.figure("gmao", "technicians", chart, shown, (WORKLOAD,), t)


def _reliability(reliability: pd.DataFrame, t: Texts) -> None:
    columns = ["asset_id", "failures_12m", "mtbf_h_12m", "mttr_h_12m", "availability_12m", "downtime_h_12m", "calendar_h_12m"]
    shown = reliability.sort_values(["availability_12m", "asset_id"])[columns].reset_index(drop=True)
    months = data.rows(RELIABILITY, ("month", "uptime_h", "calendar_h", "failures", "failure_downtime_h"))
    by_month = months.groupby("month", as_index=False).sum()
    by_month = by_month.assign(
        availability=(by_month["uptime_h"] / by_month["calendar_h"]).round(4),
        mtbf_h=(by_month["uptime_h"] / by_month["failures"].where(by_month["failures"] > 0)).round(2),
    )[["month", "availability", "mtbf_h", "failures"]]
    left, right = st.columns([3, 2])
    with left:
        worst = shown.assign(percent=(1 - shown["availability_12m"]) * 100)
        chart = bars.ranking(worst, "asset_id", "percent", "%", colours=[BAD if p > 5 else SERIES[0] for p in worst["percent"]], bars=15)
        card.figure("gmao", "reliability", chart, shown, (RELIABILITY,), t)
    with right:
        chart = lines.series(by_month, "month", ("mtbf_h",), {"mtbf_h": "MTBF"}, "h", markers=True)
        card.figure("gmao", "by_month", chart, by_month, (RELIABILITY,), t)


PAGE = Page(50, "gmao", ":material/build:", (WORK_ORDERS,), (WORK_ORDERS, RELIABILITY, PARETO, WORKLOAD, *COSTS.values()), draw)
