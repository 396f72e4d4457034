"""Which tables a person asked for, over which days; what can't be met is refused before anything is built."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from lake.catalog import Catalog
from lake.contract import Table
from lake.settings import Settings


class CannotBeMet(ValueError):
    """A request that names no table, or no day; the message says what would do."""


def selected(cat: Catalog, names: Sequence[str], domains: Collection[str] = ()) -> list[Table]:
    """The tables to build, in building order: those named, or all; with `domains`, only of these."""
    able = {t.name: t for t in cat.buildable if not domains or t.domain in domains}
    heads = {s: t.name for t in cat.tables.values() for s in t.siblings}
    wrong = []
    for name in (n for n in dict.fromkeys(names) if n not in able):
        if name in heads:
            wrong.append(f"{name} is made together with {heads[name]}; name that one")
        elif name in cat.tables and domains and cat[name].domain not in domains:
            wrong.append(f"{name} is of domain {cat[name].domain}, which LAKE_DOMAINS leaves out")
        elif name in cat.tables:
            wrong.append(f"{name} is written by runs and commands, and never built")
        else:
            wrong.append(f"no table {name}; `python -m pipelines status` lists them")
    if wrong:
        raise CannotBeMet("; ".join(wrong))
    return [t for t in able.values() if not names or t.name in names]


def days(first: date | None, last: date | None, start: date | None, as_of: date, names: tuple[str, str]) -> None:
    """Refuse a range without a day in the lake. `names` are what the person who asks calls its ends."""
    if first and last and first > last:
        raise CannotBeMet(f"{names[0]} {first} is after {names[1]} {last}")
    if first and first > as_of:
        raise CannotBeMet(f"{names[0]} {first} is after the lake's last day, {as_of}")
    if last and start and last < start:
        raise CannotBeMet(f"{names[1]} {last} is before the lake's first day, {start}")


def as_of(conf: Settings) -> date:
    """The as-of day: the setting, or yesterday in the site's time zone."""
    return conf.as_of or datetime.now(ZoneInfo(conf.site_time_zone)).date() - timedelta(days=1)
