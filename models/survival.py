"""Remaining life from right-censored lives: Kaplan-Meier, and Weibull by maximum likelihood."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[np.float64]


class Weibull(NamedTuple):
    """Life in days: S(t) = exp(-(t / scale) ** shape)."""

    shape: float
    scale: float

    def cumulative_hazard(self, t: Floats) -> Floats:
        return np.asarray((np.maximum(t, 0) / self.scale) ** self.shape, dtype=float)


def kaplan_meier(durations: Floats, ended: NDArray[np.bool_]) -> pd.Series:
    """Share still alive after each duration at which a life ended; lives not ended are censored there."""
    order = np.argsort(durations, kind="stable")
    times, events = durations[order], ended[order]
    points = np.unique(times[events])
    alive = np.array([(durations >= t).sum() for t in points], dtype=float)
    died = np.array([(times[events] == t).sum() for t in points], dtype=float)
    return pd.Series(np.cumprod(1 - died / alive), index=points, name="alive")


def fit_weibull(durations: Floats, ended: NDArray[np.bool_]) -> Weibull | None:
    """Weibull by maximum likelihood, censored lives counted as such; None with fewer than five ended lives."""
    durations = np.maximum(durations, 0.5)
    if ended.sum() < 5:
        return None

    def loss(theta: Floats) -> float:
        shape, scale = np.exp(theta)
        z = durations / scale
        log_hazard = np.log(shape / scale) + (shape - 1) * np.log(z)
        return float(-(log_hazard[ended].sum() - (z**shape).sum()))

    start = np.array([0.3, np.log(durations.sum() / ended.sum())])
    done = minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-8, "maxiter": 2000})
    shape, scale = np.exp(done.x)
    return Weibull(round(float(np.clip(shape, 0.3, 20)), 6), round(float(scale), 6))


def lives(orders: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Lives of components, from `orders` (asset_id, component, failed_on, done_on): asset_id, component, days, ended.

    A life begins with the repair that ended the one before; what came before an asset's first known failure has no known
    beginning and tells nothing. The life under way on `as_of` is censored, not left out.
    """
    found = []
    told = orders.dropna(subset=["component", "failed_on"]).sort_values(["asset_id", "component", "failed_on"])
    for (asset, component), own in told.groupby(["asset_id", "component"], sort=True):
        begins = pd.to_datetime(own["done_on"]).fillna(pd.to_datetime(own["failed_on"]))
        ends = pd.to_datetime(own["failed_on"]).shift(-1)
        days = (ends.fillna(as_of) - begins).dt.days
        found.append(pd.DataFrame({"asset_id": asset, "component": component, "days": days, "ended": ends.notna()}))
    if not found:
        return pd.DataFrame({"asset_id": [], "component": [], "days": [], "ended": []})
    done = pd.concat(found, ignore_index=True)
    return done[done["days"] >= 0].astype({"days": float, "ended": bool})


def fit_lives(told: pd.DataFrame) -> dict[str, list[float]]:
    """Weibull [shape, scale in days] by component, and of all under `*`; components with few ended lives are left out."""
    groups = {"*": told} | {str(c): own for c, own in told.groupby("component", sort=True)}
    fits = {c: fit_weibull(own["days"].to_numpy(float), own["ended"].to_numpy(bool)) for c, own in groups.items() if len(own)}
    return {c: list(w) for c, w in fits.items() if w}


def remaining(life: Weibull, age: Floats, horizon: float, probability: Floats, quantiles: tuple[float, ...] = (0.1, 0.5, 0.9)) -> Floats:
    """Days until a share of such lives has ended, shaped (row, quantile).

    The life's hazard beyond `age` is scaled so that it ends within `horizon` days with the given probability: what the model
    says and what lives tell agree.
    """
    p = np.clip(probability, 1e-3, 0.999)
    begun = life.cumulative_hazard(age)
    within = np.maximum(life.cumulative_hazard(age + horizon) - begun, 1e-9)
    strength = -np.log(1 - p) / within
    needed = -np.log(1 - np.array(quantiles))[None, :] / strength[:, None] + begun[:, None]
    days: Floats = life.scale * needed ** (1 / life.shape) - age[:, None]
    return np.maximum(days, 0)
