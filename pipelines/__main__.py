"""Command line of the lake: `python -m pipelines --help`."""

import argparse
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day; write one as 2026-03-31") from None


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text} must be above 0")
    return value


def _count(text: str) -> int:
    value = _positive(text)
    if value != int(value):
        raise argparse.ArgumentTypeError(f"{text} must be a whole number")
    return int(value)


def parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    top = argparse.ArgumentParser(prog="python -m pipelines", description="Maintenance lakehouse: landing to gold.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str, json: bool = False) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        if json:
            made.add_argument("--json", action="store_true", help="one JSON document on stdout and nothing else there")
        return made

    run = command("run", "build what is stale, in order", json=True)
    run.add_argument("--from", dest="first", type=day, help="first day to rebuild, stale or not")
    run.add_argument("--to", dest="last", type=day, help="last day to rebuild")
    run.add_argument("--table", action="append", default=[], help="only this table (again for more)")
    run.add_argument("--dry-run", action="store_true", help="print the plan with the reason for every partition")

    simulate = command("simulate", "let the simulated plant deliver files to landing")
    simulate.add_argument("--days", type=_count, default=90)
    simulate.add_argument("--until", type=day, help="last day; by default the as-of day (yesterday)")
    simulate.add_argument("--scale", type=_positive, default=1.0, help="size of the plant")
    simulate.add_argument("--seed", type=int, default=7)
    simulate.add_argument("--dirt", type=float, default=1.0, help="times the usual dirt; 0 for none")

    command("status", "tables: version, rows, newest day, last verdict", json=True)
    history = command("history", "versions of a table, newest first", json=True)
    history.add_argument("table")
    restore = command("restore", "make an older version the newest again, and pin it")
    restore.add_argument("table")
    restore.add_argument("version", type=int)
    unpin = command("unpin", "let runs build a restored table again")
    unpin.add_argument("table")
    repair = command("repair", "make a damaged table readable, and recover it from older versions, landing or the layers below")
    repair.add_argument("table")
    waive = command("waive", "let a broken check pass until a day")
    waive.add_argument("table")
    waive.add_argument("check", help="as `status` or the report names it")
    waive.add_argument("--until", type=day, required=True)
    waive.add_argument("--by", required=True)
    waive.add_argument("--why", required=True)
    quarantine = command("quarantine", "rows kept out: counts by reason, samples with file and row", json=True)
    quarantine.add_argument("table", nargs="?")
    check = command("check-source", "what a mapping would make of a file, without touching the lake", json=True)
    check.add_argument("mapping", type=Path)
    check.add_argument("file", type=Path)
    propose = command("propose-crosswalk", "crosswalk lines for source b, by the events that it shares with source a", json=True)
    propose.add_argument("source_a", help="mapping file without domain, such as interventions; its names are taken as known")
    propose.add_argument("source_b", help="the source whose names are to be matched, such as causes")
    pages = command("catalog", "write data_catalog.md from the declarations")
    pages.add_argument("--check", action="store_true", help="only say whether it is up to date")
    doctor = command("doctor", "check this machine, the settings and the files of every published table", json=True)
    doctor.add_argument("--footers", action="store_true", help="open every data file too, not only look at its size")
    command("upkeep", "compact, remove leftovers and old versions")
    summary = command("summary", "what the newest (or a given) run did", json=True)
    summary.add_argument("run", nargs="?")
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when all went well, 1 when something in the data or lake did not, 2 for a mistaken call."""
    chosen = parser().parse_args(arguments)
    if chosen.command == "doctor":
        from pipelines.doctor import doctor

        return doctor(chosen.json, chosen.footers)
    from lake.catalog import CatalogError
    from lake.mapping import MappingError
    from lake.storage import Busy, CannotWrite, Conflict, DamagedTable, MissingVersion

    try:
        return _command(chosen.command)(chosen)
    except (DamagedTable, CannotWrite, Busy) as error:
        print(str(error), file=sys.stderr)
        return 1
    except (CatalogError, MappingError, MissingVersion, Conflict, ValueError, FileNotFoundError) as error:
        print(str(error), file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 0


def _command(name: str) -> Callable[[Any], int]:
    from pipelines import commands, showing

    module = showing if name in ("status", "history", "quarantine") else commands
    found: Callable[[Any], int] = getattr(module, {"catalog": "catalog_"}.get(name, name.replace("-", "_")))
    return found


if __name__ == "__main__":
    sys.exit(main())
