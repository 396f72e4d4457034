"""The lake's own history: what each run did, what audits found, why rows were kept out, which checks are waived.


Ledgers grow for ever, so reading begins with the newest days and ends as soon as everything wanted was found.
"""

import random
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from lake.arrow import arrow_schema
from lake.catalog import Catalog
from lake.contract import Table
from lake.storage import Conflict, Lake, staged_files
from lake.unwritable import writing
from pipelines.held import held

RUNS, VERDICTS, REASONS, WAIVERS = (
    f"gold_lake__{n}" for n in ("runs", "verdicts", "quarantine_reasons", "waivers")
)  # fmt: skip
ATTEMPTS = 40
Rows = list[dict[str, Any]]


def append(catalog: Catalog, lake: Lake, name: str, rows: Iterable[Mapping[str, Any]], now: datetime | None = None) -> None:
    """Append rows to a ledger that no step makes, under its lock. `recorded_at` and `day` are filled in.

    Raises Busy, CannotWrite or DamagedTable; then no row is in it.
    """
    table = catalog[name]
    now = now or datetime.now(UTC)
    filled = [{**r, "recorded_at": now, "day": now.date()} for r in rows]
    if not filled:
        return
    from pipelines.files import write_arrow

    folder = lake.folder(table) / f"run={now:%Y%m%dT%H%M%S}-{uuid4().hex[:8]}"
    with writing(folder.parent):
        write_arrow(pa.Table.from_pylist(filled, schema=arrow_schema(table)), table, folder)
    with lake.lock(table):
        _publish(lake, table, staged_files(folder))


def _publish(lake: Lake, table: Table, files: list[Path]) -> None:
    """Append, after whatever other machines append meanwhile: each attempt loses only if another one made a commit."""
    for attempt in range(ATTEMPTS):
        try:
            lake.publish(table, lake.open(table), files, None, {}, {})
            return
        except Conflict:
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(random.uniform(0, min(1.0, 0.02 * 2**attempt)))  # noqa: S311


def rows(
    catalog: Catalog, lake: Lake, name: str, columns: Sequence[str] = (), where: ds.Expression | None = None, since: date | None = None
) -> Rows:
    """The rows of a ledger recorded since a day, oldest first. Without one all of them: for small ledgers, or few columns."""
    parts = _backwards(catalog, lake, name, columns, where, since)
    return sorted((r for part in parts for r in part), key=lambda r: r["recorded_at"])


def _backwards(
    catalog: Catalog, lake: Lake, name: str, columns: Sequence[str] = (), where: ds.Expression | None = None, since: date | None = None
) -> Iterator[Rows]:
    """The rows of a ledger, of the newest day it holds, then of the two before, then of four, and so on."""
    version = lake.open(catalog[name])
    if version is None:
        return
    wanted = list(dict.fromkeys([*columns, "recorded_at"])) if columns else None
    days = sorted((d for d in version.rows if since is None or d is None or d >= since), key=lambda d: d or date.min, reverse=True)
    size = 1
    while days:
        some, days, size = days[:size], days[size:], size * 2
        yield held(version, f"{wanted} {where} {some}", lambda v=version, s=some: v.read(wanted, s, where).to_pylist())  # type: ignore[misc]


def of_run(catalog: Catalog, lake: Lake, name: str, run: str) -> Rows:
    """What one run recorded in a ledger, oldest first."""
    if name != RUNS:  # a run records what it did after what it found, so at most midnight lies between
        days = [r["recorded_at"].date() for r in of_run(catalog, lake, RUNS, run)]
        return rows(catalog, lake, name, where=pc.field("run") == run, since=min(days) - timedelta(days=1)) if days else []
    found: Rows = []
    for part in _backwards(catalog, lake, RUNS, where=pc.field("run") == run):
        if found and not part:
            break
        found += part
    return sorted(found, key=lambda r: r["recorded_at"])


def newest(catalog: Catalog, lake: Lake, name: str, tables: Collection[str], columns: Sequence[str] = ()) -> dict[str, Rows]:
    """By table, the rows that it was last given; days are read back until each of `tables` was met, or none is left."""
    found: dict[str, Rows] = {}
    for part in _backwards(catalog, lake, name, columns):
        at: dict[str, datetime] = {}
        for r in part:
            at[r["table"]] = max(r["recorded_at"], at.get(r["table"], r["recorded_at"]))
        for r in part:
            table = r["table"]
            if r["recorded_at"] == at[table] and (table not in found or found[table][0]["recorded_at"] == at[table]):
                found.setdefault(table, []).append(r)
        if set(tables) <= found.keys():
            break
    return found


def recent(catalog: Catalog, lake: Lake, name: str, tables: Collection[str], each: int, columns: Sequence[str], days: int = 31) -> Rows:
    """Rows of tables, oldest first: the last days on which something was recorded, until each table has been in `each` runs."""
    found: Rows = []
    seen: dict[str, set[str]] = {t: set() for t in tables}
    read = 0
    where = pc.field("table").isin(sorted(seen))
    for n, part in enumerate(_backwards(catalog, lake, name, columns, where)):
        found += part
        read += 2**n
        for r in part:
            seen[r["table"]].add(r["run"])
        if read >= days or all(len(runs) >= each for runs in seen.values()):
            break
    return sorted(found, key=lambda r: r["recorded_at"])


def waivers(catalog: Catalog, lake: Lake, today: date) -> dict[tuple[str, str], str]:
    """Checks waived today: table and check, with who and why."""
    return {
        (r["table"], r["check"]): f"{r['by']} until {r['until']}: {r['why']}" for r in rows(catalog, lake, WAIVERS) if r["until"] >= today
    }


def published(catalog: Catalog, lake: Lake) -> set[str]:
    """Tables that a run builds and that readers see: those of which history tells something."""
    return {t.name for t in catalog.buildable if lake.open(t)}


def last_runs(catalog: Catalog, lake: Lake) -> dict[str, dict[str, Any]]:
    """The newest record of each table."""
    return {t: found[-1] for t, found in newest(catalog, lake, RUNS, published(catalog, lake)).items()}
