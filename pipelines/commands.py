"""The commands of the command line. Each takes its parsed arguments and returns the exit status."""

import sys
from argparse import Namespace
from datetime import UTC, datetime

import pyarrow.compute as pc

from lake.catalog import CatalogError, catalog
from lake.contract import Table
from lake.settings import CHECKOUT
from pipelines import history as ledger
from pipelines.reporting import write_run_report
from pipelines.run import Runner
from pipelines.showing import known, lake_here, show
from pipelines.summary import as_json, print_summary


def say(line: str) -> None:
    """Progress goes to stderr, so that stdout holds only what was asked for."""
    print(f"{datetime.now():%H:%M:%S} {line}", file=sys.stderr, flush=True)


def run(args: Namespace) -> int:
    """Build what is stale; exit 1 when a table failed or was blocked."""
    if args.first and args.last and args.first > args.last:
        raise ValueError(f"--from {args.first} is after --to {args.last}")
    unknown = [t for t in args.table if t not in catalog().tables]
    if unknown:
        raise CatalogError(f"no table {', '.join(unknown)}; `python -m pipelines status` lists them")
    tables = [t for t in catalog().buildable if not args.table or t.name in args.table]
    runner = Runner(progress=say)
    if args.dry_run:
        return _dry_run(runner, tables, args)
    results = runner.run(tables, args.first, args.last)
    write_run_report(runner, results)
    if args.json:
        show(as_json(runner, results))
    else:
        print_summary(runner, results)
    return int(any(r.is_bad for r in results))


def _dry_run(runner: Runner, tables: list[Table], args: Namespace) -> int:
    plans = [runner.plan(t, args.first, args.last) for t in tables]
    if args.json:
        show({"tables": [{
            "table": p.table.name, "fresh": p.is_fresh and not p.waits_for, "pinned": p.pinned,
            "waits_for": p.waits_for or None, "mistake": p.mistake or None,
            "partitions": [{"partition": str(d) if d else None, "reason": why} for d, why in p.partitions.items()],
        } for p in plans]})  # fmt: skip
        return 0
    for p in plans:
        print(f"{p.table.name}: {p.state}")
        if not p.waits_for and not p.whole:
            for d, why in p.partitions.items():
                print(f"  {d or 'all'}: {why}")
    print("A plan sees the lake as it is now: what an earlier table of the run will change comes on top.")
    return 0


def simulate(args: Namespace) -> int:
    """Deliver simulated files."""
    from pipelines.simulator import Dirt
    from pipelines.simulator import simulate as deliver

    runner = Runner()
    s = runner.settings
    until = args.until or runner.as_of()
    made = deliver(
        s.landing, s.truth, until=until, days=args.days, scale=args.scale, seed=args.seed, time_zone=s.site_time_zone,
        dirt=Dirt().times(args.dirt) if args.dirt else Dirt.none(), progress=say,
        journal=s.state_root / "simulated.json",
    )  # fmt: skip
    print(f"{len(made.files)} files with {made.readings:,} readings, {args.days} days until {until}, in {s.landing}".replace(",", " ", 1))
    return 0


def restore(args: Namespace) -> int:
    """Restore and pin; the siblings of that version come back with the head."""
    table, lake = known(args.table), lake_here()
    if table.layer == "bronze":
        raise ValueError(f"{table.name}: bronze is reloaded from landing, never restored")
    if any(table.name in t.siblings for t in catalog().tables.values()):
        raise ValueError(f"{table.name} is published together with another table; restore that one")
    now = lake.open(table)
    if now is None:
        raise ValueError(f"{table.name} was never published")
    if not 0 <= args.version < now.number:
        raise ValueError(f"{table.name} has versions 0 to {now.number}; version {args.version} can't be restored")
    then = lake.open(table, args.version)
    entries = {"pinned": 1}
    for name in table.siblings:
        wanted = lake.open_sibling(then, catalog()[name])
        newest = lake.open(catalog()[name])
        if wanted and newest:
            same = newest.number == wanted.number
            entries[f"sibling:{name}"] = wanted.number if same else lake.restore(catalog()[name], wanted.number, {})
    made = lake.restore(table, args.version, entries)
    print(f"{table.name} is version {args.version} again, as version {made}, and pinned: runs leave it alone until")
    print(f"  python -m pipelines unpin {table.name}")
    return 0


def unpin(args: Namespace) -> int:
    """Let runs build a table again; all of it is stale then."""
    table, lake = known(args.table), lake_here()
    now = lake.open(table)
    if now is None or not now.is_pinned:
        print(f"{table.name} is not pinned")
        return 0
    lake.publish(table, now, [], None, {"pinned": 0, "digest": 0}, {"reason": "unpin"})
    print(f"{table.name} is unpinned; the next run rebuilds it")
    return 0


def waive(args: Namespace) -> int:
    """Store a waiver."""
    table = known(args.table)
    if args.until < datetime.now(UTC).date():
        raise ValueError(f"--until {args.until} has passed")
    told = ledger.rows(catalog(), lake_here(), ledger.VERDICTS, ("check",), pc.field("table") == table.name)
    checks = {r["check"] for r in told}
    if checks and args.check not in checks:
        raise ValueError(f"{table.name} has no check {args.check!r}; it has: " + "; ".join(sorted(checks)))
    row = {"table": table.name, "check": args.check, "until": args.until, "by": args.by, "why": args.why}
    ledger.append(catalog(), lake_here(), ledger.WAIVERS, [row])
    print(f"{table.name}: {args.check!r} is waived until {args.until}; reports will say so, with your name and reason")
    return 0


def check_source(args: Namespace) -> int:
    """Show what a mapping would make of a file."""
    from pipelines.check_source import check, print_check

    found = check(args.mapping, args.file)
    if args.json:
        show(found)
    else:
        print_check(found)
    return int(bool(found["quarantined"] or found["refusal"]))


def propose_crosswalk(args: Namespace) -> int:
    """Show which asset each name of a source is; exit 1 where a name fits none well enough."""
    from pipelines.crosswalk import as_json as proposed
    from pipelines.crosswalk import print_proposal, propose

    found = propose(Runner(progress=say), args.source_a, args.source_b)
    if args.json:
        show(proposed(found))
    else:
        print_proposal(found)
    return int(any(r.asset_id is None for r in found.rows))


def catalog_(args: Namespace) -> int:
    """Write or check the page."""
    from lake.document import document

    page, text = CHECKOUT / "data_catalog.md", document(catalog())
    if args.check:
        fresh = page.is_file() and page.read_text(encoding="utf-8") == text
        print(f"{page.name} is up to date" if fresh else f"{page.name} is stale: run `python -m pipelines catalog` and commit it")
        return int(not fresh)
    page.write_text(text, encoding="utf-8")
    print(f"{page} written, {len(catalog().tables)} tables")
    return 0


def upkeep(args: Namespace) -> int:
    """Compact and clean."""
    from pipelines.upkeep import Upkeep, total

    runner = Runner(progress=say)
    print(total(Upkeep(runner, runner.settings.retention_days).run()))
    return 0


def summary(args: Namespace) -> int:
    """Print a recorded run again."""
    from pipelines.summary import recorded

    runner = Runner(args.run or _newest_run())
    results = recorded(runner)
    if not results:
        raise ValueError(f"no run {args.run or ''} is recorded")
    if args.json:
        show(as_json(runner, results))
    else:
        print_summary(runner, results)
    return int(any(r.is_bad for r in results))


def _newest_run() -> str:
    last = ledger.newest(catalog(), lake_here(), ledger.RUNS, (), ("table", "run"))
    return max(((r["recorded_at"], str(r["run"])) for rows in last.values() for r in rows), default=("", ""))[1]
