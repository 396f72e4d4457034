"""`make bench-peers`: two chains, bronze to features, as the lake builds them and as written by hand, from the same landing files.

    python -m tests.bench.peers --days 90                      # simulate, run everybody, compare, write docs/bench.json
    python -m tests.bench.peers --landing DIR --as-of DAY      # files that are there already; they are only read
    python -m tests.bench.peers --tables                       # and what each table takes, one after the other

Each contender has a process of its own, cold, one after the other. CPU is that of the whole process, imports and engine included.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.bench.clock import cpu_seconds, peak_mb
from tests.bench.peers.equal import CHAINS, LEFT_OUT, compared
from tests.bench.peers.measures import Task

CONTENDERS = {
    "duckdb": "by hand, DuckDB",
    "pyspark": "by hand, PySpark",
    "ours": "ours, without audits",
    "audited": "ours, with audits",
}
HAND_WRITTEN = ("duckdb", "pyspark")


def one(contender: str, chain: str, task: Task, parallel: bool) -> dict[str, Any]:
    """Run a contender in this process."""
    began, start_cpu = time.monotonic(), cpu_seconds()
    found: dict[str, Any] = {}
    if contender in HAND_WRITTEN:
        module = import_module(f"tests.bench.peers.{'duckdb' if contender == 'duckdb' else 'spark'}_{chain}")
        found["rows"] = module.build(task)
        found["tables"] = task.laps.tables
    else:
        from tests.bench.peers.ours import build

        audit_s, found["rows"] = build(chain, contender == "audited", None if parallel else task.laps)
        found["audit_s"] = round(audit_s, 1)
        found["tables"] = task.laps.tables
    cpu, wall = cpu_seconds(), time.monotonic() - began
    return {"cpu_s": round(cpu, 1), "start_cpu_s": round(start_cpu, 1), "wall_s": round(wall, 1), "peak_mb": peak_mb(), **found}


def alone(contender: str, chain: str, root: Path, landing: Path, as_of: date, parallel: bool) -> dict[str, Any]:
    """Run a contender in a process of its own, which writes below `root`."""
    out = root / contender / chain
    env = {n: v for n, v in os.environ.items() if not n.startswith(("LAKE_", "REPORT_", "MODEL_")) or n in KEPT}
    env |= lake_at(out, as_of) | {"LAKE_PARALLEL_TABLES": "2" if parallel else "1"}
    (out / "lake").mkdir(parents=True)
    (out / "lake" / "landing").symlink_to(landing.resolve())
    command = [sys.executable, "-m", "tests.bench.peers", "--one", contender, "--chains", chain, "--landing", str(landing.resolve())]
    command += ["--as-of", str(as_of), "--root", str(out / "tables"), *([] if parallel else ["--tables"])]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=env)
    return dict(json.loads(done.stdout.splitlines()[-1]))


KEPT = ("LAKE_ENGINE", "LAKE_ENGINE_MEMORY", "LAKE_ENGINE_CORES")


def lake_at(out: Path, as_of: date) -> dict[str, str]:
    """The settings of a lake in a folder."""
    folders = {"LAKE_ROOT": "lake", "REPORT_ROOT": "reports", "LAKE_STATE_ROOT": "state", "MODEL_ROOT": "models"}
    return {n: str(out / f) for n, f in folders.items()} | {"LAKE_AS_OF": str(as_of)}


def delivered(root: Path, days: int, scale: float, as_of: date) -> Path:
    """Simulated files, by a process of its own."""
    env = os.environ | lake_at(root, as_of)
    command = [
        sys.executable,
        "-m",
        "pipelines",
        "simulate",
        "--days",
        str(days),
        "--scale",
        str(scale),
        "--until",
        str(as_of),
        "--seed",
        "7",
    ]
    subprocess.run(command, check=True, env=env, stdout=subprocess.DEVNULL)
    return root / "lake" / "landing"


def measured(chosen: argparse.Namespace, root: Path, landing: Path) -> dict[str, Any]:
    """Every chain by every contender; medians where they are repeated."""
    found: dict[str, Any] = {}
    for chain in chosen.chains:
        runs: dict[str, list[dict[str, Any]]] = {c: [] for c in chosen.contenders}
        for again in range(chosen.repeat):
            for contender in chosen.contenders:
                took = alone(contender, chain, root / str(again), landing, chosen.as_of, not chosen.tables)
                runs[contender].append(took)
                print(f"  {chain}, {CONTENDERS[contender]}: CPU {took['cpu_s']} s, wall {took['wall_s']} s", file=sys.stderr, flush=True)
        found[chain] = {c: _median(r) for c, r in runs.items() if r}
        counts = {json.dumps({f: n for f, n in sorted(r["rows"].items()) if n}): c for c, r in found[chain].items()}
        found[chain]["equal"] = held(chosen, chain, root / "0")
        if len(counts) > 1:
            raise SystemExit(f"{chain}: rows by fate differ: {counts}")
    return found


def _median(runs: list[dict[str, Any]]) -> dict[str, Any]:
    numbers = ("cpu_s", "wall_s", "peak_mb")
    return runs[0] | {n: round(statistics.median(r[n] for r in runs), 1) for n in numbers} | {"cpu_s_all": [r["cpu_s"] for r in runs]}


def held(chosen: argparse.Namespace, chain: str, root: Path) -> dict[str, Any]:
    """Both hand-written results against ours: by table and, where something differs, what."""
    from lake.settings import settings

    mine = next((c for c in ("audited", "ours") if c in chosen.contenders), None)
    found: dict[str, Any] = {}
    for contender in (c for c in HAND_WRITTEN if mine and c in chosen.contenders):
        os.environ |= lake_at(root / str(mine) / chain, chosen.as_of)
        settings.cache_clear()
        results = compared(chain, root / contender / chain / "tables")
        for r in results:
            print(f"  {chain}, {CONTENDERS[contender]}: {r.line}", file=sys.stderr, flush=True)
        cells = sum(r.rows * r.columns for r in results)
        found[contender] = {
            "tables": len(results), "equal_tables": sum(r.is_equal for r in results), "cells": cells,
            "differences": [r.line for r in results if not r.is_equal],
        }  # fmt: skip
    return found


def table(found: dict[str, Any]) -> str:
    """CPU and wall of each, and how many times those of the hand-written DuckDB."""
    lines = [f"{'':34}{'CPU s':>8}{'x':>6}{'wall s':>9}{'x':>6}{'MB':>7}"]
    for chain, runs in found.items():
        base = runs.get("duckdb")
        for contender, label in CONTENDERS.items():
            if contender not in runs:
                continue
            r = runs[contender]
            times = [f"{r[n] / base[n]:.1f}" if base else "" for n in ("cpu_s", "wall_s")]
            lines.append(f"{chain + ', ' + label:34.34}{r['cpu_s']:8.1f}{times[0]:>6}{r['wall_s']:9.1f}{times[1]:>6}{r['peak_mb']:7.0f}")
    return "\n".join(lines)


def _commit() -> str:
    asked = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    changed = subprocess.run(["git", "status", "--porcelain", "-uno"], capture_output=True, text=True, check=False).stdout.strip()
    return asked.stdout.strip() + (" and changes" if changed else "")


def main() -> None:
    """Run who was asked for, compare, print, and keep the figures beside the others."""
    parser = argparse.ArgumentParser(prog="make bench-peers", description="Our chains against hand-written ones.")
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--landing", type=Path, help="files that are there already, instead of simulated ones")
    parser.add_argument("--as-of", type=date.fromisoformat, default=date(2026, 6, 30))
    parser.add_argument("--chains", nargs="*", default=list(CHAINS), choices=list(CHAINS))
    parser.add_argument("--contenders", nargs="*", default=list(CONTENDERS), choices=list(CONTENDERS))
    parser.add_argument("--repeat", type=int, default=1, help="runs of each; medians are kept")
    parser.add_argument("--tables", action="store_true", help="our tables one at a time, with what each takes")
    parser.add_argument("--out", type=Path, default=Path("docs/bench.json"))
    parser.add_argument("--root", type=Path, help="where to write; by default a folder that is removed")
    parser.add_argument("--one", choices=list(CONTENDERS), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        task = Task(chosen.landing, chosen.root, chosen.as_of)
        print(json.dumps(one(chosen.one, chosen.chains[0], task, not chosen.tables)))
        return
    with tempfile.TemporaryDirectory(prefix="lakehouse-peers-") as folder:
        root = chosen.root or Path(folder)
        landing = chosen.landing or delivered(root, chosen.days, chosen.scale, chosen.as_of)
        found = measured(chosen, root, landing)
        size = sum(f.stat().st_size for chain in chosen.chains for f in (landing / chain).rglob("*") if f.is_file())
    print(table(found))
    known = json.loads(chosen.out.read_text()) if chosen.out.exists() else {}
    about = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "date": f"{datetime.now(UTC):%Y-%m-%d}", "commit": _commit(), "engine": os.environ.get("LAKE_ENGINE", "sail"),
        "landing_mb": round(size / 1e6, 1), "load": os.getloadavg()[1],
    }  # fmt: skip
    peers = known.setdefault("peers", {})
    peers["not_compared"] = LEFT_OUT
    for chain, runs in found.items():
        readings = sum(runs["duckdb"]["rows"].values()) if "duckdb" in runs else None
        peers.setdefault("chains", {})[chain] = {**about, "readings": readings, **runs}
    chosen.out.write_text(json.dumps(known, indent=1) + "\n")
    if any(e["differences"] for runs in found.values() for e in runs["equal"].values()):
        raise SystemExit("hand-written tables and ours differ: see above")


if __name__ == "__main__":
    main()
