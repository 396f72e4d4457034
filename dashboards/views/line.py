"""Machines: state, anomalies and the sensors behind them, availability and OEE."""

from datetime import timedelta

import pandas as pd
import streamlit as st

from dashboards import assets, data
from dashboards.charts import bars, grids, lines, status
from dashboards.components import card, drill, filters
from dashboards.components.card import Tile
from dashboards.look import STATUS as MARKS
from dashboards.texts import Texts
from dashboards.views import Page
from lake.tables.line import CONDITION, RULES

STATUS, HOURLY, ANOMALIES = "gold_line__status", "gold_line__hourly", "gold_line__anomalies"
SUMMARY = {"day": "gold_line__daily", "week": "gold_line__weekly", "month": "gold_line__monthly"}
USE = ("machine_id", "planned_min", "available_min", "counted_min", "ideal_s", "cycles")


def draw(t: Texts) -> None:
    now = assets.now(["line"])
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
        days = filters.period(t, 28)
        grain = filters.grain(t)
    use = _use(days)
    _tiles(now, use, t)
    left, right = st.columns([2, 3])
    with left:
        counted = assets.counts(now, "domain").assign(domain=lambda f: f["domain"].map(lambda d: t.word("domain", d)))
        card.figure("line", "by_status", status.by_group(counted, "domain", t), counted, (STATUS,), t)
        by_machine = use.dropna(subset=["availability"]).sort_values("availability", ascending=False)
        chart = bars.ranking(by_machine.assign(percent=by_machine["availability"] * 100), "machine_id", "percent", "%")
        card.figure("line", "availability_by", chart, by_machine, (SUMMARY["day"],), t)
    with right:
        card.figure("line", "list", None, drill.listed(now, "machine_id", t), (STATUS,), t)
        _over_time(grain, days, t)
    drill.risk("line", "machine_id", "line", t)
    drill.one_asset("line", "machine_id", now, HOURLY, CONDITION, RULES, days, t)
    _anomalies(days, t)


def _use(days: int) -> pd.DataFrame:
    """Sums over the period by machine, and the shares that follow."""
    first, last = filters.since(SUMMARY["day"], days)
    found = data.rows(SUMMARY["day"], USE, first, last)
    return _shares(found.groupby("machine_id", as_index=False).sum(min_count=1))


def _shares(found: pd.DataFrame) -> pd.DataFrame:
    availability = found["available_min"] / found["planned_min"].where(found["planned_min"] > 0)
    performance = found["ideal_s"] / (found["counted_min"] * 60).where(found["counted_min"] > 0)
    return found.assign(availability=availability.round(4), performance=performance.round(4), oee=(availability * performance).round(4))


def _tiles(now: pd.DataFrame, use: pd.DataFrame, t: Texts) -> None:
    availability = use["available_min"].sum() / use["planned_min"].sum() if use["planned_min"].sum() else None
    found = [Tile("machines", t.number(len(now)))]
    found += [
        Tile(name, t.number((now["status"] == wanted).sum()))
        for name, wanted in (("critical", "CRITIQUE"), ("alert", "ALERTE"), ("unknown", "INCONNU"))
    ]
    found += [Tile("availability", t.share(availability)), Tile("oee", t.share(use["oee"].mean()))]
    card.tiles("line", found, t)


def _over_time(grain: str, days: int, t: Texts) -> None:
    name = SUMMARY[grain]
    last = data.newest_day(name)
    if last is None:
        return
    found = data.rows(name, (grain, *USE), last - timedelta(days=days - 1), last)
    found = _shares(found.drop(columns="machine_id").groupby(grain, as_index=False).sum(min_count=1))[
        [grain, "availability", "planned_min"]
    ]
    chart = lines.series(found.assign(percent=found["availability"] * 100), grain, ("percent",), {}, "%", markers=grain != "day")
    card.figure("line", "availability_over", chart, found, (name,), t)


def _anomalies(days: int, t: Texts) -> None:
    st.header(t("line.anomalies_head"), anchor=False)
    if not data.is_there(ANOMALIES) or not data.partitions(ANOMALIES):
        st.markdown(f":gray[:material/hourglass_empty: {t('line.anomalies_missing')}]")
        return
    first, last = filters.since(ANOMALIES, days)
    found = data.rows(ANOMALIES, ("machine_id", "hour", "score", "threshold", "is_anomaly", "sensors", "pc1", "pc2"), first, last)
    looks = {False: (t("line.usual"), "#7a8891", "circle"), True: (t("line.anomaly"), MARKS["CRITIQUE"].colour, "diamond")}
    left, right = st.columns(2)
    with left:
        placed = found.dropna(subset=["pc1", "pc2"])  # the naive rule, version 0, places nothing
        named = placed.assign(where=placed["machine_id"] + " " + placed["hour"].dt.strftime("%Y-%m-%d %H:%M"))
        chart = grids.points(named, "pc1", "pc2", "is_anomaly", looks, ("PC1", "PC2"), "where")  # type: ignore[arg-type]
        card.figure("line", "pca", chart, placed[["machine_id", "hour", "pc1", "pc2", "is_anomaly"]], (ANOMALIES,), t)
    odd = found[found["is_anomaly"]]
    with right:
        behind = odd.explode("sensors").groupby("sensors").size().sort_values(ascending=False).rename("hours").reset_index()
        card.figure("line", "behind", bars.ranking(behind, "sensors", "hours", "h"), behind, (ANOMALIES,), t)
    listed = odd.sort_values(["score", "hour"], ascending=False)[["machine_id", "hour", "score", "threshold", "sensors"]].reset_index(
        drop=True
    )
    card.figure("line", "odd_hours", None, listed, (ANOMALIES,), t)


PAGE = Page(20, "line", ":material/precision_manufacturing:", (STATUS,), (STATUS, HOURLY, ANOMALIES, *SUMMARY.values()), draw)
