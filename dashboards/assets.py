"""How assets stand, over every domain that has a status table; a new domain's is found by its name."""

from datetime import date, timedelta

import pandas as pd

from dashboards import data
from dashboards.look import ORDER

ALERTS = "gold_maintenance__alerts"
WORK_ORDERS = "gold_gmao__work_orders"


def status_tables() -> dict[str, str]:
    """Domain -> its status table."""
    return {t.domain: t.name for t in data.tables().tables.values() if t.layer == "gold" and t.entity == "status"}


def asset_column(name: str) -> str:
    """The column of a table that names the asset: the first of its key that isn't a time."""
    table = data.tables()[name]
    return next(k for k in table.key if k != table.partition)


def statuses(domain: str, first: date | None = None, last: date | None = None, full: bool = False) -> pd.DataFrame:
    """Columns day, asset_id, status; with `full` all others too."""
    name = status_tables()[domain]
    asset = asset_column(name)
    found = data.rows(name, None if full else ("day", asset, "status"), first, last)
    return found.rename(columns={asset: "asset_id"})


def now(domains: list[str] | None = None, days_ago: int = 0) -> pd.DataFrame:
    """Every asset on its domain's newest day, or some days before it. Columns domain, asset_id, status, reason, ..."""
    parts = []
    for domain, name in status_tables().items():
        day = data.newest_day(name)
        if day is None or (domains and domain not in domains):
            continue
        then = day - timedelta(days=days_ago)
        parts.append(statuses(domain, then, then, full=True).assign(domain=domain))
    if not parts:
        return pd.DataFrame(columns=["domain", "asset_id", "day", "status", "reason"])
    found = pd.concat(parts, ignore_index=True)
    return worst_first(found)


def worst_first(frame: pd.DataFrame) -> pd.DataFrame:
    """Ordered by status, then by asset."""
    rank = frame["status"].map({s: i for i, s in enumerate(ORDER)})
    return frame.assign(_rank=rank).sort_values(["_rank", "asset_id"]).drop(columns="_rank").reset_index(drop=True)


def counts(frame: pd.DataFrame, by: str) -> pd.DataFrame:
    """Assets by `by` and status, as charts want them."""
    return frame.groupby([by, "status"], observed=True).size().rename("assets").reset_index()


def alerts(days: int, domain: str | None = None) -> pd.DataFrame:
    """Each alert that lived in the last `days` days, as it stood on its newest day of them."""
    last = data.newest_day(ALERTS)
    if last is None:
        return data.rows(ALERTS)
    found = data.rows(ALERTS, first=last - timedelta(days=days - 1), last=last, only={"domain": [domain]} if domain else None)
    return found.sort_values("day").drop_duplicates("alert_id", keep="last").reset_index(drop=True)


def since(frame: pd.DataFrame, column: str, first: date, last: date | None = None) -> pd.DataFrame:
    """Rows whose instant falls on a day of the site from `first` to `last`."""
    day = frame[column].dt.tz_convert(data.zone()).dt.date
    inside: pd.DataFrame = frame.loc[(day >= first) & (day <= (last or date.max))]
    return inside


def failures(asset: str, first: date, last: date) -> pd.DataFrame:
    """Corrective work orders of an asset whose stop or work began in the range."""
    months = first.replace(day=1) - timedelta(days=62)
    found = data.rows(WORK_ORDERS, first=months, last=last, only={"asset_id": [asset]})
    begun = found["stop_started_at"].dt.tz_convert(data.zone()).dt.date.fillna(found["intervention_on"].dt.date)
    inside: pd.DataFrame = found.assign(begun=begun).loc[(begun >= first) & (begun <= last)]
    return inside.sort_values("begun").reset_index(drop=True)
