"""`make bench`: what the lake costs, on this machine, into a file that the README quotes.

    python -m tests.bench --millions 1 5 20 --history 30 365 --models lake --out docs/bench.json

Each size is a plant of its own, simulated and built by one Spark server of its own, from bronze to gold. Histories are built by day-wise
commits that end on the same day, each in a lake of its own; after upkeep the same new days are added to each in turn, so that slow minutes
of the machine meet all alike. Models are trained and asked on a copy of a lake that `make run` made. All timings are
wall-clock seconds.
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
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

LAST = date(2026, 6, 30)
DAYS = 30
NEW = 7
"""New days that are timed."""
HISTORY_SCALE = 0.2

READINGS_A_DAY = 21_000
"""About so many readings the plant makes a day at scale 1."""


def fresh(root: Path) -> None:
    """Settings of a lake of its own with a Spark server of its own. Before anything of ours is imported."""
    for name in [n for n in os.environ if n.startswith(("LAKE_", "REPORT_"))]:
        if name not in ("LAKE_SPARK_MEMORY", "LAKE_SPARK_JAVA_OPTIONS", "LAKE_PARALLEL_TABLES"):
            del os.environ[name]
    lake_at(root)
    os.environ |= {"LAKE_AS_OF": str(LAST), "SPARK_LOCAL_CONNECT_DISCOVERY": str(root / "state" / "spark-connect.json")}


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
    """Build everything stale (of some domains); wall seconds, seconds of all tables' work, and of their audits."""
    from lake.settings import settings
    from pipelines.run import Runner

    os.environ["LAKE_AS_OF"] = str(as_of)
    settings.cache_clear()
    runner = Runner()
    began = time.monotonic()
    results = runner.run(t for t in runner.catalog.buildable if not only or t.domain in (*only, "lake"))
    if bad := [r.message for r in results if r.is_bad]:
        raise SystemExit("\n".join(bad))
    return {
        "seconds": time.monotonic() - began,
        "work_s": sum(r.seconds for r in results),
        "audit_s": sum(r.audit_seconds for r in results),
    }


def peak_mb() -> dict[str, int]:
    """Largest resident memory so far: of this process, and of the Spark server."""
    peaks = {"python": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}
    server = Path(os.environ["LAKE_STATE_ROOT"])
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            mine = (
                str(server).encode() in (status.parent / "environ").read_bytes()
                and b"java" in (status.parent / "cmdline").read_bytes()[:200]
            )
            if mine:
                peaks["spark"] = next(int(x.split()[1]) // 1024 for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        except OSError:
            continue
    return peaks


def delivered(scale: float) -> dict[str, Any]:
    """Simulate; in a process of its own, whose memory isn't the pipeline's."""
    began = time.monotonic()
    readings = deliver(LAST, DAYS, scale)
    return {"readings": readings, "simulation_s": round(time.monotonic() - began, 1), "simulation_peak_mb": peak_mb()["python"]}


def of_size(millions: float) -> dict[str, Any]:
    """Bronze to gold at a size, cold; and again with nothing new."""
    scale = round(millions * 1e6 / DAYS / READINGS_A_DAY, 2)
    made = measured("delivered", scale)
    cold = build()
    idle = build()
    return {
        **made, "scale": scale, "days": DAYS, **{k: round(v, 1) for k, v in cold.items()},
        "readings_per_s": round(made["readings"] / cold["seconds"]), "audit_share": round(cold["audit_s"] / cold["work_s"], 3),
        "nothing_new_s": round(idle["seconds"], 1), "peak_mb": peak_mb(),
    }  # fmt: skip


def after_histories(lengths: list[int], only: tuple[str, ...]) -> dict[str, Any]:
    """One new day (of some domains) after so many day-wise runs and upkeep: the median of several days."""
    from lake.settings import settings
    from pipelines.run import Runner
    from pipelines.upkeep import Upkeep

    root = Path(os.environ["LAKE_STATE_ROOT"]).parent

    def one(length: int, day: date) -> float:
        lake_at(root / f"after-{length}")
        settings.cache_clear()
        deliver(day, 1, HISTORY_SCALE, only)
        return build(day, only)["seconds"]

    new = [LAST - timedelta(days=n) for n in reversed(range(NEW))]
    for length in lengths:
        for n in range(length):
            took = one(length, new[0] - timedelta(days=length - n))
            print(f"  day {n + 1} of {length}: {took:.1f} s", file=sys.stderr, flush=True)
        Upkeep(Runner(), 30).run()
    times = {length: [] for length in lengths}
    for day in new:
        for length in lengths:
            times[length].append(one(length, day))
            print(f"  a day after {length}: {times[length][-1]:.1f} s", file=sys.stderr, flush=True)
    return {
        " ".join((str(length), *only)): {
            "days_before": length, "scale": HISTORY_SCALE, "new_day_s": round(statistics.median(times[length]), 1),
            "new_days_s": [round(t, 1) for t in times[length]], "domains": list(only) or "all",
        } for length in lengths
    }  # fmt: skip


def alone(what: str, value: float | str) -> dict[str, Any]:
    """One measurement in a process, a lake and a Spark server of its own."""
    with tempfile.TemporaryDirectory(prefix="lakehouse-bench-") as folder:
        fresh(Path(folder))
        try:
            return measured(what, value)
        finally:
            subprocess.run([sys.executable, "-m", "pyspark.sql.connect.local_server", "--stop"], check=False, capture_output=True)


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
    parser.add_argument("--models", nargs="*", default=["lake"], metavar="ROOT", help="lakes that `make run` made")
    parser.add_argument("--out", type=Path, default=Path("docs/bench.json"))
    parser.add_argument("--one", nargs=2, metavar=("MEASURE", "VALUE"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
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
    for what, values in asked:
        for value in values:
            name = value if isinstance(value, str) else f"{value:g}"
            print(f"{what} {name} ...", file=sys.stderr, flush=True)
            told = alone(what, value)
            print(f"{what} {name}: {json.dumps(told)}", flush=True)
            if what == "histories":
                found.setdefault("history", {}).update(told)
            else:
                found.setdefault(what, {})[f"{told['days']} days" if what == "models" else name] = told
            chosen.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
