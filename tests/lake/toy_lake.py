"""A toy table written with Arrow alone: what storage tests stage, publish, age and damage."""

import json
import os
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from uuid import uuid4

import pyarrow as pa

from lake.constraints import NotNull
from lake.contract import Column, Table
from lake.settings import Settings
from lake.storage import Lake, Version, staged_files
from pipelines.files import write_arrow

D1, D2, D3 = date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)
TABLE = Table(
    "gold", "toy", "things", "dated", "Things.", "nobody", "one row per thing",
    (Column("thing", "string", "Name", (NotNull(),)), Column("count", "long", "How many", unit="pieces"),
     Column("day", "date", "Day", (NotNull(),))), ("thing", "day"), "day",
)  # fmt: skip
DAY_S = 86_400


def machine(root: Path, name: str = "one", **options: object) -> Lake:
    """A lake as one machine sees it: another machine has another state folder, and so no lock in common."""
    values = {"lake_root": root / "lake", "state_root": root / name, "report_root": root / "reports", "lock_seconds": 20.0, **options}
    return Lake(root / "lake", Settings(**values))  # type: ignore[arg-type]


def staged(lake: Lake, rows: Mapping[date, Mapping[str, int]], table: Table = TABLE) -> list[Path]:
    flat = [{"thing": t, "count": n, "day": d} for d, things in rows.items() for t, n in things.items()]
    folder = lake.folder(table) / f"run={uuid4().hex}"
    write_arrow(pa.Table.from_pylist(flat), table, folder)
    return staged_files(folder)


def opened(lake: Lake, table: Table = TABLE) -> Version:
    version = lake.open(table)
    assert version is not None
    return version


def content(version: Version) -> dict[tuple[str, date], int]:
    """Rows by key; a key that comes twice is an error."""
    rows = version.read().to_pylist()
    found = {(r["thing"], r["day"]): r["count"] for r in rows}
    assert len(found) == len(rows), f"doubled rows: {rows}"
    return found


def put(lake: Lake, day: date, things: Mapping[str, int], table: Table = TABLE) -> int:
    """Replace one day, as a run does."""
    base = lake.open(table)
    return lake.publish(table, base, staged(lake, {day: things}, table), [day] if base else "all", {"input:x": 1}, {})


def aged(folder: Path, days: float) -> None:
    """Let everything in a folder (data and log) have happened so many days earlier."""
    by = days * DAY_S
    for path in sorted(folder.rglob("*"), key=lambda p: len(p.parts), reverse=True):
        if path.suffix == ".json" and path.parent.name == "_delta_log":
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            mtime = path.stat().st_mtime
            for action in lines:
                if "commitInfo" in action:
                    action["commitInfo"]["timestamp"] -= int(by * 1000)
                if "remove" in action:
                    action["remove"]["deletionTimestamp"] -= int(by * 1000)
            path.write_text("\n".join(json.dumps(a) for a in lines))
            os.utime(path, (mtime, mtime))
        stat = path.stat()
        os.utime(path, (stat.st_mtime - by, stat.st_mtime - by))


def hours_old(path: Path, hours: float) -> None:
    then = time.time() - hours * 3600
    os.utime(path, (then, then))
