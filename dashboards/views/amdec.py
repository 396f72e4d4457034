"""AMDEC (FMEA): how critical failure modes are rated, and whether what was observed agrees."""

import pandas as pd
import streamlit as st

from dashboards import data
from dashboards.charts import bars, grids
from dashboards.components import card, filters, states
from dashboards.components.card import Tile
from dashboards.look import BAD, SERIES, STATUS
from dashboards.texts import Texts
from dashboards.views import Page

RATINGS, LIVING, ACTIONS = "gold_amdec__ratings", "gold_amdec__living", "gold_amdec__actions"
LEVEL_LOOK = {
    "critical": STATUS["CRITIQUE"].colour,
    "high": STATUS["ALERTE"].colour,
    "medium": STATUS["SURVEILLANCE"].colour,
    "low": STATUS["OK"].colour,
}


def draw(t: Texts) -> None:
    ratings, living, actions = (data.rows(n) for n in (RATINGS, LIVING, ACTIONS))
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
        domains = filters.several("domain", t("filter.domain"), ratings["domain"].unique(), t)
    if domains:
        ratings, living, actions = (f[f["domain"].isin(domains)] for f in (ratings, living, actions))
    if ratings.empty:
        states.empty(t)
        return
    _tiles(ratings, living, actions, t)
    left, right = st.columns(2)
    with left:
        cells = ratings[["domain", "organ", "mode", "cause", "gravity_rating", "occurrence_rating", "detection_rating"]]
        chart = grids.criticality(cells, t("amdec.gravity"), t("amdec.occurrence"))
        card.figure("amdec", "matrix", chart, cells, (RATINGS,), t)
    with right:
        _ranking(ratings, t)
    _observed(living, t)
    left, right = st.columns(2)
    with left:
        missing = living[living["kind"] == "seen_not_in_sheet"].sort_values("occurrences", ascending=False)
        columns = ["domain", "organ", "cause", "occurrences", "stop_h", "total_cost_eur", "last_seen_on"]
        card.figure("amdec", "missing", None, missing[columns].reset_index(drop=True), (LIVING,), t)
    with right:
        overdue = actions[actions["is_overdue"]].sort_values(["days_overdue"], ascending=False)
        columns = ["domain", "organ", "mode", "preventive_action", "responsible_role", "due_on", "days_overdue", "action_priority"]
        card.figure("amdec", "overdue", None, overdue[columns].reset_index(drop=True), (ACTIONS,), t)


def _tiles(ratings: pd.DataFrame, living: pd.DataFrame, actions: pd.DataFrame, t: Texts) -> None:
    counted = (
        ("modes", len(ratings)),
        ("critical", (ratings["level"] == "critical").sum()),
        ("priority_high", (ratings["action_priority"] == "H").sum()),
        ("rpn_wrong", (ratings["rpn_state"] == "wrong").sum()),
        ("unlisted", (living["kind"] == "seen_not_in_sheet").sum()),
        ("actions_overdue", actions["is_overdue"].sum()),
    )
    card.tiles("amdec", [Tile(name, t.number(n)) for name, n in counted], t)


def _ranking(ratings: pd.DataFrame, t: Texts) -> None:
    ranked = ratings.sort_values(["rpn_normalised", "organ"], ascending=[False, True]).reset_index(drop=True)
    shown = ranked[
        ["organ", "mode", "cause", "rpn_normalised", "level", "action_priority", "rpn_given", "rpn_computed", "rpn_state", "domain"]
    ]
    named = shown.assign(name=shown["organ"] + " · " + shown["cause"] + " (" + shown["action_priority"].fillna("–") + ")")
    colours = [LEVEL_LOOK.get(level, SERIES[0]) for level in named["level"]]
    chart = bars.ranking(named, "name", "rpn_normalised", colours=colours, bars=12)
    card.figure("amdec", "ranking", chart, shown, (RATINGS,), t)


def _observed(living: pd.DataFrame, t: Texts) -> None:
    both = living.dropna(subset=["occurrence_rating", "occurrence_observed"])
    apart = both["occurrence_difference"].abs() >= 2
    both = both.assign(
        agreement=apart.map({True: "apart", False: "near"}), name=both["domain"] + " · " + both["organ"] + " · " + both["cause"]
    )
    looks = {"near": (t("amdec.near"), SERIES[0], "circle"), "apart": (t("amdec.apart"), BAD, "diamond")}
    axes = (t("amdec.rated"), t("amdec.seen"))
    chart = grids.diagonal(grids.points(both, "occurrence_rating", "occurrence_observed", "agreement", looks, axes, "name"), 1, 10)
    columns = [
        "domain", "organ", "cause", "occurrence_rating", "occurrence_observed", "occurrence_difference", "gravity_rating",
        "gravity_observed", "gravity_difference", "occurrences", "mean_stop_h",
    ]  # fmt: skip
    ordered = both.sort_values("occurrence_difference", ascending=False)[columns].reset_index(drop=True)
    left, right = st.columns([2, 3])
    with left:
        card.figure("amdec", "observed", chart, ordered, (LIVING,), t)
    with right:
        card.figure("amdec", "differences", None, ordered, (LIVING,), t)


PAGE = Page(40, "amdec", ":material/grid_on:", (RATINGS,), (RATINGS, LIVING, ACTIONS), draw)
