"""Vehicles: who is at risk, why, and one vehicle's story."""

from datetime import date, timedelta

import pandas as pd
import streamlit as st

from dashboards import assets, data
from dashboards.charts import bars, lines, status
from dashboards.components import card, drill, filters, states
from dashboards.components.card import Tile
from dashboards.look import SERIES, signed
from dashboards.texts import Texts
from dashboards.texts.told import told
from dashboards.views import Page
from lake.tables.fleet import MEASURES, RULES

REPORTING, STATUS, DAILY = "gold_fleet__reporting", "gold_fleet__status", "gold_fleet__daily"
SUMMARY = {"day": "gold_fleet__summary_daily", "week": "gold_fleet__summary_weekly", "month": "gold_fleet__summary_monthly"}
LISTED = (
    "vin", "model", "status", "reason", "age_years", "odometer_km", "km_since_last_service", "last_service_type", "days_since_last_service",
    "last_reading_at",
)  # fmt: skip


def draw(t: Texts) -> None:
    newest = data.newest(REPORTING)
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
        models = filters.several("model", t("fleet.models"), newest["model"].dropna().unique(), t)
        days = filters.period(t, 90)
        grain = filters.grain(t)
    shown = newest[newest["model"].isin(models)] if models else newest
    if shown.empty:
        states.empty(t)
        return
    _tiles(shown, t)
    left, right = st.columns(2)
    with left:
        by_model = assets.counts(shown, "model")
        card.figure("fleet", "by_model", status.by_group(by_model, "model", t), by_model, (REPORTING,), t)
    with right:
        _over_time(shown, days, t)
    drill.risk("fleet", "vin", "fleet", t, shown["vin"].tolist())
    _list(shown, t)
    _vehicle(shown, days, t)
    _aggregates(models, grain, days, t)


def _tiles(shown: pd.DataFrame, t: Texts) -> None:
    first, last = filters.since(DAILY, 7)
    driven = data.rows(DAILY, ("vin", "km_driven"), first, last, {"vin": shown["vin"]})["km_driven"].sum()
    found = [Tile("vehicles", t.number(len(shown)))]
    found += [
        Tile(name, t.number((shown["status"] == wanted).sum()))
        for name, wanted in (("critical", "CRITIQUE"), ("alert", "ALERTE"), ("unknown", "INCONNU"))
    ]
    found += [
        Tile("driven", t.number(driven, 0, "km")),
        Tile("since_service", t.number(shown["km_since_last_service"].median(), 0, "km")),
    ]
    card.tiles("fleet", found, t)


def _over_time(shown: pd.DataFrame, days: int, t: Texts) -> None:
    first, last = filters.since(STATUS, days)
    found = assets.statuses("fleet", first, last)
    found = assets.counts(found[found["asset_id"].isin(shown["vin"])], "day")
    card.figure("fleet", "over_time", status.over_time(found, t), found, (STATUS,), t)


def _list(shown: pd.DataFrame, t: Texts) -> None:
    ranked = assets.worst_first(shown.rename(columns={"vin": "asset_id"})).rename(columns={"asset_id": "vin"})
    words = {"status": [signed(s, t) for s in ranked["status"]], "reason": [told(r, t) for r in ranked["reason"]]}
    listed = ranked[list(LISTED)].assign(**words)
    card.figure("fleet", "list", None, listed, (REPORTING,), t)


def _vehicle(shown: pd.DataFrame, days: int, t: Texts) -> None:
    st.header(t("fleet.one"), anchor=False)
    names = assets.worst_first(shown.rename(columns={"vin": "asset_id"}))["asset_id"].tolist()
    by_name = {m.name: m for m in MEASURES}
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters-one"):
        vin = filters.one("asset", t("fleet.vehicle"), names, t)
        measure = filters.one("measure", t("filter.measure"), list(by_name), t, "column")
    if vin is None or measure is None:
        return
    row = shown[shown["vin"] == vin].iloc[0]
    st.markdown(f"**{vin}** · {row['model']} · {signed(row['status'], t)} · {told(row['reason'], t)}")
    first, last = filters.since(DAILY, days)
    if first is None or last is None:
        return
    columns = ("day", f"{measure}_mean", f"{measure}_min", f"{measure}_max")
    found = _every_day(data.rows(DAILY, columns, first, last, {"vin": [vin]}), first, last)
    labels = {columns[1]: t("word.mean"), columns[2]: t("word.lowest"), columns[3]: t("word.highest")}
    limits = drill.limits(RULES, measure, t)
    failed, foretold = drill.failure_events(vin, first, last, t), drill.predicted_events(vin, first, last, t)
    events = [*failed, *_services(vin, first, last, t), *foretold]
    chart = lines.series(found, "day", columns[1:], labels, by_name[measure].unit, limits, events, height=340)
    card.figure("fleet", "sensors", chart, found, (DAILY,), t, alt=f"{vin}, {t.column(measure)}")
    drill.reasons("fleet", vin, t)
    orders = assets.failures(vin, first, last)[list(drill.ORDERS)]
    card.figure("fleet", "failures", None, orders, (assets.WORK_ORDERS,), t)


def _every_day(found: pd.DataFrame, first: date, last: date) -> pd.DataFrame:
    """Days without readings stand as rows without values, so that lines break there."""
    days = pd.DataFrame({"day": pd.date_range(first, last, unit="ms")})
    return days.merge(found, how="left", on="day")


def _services(vin: str, first: date, last: date, t: Texts) -> list[lines.Event]:
    known = data.rows(REPORTING, ("last_serviced_on", "last_service_type"), first, last, {"vin": [vin]}).dropna().drop_duplicates()
    inside = known[(known["last_serviced_on"].dt.date >= first) & (known["last_serviced_on"].dt.date <= last)]
    return [lines.Event(r.last_serviced_on, "▼", t("event.service", what=r.last_service_type), SERIES[2]) for r in inside.itertuples()]


def _aggregates(models: list[str], grain: str, days: int, t: Texts) -> None:
    name = SUMMARY[grain]
    last = data.newest_day(name)
    if last is None:
        return
    columns = (grain, "model", "active_vehicles", "km_driven", "consumption_l_per_100km_sum", "consumption_l_per_100km_count")
    found = data.rows(name, columns, last - timedelta(days=days - 1), last, {"model": models} if models else None)
    found = found.drop(columns="model").groupby(grain, as_index=False).sum()
    used = found["consumption_l_per_100km_sum"] / found["consumption_l_per_100km_count"].where(lambda n: n > 0)
    found = found.assign(consumption_l_per_100km=used.round(2))[[grain, "active_vehicles", "km_driven", "consumption_l_per_100km"]]
    left, right = st.columns(2)
    with left:
        card.figure("fleet", "driven_by", bars.by_time(found, grain, ("km_driven",), {}, "km"), found, (name,), t)
    with right:
        chart = lines.series(found, grain, ("consumption_l_per_100km",), {}, "L/100 km", markers=grain != "day")
        card.figure("fleet", "consumption_by", chart, found, (name,), t)


PAGE = Page(10, "fleet", ":material/local_shipping:", (REPORTING,), (REPORTING, STATUS, DAILY, *SUMMARY.values()), draw)
