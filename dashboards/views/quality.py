"""Quality: what the audits found, what was kept out and why, and whether every row is accounted for."""

import json
from collections.abc import Hashable
from datetime import timedelta

import pandas as pd
import streamlit as st

from dashboards import data, health
from dashboards.charts import bars, grids
from dashboards.components import card, filters
from dashboards.components.card import Tile
from dashboards.look import VERDICT
from dashboards.texts import Texts
from dashboards.views import Page
from lake.settings import settings
from lake.tables.lake import FATES

RUNS, VERDICTS, REASONS, WAIVERS = (f"gold_lake__{n}" for n in ("runs", "verdicts", "quarantine_reasons", "waivers"))
OUTCOMES = ("passed", "waived", "warned", "failed")
QUARANTINED_SHOWN = 200
TREND_DAYS = 90


def draw(t: Texts) -> None:
    verdicts, runs = health.last_verdicts(), health.last_runs().reset_index()
    layers = ("bronze", "silver", "gold")
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
        layer = filters.several("layer", t("filter.layer"), layers, t)
    if layer:
        verdicts = verdicts[verdicts["table"].str.split("_").str[0].isin(layer)]
        runs = runs[runs["table"].str.split("_").str[0].isin(layer)]
    _tiles(verdicts, runs, t)
    st.caption(t("quality.report_at", path=settings().report_root / "index.html"))
    _not_passed(verdicts, t)
    left, right = st.columns(2)
    with left:
        _trend(t)
    with right:
        _by_table(verdicts, t)
    _quarantine(t)
    _conservation(runs, t)
    _freshness(runs, t)
    waivers = data.rows(WAIVERS)
    if len(waivers):
        card.figure("quality", "waivers", None, waivers.sort_values("until", ascending=False).reset_index(drop=True), (WAIVERS,), t)


def _tiles(verdicts: pd.DataFrame, runs: pd.DataFrame, t: Texts) -> None:
    counted = verdicts["outcome"].value_counts()
    found = [Tile("tables", t.number(verdicts["table"].nunique()))]
    found += [Tile(name, t.number(counted.get(name, 0))) for name in ("passed", "warned", "failed")]
    found.append(Tile("blocked", t.number(runs["outcome"].isin(["blocked", "failed"]).sum())))
    found.append(Tile("quarantined", t.number(runs["quarantined"].sum())))
    card.tiles("quality", found, t)


def _not_passed(verdicts: pd.DataFrame, t: Texts) -> None:
    found = verdicts[verdicts["outcome"] != "passed"]
    rank = found["outcome"].map({"failed": 0, "warned": 1, "waived": 2})
    found = found.assign(_rank=rank).sort_values(["_rank", "table"]).reset_index(drop=True)
    shown = found[["outcome", "table", "check", "observed", "unexpected", "samples", "waived_by"]]
    shown = shown.assign(outcome=[f"{VERDICT[o].sign} {t.word('verdict', o)}" for o in shown["outcome"]])
    card.figure("quality", "not_passed", None, shown, (VERDICTS,), t)
    if found.empty:
        return
    options = [f"{r['table']} · {r['check']}" for r in found.to_dict("records")]
    picked = filters.one("check", t("quality.samples"), options, t, must=False)
    if picked in options:
        _samples(found.iloc[options.index(picked)].to_dict(), t)


def _samples(verdict: dict[Hashable, object], t: Texts) -> None:
    samples = [json.loads(s) if isinstance(s, str) else s for s in json.loads(str(verdict["samples"] or "[]"))]
    rows = pd.DataFrame([s if isinstance(s, dict) else {"value": s} for s in samples]).astype("string")
    with st.container(key="samples"):
        card.figure("quality", "sample_rows", None, rows, (str(verdict["table"]),), t)


def _trend(t: Texts) -> None:
    last = data.newest_day(VERDICTS)
    found = data.rows(VERDICTS, ("run", "outcome", "recorded_at"), last - timedelta(days=TREND_DAYS) if last else None)
    began = found.groupby("run")["recorded_at"].transform("min").dt.tz_convert(data.zone()).dt.strftime("%Y-%m-%d %H:%M")
    shown = found.assign(run_at=began).groupby(["run_at", "outcome"]).size().rename("checks").reset_index()
    looks = {o: (f"{VERDICT[o].sign} {t.word('verdict', o)}", VERDICT[o].colour) for o in OUTCOMES}
    card.figure("quality", "trend", grids.verdicts(shown, looks), shown, (VERDICTS,), t)


def _by_table(verdicts: pd.DataFrame, t: Texts) -> None:
    wide = verdicts.pivot_table(index="table", columns="outcome", values="check", aggfunc="count", fill_value=0)
    wide = wide.reindex(columns=list(OUTCOMES), fill_value=0).sort_values(["failed", "warned", "passed"], ascending=False).reset_index()
    shown = wide.rename(columns={o: t.word("verdict", o) for o in OUTCOMES})
    card.figure("quality", "by_table", None, shown, (VERDICTS,), t)


def _quarantine(t: Texts) -> None:
    found = data.rows(REASONS)
    newest = found[found["recorded_at"] == found.groupby("table")["recorded_at"].transform("max")]
    ranked = newest.sort_values("row_count", ascending=False)[["table", "reason", "row_count"]].reset_index(drop=True)
    left, right = st.columns(2)
    with left:
        named = ranked.assign(name=ranked["table"].str.removeprefix("silver_") + ": " + ranked["reason"])
        chart = bars.ranking(named.assign(name=named["name"].str.slice(0, 48)), "name", "row_count", bars=12)
        card.figure("quality", "reasons", chart, ranked, (REASONS,), t)
    with right:
        held = {n: v for n in data.tables().tables if n.endswith("__quarantine") and (v := data.opened(n))}
        full = sorted((n for n, v in held.items() if sum(v.rows.values())), key=lambda n: -sum(held[n].rows.values()))
        name = filters.one("quarantine", t("quality.quarantine_table"), full, t)
        if name:
            _rows_kept_out(name, t)


def _rows_kept_out(name: str, t: Texts) -> None:
    """Quarantine tables mask personal values when they are written."""
    held = data.partitions(name)
    rows = data.rows(name, ("reasons", "found", "_file", "_row", "content"), held[-7] if len(held) > 7 else None)
    shown = rows.tail(QUARANTINED_SHOWN).iloc[::-1].reset_index(drop=True)
    shown = shown.rename(columns={"_file": "file", "_row": "row"})
    card.figure("quality", "kept_out", None, shown, (name,), t)


def _conservation(runs: pd.DataFrame, t: Texts) -> None:
    judged = runs.dropna(subset=["read"])
    shown = judged[["table", "read", *FATES]].assign(lost=judged["read"] - judged[list(FATES)].sum(axis=1))
    card.figure(
        "quality", "conservation", None, shown.sort_values(["lost", "table"], ascending=[False, True]).reset_index(drop=True), (RUNS,), t
    )


def _freshness(runs: pd.DataFrame, t: Texts) -> None:
    found = [health.of(n) for n in runs["table"] if data.is_declared(n)]
    shown = pd.DataFrame(
        [
            {"table": h.table, "state": t.word("health_state", h.state), "newest_day": h.day, "lag_days": h.lag_days,
             "published_at": h.published_at, "version": h.version, "outcome": h.outcome, "message": h.message}
            for h in sorted(found, key=lambda h: (-h.lag_days, h.table))
        ]
    )  # fmt: skip
    card.figure("quality", "freshness", None, shown, (RUNS,), t)


PAGE = Page(70, "quality", ":material/verified:", (VERDICTS,), (RUNS, VERDICTS, REASONS), draw)
