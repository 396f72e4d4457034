"""Command line of the models: `python -m models --help`."""

import argparse
import sys
from pathlib import Path

from lake.catalog import CatalogError
from lake.settings import SettingsError
from models.problem import declared


def parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    top = argparse.ArgumentParser(prog="python -m models", description="Train models, see them, go back to an earlier one.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    train = commands.add_parser("retrain", help="train, judge, promote what wins")
    train.add_argument("--problem", action="append", default=[], choices=sorted(declared()), help="only this one (again for more)")
    train.add_argument("--seed", type=int, default=7)
    train.add_argument("--no-promote", action="store_true", help="record the result, change no champion")
    back = commands.add_parser("rollback", help="let an earlier version serve again; the next medallion run picks it up")
    back.add_argument("problem", choices=sorted(declared()))
    back.add_argument("version", type=int, nargs="?", help="by default the one that served before; 0 is the naive rule")
    back.add_argument("--why", default="asked for on the command line")
    commands.add_parser("versions", help="every version, what the gate said of it, and which one serves")
    real = commands.add_parser("ai4i", help="AI4I 2020 by the published protocol, and what other splits give")
    real.add_argument("file", type=Path, help="ai4i2020.csv")
    return top


def main(arguments: list[str] | None = None) -> int:
    chosen = parser().parse_args(arguments)
    if chosen.command == "ai4i":
        from models.ai4i import report

        print(report(chosen.file))
        return 0
    from models import versions
    from pipelines.run import Runner

    runner = Runner(progress=print)
    if chosen.command == "retrain":
        from models.retrain import retrain

        for name in chosen.problem or declared():
            retrain(name, runner, chosen.seed, not chosen.no_promote)
    elif chosen.command == "rollback":
        print(versions.rollback(runner, chosen.problem, chosen.version, chosen.why))
    else:
        print("\n".join(versions.listed(runner)))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (SettingsError, CatalogError) as mistake:
        print(mistake, file=sys.stderr)
        sys.exit(2)
