"""Whether the figures of a table can be trusted now: its last run, its newest audit, and how late it is."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import pandas as pd
import streamlit as st

from dashboards import data
from lake.storage import Version

KEYS = ("table", "recorded_at", "day")


@dataclass(frozen=True)
class Health:
    """How much a table can be trusted now. `state` is the worst of what was found.

    `missing`: never published; `failed`: its last run failed or blocked it, what shows is the version before; `stale`: it
    lags behind the day it should have reached; `warned`: checks warned; `good` otherwise.
    """

    table: str
    state: Literal["missing", "failed", "stale", "warned", "good"]
    day: date | None = None
    version: int | None = None
    published_at: datetime | None = None
    lag_days: int = 0
    outcome: str | None = None
    message: str | None = None
    warned: int = 0
    failed: int = 0


def last_runs() -> pd.DataFrame:
    """The newest record of each table, indexed by table."""
    found = _newest_records("gold_lake__runs")
    return found.drop_duplicates("table", keep="last").set_index("table")


def last_verdicts() -> pd.DataFrame:
    """Verdicts of the newest audit of each table."""
    return _newest_records("gold_lake__verdicts")


def _newest_records(name: str) -> pd.DataFrame:
    held = data.opened(name)
    if held is None:
        return data.rows(name)
    return _of_version(name, held.number, data.made_ns(held)).copy(deep=False)


@st.cache_resource(max_entries=4, show_spinner=False)
def _of_version(name: str, version: int, made_ns: int) -> pd.DataFrame:
    """Two narrow columns, from the newest day back until every table was met, tell which days are read in full."""
    when = _back_to_all(name, version)
    newest = when.sort_values("recorded_at").drop_duplicates("table", keep="last").set_index("table")["recorded_at"]
    days = sorted(set(when.loc[when["recorded_at"].isin(newest), "day"].dt.date))
    found = pd.concat([data.rows(name, None, d, d, version=version) for d in days]) if days else data.rows(name, version=version)
    return found[found["recorded_at"] == found["table"].map(newest)].reset_index(drop=True)


def _back_to_all(name: str, version: int) -> pd.DataFrame:
    tables = {t.name for t in data.tables().buildable if data.is_there(t.name)}
    found, days, size = data.rows(name, KEYS, version=version).head(0), data.partitions(name)[::-1], 1
    while days and not tables <= set(found["table"]):
        some, days, size = days[:size], days[size:], size * 2
        found = pd.concat([found, data.rows(name, KEYS, some[-1], some[0], version=version)])
    return found


def of(name: str) -> Health:
    """What the last run, the last audit and the log say of a table."""
    held = data.opened(name)
    if held is None:
        return Health(name, "missing")
    runs = last_runs()
    run = runs.loc[name] if name in runs.index else None
    verdicts = last_verdicts()
    outcomes = verdicts.loc[verdicts["table"] == name, "outcome"].value_counts()
    outcome = None if run is None else str(run["outcome"])
    message = None if run is None or pd.isna(run["message"]) else str(run["message"])
    table = held.table
    day = data.newest_day(name) if table.partition == "day" else None
    lag = max((data.expected_day() - day).days, 0) if day else 0
    warned, failed = int(outcomes.get("warned", 0)), int(outcomes.get("failed", 0))
    if outcome in ("failed", "blocked"):
        state: Any = "failed"
    elif lag > 0:
        state = "stale"
    else:
        state = "warned" if warned or failed else "good"
    at = _published_at(held)
    return Health(name, state, day, held.number, at, lag, outcome, message, warned, failed)


def _published_at(held: Version) -> datetime | None:
    stamp = held.committed_at_ms
    return datetime.fromtimestamp(stamp / 1000, data.zone()) if stamp else None


def worst(names: Iterable[str]) -> list[Health]:
    """Health of several tables, the worst first."""
    rank = ("failed", "missing", "stale", "warned", "good")
    return sorted((of(n) for n in names), key=lambda h: (rank.index(h.state), -h.lag_days))
