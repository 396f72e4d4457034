"""Kill a run at named points and at random moments: readers see whole versions only, and the next run finishes the job."""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from lake.points import POINTS
from lake.storage import Version
from tests.conftest import CHECKOUT
from tests.sandbox import DAY, Sandbox, assert_same, different, reading

READINGS = "silver_refrigeration__readings"
KILLS = 50
LONG = "chaos" in " ".join(sys.argv[1:]) and "-m" in sys.argv
# Inside `make test` the kills fall between landing and silver; `make chaos` runs them over all tables.
SOME = (
    "bronze_refrigeration__readings", "bronze_refrigeration__units", "bronze_lake__calendar", "silver_refrigeration__units", READINGS,
)  # fmt: skip
ONLY = () if LONG else SOME
ALWAYS = ("file taken in", "before commit@" + READINGS, "between siblings@" + READINGS, "after commit@" + READINGS)


def start(lake: Sandbox, kill_at: str = "") -> subprocess.Popen[bytes]:
    s = lake.settings
    env = {
        **os.environ, "LAKE_ROOT": str(s.lake_root), "LAKE_STATE_ROOT": str(s.state_root), "REPORT_ROOT": str(s.report_root),
        "LAKE_AS_OF": str(DAY), "LAKE_KILL_AT": kill_at, "PYTHONPATH": str(CHECKOUT),
    }  # fmt: skip
    command = [sys.executable, "-m", "pipelines", "run", "--json", *(a for t in ONLY for a in ("--table", t))]
    return subprocess.Popen(command, env=env, cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def deliver(lake: Sandbox, hour: int) -> None:
    """The next hour of one unit; in `make chaos` the next day of the whole plant, dirt included."""
    if LONG:
        lake.as_of = DAY - timedelta(days=1) if hour == 8 else DAY
        lake.simulate(3 if hour == 8 else 4, scale=0.2, seed=11)
        lake.land_readings(f"hour{hour:02}", [reading(f"{lake.as_of}T{hour:02}:00:00Z", unit="NOBODY")])  # quarantine changes too
        return
    rows = [reading(f"{DAY}T{hour:02}:{m:02}:00Z", unit="FRIGO-01" if m % 10 else "NOBODY") for m in range(0, 60, 2)]
    lake.land_units()
    lake.land_readings(f"hour{hour:02}", rows)


class Reader(threading.Thread):
    """Polls the head and its quarantine; a version must always show the same rows, and both must add up."""

    def __init__(self, lake: Sandbox) -> None:
        super().__init__(daemon=True)
        self.lake, self.seen, self.problems, self.done = lake, {}, [], False

    def run(self) -> None:
        table, sibling = self.lake.cat[READINGS], self.lake.cat[f"{READINGS}__quarantine"]
        while not self.done:
            try:
                head = self.lake.lake.open(table)
                kept = self.lake.lake.open_sibling(head, sibling)
                if head and kept:
                    rows = head.read(["unit_id"]).num_rows, kept.read(["_file"]).num_rows
                    if self.seen.setdefault(head.number, rows) != rows or (sum(rows) % 30 and not LONG):
                        self.problems.append(f"version {head.number}: {rows}, first seen as {self.seen[head.number]}")
            except Exception as error:
                self.problems.append(repr(error))
            time.sleep(0.05)


@pytest.fixture(scope="module")
def begun(spark, tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """One hour built; tests copy it, deliver the next and get killed."""
    lake = Sandbox(tmp_path_factory.mktemp("begun"))
    deliver(lake, 8)
    lake.run(only=ONLY)
    return lake


def next_hour(begun: Sandbox, root: Path) -> Sandbox:
    lake = Sandbox(Path(shutil.copytree(begun.root, root)))
    deliver(lake, 9)
    return lake


@pytest.fixture(scope="module")
def undisturbed(begun: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    lake = next_hour(begun, tmp_path_factory.mktemp("calm") / "lake")
    lake.run(only=ONLY)
    return lake


def check_convergence(lake: Sandbox, undisturbed: Sandbox, reader: Reader) -> None:
    results = lake.run(only=ONLY)
    reader.done = True
    reader.join()
    assert not [r.message for r in results.values() if r.is_bad]
    assert not reader.problems
    assert different(undisturbed, lake) == []
    assert_same(undisturbed.gold(), lake.gold())
    assert_same({READINGS: undisturbed.frame(READINGS)}, {READINGS: lake.frame(READINGS)})
    kept: list[Version | None] = [s.lake.open_sibling(s.open(READINGS), s.cat[f"{READINGS}__quarantine"]) for s in (lake, undisturbed)]
    assert kept[0] is not None and kept[1] is not None and kept[0].rows == kept[1].rows
    assert {r.outcome for r in lake.run(only=ONLY).values()} == {"fresh"}


def killed_at(point: str, begun: Sandbox, undisturbed: Sandbox, root: Path) -> None:
    lake = next_hour(begun, root)
    reader = Reader(lake)
    reader.start()
    assert start(lake, point).wait(300) == -signal.SIGKILL, f"never came to {point}"
    check_convergence(lake, undisturbed, reader)


@pytest.mark.chaos
@pytest.mark.parametrize("point", random.Random(7).sample(ALWAYS, 2))
def test_killed_at_a_named_point(point: str, begun: Sandbox, undisturbed: Sandbox, tmp_path: Path) -> None:
    killed_at(point, begun, undisturbed, tmp_path / "lake")


@pytest.mark.chaos
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not LONG, reason="minutes; `make chaos` runs it")
def test_killed_at_every_named_point(begun: Sandbox, undisturbed: Sandbox, tmp_path: Path) -> None:
    for i, point in enumerate((*POINTS, *ALWAYS)):
        killed_at(point, begun, undisturbed, tmp_path / str(i))
        print("killed at", point, "and converged", flush=True)


@pytest.mark.chaos
@pytest.mark.timeout(7200)
@pytest.mark.skipif(not LONG, reason="minutes; `make chaos` runs it")
def test_killed_at_random_moments(begun: Sandbox, undisturbed: Sandbox, tmp_path: Path) -> None:
    luck = random.Random(11)
    kills, lakes = 0, 0
    while kills < KILLS:
        lakes += 1
        lake = next_hour(begun, tmp_path / str(lakes))
        reader = Reader(lake)
        reader.start()
        while kills < KILLS:
            run = start(lake)
            try:
                run.wait(luck.uniform(2, 16))
                break  # it finished before its turn came: every kill counted hits a run that is under way
            except subprocess.TimeoutExpired:
                run.kill()
                run.wait()
                kills += 1
                print(f"kill {kills} of {KILLS}", flush=True)
        check_convergence(lake, undisturbed, reader)
        print(f"lake {lakes} converged, {len(reader.seen)} version(s) seen by the reader", flush=True)
