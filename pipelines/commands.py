"""The commands of the command line. Each takes its parsed arguments and returns the exit status."""

import sys
from argparse import Namespace
from datetime import UTC, datetime

import pyarrow.compute as pc

from lake.catalog import catalog
from lake.contract import Table
from lake.settings import CHECKOUT
from lake.unwritable import writing
from pipelines import history as ledger
from pipelines import restoring
from pipelines.reporting import write_run_report
from pipelines.run import Runner
from pipelines.selection import days, selected
from pipelines.showing import known, lake_here, show
from pipelines.summary import as_json, print_summary


def say(line: str) -> None:
    """Progress goes to stderr, so that stdout holds only what was asked for."""
    print(f"{datetime.now():%H:%M:%S} {line}", file=sys.stderr, flush=True)


def run(args: Namespace) -> int:
    """Build what is stale; exit 1 when a table failed or was blocked."""
    runner = Runner(progress=say)
    tables = selected(runner.catalog, args.table)
    days(args.first, args.last, runner.settings.start, runner.as_of(), ("--from", "--to"))
    if args.dry_run:
        return _dry_run(runner, tables, args)
    results = runner.run(tables, args.first, args.last)
    with runner.recording("the report"), writing(runner.settings.report_root):
        write_run_report(runner, results)
    if args.json:
        show(as_json(runner, results))
    else:
        print_summary(runner, results)
    return int(any(r.is_bad for r in results) or bool(runner.unrecorded))


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
    table = known(args.table)
    made = restoring.restore(catalog(), lake_here(), table, args.version)
    print(f"{table.name} is version {args.version} again, as version {made}, and pinned: runs leave it alone until")
    print(f"  python -m pipelines unpin {table.name}")
    return 0


def unpin(args: Namespace) -> int:
    """Let runs build a table again; all of it is stale then."""
    table = known(args.table)
    is_unpinned = restoring.unpin(lake_here(), table)
    print(f"{table.name} is unpinned; the next run rebuilds it" if is_unpinned else f"{table.name} is not pinned")
    return 0


def repair(args: Namespace) -> int:
    """Repair a table; exit 1 when something could not be recovered."""
    from pipelines.repair import repair as repaired

    report = repaired(Runner(progress=say), known(args.table))
    for line in report.lines or [f"{args.table} is not damaged"]:
        print(line)
    for line in (*report.lost, *report.failed):
        print(f"NOT RECOVERED {line}")
    return int(not report.is_whole)


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
    results = Upkeep(runner, runner.settings.retention_days).run()
    print(total(results))
    return int(any(r.is_damaged for r in results))


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
