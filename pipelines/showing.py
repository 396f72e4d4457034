"""The commands that show what the lake holds: tables, their versions, and the rows kept out of them."""

import json
import sys
from argparse import Namespace
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table as Grid

from lake.catalog import CatalogError, catalog
from lake.contract import Table
from lake.settings import settings
from lake.storage import DamagedTable, Lake
from pipelines import history as ledger
from pipelines.plan import UNREADABLE


def show(document: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(document, indent=2, default=str, ensure_ascii=False))


def lake_here() -> Lake:
    """The lake of the settings."""
    return Lake(settings().lake_root, settings())


def known(name: str) -> Table:
    """A table by its name. Raises CatalogError."""
    return catalog()[name]


def status(args: Namespace) -> int:
    """Tables with version, rows, newest day and the last verdict."""
    lake, notes = lake_here(), []
    last, worst = {}, {}
    try:
        last, worst = ledger.last_runs(catalog(), lake), _worst_verdicts(lake)
    except DamagedTable as error:
        notes.append(f"outcomes of runs aren't shown: {error}")
    found = []
    for table in catalog().tables.values():
        try:
            version = lake.open(table)
        except DamagedTable as error:
            version = None
            notes.append(str(error))
        days = [p for p in version.rows if p and p != UNREADABLE] if version else []
        found.append({
            "table": table.name, "version": version.number if version else None, "rows": sum(version.rows.values()) if version else None,
            "newest_day": max(days, default=None), "outcome": last.get(table.name, {}).get("outcome"), "verdict": worst.get(table.name),
            "pinned": bool(version and version.is_pinned),
        })  # fmt: skip
    for note in notes:
        print(note, file=sys.stderr)
    if args.json:
        show({"lake": str(settings().lake_root), "tables": found})
        return int(bool(notes))
    grid = Grid("table", "version", "rows", "newest day", "last run", "last verdict", title=f"Lake {settings().lake_root}")
    for f in found:
        pin = " (pinned)" if f["pinned"] else ""
        cells = (
            f["version"],
            f"{f['rows']:,}".replace(",", " ") if f["rows"] is not None else None,
            f["newest_day"],
            f["outcome"],
            f["verdict"],
        )
        grid.add_row(str(f["table"]), *("-" if c is None else str(c) + (pin if i == 0 else "") for i, c in enumerate(cells)))
    _console().print(grid)
    return int(bool(notes))


def _worst_verdicts(lake: Lake) -> dict[str, str]:
    told = ledger.newest(catalog(), lake, ledger.VERDICTS, ledger.published(catalog(), lake), ("table", "run", "outcome"))
    newest = {t: [r["outcome"] for r in rows] for t, rows in told.items()}
    order = ("failed", "warned", "waived", "passed")
    return {t: next((f"{o} ({outcomes.count(o)} of {len(outcomes)})" for o in order if o in outcomes), "-")
            for t, outcomes in newest.items()}  # fmt: skip


def history(args: Namespace) -> int:
    """Versions of one table."""
    commits = lake_here().history(known(args.table))
    found = [{
        "version": c["version"], "at": datetime.fromtimestamp(c["timestamp"] / 1000, UTC).isoformat(timespec="seconds"),
        "operation": c.get("operation", "").lower(), "run": c.get("run"), "reason": c.get("reason"),
    } for c in commits]  # fmt: skip
    if args.json:
        show({"table": args.table, "versions": found})
    elif not found:
        print(f"{args.table} was never published")
    else:
        grid = Grid("version", "at (UTC)", "operation", "run", "reason", title=args.table)
        for f in found:
            grid.add_row(*("" if v is None else str(v) for v in f.values()))
        _console().print(grid)
    return 0


def quarantine(args: Namespace) -> int:
    """Counts by reason over what is in quarantine now, and samples."""
    lake = lake_here()
    names = [t for t in catalog().tables if t.endswith("__quarantine")]
    if args.table:
        wanted = args.table if args.table.endswith("__quarantine") else f"{args.table}__quarantine"
        if wanted not in names:
            raise CatalogError(f"{args.table} has no quarantine; these have: {', '.join(n.removesuffix('__quarantine') for n in names)}")
        names = [wanted]
    found: list[dict[str, Any]] = []
    for name in names:
        head = lake.open(catalog()[name.removesuffix("__quarantine")])
        version = lake.open_sibling(head, catalog()[name])
        rows = version.read().to_pylist() if version else []
        counts: dict[str, int] = {}
        for r in rows:
            for why in r["reasons"]:
                counts[why] = counts.get(why, 0) + 1
        found.append({"table": name, "rows": len(rows), "reasons": dict(sorted(counts.items(), key=lambda i: -i[1])),
                      "samples": _spread(rows)})  # fmt: skip
    if args.json:
        show({"tables": found})
        return 0
    for f in found:
        print(f"{f['table']}: {f['rows']} rows")
        for why, n in f["reasons"].items():
            print(f"  {n:>7}  {why}")
        for r in f["samples"]:
            broken = "; ".join(f"{why} (found {what})" for why, what in zip(r["reasons"], r["found"], strict=True))
            print(f"  {r['_file']} row {r['_row']}: {broken}")
    return 0


def _spread(rows: list[dict[str, Any]], most: int = 10) -> list[dict[str, Any]]:
    """A few rows, one per first reason before a second of any."""
    seen: dict[str, int] = {}
    ranked = []
    for r in sorted(rows, key=lambda r: (r["_file"], r["_row"])):
        why = r["reasons"][0]
        seen[why] = seen.get(why, 0) + 1
        ranked.append((seen[why], r))
    return [r for _, r in sorted(ranked, key=lambda x: x[0])[:most]]


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 160)
