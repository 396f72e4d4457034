"""Fitting one problem: candidates side by side, calibrated and given thresholds on training days, as one scorer."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from models.dataset import feature_names
from models.problem import Problem
from models.scorer import NONE, Floats, Scorer, calibrated, failing

FOLDS = 4
SURVEILLANCE = 0.5
"""An asset is watched from this share of the alert threshold on."""


class TooLittle(Exception):
    """There isn't enough history to train on; the message says what is missing."""


@dataclass(frozen=True)
class Trained:
    """A scorer, and what it said of each training row while that row's life was held out."""

    scorer: Scorer
    out_of_fold: Floats


def fit(problem: Problem, rows: pd.DataFrame, seed: int, workers: int = 1) -> Trained:
    """Train on rows of `models.dataset.labelled`. Raises TooLittle.

    Probabilities, the choice between estimators and thresholds come from folds in which whole lives (from one repair to the
    next) are held out: neither windows nor labels reach from one life into another.
    """
    failed = rows["is_failure"].to_numpy(bool)
    lives = rows["asset_id"].astype(str) + "/" + rows["life"].astype(str)
    if lives[failed].nunique() < 2 * FOLDS:
        raise TooLittle(f"{lives[failed].nunique()} failures to learn from in {rows['day'].nunique()} days; {2 * FOLDS} are needed")
    kinds = [f"kind={k}" for k in sorted(rows["kind"].unique())] if problem.kinds and rows["kind"].nunique() > 1 else []
    shares = [f"limit_share_{w}d" for w in problem.windows if problem.limits]
    features = [*feature_names(problem), *shares, *kinds]
    manifest: dict[str, Any] = {
        "problem": problem.name, "features": features, "horizon_days": problem.horizon_days,
        "windows": list(problem.windows), "limits": [list(limit) for limit in problem.limits],
    }  # fmt: skip
    design = Scorer(manifest, {}).design(rows)
    target = target_of(rows)
    folds = list(GroupKFold(FOLDS).split(design, groups=lives))
    jobs = [(name, train, test) for name in problem.estimators for train, test in folds]
    run = Parallel(n_jobs=workers, prefer="threads")  # trees are grown without the interpreter's lock
    held_out = run(delayed(_held_out)(problem, name, design, target, train, test, seed) for name, train, test in jobs)
    scores: dict[str, Floats] = {name: np.zeros(len(rows)) for name in problem.estimators}
    for (name, _, test), said in zip(jobs, held_out, strict=True):
        scores[name][test] = said
    manifest["calibration"] = {name: platt(said, failed) for name, said in scores.items()}
    precision = {name: average_precision_score(failed, said) for name, said in scores.items()}
    published = max(problem.estimators, key=lambda name: precision[name])
    manifest["published"] = published
    manifest["out_of_fold_average_precision"] = {n: round(float(v), 4) for n, v in precision.items()}
    said = calibrated(scores[published], *manifest["calibration"][published])
    manifest["thresholds"] = thresholds(problem, rows, said)
    manifest["medians"] = {f: _number(v) for f, v in design.median().items()}
    manifest["naive_mean"] = float(rows["naive_score"].mean())
    fitted = {name: _fitted(problem, name, design, target, seed, workers) for name in problem.estimators}
    return Trained(Scorer(manifest, fitted), said)


def target_of(rows: pd.DataFrame) -> pd.Series:
    """What fails: a component, `other`, or `none`."""
    return rows["component"].where(rows["component"].notna(), "other").where(rows["is_failure"], NONE).astype(str)


def estimator_of(problem: Problem, name: str, seed: int, workers: int = 1) -> Any:
    """A fresh estimator. Forests tell components apart; the logistic regression only whether anything fails."""
    if name == "forest":
        return RandomForestClassifier(problem.trees, min_samples_leaf=problem.leaf, max_features="sqrt", random_state=seed, n_jobs=workers)
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler(), LogisticRegression(C=0.01, max_iter=1000)
    )


def _fitted(problem: Problem, name: str, design: pd.DataFrame, target: pd.Series, seed: int, workers: int = 1) -> Any:
    from models.scorer import MISSING

    estimator = estimator_of(problem, name, seed, workers)
    if name == "forest":
        fitted = estimator.fit(design.fillna(MISSING).to_numpy(), target.to_numpy(dtype=str))
        fitted.n_jobs = None
        return fitted
    return estimator.fit(design.to_numpy(), (target != NONE).to_numpy())


def _held_out(problem: Problem, name: str, design: pd.DataFrame, target: pd.Series, train: Any, test: Any, seed: int) -> Floats:
    fitted = _fitted(problem, name, design.iloc[train], target.iloc[train], seed)
    return failing(Scorer({}, {name: fitted}).classes(name, design.iloc[test]))


def platt(said: Floats, failed: Any) -> list[float]:
    """Slope and intercept of the line through the log odds that calibrates; the slope is never below zero."""
    p = np.clip(said, 1e-4, 1 - 1e-4)
    odds = np.log(p / (1 - p)).reshape(-1, 1)
    line = LogisticRegression(C=1e6, max_iter=1000).fit(odds, failed)
    return [round(max(float(line.coef_[0, 0]), 0.05), 6), round(float(line.intercept_[0]), 6)]


def thresholds(problem: Problem, rows: pd.DataFrame, said: Floats) -> dict[str, float]:
    """Where statuses begin. An alert: what saves most under the stated costs, with no more assets a day than can be inspected."""
    costs, days = problem.costs, rows["day"].nunique()
    avoided = costs.avoided * mean_stop_h(rows) * costs.stop_eur_h
    order = np.argsort(-said, kind="stable")
    gain = np.cumsum(np.where(rows["is_failure"].to_numpy(bool)[order], avoided, 0.0) / problem.horizon_days - costs.inspection_eur / 7)
    most = max(1, int(problem.capacity * days))
    best = int(np.argmax(gain[:most]))
    alert = round(float(np.clip(said[order][best], 0.02, 0.95)), 4)
    above = said[said >= alert]
    critical = round(float(np.clip(max(np.median(above) if len(above) else alert, alert * 1.05), alert, 0.99)), 4)
    return {"surveillance": round(alert * SURVEILLANCE, 4), "alert": alert, "critical": critical}


def mean_stop_h(rows: pd.DataFrame) -> float:
    """Mean hours of stop per failure of the last 90 days, as the rows tell."""
    failures = float(rows["failures_90d"].sum())
    return float(rows["stop_h_90d"].sum()) / failures if failures else 8.0


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else round(float(value), 6)
