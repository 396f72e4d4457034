"""What needs action now, what changed, and whether the figures can be trusted."""

from collections.abc import Hashable
from datetime import timedelta
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from dashboards import assets, data, health
from dashboards.charts import status
from dashboards.components import card, states
from dashboards.components.card import Tile
from dashboards.look import SEVERITY, signed
from dashboards.texts import NOTHING, Texts
from dashboards.texts.told import told
from dashboards.views import Page

ALERTS, PRIORITIES, REASONS = assets.ALERTS, "gold_maintenance__priorities", "gold_maintenance__reasons"
STATUS = tuple(assets.status_tables().values())
WEEK = 7
FIRST_SHOWN = 5
"""Lines of the list that open in full."""


def draw(t: Texts) -> None:
    now, before = assets.now(), assets.now(days_ago=WEEK)
    _tiles(now, before, t)
    _priorities(t)
    left, right = st.columns([3, 2])
    with left:
        _alerts(t)
    with right:
        by_domain = assets.counts(now, "domain").assign(domain=lambda f: f["domain"].map(lambda d: t.word("domain", d)))
        card.figure("today", "by_domain", status.by_group(by_domain, "domain", t), by_domain, STATUS, t)
        _domains(t)


def _tiles(now: pd.DataFrame, before: pd.DataFrame, t: Texts) -> None:
    found = []
    for name, wanted in (("critical", "CRITIQUE"), ("alert", "ALERTE"), ("unknown", "INCONNU"), ("sound", "OK")):
        n, was = int((now["status"] == wanted).sum()), int((before["status"] == wanted).sum())
        found.append(Tile(name, t.number(n), f"{n - was:+d}" if len(before) else "", wanted != "OK"))
    lived = assets.alerts(2 * WEEK)
    last = data.newest_day(ALERTS)
    if last:
        for name, column in (("opened", "opened_at"), ("worsened", "worsened_at")):
            n = len(assets.since(lived, column, last - timedelta(days=WEEK - 1), last))
            was = len(assets.since(lived, column, last - timedelta(days=2 * WEEK - 1), last - timedelta(days=WEEK)))
            found.append(Tile(name, t.number(n), f"{n - was:+d}", True))
    card.tiles("today", found, t)
    st.caption(t("today.change"))


def _priorities(t: Texts) -> None:
    listed = data.newest(PRIORITIES)
    if listed.empty:
        with st.container(border=True, key="card-today-priorities"):
            st.subheader(t("today.priorities"), anchor=False)
            st.caption(t("today.priorities_is"))
            st.markdown(f":gray[:material/hourglass_empty: {t('today.priorities_missing')}]")
        return
    ranked = listed.sort_values("rank").reset_index(drop=True)
    columns = ["rank", "asset_id", "name", "status", "probability", "component", "gravity", "expected_loss_eur", "priority", "needed_h",
               "cumulative_h", "is_within_capacity", "reasons", "likely_parts", "similar", "domain", "model_version"]  # fmt: skip
    words = {"status": [signed(s, t) for s in ranked["status"]], "component": [t.word("component", c) for c in ranked["component"]]}
    shown = ranked[columns].assign(**words)
    card.figure("today", "priorities", None, shown, (PRIORITIES,), t, lead=partial(_lead, ranked, t))


def _lead(ranked: pd.DataFrame, t: Texts) -> None:
    fitting = ranked[ranked["is_within_capacity"]]
    hours, capacity = t.number(fitting["needed_h"].sum(), 1, "h"), t.number(ranked["capacity_h"].iloc[0], 1, "h")
    st.markdown(t("today.fits", n=len(fitting), all=len(ranked), hours=hours, capacity=capacity))
    why = data.newest(REASONS)
    for row in ranked.head(FIRST_SHOWN).to_dict("records"):
        _first(row, why, t)


def _first(row: dict[Hashable, Any], why: pd.DataFrame, t: Texts) -> None:
    """One line of the list, with why and with what."""
    component = f" · {t.word('component', row['component'])}" if isinstance(row["component"], str) else ""
    head = f"**{row['rank']} · {row['asset_id']}**{component} · {signed(row['status'], t)} · {t.share(row['probability'], 0)}"
    key = f"first-{row['problem']}-{row['asset_id']}"
    with st.expander(f"{head} · {t.number(row['priority'], 0, '€')}", expanded=row["rank"] == 1, key=key):
        st.markdown(f"[{t('today.open', asset=row['asset_id'])}]({card.address(str(row['domain']), str(row['asset_id']), t)})")
        st.markdown(f"**{t('today.reasons')}**: {'; '.join(_reasons(row, why, t)) or NOTHING}")
        for name in ("likely_parts", "similar"):
            told = [str(v) for v in row[name]]
            st.markdown(f"**{t(f'today.{name}')}**: {'; '.join(told) if told else NOTHING}")
        st.caption(t("today.expected", stop=t.number(row["expected_stop_h"], 1, "h"), cost=t.number(row["expected_stop_cost_eur"], 0, "€"),
                     needed=t.number(row["needed_h"], 1, "h"), gravity=t.number(row["gravity"])))  # fmt: skip


def _reasons(row: dict[Hashable, Any], why: pd.DataFrame, t: Texts) -> list[str]:
    """What moved the prediction, in the reader's language: the same and in the same order as the list's own column."""
    mine = (why["problem"] == row["problem"]) & (why["asset_id"] == row["asset_id"]) & (why["model_version"] == row["model_version"])
    found = why[mine].sort_values("rank")
    found = pd.concat([found[found["contribution"] > 0], found[found["contribution"] <= 0]]).head(len(row["reasons"]))
    return [
        t(f"feature.{'raises' if r['contribution'] > 0 else 'lowers'}", what=t.feature(r["feature"]),
          value=t("feature.missing") if pd.isna(r["value"]) else t.significant(r["value"]))
        for r in found.to_dict("records")
    ] or [str(v) for v in row["reasons"]]  # fmt: skip


def _alerts(t: Texts) -> None:
    last = data.newest_day(ALERTS)
    lived = assets.alerts(WEEK)
    if last is not None and not lived.empty:
        first = last - timedelta(days=WEEK - 1)
        moved = pd.concat([assets.since(lived, c, first) for c in ("worsened_at", "opened_at")]).drop_duplicates("alert_id")
        rank = moved["severity"].map({"critical": 0, "warning": 1})
        shown = moved.assign(_rank=rank).sort_values(["_rank", "opened_at"], ascending=[True, False])
        shown = shown.assign(severity=[f"{SEVERITY[s].sign} {t.word('severity', s)}" for s in shown["severity"]])
        shown = shown[["severity", "asset_id", "title", "state", "opened_at", "worsened_at", "domain"]].reset_index(drop=True)
        opens = [card.address(d, a, t) for d, a in zip(shown["domain"], shown["asset_id"], strict=True)]
        shown = shown.assign(state=[t.word("alert_state", s) for s in shown["state"]], title=[told(s, t) for s in shown["title"]])
        shown.insert(2, card.LINK, opens)
    else:
        shown = lived
    card.figure("today", "alerts", None, shown, (ALERTS,), t)


def _domains(t: Texts) -> None:
    with st.container(border=True, key="card-today-trust"):
        st.subheader(t("today.trust"), anchor=False)
        st.caption(t("today.trust_is"))
        for domain, name in assets.status_tables().items():
            states.badge(health.of(name), t, t.word("domain", domain))


PAGE = Page(0, "today", ":material/today:", STATUS, (ALERTS, *STATUS), draw)
