"""The lake's own history: what each run did, what audits found, why rows were kept out, which checks are waived."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pyarrow as pa

from lake.arrow import arrow_schema
from lake.catalog import Catalog
from lake.storage import Conflict, Lake, staged_files

RUNS, VERDICTS, REASONS, WAIVERS = (
    f"gold_lake__{n}" for n in ("runs", "verdicts", "quarantine_reasons", "waivers")
)  # fmt: skip


def append(catalog: Catalog, lake: Lake, name: str, rows: Iterable[Mapping[str, Any]], now: datetime | None = None) -> None:
    """Append rows to a ledger that no step makes. `recorded_at` and `day` are filled in."""
    table = catalog[name]
    now = now or datetime.now(UTC)
    filled = [{**r, "recorded_at": now, "day": now.date()} for r in rows]
    if not filled:
        return
    from pipelines.files import write_arrow

    folder = lake.folder(table) / f"run={now:%Y%m%dT%H%M%S}-{uuid4().hex[:8]}"
    write_arrow(pa.Table.from_pylist(filled, schema=arrow_schema(table)), table, folder)
    try:
        lake.publish(table, lake.open(table), staged_files(folder), None, {}, {})
    except Conflict:
        # Two processes made the ledger's first version at once: the other one's is there now.
        lake.publish(table, lake.open(table), staged_files(folder), None, {}, {})


def rows(catalog: Catalog, lake: Lake, name: str, since: date | None = None) -> list[dict[str, Any]]:
    """The rows of a ledger, oldest first."""
    version = lake.open(catalog[name])
    if version is None:
        return []
    wanted = [p for p in version.rows if since is None or (p is not None and p >= since)]
    found: list[dict[str, Any]] = version.read(partitions=wanted).to_pylist()
    return sorted(found, key=lambda r: r["recorded_at"])


def waivers(catalog: Catalog, lake: Lake, today: date) -> dict[tuple[str, str], str]:
    """Checks waived today: table and check, with who and why."""
    return {
        (r["table"], r["check"]): f"{r['by']} until {r['until']}: {r['why']}" for r in rows(catalog, lake, WAIVERS) if r["until"] >= today
    }


def last_runs(catalog: Catalog, lake: Lake) -> dict[str, dict[str, Any]]:
    """The newest record of each table."""
    return {r["table"]: r for r in rows(catalog, lake, RUNS)}
