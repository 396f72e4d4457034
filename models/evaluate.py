"""How good scores are: on the newest window, per class of asset, with intervals by bootstrap over assets."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.problem import Problem
from models.scorer import Floats
from models.train import mean_stop_h

RESAMPLES = 300
LEVEL = 0.9


@dataclass(frozen=True)
class Split:
    """Days up to `train_last` for training; from `test_first` on for judging; a purge between them."""

    train_last: date
    test_first: date
    test_last: date


def newest_split(problem: Problem, days: pd.Series) -> Split:
    """The newest window of labelled days, a third of all of them where there are few."""
    first, last = days.min(), days.max()
    size = min(problem.test_days, max(1, ((last - first).days + 1) // 3))
    test_first = last - timedelta(days=size - 1)
    return Split(test_first - timedelta(days=problem.purge_days + 1), test_first, last)


@dataclass(frozen=True)
class Judged:
    """One score on some rows: metric -> (value, low, high), and the resampled average precisions."""

    metrics: Mapping[str, tuple[float | None, float | None, float | None]]
    resampled: Floats
    rows: int
    failures: int
    assets: int


def judge(problem: Problem, rows: pd.DataFrame, score: Floats, seed: int, alert: float | None = None) -> Judged:
    """Judge a score. Brier, precision and recall at a threshold only for probabilities (`alert` given)."""
    rows, score = rows.reset_index(drop=True), np.asarray(score, dtype=float)
    failed = rows["is_failure"].to_numpy(bool)
    picked = at_capacity(problem, rows, score)
    lead = (pd.to_datetime(rows["failed_on"]) - pd.to_datetime(rows["day"])).dt.days.to_numpy(float)
    avoided = problem.costs.avoided * mean_stop_h(rows) * problem.costs.stop_eur_h
    codes, assets = pd.factorize(rows["asset_id"], sort=True)
    draw = np.random.default_rng(seed)
    counts = np.stack([np.bincount(draw.integers(0, len(assets), len(assets)), minlength=len(assets)) for _ in range(RESAMPLES)])

    found = _measured(problem, rows, failed, score, picked, np.vstack([np.ones(len(assets)), counts])[:, codes], lead, avoided, alert)
    metrics = {name: (_number(v[0]), *interval(v[1:])) for name, v in found.items()}
    return Judged(metrics, found["average_precision"][1:], len(rows), int(failed.sum()), len(assets))


def _measured(
    problem: Problem, rows: pd.DataFrame, failed: NDArray[np.bool_], score: Floats, picked: NDArray[np.bool_], weight: NDArray[Any],
    lead: NDArray[Any], avoided: float, alert: float | None,
) -> dict[str, Floats]:  # fmt: skip
    """Each metric under each weighting of the rows (weight: resample, row); NaN where there is nothing to divide by."""
    hits, inspected, positive = weight @ (picked & failed), weight @ picked, weight @ failed
    weeks = rows["day"].nunique() / 7
    found = {
        "average_precision": average_precision(failed, score, weight),
        "recall_at_capacity": _share(hits, positive),
        "precision_at_capacity": _share(hits, inspected),
        "lead_time_days": _share(weight @ np.where(picked & failed, np.nan_to_num(lead), 0.0), hits),
        "saved_eur": (hits * avoided - inspected * problem.costs.inspection_eur) / max(rows["day"].nunique(), 1) * weeks,
    }
    if alert is not None:
        above = score >= alert
        right = weight @ (above & failed)
        found["brier"] = _share(weight @ (score - failed) ** 2, weight.sum(axis=1))
        found["precision"] = _share(right, weight @ above)
        found["recall"] = _share(right, positive)
    return found


def average_precision(failed: NDArray[np.bool_], score: Floats, weight: NDArray[Any]) -> Floats:
    """By weighting (resample, row), what scikit-learn's `average_precision_score` gives; all at once, since there are hundreds."""
    order = np.argsort(-score, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)  # of rows with one score, only the last is a threshold
    mine = weight[:, order]
    true, every = np.cumsum(mine * failed[order], axis=1)[:, last], np.cumsum(mine, axis=1)[:, last]
    precision = np.divide(true, every, out=np.zeros_like(true), where=every > 0)
    gained = np.diff(true, axis=1, prepend=0.0)
    return _share((gained * precision).sum(axis=1), true[:, -1])


def at_capacity(problem: Problem, rows: pd.DataFrame, score: Floats) -> NDArray[np.bool_]:
    """Rows that a workshop would pick that inspects the `capacity` highest of a day; each day is taken for a week's decision."""
    ranked = pd.DataFrame({"day": rows["day"].to_numpy(), "asset": rows["asset_id"].to_numpy(), "score": -score})
    rank = ranked.sort_values(["day", "score", "asset"]).groupby("day").cumcount()
    result: NDArray[np.bool_] = (rank.sort_index() < problem.capacity).to_numpy()
    return result


def interval(values: Floats) -> tuple[float | None, float | None]:
    """The middle 90 % of resampled values."""
    known = values[~np.isnan(values)]
    if not len(known):
        return None, None
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _share(part: NDArray[Any], whole: NDArray[Any]) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0), dtype=float)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def calibration(rows: pd.DataFrame, score: Floats) -> pd.DataFrame:
    """Tenths of the rows: bin, predicted, observed, rows."""
    ranked = pd.Series(score).rank(method="first")
    told = pd.DataFrame({"predicted": score, "observed": rows["is_failure"].to_numpy(float),
                         "bin": np.ceil(ranked / len(ranked) * 10).clip(1, 10).astype(int)})  # fmt: skip
    by = told.groupby("bin").agg(predicted=("predicted", "mean"), observed=("observed", "mean"), rows=("observed", "size"))
    return by.reset_index()


def psi(reference: pd.Series, now: pd.Series) -> float:
    """Population stability index over tenths of the reference; missing values are a class of their own."""
    edges = np.unique(np.nanquantile(reference.to_numpy(float), np.linspace(0.1, 0.9, 9))) if reference.notna().any() else np.array([])

    def shares(values: pd.Series) -> Floats:
        place = np.searchsorted(edges, values.to_numpy(float), side="right")
        place = np.where(values.isna(), len(edges) + 1, place)
        # half a row in each class, or one class that is empty by chance would be infinitely far
        counts = np.bincount(place, minlength=len(edges) + 2) + 0.5
        return np.asarray(counts / counts.sum(), dtype=float)

    a, b = shares(reference), shares(now)
    return float(((b - a) * np.log(b / a)).sum())
