"""Cold units: their indicators against limits and mode, and the alerts they had."""

from datetime import timedelta

import pandas as pd
import streamlit as st

from dashboards import assets, data
from dashboards.charts import grids, lines, status
from dashboards.components import card, drill, filters
from dashboards.components.card import Tile
from dashboards.look import SERIES, SEVERITY, signed
from dashboards.texts import Texts
from dashboards.texts.told import told
from dashboards.views import Page
from lake.tables.refrigeration import MEASURES, RULES

STATUS, INDICATORS, ALERTS = "gold_refrigeration__status", "gold_refrigeration__indicators", "gold_refrigeration__alerts"
SUMMARY = {"day": "gold_refrigeration__daily", "week": "gold_refrigeration__weekly", "month": "gold_refrigeration__monthly"}
SHOWN = ("theoretical_cop", "pressure_ratio", "superheat_k", "subcooling_k", "evaporator_temperature_c", "condenser_temperature_c")
READINGS_DAYS = 7
"""Days of single readings (720 a day and unit) that a chart shows."""


def draw(t: Texts) -> None:
    now = assets.now(["refrigeration"])
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
        days = filters.period(t, 28)
        grain = filters.grain(t)
    newest = data.newest(SUMMARY["day"], ("unit_id", *(f"{s}_{part}" for s in SHOWN for part in ("sum", "count", "mean"))))
    _tiles(now, newest, t)
    left, right = st.columns([3, 2])
    with left:
        _against_limits(now, newest, t)
    with right:
        counted = assets.counts(now, "domain").assign(domain=lambda f: f["domain"].map(lambda d: t.word("domain", d)))
        card.figure("refrigeration", "by_status", status.by_group(counted, "domain", t), counted, (STATUS,), t)
        drill.risk("refrigeration", "unit_id", "refrigeration", t)
    _unit(now, days, t)
    _over_time(grain, days, t)
    _history(days, t)


def _tiles(now: pd.DataFrame, newest: pd.DataFrame, t: Texts) -> None:
    found = [Tile("units", t.number(len(now)))]
    found += [
        Tile(name, t.number((now["status"] == wanted).sum()))
        for name, wanted in (("critical", "CRITIQUE"), ("alert", "ALERTE"), ("unknown", "INCONNU"))
    ]
    for name, column in (("cop", "theoretical_cop"), ("ratio", "pressure_ratio")):
        n = newest[f"{column}_count"].sum()
        found.append(Tile(name, t.number(newest[f"{column}_sum"].sum() / n if n else None, 2)))
    card.tiles("refrigeration", found, t)


def _against_limits(now: pd.DataFrame, newest: pd.DataFrame, t: Texts) -> None:
    """Each unit's means of the newest day; ▲ and ▼ where a rule's limit is crossed."""
    means = newest.set_index("unit_id").reindex(now["asset_id"])
    shown = pd.DataFrame({"unit_id": now["asset_id"], "status": [signed(s, t) for s in now["status"]]})
    for name in SHOWN:
        shown[name] = [_marked(name, v, t) for v in means[f"{name}_mean"]]
    card.figure("refrigeration", "limits", None, shown, (INDICATORS, STATUS), t)


def _marked(indicator: str, value: float, t: Texts) -> str:
    sign = ""
    for r in (r for r in RULES if r.indicator == indicator):
        if r.direction == "above" and value > r.limit:
            sign = "▲ "
        elif r.direction == "below" and value < r.limit:
            sign = "▼ "
    return sign + t.number(value, 2)


def _unit(now: pd.DataFrame, days: int, t: Texts) -> None:
    st.header(t("refrigeration.one"), anchor=False)
    by_name = {m.name: m for m in MEASURES}
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters-one"):
        unit = filters.one("asset", t("refrigeration.asset"), now["asset_id"].tolist(), t)
        measure = filters.one("measure", t("filter.measure"), list(by_name), t, "column")
    first, last = filters.since(INDICATORS, min(days, READINGS_DAYS))
    if unit is None or measure is None or first is None or last is None:
        return
    row = now[now["asset_id"] == unit].iloc[0]
    st.markdown(f"**{unit}** · {signed(row['status'], t)} · {told(row['reason'], t)}")
    found = data.rows(INDICATORS, ("measured_at", "mode", "is_steady", measure), first, last, {"unit_id": [unit]}).sort_values(
        "measured_at"
    )
    found = found.reset_index(drop=True)
    shown = found.assign(steady=found[measure].where(found["is_steady"]), unsteady=found[measure].where(~found["is_steady"]))
    labels = {"steady": t("refrigeration.steady"), "unsteady": t("refrigeration.unsteady")}
    events = [*drill.failure_events(unit, first, last, t), *drill.predicted_events(unit, first, last, t)]
    chart = lines.series(
        card.local(shown), "measured_at", tuple(labels), labels, by_name[measure].unit, drill.limits(RULES, measure, t), events, 340
    )
    card.figure("refrigeration", "readings", chart, found, (INDICATORS,), t, alt=f"{unit}, {t.column(measure)}")
    left, right = st.columns(2)
    with left:
        _modes(found, measure, by_name[measure].unit, t)
    with right:
        drill.reasons("refrigeration", unit, t)
        orders = assets.failures(unit, first - timedelta(days=days), last)[list(drill.ORDERS)]
        card.figure("refrigeration", "orders", None, orders, (assets.WORK_ORDERS,), t)


def _modes(found: pd.DataFrame, measure: str, unit: str, t: Texts) -> None:
    told = found.dropna(subset=[measure]).groupby("mode")[measure].agg(["count", "mean", "min", "max"]).round(3).reset_index()
    told = told.rename(columns={"min": "lowest", "max": "highest"})
    looks = {m: (t.word("mode", m), SERIES[i % len(SERIES)], ("circle", "diamond", "square", "x", "triangle-up")[i % 5])
             for i, m in enumerate(sorted(told["mode"]))}  # fmt: skip
    chart = grids.points(told.assign(place=[t.word("mode", m) for m in told["mode"]]), "mean", "place", "mode", looks, (unit, ""))
    chart.update_layout(height=280, showlegend=False).update_traces(marker={"size": 13})
    card.figure("refrigeration", "modes", chart, told, (INDICATORS,), t)


def _over_time(grain: str, days: int, t: Texts) -> None:
    name = SUMMARY[grain]
    last = data.newest_day(name)
    if last is None:
        return
    pairs = ("theoretical_cop", "pressure_ratio")
    columns = [grain, *(f"{p}_{part}" for p in pairs for part in ("sum", "count"))]
    found = data.rows(name, columns, last - timedelta(days=days - 1), last).groupby(grain, as_index=False).sum()
    shown = found[[grain]].assign(**{p: (found[f"{p}_sum"] / found[f"{p}_count"].where(found[f"{p}_count"] > 0)).round(3) for p in pairs})
    for place, p in zip(st.columns(2), pairs, strict=True):
        with place:
            chart = lines.series(shown, grain, (p,), {p: t.column(p)}, "", drill.limits(RULES, p, t), markers=grain != "day")
            card.figure("refrigeration", f"{p}_over", chart, shown[[grain, p]], (name,), t)


def _history(days: int, t: Texts) -> None:
    last = data.newest_day(ALERTS)
    if last is None:
        return
    found = data.rows(ALERTS, None, last - timedelta(days=days - 1), last).sort_values("day").drop_duplicates("alert_id", keep="last")
    found = found.sort_values("started_at", ascending=False)
    shown = found[["unit_id", "rule", "severity", "state", "started_at", "opened_at", "worsened_at", "cleared_at", "worst_value"]]
    shown = shown.assign(
        severity=[f"{SEVERITY[s].sign} {t.word('severity', s)}" for s in shown["severity"]],
        state=[t.word("alert_state", s) for s in shown["state"]],
    )
    card.figure("refrigeration", "alerts", None, shown.reset_index(drop=True), (ALERTS,), t)


PAGE = Page(30, "refrigeration", ":material/ac_unit:", (STATUS,), (STATUS, INDICATORS, ALERTS, *SUMMARY.values()), draw)
