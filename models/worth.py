"""What a failure would cost, how long the workshop needs, which parts, and which past interventions were alike. Pure pandas."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer

from models.problem import Problem

ENOUGH = 5
"""Failures of a component from which its own mean is told; below, that of the domain."""
DEFAULT_GRAVITY = 5
LISTED = 3
AT_LEAST = 10
"""Lines of the list, if there are so many assets of which something is known."""
RECENT_WEEKS = 4


@dataclass(frozen=True)
class Past:
    """What the lake knows of past work.

    `orders`: work_order_id, asset_id, domain, component, category, done_on, stop_h, total_cost_eur, labour_h, text;
    `parts`: work_order_id, part; `gravity`: domain, organ, gravity_rating, text of failure modes.
    """

    orders: pd.DataFrame
    parts: pd.DataFrame
    ratings: pd.DataFrame
    weekly_h: float | None


def ranked(problems: Mapping[str, Problem], said: pd.DataFrame, reasons: pd.DataFrame, names: Mapping[str, str], past: Past,
           day: date) -> list[dict[str, Any]]:  # fmt: skip
    """The list of a day, as rows of gold_maintenance__priorities. `said`: predictions of the day, one per problem and asset."""
    known = said[said["probability"].notna()]
    lines = [_line(problems[str(r["problem"])], {str(k): v for k, v in r.items()}, names, past) for r in known.to_dict("records")]
    lines.sort(key=lambda r: (-r["priority"], r["asset_id"]))
    worth = [r for n, r in enumerate(lines) if r["status"] != "OK" or n < AT_LEAST]
    capacity, hours = capacity_h(past, day), 0.0
    texts = {problem: Similar(past.orders[past.orders["domain"] == problems[problem].domain]) for problem in {r["problem"] for r in worth}}
    for rank, row in enumerate(worth, 1):
        hours += row["needed_h"]
        orders = texts[row["problem"]].to(_query(problems[row["problem"]], row, past))
        row |= {
            "day": day, "rank": rank, "cumulative_h": hours, "capacity_h": capacity,
            "is_within_capacity": None if capacity is None else hours <= capacity,
            "reasons": in_words(reasons[(reasons["problem"] == row["problem"]) & (reasons["asset_id"] == row["asset_id"])]),
            "likely_parts": _parts(problems[row["problem"]], row["component"], past),
            "similar": [f"{o['done_on']} {o['asset_id']}: {o['text']}" for o in orders],
            "similar_orders": [o["work_order_id"] for o in orders],
        }  # fmt: skip
    return worth


def _line(problem: Problem, said: dict[str, Any], names: Mapping[str, str], past: Past) -> dict[str, Any]:
    component = said["component"] if isinstance(said["component"], str) else None
    stop, cost, needed = typical(problem, component, past.orders)
    loss = float(said["probability"]) * cost
    gravity = gravity_of(problem, component, past.ratings)
    return {
        **{k: said[k] for k in ("problem", "domain", "asset_id", "status", "probability", "model_version")}, "component": component,
        "name": names.get(str(said["asset_id"]), str(said["asset_id"])), "gravity": gravity, "expected_stop_h": stop,
        "expected_stop_cost_eur": cost, "expected_loss_eur": loss, "priority": loss * gravity / 10, "needed_h": needed,
    }  # fmt: skip


def typical(problem: Problem, component: str | None, orders: pd.DataFrame) -> tuple[float, float, float]:
    """Mean stop in hours, mean cost of stop and repair in EUR, median hours of labour of past failures."""
    failures = orders[(orders["domain"] == problem.domain) & (orders["category"] == "corrective")]
    own = failures[failures["component"] == component] if component else failures
    told = own if own["stop_h"].notna().sum() >= ENOUGH else failures
    stop, repair, labour = told["stop_h"].mean(), told["total_cost_eur"].mean(), told["labour_h"].median()
    stop = 8.0 if pd.isna(stop) else float(stop)
    return stop, stop * problem.costs.stop_eur_h + (0.0 if pd.isna(repair) else float(repair)), 4.0 if pd.isna(labour) else float(labour)


def _about(problem: Problem, component: str | None, ratings: pd.DataFrame) -> pd.DataFrame:
    mine = ratings[ratings["domain"] == problem.domain]
    return mine[mine["organ"].str.contains(problem.components[component], regex=False)] if component else mine.head(0)


def gravity_of(problem: Problem, component: str | None, ratings: pd.DataFrame) -> int:
    """The highest gravity that a sheet gives the component."""
    highest = _about(problem, component, ratings)["gravity_rating"].max()
    return DEFAULT_GRAVITY if pd.isna(highest) else int(highest)


def capacity_h(past: Past, day: date) -> float | None:
    """Hours of the team in the coming week, less what unplanned repairs took in a week of late; None where no team is known."""
    if past.weekly_h is None:
        return None
    since = day - timedelta(weeks=RECENT_WEEKS)
    lately = past.orders[(past.orders["category"] == "corrective") & past.orders["done_on"].map(lambda d: pd.notna(d) and since < d <= day)]
    return max(0.0, past.weekly_h - float(lately["labour_h"].sum()) / RECENT_WEEKS)


def in_words(reasons: pd.DataFrame) -> list[str]:
    """What the model saw, those first that speak for a failure."""
    told = reasons.sort_values("rank")
    told = pd.concat([told[told["contribution"] > 0], told[told["contribution"] <= 0]]).head(LISTED)
    return [
        f"{r['feature']} {'missing' if pd.isna(r['value']) else format(r['value'], '.4g')} "
        f"{'raises' if r['contribution'] > 0 else 'lowers'} the risk ({r['contribution']:+.3g})"
        for r in told.to_dict("records")
    ]


def _parts(problem: Problem, component: str | None, past: Past) -> list[str]:
    orders = past.orders[(past.orders["domain"] == problem.domain) & (past.orders["category"] == "corrective")]
    mine = orders[orders["component"] == component] if component else orders.head(0)
    used = past.parts[past.parts["work_order_id"].isin(mine["work_order_id"])]
    return [str(p) for p in used["part"].value_counts().sort_index().sort_values(ascending=False, kind="stable").head(LISTED).index]


def _query(problem: Problem, row: Mapping[str, Any], past: Past) -> str:
    told = _about(problem, row["component"], past.ratings)["text"].head(LISTED)
    return " ".join([row["name"], problem.components.get(row["component"] or "", ""), *told])


class Similar:
    """Past interventions by the words in them."""

    def __init__(self, orders: pd.DataFrame) -> None:
        self.orders = orders[orders["text"].fillna("").str.strip() != ""].sort_values("work_order_id").reset_index(drop=True)
        self._words = TfidfVectorizer(strip_accents="unicode", sublinear_tf=True)
        self._known = self._words.fit_transform(self.orders["text"]) if len(self.orders) else None

    def to(self, text: str, count: int = LISTED) -> Sequence[dict[Any, Any]]:
        """The nearest ones, newest first among equals; none where no word is shared."""
        if self._known is None:
            return []
        near = self.orders.assign(near=(self._known @ self._words.transform([text]).T).toarray().ravel().round(6))
        return (
            near[near["near"] > 0]
            .sort_values(["near", "done_on", "work_order_id"], ascending=[False, False, True])
            .head(count)
            .to_dict("records")
        )
