"""Models: who serves, how good it was found, and what its predictions came to."""

import pandas as pd
import streamlit as st

from dashboards import data
from dashboards.charts import bars, grids, intervals
from dashboards.components import card, filters
from dashboards.components.card import Tile
from dashboards.look import SERIES, STATUS
from dashboards.texts import Texts
from dashboards.views import Page

VERSIONS, CHAMPIONS = "gold_maintenance__model_versions", "gold_maintenance__champions"
METRICS, CALIBRATION, DRIFT = "gold_maintenance__model_metrics", "gold_maintenance__model_calibration", "gold_maintenance__drift"
OUTCOMES, WEEKLY, PREDICTIONS = "gold_maintenance__outcomes", "gold_maintenance__outcomes_weekly", "gold_maintenance__predictions"
NAIVE = 0
TRUEST = "newest window"
"""The split that comes nearest to what the model will meet."""
DRIFT_LOOK = {"stable": STATUS["OK"].colour, "moved": STATUS["SURVEILLANCE"].colour, "drifted": STATUS["CRITIQUE"].colour}


def draw(t: Texts) -> None:
    versions = data.rows(VERSIONS)
    predicted = data.newest(PREDICTIONS, ("problem",)) if data.is_there(PREDICTIONS) else pd.DataFrame({"problem": []})
    problems = sorted({*versions["problem"].unique(), *predicted["problem"].unique()})
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
        problem = filters.one("problem", t("filter.problem"), problems, t)
        splits = data.rows(METRICS, ("split",), only={"problem": [problem or ""]})["split"].unique().tolist()
        split = filters.one("split", t("models.split"), sorted(splits, key=lambda s: (s != TRUEST, s)), t)
    if problem is None:
        return
    mine = versions[versions["problem"] == problem].sort_values("model_version", ascending=False).reset_index(drop=True)
    serving = _serving(problem)
    outcomes = data.rows(OUTCOMES, only={"problem": [problem]})
    metrics = data.rows(METRICS, only={"problem": [problem]})
    _tiles(serving, mine, metrics, outcomes, split, t)
    if serving == NAIVE:
        st.info(t("models.naive_serves"), icon=":material/info:")
    shown = serving if serving != NAIVE or mine.empty else int(mine["model_version"].iloc[0])
    left, right = st.columns(2)
    with left:
        _metrics(metrics[(metrics["model_version"] == shown) & (metrics["split"] == split)], t)
        _drift(problem, t)
    with right:
        _calibration(problem, shown, split, t)
        _outcomes_by_week(problem, t)
    _history(mine, problem, t)
    _outcomes(outcomes, t)
    _card(mine[mine["model_version"] == shown], t)


def _serving(problem: str) -> int:
    changes = data.rows(CHAMPIONS, only={"problem": [problem]}).sort_values("recorded_at")
    return int(changes["model_version"].iloc[-1]) if len(changes) else NAIVE


def _tiles(serving: int, mine: pd.DataFrame, metrics: pd.DataFrame, outcomes: pd.DataFrame, split: str | None, t: Texts) -> None:
    own = metrics[
        (metrics["model_version"] == serving)
        & (metrics["split"] == split)
        & (metrics["asset_class"] == "all")
        & (metrics["whose"] == "model")
    ]
    value = own.set_index("metric")["value"]
    counted = outcomes["outcome"].value_counts() if len(outcomes) else pd.Series(dtype=int)
    found = [
        Tile("champion", t("models.naive") if serving == NAIVE else f"v{serving}"),
        Tile("trained", t.number(len(mine))),
        Tile("average_precision", t.number(value.get("average_precision"), 3)),
        Tile("recall_at_capacity", t.share(value.get("recall_at_capacity"), 0)),
        Tile("hits", t.number(counted.get("hit", 0))),
        Tile("misses", t.number(counted.get("miss", 0))),
    ]
    card.tiles("models", found, t)


def _metrics(metrics: pd.DataFrame, t: Texts) -> None:
    shares = metrics[(metrics["asset_class"] == "all") & ~metrics["metric"].isin(["lead_time_days", "saved_eur"])]
    columns = ["metric", "whose", "value", "low", "high", "split", "asset_class", "rows", "failures", "assets"]
    shown = metrics[columns].sort_values(["metric", "asset_class", "whose"]).reset_index(drop=True)
    named = shares.assign(metric=[t.word("metric", m) for m in shares["metric"]])
    words = {w: t.word("whose", w) for w in shares["whose"].unique()}
    card.figure("models", "metrics", intervals.compared(named, "metric", "whose", words), shown, (METRICS,), t)


def _calibration(problem: str, version: int, split: str | None, t: Texts) -> None:
    found = data.rows(CALIBRATION, None, only={"problem": [problem], "model_version": [version], "split": [split]}).sort_values("bin")
    shown = found[["bin", "predicted", "observed", "rows"]].reset_index(drop=True)
    looks = {"tenth": (t("models.tenth"), SERIES[0], "circle")}
    axes = (t("models.predicted"), t("models.observed"))
    chart = grids.diagonal(grids.points(shown.assign(kind="tenth"), "predicted", "observed", "kind", looks, axes), 0, 1)
    card.figure("models", "calibration", chart.update_layout(showlegend=False), shown, (CALIBRATION,), t)


def _drift(problem: str, t: Texts) -> None:
    found = data.rows(DRIFT, only={"problem": [problem]})
    found = found[found["recorded_at"] == found["recorded_at"].max()].sort_values("psi", ascending=False)
    columns = ["feature", "psi", "state", "reference_first_day", "reference_last_day", "window_first_day", "window_last_day"]
    shown = found[columns].reset_index(drop=True)
    named = shown.assign(feature=shown["feature"].map(t.feature))
    chart = bars.ranking(named, "feature", "psi", "PSI", [DRIFT_LOOK[s] for s in shown["state"]], bars=12)
    card.figure("models", "drift", chart, shown, (DRIFT,), t)


def _outcomes_by_week(problem: str, t: Texts) -> None:
    found = data.rows(WEEKLY, only={"problem": [problem]}).sort_values("week").reset_index(drop=True)
    labels = {c: t(f"models.{c}_word") for c in ("hits", "misses", "false_alarms", "pending")}
    shown = found.drop(columns="problem")
    card.figure("models", "weekly", bars.by_time(shown, "week", tuple(labels), labels), shown, (WEEKLY,), t)


def _history(mine: pd.DataFrame, problem: str, t: Texts) -> None:
    columns = ["model_version", "as_of", "estimator", "is_promoted", "gate_reasons", "train_first_day", "train_last_day", "test_first_day",
               "test_last_day", "train_rows", "train_failures", "alert_threshold", "digest"]  # fmt: skip
    card.figure("models", "versions", None, mine[columns], (VERSIONS,), t)
    changes = data.rows(CHAMPIONS, only={"problem": [problem]}).sort_values("recorded_at", ascending=False).reset_index(drop=True)
    shown = changes[["recorded_at", "model_version", "previous_version", "cause", "reason"]]
    card.figure("models", "champions", None, shown, (CHAMPIONS,), t)


def _outcomes(outcomes: pd.DataFrame, t: Texts) -> None:
    columns = [
        "outcome",
        "asset_id",
        "episode_first_day",
        "episode_last_day",
        "failed_on",
        "lead_time_days",
        "component",
        "organ",
        "model_version",
    ]
    listed = outcomes.sort_values("week", ascending=False)[columns].reset_index(drop=True)
    words = {
        "outcome": [t.word("outcome", o) for o in listed["outcome"]],
        "component": [t.word("component", c) for c in listed["component"]],
    }
    listed = listed.assign(**words)
    card.figure("models", "outcomes", None, listed, (OUTCOMES,), t)


def _card(version: pd.DataFrame, t: Texts) -> None:
    if version.empty:
        return
    with st.container(border=True, key="card-models-card"):
        st.subheader(t("models.card"), anchor=False)
        st.caption(t("models.card_is"))
        with st.expander(t("models.card_open", version=int(version["model_version"].iloc[0])), expanded=True):
            st.markdown(str(version["card"].iloc[0]))
        st.caption(t("models.made_with", digest=version["digest"].iloc[0][:16], code=version["code_version"].iloc[0][:16]))


PAGE = Page(
    60,
    "models",
    ":material/neurology:",
    (VERSIONS, PREDICTIONS),
    (VERSIONS, METRICS, OUTCOMES, PREDICTIONS),
    draw,
    "state.first_run_models",
)
