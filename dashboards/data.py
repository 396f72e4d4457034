"""What pages read: published tables through the Delta log, pruned to partitions and columns, cached by table version."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow.compute as pc
import streamlit as st

from lake.catalog import Catalog, catalog
from lake.contract import Table
from lake.derived import UNREADABLE_DAY
from lake.settings import settings
from lake.storage import Lake, MissingVersion, Version

pd.set_option("mode.copy_on_write", True)

CACHED_FRAMES = 300
UNREADABLE = date.fromisoformat(UNREADABLE_DAY)
"""Partition of rows whose day can't be read: no day of the lake."""
Where = tuple[tuple[str, tuple[Any, ...]], ...]
"""Columns and the values that are wanted of each."""


def tables() -> Catalog:
    return catalog()


def is_declared(name: str) -> bool:
    return name in catalog().tables


def opened(name: str, version: int | None = None) -> Version | None:
    """The table as readers see it now, or as of a version; None if it was never published or isn't declared.

    Raises MissingVersion for a version that upkeep removed.
    """
    if not is_declared(name):
        return None
    return Lake(settings().lake_root).open(catalog()[name], version)


def is_there(name: str) -> bool:
    return opened(name) is not None


def partitions(name: str) -> list[date]:
    """Days, weeks or months that the table holds, oldest first; from the log alone."""
    found = opened(name)
    return sorted(p for p in found.rows if p is not None and p > UNREADABLE) if found else []


def newest_day(name: str) -> date | None:
    held = partitions(name)
    return held[-1] if held else None


def zone() -> ZoneInfo:
    return ZoneInfo(settings().site_time_zone)


def expected_day() -> date:
    """The day that tables should have reached: the as-of day of the settings, by default yesterday at the site."""
    return settings().as_of or (datetime.now(zone()) - timedelta(days=1)).date()


@st.cache_resource(max_entries=CACHED_FRAMES, show_spinner=False)
def _frame(
    root: str, name: str, version: int, made_ns: int, columns: tuple[str, ...], wanted: tuple[date, ...] | None, where: Where
) -> pd.DataFrame:
    """One read. The first four arguments are the cache's key; frames are shared, hence copied on write by those who get them."""
    held = opened(name, version)
    if held is None:
        raise MissingVersion(f"{name} went away while it was read")
    mask = None
    for column, values in where:
        one = pc.field(column).isin(list(values))
        mask = one if mask is None else mask & one
    found: pd.DataFrame = held.read(list(columns), wanted, mask).to_pandas(date_as_object=False, split_blocks=True)
    return found


def made_ns(version: Version) -> int:
    """A lake that was removed and made anew has the same version numbers: the first log entry tells them apart."""
    try:
        return (version.root / "_delta_log" / f"{version.number:020d}.json").stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def rows(
    name: str,
    columns: Iterable[str] | None = None,
    first: date | None = None,
    last: date | None = None,
    only: dict[str, Iterable[Any]] | None = None,
    version: int | None = None,
) -> pd.DataFrame:
    """Rows of a table: dates and instants as pandas times, missing tables as an empty frame with the declared columns.

    `first` and `last` prune partitions (a week or month belongs to the range by its first day); `only` keeps rows whose
    column holds one of the values.
    """
    if not is_declared(name):
        return pd.DataFrame(columns=list(columns or ()))
    table = catalog()[name]
    picked = tuple(columns or (c.name for c in table.columns))
    held = opened(name, version)
    if held is None:
        return _empty(table, picked)
    wanted = None
    if (first or last) and table.partition:
        wanted = tuple(p for p in held.rows if p is not None and (not first or p >= first) and (not last or p <= last))
    where: Where = tuple((c, tuple(v)) for c, v in (only or {}).items())
    shared = _frame(str(held.root), name, held.number, made_ns(held), picked, wanted, where)
    return shared.copy(deep=False)


def newest(name: str, columns: Iterable[str] | None = None, only: dict[str, Iterable[Any]] | None = None) -> pd.DataFrame:
    """Rows of the newest partition (all rows of a snapshot)."""
    day = newest_day(name)
    return rows(name, columns, day, day, only)


def _empty(table: Table, columns: Iterable[str]) -> pd.DataFrame:
    kinds = {"double": "float64", "long": "Int64", "boolean": "boolean", "date": "datetime64[ms]", "timestamp": "datetime64[us, UTC]"}
    return pd.DataFrame({c: pd.Series(dtype=kinds.get(table.column(c).type, "object")) for c in columns})
