"""Alert episodes against failures, one to one. Pure pandas."""

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pandas as pd

ALERTS = ("ALERTE", "CRITIQUE")
DECIDED = 5
WEEKS = 4


def matched(said: pd.DataFrame, failures: pd.DataFrame, as_of: date) -> list[dict[str, Any]]:
    """Outcomes of one problem, as rows of gold_maintenance__outcomes.

    `said`: asset_id, day, status, component, model_version, horizon_days, problem, domain; one row per asset and day.
    `failures`: asset_id, failed_on, work_order_id, organ, component. Several on one day of an asset are one. A failure counts
    if its asset was predicted on one of the horizon's days before it. Alert days at most the horizon apart, with no failure
    between them, are one episode; a failure ends it.
    """
    found: list[dict[str, Any]] = []
    broke = failures.dropna(subset=["failed_on"]).sort_values(["failed_on", "work_order_id"]).drop_duplicates(["asset_id", "failed_on"])
    by_asset = {str(a): own for a, own in broke.groupby("asset_id")}
    for asset, own in said.groupby("asset_id", sort=True):
        found += _of_asset(own.sort_values("day"), by_asset.get(str(asset)), as_of)
    return found


def _of_asset(own: pd.DataFrame, broke: pd.DataFrame | None, as_of: date) -> Iterator[dict[str, Any]]:
    horizon = timedelta(days=int(own["horizon_days"].iloc[-1]))
    days = list(own["day"])
    fails = (
        [] if broke is None else [f for f in broke.to_dict("records") if any(f["failed_on"] - horizon <= d < f["failed_on"] for d in days)]
    )
    alerts = own[own["status"].isin(ALERTS)].to_dict("records")
    base = {"problem": own["problem"].iloc[0], "domain": own["domain"].iloc[0], "asset_id": own["asset_id"].iloc[0]}
    begin = date.min
    for failure in [*fails, None]:
        end = failure["failed_on"] if failure else date.max
        episodes = _episodes([a for a in alerts if begin <= a["day"] < end], horizon)
        foretold = failure is not None and bool(episodes) and end - episodes[-1][-1]["day"] <= horizon
        for n, episode in enumerate(episodes):
            if foretold and n == len(episodes) - 1:
                yield _row(base, "hit", episode, failure)
            elif failure is None and episode[-1]["day"] + horizon > as_of:
                yield _row(base, "pending", episode, None)
            else:
                yield _row(base, "false_alarm", episode, None)
        if failure and not foretold:
            yield _row(base, "miss", [], failure)
        begin = end


def _episodes(alerts: list[dict[Any, Any]], horizon: timedelta) -> list[list[dict[Any, Any]]]:
    found: list[list[dict[Any, Any]]] = []
    for alert in alerts:
        if found and alert["day"] - found[-1][-1]["day"] <= horizon:
            found[-1].append(alert)
        else:
            found.append([alert])
    return found


def _row(base: dict[str, Any], outcome: str, episode: list[dict[Any, Any]], failure: dict[Any, Any] | None) -> dict[str, Any]:
    first, last = (episode[0], episode[-1]) if episode else (None, None)
    on = failure["failed_on"] if failure else first["day"] if first else date.min
    named = next((a["component"] for a in reversed(episode) if not _missing(a["component"])), None)
    broken = failure["component"] if failure else None
    key = f"{base['problem']}|{base['asset_id']}|{first['day'] if first else ''}|{failure['work_order_id'] if failure else ''}"
    return base | {
        "outcome_id": hashlib.sha256(key.encode()).hexdigest()[:16], "outcome": outcome,
        "episode_first_day": first["day"] if first else None, "episode_last_day": last["day"] if last else None,
        "failed_on": failure["failed_on"] if failure else None, "work_order_id": failure["work_order_id"] if failure else None,
        "organ": failure["organ"] if failure else None, "component": named,
        "is_component_right": None if _missing(named) or _missing(broken) else named == broken,
        "lead_time_days": (failure["failed_on"] - first["day"]).days if failure and first else None,
        "model_version": first["model_version"] if first else None, "week": monday(on),
    }  # fmt: skip


def _missing(value: Any) -> bool:
    return value is None or bool(pd.isna(value))


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def weekly(outcomes: pd.DataFrame, promised: dict[str, float | None]) -> list[dict[str, Any]]:
    """Outcomes counted by week, as rows of gold_maintenance__outcomes_weekly. `promised`: precision by problem, of who serves."""
    rows: list[dict[str, Any]] = []
    for problem, own in outcomes.groupby("problem", sort=True):
        began = own["episode_first_day"].map(lambda d: None if _missing(d) else monday(d))
        broke = own["failed_on"].map(lambda d: None if _missing(d) else monday(d))
        for week in sorted({*began.dropna(), *broke.dropna()}):
            here, failed = own[began == week], own[broke == week]
            hits, false = int((here["outcome"] == "hit").sum()), int((here["outcome"] == "false_alarm").sum())
            lately = own[began.isin([week - timedelta(weeks=n) for n in range(WEEKS)])]
            lead = failed.loc[failed["outcome"] == "hit", "lead_time_days"].astype(float)
            rows.append({
                "problem": problem, "week": week, "failures": len(failed), "hits": int((failed["outcome"] == "hit").sum()),
                "misses": int((failed["outcome"] == "miss").sum()), "episodes": len(here), "episode_hits": hits, "false_alarms": false,
                "pending": int((here["outcome"] == "pending").sum()), "mean_lead_time_days": lead.mean() if len(lead) else None,
                "precision": hits / (hits + false) if hits + false else None, "expected_precision": promised.get(str(problem)),
                "precision_state": precision_state(lately["outcome"], promised.get(str(problem))),
            })  # fmt: skip
    return rows


def precision_state(outcomes: pd.Series, promised: float | None) -> str:
    """Whether alerts keep what the newest window promised."""
    right, wrong = int((outcomes == "hit").sum()), int((outcomes == "false_alarm").sum())
    if promised is None or right + wrong < DECIDED:
        return "not known yet"
    return "low" if right / (right + wrong) < promised / 2 else "as promised"
