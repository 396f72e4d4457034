"""From many assets to one: the list, and the chosen asset's sensors with limits, failures and predictions marked."""

from collections.abc import Sequence
from datetime import date

import pandas as pd
import streamlit as st

from dashboards import assets, data
from dashboards.charts import bars, lines
from dashboards.components import card, filters
from dashboards.look import BAD, STATUS, signed
from dashboards.texts import Texts
from dashboards.texts.told import told
from lake.alerts import Rule
from lake.contract import Column

PREDICTIONS, REASONS = "gold_maintenance__predictions", "gold_maintenance__reasons"


def listed(now: pd.DataFrame, asset: str, t: Texts) -> pd.DataFrame:
    """Assets, worst first, with their status and why."""
    words = {"status": [signed(s, t) for s in now["status"]], "reason": [told(r, t) for r in now["reason"]]}
    found = now.assign(**words).rename(columns={"asset_id": asset})
    columns = (asset, "status", "reason", "last_reading_at", "open_alerts", "critical_alerts")
    return found[[c for c in columns if c in found]]


def failure_events(asset: str, first: date, last: date, t: Texts) -> list[lines.Event]:
    """■ at the beginning of each failure."""
    return [
        lines.Event(pd.Timestamp(r["begun"]), "■", t("event.failure", what=r["failure_type"]), BAD)
        for r in assets.failures(asset, first, last).to_dict("records")
        if r["category"] == "corrective"
    ]


def predicted_events(asset: str, first: date, last: date, t: Texts) -> list[lines.Event]:
    """◆ on the first day of each run of days on which a failure was foretold."""
    found = predictions(only={"asset_id": [asset]}, first=first, last=last)
    if found.empty:
        return []
    found = found[found["status"].isin(["ALERTE", "CRITIQUE"])].sort_values("day")
    begins = found[(found["day"] - found["day"].shift()) != pd.Timedelta(days=1)]
    mark = STATUS["ALERTE"]
    return [
        lines.Event(
            r["day"],
            mark.sign,
            t("event.foretold", share=t.share(r["probability"], 0), what=t.word("component", r["component"] or "")),
            mark.colour,
        )
        for r in begins.to_dict("records")
    ]


def predictions(only: dict[str, Sequence[str]], first: date | None = None, last: date | None = None) -> pd.DataFrame:
    """What was said, of several versions of a day the one made last; of the newest day unless told."""
    day = data.newest_day(PREDICTIONS)
    found = data.rows(PREDICTIONS, None, first or day, last or day, dict(only))
    if found.empty:
        return found
    return found.sort_values("_made_at").drop_duplicates(["problem", "asset_id", "day"], keep="last")


def risk(page: str, asset: str, domain: str, t: Texts, among: Sequence[str] = ()) -> None:
    """Assets by predicted risk: probability, component, time and distance to the next likely failure."""
    found = predictions({"domain": [domain], **({"asset_id": among} if among else {})})
    if found.empty:
        with st.container(border=True, key=f"card-{page}-risk"):
            st.subheader(t(f"{page}.risk"), anchor=False)
            st.caption(t(f"{page}.risk_is"))
            st.markdown(f":gray[:material/hourglass_empty: {t('state.no_model')}]")
        return
    ranked = found.sort_values("probability", ascending=False).rename(columns={"asset_id": asset})
    columns = [
        asset, "status", "probability", "component", "days_to_failure", "days_to_failure_low", "days_to_failure_high", "km_to_failure",
        "estimator", "model_version", "unknown_reason",
    ]  # fmt: skip
    words = {"status": [signed(s, t) for s in ranked["status"]], "component": [t.word("component", c) for c in ranked["component"]]}
    shown = ranked[columns].dropna(axis=1, how="all").reset_index(drop=True)
    shown = shown.assign(**{c: w for c, w in words.items() if c in shown})
    card.figure(page, "risk", None, shown, (PREDICTIONS,), t)


def reasons(page: str, asset: str, t: Texts) -> None:
    """What moved the newest prediction of an asset, if a model tells."""
    day = data.newest_day(REASONS)
    found = data.rows(REASONS, None, day, day, {"asset_id": [asset]})
    if found.empty:
        return
    newest = found[found["model_version"] == found["model_version"].max()].sort_values("rank")
    shown = newest[["feature", "value", "contribution"]].reset_index(drop=True)
    named = shown.assign(feature=shown["feature"].map(t.feature))
    chart = bars.ranking(named, "feature", "contribution", colours=[BAD if c > 0 else STATUS["OK"].colour for c in shown["contribution"]])
    card.figure(page, "reasons", chart, shown, (REASONS,), t, alt=asset)


def one_asset(
    page: str, asset: str, now: pd.DataFrame, hourly: str, measures: Sequence[Column], rules: Sequence[Rule], days: int, t: Texts
) -> None:
    """One asset by the hour, for domains whose hourly table has a sum and a count of each measure."""
    st.header(t(f"{page}.one"), anchor=False)
    by_name = {m.name: m for m in measures}
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters-one"):
        chosen = filters.one("asset", t(f"{page}.asset"), now["asset_id"].tolist(), t)
        measure = filters.one("measure", t("filter.measure"), list(by_name), t, "column")
    first, last = filters.since(hourly, days)
    if chosen is None or measure is None or first is None or last is None:
        return
    row = now[now["asset_id"] == chosen].iloc[0]
    st.markdown(f"**{chosen}** · {signed(row['status'], t)} · {told(row['reason'], t)}")
    found = data.rows(
        hourly, ("hour", f"{measure}_sum", f"{measure}_count", f"{measure}_min", f"{measure}_max"), first, last, {asset: [chosen]}
    )
    mean = found[f"{measure}_sum"] / found[f"{measure}_count"].where(found[f"{measure}_count"] > 0)
    shown = pd.DataFrame(
        {"hour": found["hour"], "mean": mean.round(4), "lowest": found[f"{measure}_min"], "highest": found[f"{measure}_max"]}
    ).sort_values("hour")
    labels = {"mean": t("word.mean"), "lowest": t("word.lowest"), "highest": t("word.highest")}
    events = [*failure_events(chosen, first, last, t), *predicted_events(chosen, first, last, t)]
    chart = lines.series(
        card.local(with_gaps(shown)), "hour", tuple(labels), labels, by_name[measure].unit, limits(rules, measure, t), events, height=340
    )
    card.figure(page, "sensors", chart, shown, (hourly,), t, alt=f"{chosen}, {t.column(measure)}")
    reasons(page, chosen, t)
    orders = assets.failures(chosen, first, last)[list(ORDERS)]
    card.figure(page, "orders", None, orders, (assets.WORK_ORDERS,), t)


ORDERS = ("begun", "failure_type", "organ", "cause", "stop_h", "total_cost_eur", "is_open")


def limits(rules: Sequence[Rule], indicator: str, t: Texts) -> list[lines.Limit]:
    """The limits that alert rules set for an indicator."""
    return [lines.Limit(r.limit, t("word.limit", value=t.number(r.limit, 2, r.unit))) for r in rules if r.indicator == indicator]


def with_gaps(frame: pd.DataFrame, hours: int = 3) -> pd.DataFrame:
    """Where readings stop for hours, a row without values, so that the line breaks there."""
    late = frame["hour"].diff() > pd.Timedelta(hours=hours)
    holes = pd.DataFrame({"hour": frame.loc[late, "hour"] - pd.Timedelta(hours=1)})
    return pd.concat([frame, holes], ignore_index=True).sort_values("hour") if len(holes) else frame
