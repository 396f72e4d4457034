"""Alert episodes against failures, by hand: each line of a case is one asset, a letter a day.

`A` alert, `C` critical, `.` OK, `?` INCONNU, `-` nothing was said that day; a capital F in the line below is a failure.
"""

from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.matching import matched, precision_state, weekly

MONDAY = date(2026, 3, 2)
STATUS = {"A": "ALERTE", "C": "CRITIQUE", ".": "OK", "?": "INCONNU"}
HORIZON = 3


def said(letters: str, asset: str = "X") -> list[dict[str, Any]]:
    return [{"problem": "p", "domain": "fleet", "asset_id": asset, "day": MONDAY + timedelta(days=n), "status": STATUS[x],
             "component": "fan", "model_version": 1, "horizon_days": HORIZON} for n, x in enumerate(letters) if x != "-"]  # fmt: skip


def failed(letters: str, asset: str = "X") -> list[dict[str, Any]]:
    return [{"asset_id": asset, "failed_on": MONDAY + timedelta(days=n), "work_order_id": f"{asset}{n}", "organ": "ventilateur",
             "component": "fan"} for n, x in enumerate(letters) if x == "F"]  # fmt: skip


def outcomes(told: str, broke: str) -> list[dict[str, Any]]:
    failures = pd.DataFrame(failed(broke), columns=["asset_id", "failed_on", "work_order_id", "organ", "component"])
    return matched(pd.DataFrame(said(told)), failures, MONDAY + timedelta(days=len(told) - 1))


@pytest.mark.parametrize(
    ("told", "broke", "expected"),
    [
        ("..AA.......", "....F......", ["hit"]),
        ("..A........", ".....F.....", ["hit"]),  # the last day of the horizon
        ("..A........", "......F....", ["false_alarm", "miss"]),  # a day too late
        ("...........", "......F....", ["miss"]),
        ("..A........", "...........", ["false_alarm"]),
        (".........A.", "...........", ["pending"]),
        (".......A...", "...........", ["false_alarm"]),  # its horizon ends with the newest day
        ("A.A.A......", ".....F.....", ["hit"]),  # flapping is one episode
        ("A....A.....", ".......F...", ["false_alarm", "hit"]),  # further apart than the horizon
        ("AAAAAAA....", "...F...F...", ["hit", "hit"]),  # a failure ends an episode
        ("..A........", "...F.F.....", ["hit", "miss"]),  # one alert foretells one failure
        ("..A?.......", "....F......", ["hit"]),
        ("---------..", "....F......", []),  # nothing was said of it
        ("........-..", "..F........", ["miss"]),
        ("...........", "F..........", []),  # before anything was said
    ],
)
def test_by_hand(told: str, broke: str, expected: list[str]) -> None:
    assert [o["outcome"] for o in outcomes(told, broke)] == expected


def test_lead_time_and_component() -> None:
    (hit,) = outcomes("..AAC......", "......F....")
    assert hit["lead_time_days"] == 4 and hit["is_component_right"] is True
    assert (hit["episode_first_day"], hit["failed_on"]) == (MONDAY + timedelta(days=2), MONDAY + timedelta(days=6))
    assert hit["week"] == MONDAY


def test_weeks_by_hand() -> None:
    """A hit whose alert began on a Sunday counts with the failure's week for failures, with the alert's week for episodes."""
    rows = outcomes("......A.......A........", ".......F..F............")
    by = {r["week"]: r for r in weekly(pd.DataFrame(rows), {"p": 0.8})}
    first, second, third = (by[MONDAY + timedelta(weeks=n)] for n in range(3))
    assert (first["failures"], first["episodes"], first["episode_hits"]) == (0, 1, 1)
    assert (second["failures"], second["hits"], second["misses"], second["mean_lead_time_days"]) == (2, 1, 1, 1.0)
    assert (third["episodes"], third["false_alarms"], third["precision"], third["expected_precision"]) == (1, 1, 0.0, 0.8)


LINE = st.text("AC.?-", min_size=5, max_size=40)
BROKE = st.text("F......", min_size=5, max_size=40)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(LINE, BROKE), min_size=1, max_size=4))
def test_everything_reconciles(lines: list[tuple[str, str]]) -> None:
    told = [r for n, (a, _) in enumerate(lines) for r in said(a, f"X{n}")]
    if not told:
        return
    broke = [r for n, (_, b) in enumerate(lines) for r in failed(b, f"X{n}")]
    frame = pd.DataFrame(broke, columns=["asset_id", "failed_on", "work_order_id", "organ", "component"])
    shape = ["outcome", "outcome_id", "problem", "week", "episode_first_day", "failed_on", "lead_time_days", "work_order_id"]
    rows = pd.DataFrame(matched(pd.DataFrame(told), frame, MONDAY + timedelta(days=60)), columns=shape)
    assert rows["outcome_id"].is_unique and rows["work_order_id"].dropna().is_unique
    counted = weekly(rows, {})
    assert all(w["hits"] + w["misses"] == w["failures"] for w in counted)
    assert all(w["episode_hits"] + w["false_alarms"] + w["pending"] == w["episodes"] for w in counted)
    assert sum(w["hits"] for w in counted) == sum(w["episode_hits"] for w in counted) == (rows["outcome"] == "hit").sum()
    days = {(r["asset_id"], r["day"]) for r in told}
    before = [timedelta(days=n) for n in range(1, HORIZON + 1)]
    due = {r["work_order_id"] for r in broke if any((r["asset_id"], r["failed_on"] - n) in days for n in before)}
    assert set(rows["work_order_id"].dropna()) == due, "every failure of an asset that was predicted stands there once"


@pytest.mark.parametrize(
    ("seen", "promised", "state"),
    [("hhhff", 0.8, "as promised"), ("hffff", 0.8, "low"), ("hfff", 0.8, "not known yet"), ("fffff", None, "not known yet")],
)
def test_a_champion_whose_precision_falls_is_told(seen: str, promised: float | None, state: str) -> None:
    assert precision_state(pd.Series([{"h": "hit", "f": "false_alarm"}[x] for x in seen]), promised) == state
