"""`make bench`: what the lake costs, on this machine, into a file that the README quotes.

    python -m tests.bench --millions 1 5 20 --history 30 365 --models lake --out docs/bench.json

Each size is a plant of its own, simulated by one process and built by another, from bronze to gold, over all domains. Histories are built
by day-wise commits that end on the same day, each in a lake of its own; after upkeep the same new days are added to each in turn, so that
slow minutes of the machine affect all of them. Models are trained and scored on a copy of a lake that `make run` made. Seconds are
wall-clock seconds, `cpu_s` is user and system time of the process and of the engine. Memory is that of one process, which Sail shares; with
LAKE_ENGINE=spark that of Apache Spark is listed beside it. A measurement that fails is reported and doesn't stop the others.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil

from tests.bench.clock import cpu_seconds

LAST = date(2026, 6, 30)
DAYS = 30
NEW = 7
"""New days that are timed."""
HISTORY_SCALE = 0.2

KEPT = ("LAKE_ENGINE", "LAKE_ENGINE_MEMORY", "LAKE_ENGINE_CORES", "LAKE_PARALLEL_TABLES", "LAKE_AUDIT_ROWS")
"""Settings that a measurement takes over from its caller."""

READINGS_A_DAY = 21_000
"""About so many readings the plant makes a day at scale 1."""


def fresh(root: Path) -> None:
    """Settings of a lake of its own. Before anything of ours is imported."""
    for name in [n for n in os.environ if n.startswith(("LAKE_", "REPORT_", "MODEL_"))]:
        if name not in KEPT:
            del os.environ[name]
    lake_at(root)
    os.environ |= {"LAKE_AS_OF": str(LAST)}


def lake_at(root: Path) -> None:
    """Where what follows reads and writes."""
    os.environ |= {
        "LAKE_ROOT": str(root / "lake"),
        "REPORT_ROOT": str(root / "reports"),
        "LAKE_STATE_ROOT": str(root / "state"),
        "MODEL_ROOT": str(root / "models"),
    }


def deliver(until: date, days: int, scale: float, only: tuple[str, ...] = ()) -> int:
    """Simulate (some domains); return readings made."""
    from lake.settings import settings
    from pipelines.simulator import Dirt, simulate

    s = settings()
    return simulate(s.landing, s.truth, until=until, days=days, scale=scale, seed=7, dirt=Dirt(), only=only).readings


def build(as_of: date = LAST, only: tuple[str, ...] = ()) -> dict[str, float]:
    """Build everything stale (of some domains); wall and CPU seconds, seconds of all tables' work, and of their audits."""
    from lake.settings import settings
    from pipelines.run import Runner

    os.environ["LAKE_AS_OF"] = str(as_of)
    settings.cache_clear()
    runner = Runner()
    began, cpu = time.monotonic(), cpu_seconds()
    results = runner.run(t for t in runner.catalog.buildable if not only or t.domain in (*only, "lake"))
    if bad := [r.message for r in results if r.is_bad]:
        raise SystemExit("\n".join(bad))
    return {
        "seconds": time.monotonic() - began,
        "cpu_s": cpu_seconds() - cpu,
        "work_s": sum(r.seconds for r in results),
        "audit_s": sum(r.audit_seconds for r in results),
    }


def peak_mb() -> dict[str, int]:
    """Largest resident memory so far: of this process, the engine in it included, and of an Apache Spark that it started."""
    peaks = {"process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}
    for child in psutil.Process().children(recursive=True):
        with suppress(OSError, psutil.Error, StopIteration):
            status = Path(f"/proc/{child.pid}/status").read_text().splitlines()
            high = next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM"))
            peaks["spark"] = peaks.get("spark", 0) + high
    return peaks


def delivered(scale: float) -> dict[str, Any]:
    """Simulate; in a process of its own, whose memory isn't the pipeline's."""
    began = time.monotonic()
    readings = deliver(LAST, DAYS, scale)
    return {"readings": readings, "simulation_s": round(time.monotonic() - began, 1), "simulation_peak_mb": peak_mb()["process"]}


def of_size(millions: float) -> dict[str, Any]:
    """Bronze to gold at a size, cold; and again with nothing new."""
    scale = round(millions * 1e6 / DAYS / READINGS_A_DAY, 2)
    made = measured("delivered", scale)
    cold = build()
    idle = build()
    return {
        **made, "scale": scale, "days": DAYS, **{k: round(v, 1) for k, v in cold.items()},
        "readings_per_s": round(made["readings"] / cold["seconds"]), "audit_share": round(cold["audit_s"] / cold["work_s"], 3),
        "nothing_new_s": round(idle["seconds"], 1), "peak_mb": peak_mb(), "engine": os.environ.get("LAKE_ENGINE", "sail"),
    }  # fmt: skip


def after_histories(lengths: list[int], only: tuple[str, ...]) -> dict[str, Any]:
    """One new day (of some domains) after so many day-wise runs and upkeep: the median of several days."""
    from lake.settings import settings
    from pipelines.run import Runner
    from pipelines.upkeep import Upkeep

    root = Path(os.environ["LAKE_STATE_ROOT"]).parent

    def one(length: int, day: date) -> tuple[float, float]:
        lake_at(root / f"after-{length}")
        settings.cache_clear()
        deliver(day, 1, HISTORY_SCALE, only)
        took = build(day, only)
        return took["seconds"], took["cpu_s"]

    new = [LAST - timedelta(days=n) for n in reversed(range(NEW))]
    for length in lengths:
        for n in range(length):
            took = one(length, new[0] - timedelta(days=length - n))
            print(f"  day {n + 1} of {length}: {took[0]:.1f} s", file=sys.stderr, flush=True)
        Upkeep(Runner(), 30).run()
    times: dict[int, list[tuple[float, float]]] = {length: [] for length in lengths}
    for day in new:
        for length in lengths:
            times[length].append(one(length, day))
            print(f"  a day after {length}: {times[length][-1][0]:.1f} s", file=sys.stderr, flush=True)
    return {
        " ".join((str(length), *only)): {
            "days_before": length, "scale": HISTORY_SCALE, "new_day_s": round(statistics.median(t for t, _ in times[length]), 1),
            "new_day_cpu_s": round(statistics.median(c for _, c in times[length]), 1),
            "new_days_s": [round(t, 1) for t, _ in times[length]], "domains": list(only) or "all",
        } for length in lengths
    }  # fmt: skip


def alone(what: str, value: float | str) -> dict[str, Any]:
    """One measurement in a process and a lake of its own."""
    with tempfile.TemporaryDirectory(prefix="lakehouse-bench-") as folder:
        fresh(Path(folder))
        return measured(what, value)


def measured(what: str, value: float | str) -> dict[str, Any]:
    """What a process of its own says."""
    one = [sys.executable, "-m", "tests.bench", "--one", what, str(value)]
    done = subprocess.run(one, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


MEASURES: dict[str, Callable[[str], dict[str, Any]]] = {
    "delivered": lambda scale: delivered(float(scale)),
    "size": lambda millions: of_size(float(millions)),
    "histories": lambda asked: after_histories(
        [int(n) for n in asked.split() if n.isdigit()], tuple(n for n in asked.split() if not n.isdigit())
    ),
    "models": lambda root: import_module("tests.bench.models").of_models(root),
}


def main() -> None:
    """Measure what was asked for, print it, and keep it beside what was measured before."""
    parser = argparse.ArgumentParser(prog="make bench", description="What the lake costs on this machine.")
    parser.add_argument("--millions", type=float, nargs="*", default=[1, 5, 20])
    parser.add_argument("--history", type=int, nargs="*", default=[30, 365])
    parser.add_argument("--domains", nargs="*", default=[], help="only these in --history (some seconds a day instead of a minute)")
    parser.add_argument(
        "--models", nargs="*", metavar="ROOT", help="lakes that `make run` made; by default the one in lake/, if there is one"
    )
    parser.add_argument("--out", type=Path, default=Path("docs/bench.json"))
    parser.add_argument("--one", nargs=2, metavar=("MEASURE", "VALUE"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.models is None:
        chosen.models = ["lake"] if Path("lake/gold").is_dir() else []
    if missing := [root for root in chosen.models if not chosen.one and not (Path(root) / "gold").is_dir()]:
        parser.error(f"no lake in {', '.join(missing)}: `make run` makes one, `--models` without a name leaves models out")
    if chosen.one:
        print(json.dumps(MEASURES[chosen.one[0]](chosen.one[1])))
        return
    found = json.loads(chosen.out.read_text()) if chosen.out.exists() else {}
    found["machine"] = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    histories = [" ".join((*map(str, chosen.history), *chosen.domains))] if chosen.history else []
    asked: tuple[tuple[str, list[float] | list[str]], ...] = (
        ("models", chosen.models),
        ("size", chosen.millions),
        ("histories", histories),
    )
    failed = []
    for what, values in asked:
        for value in values:
            name = value if isinstance(value, str) else f"{value:g}"
            print(f"{what} {name} ...", file=sys.stderr, flush=True)
            try:
                took = alone(what, value)
            except (subprocess.CalledProcessError, ValueError, IndexError) as error:
                failed.append(f"{what} {name}: {error}")
                print(failed[-1], file=sys.stderr, flush=True)
                continue
            print(f"{what} {name}: {json.dumps(took)}", flush=True)
            if what == "histories":
                found.setdefault("history", {}).update(took)
            else:
                found.setdefault(what, {})[f"{took['days']} days" if what == "models" else name] = took
            chosen.out.write_text(json.dumps(found, indent=1) + "\n")
    if failed:
        raise SystemExit("not measured:\n" + "\n".join(failed))


if __name__ == "__main__":
    main()
