"""The laws of the line simulator: same days same bytes, shifts over midnight, counters that go on, faults that show."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from lake.tables.line import FEED_READINGS
from pipelines.simulator import Dirt, machine_sensors, simulate
from pipelines.simulator.breakdowns import breakdowns as all_breakdowns
from pipelines.simulator.line import COLUMNS, IMPOSSIBLE, SHIFTS, breakdowns
from pipelines.simulator.machine_sensors import sense
from pipelines.simulator.machines import COMPONENTS, IDLE, OFF, RUNNING, STATES, Sensed, history_of, machines_of, planned
from pipelines.simulator.plant import ORIGIN, Plant
from pipelines.simulator.wear import Floats, stop_of

PARIS = ZoneInfo("Europe/Paris")
UNTIL = date(2026, 11, 20)
"""A Friday."""
FILTHY = Dirt().times(8)
PUMP, COMPRESSOR = 2, 5


def plant(scale: float = 1.0, dirt: Dirt | None = None) -> Plant:
    return Plant(seed=7, scale=scale, dirt=dirt or Dirt.none(), time_zone="Europe/Paris")


def run(root: Path, until: date = UNTIL, days: int = 1, dirt: Dirt = FILTHY, scale: float = 0.4) -> int:
    return simulate(root / "landing", root / "truth", until=until, days=days, dirt=dirt, scale=scale, only=("line",)).readings


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def lines(path: Path) -> list[list[str]]:
    return [line.split(",") for line in gzip.decompress(path.read_bytes()).decode().splitlines()]


def shift(root: Path, day: date, name: str) -> list[dict[str, str]]:
    header, *rows = lines(root / f"landing/line/readings/{day}_{name}.csv.gz")
    return [dict(zip(header, row, strict=True)) for row in rows]


def truth(root: Path, table: str) -> list[dict[str, Any]]:
    files = sorted((root / "truth/line").glob(f"{table}_*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def days(last: date, count: int) -> Iterable[date]:
    return (last - timedelta(days=n) for n in reversed(range(count)))


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve filthy days of three machines."""
    root = tmp_path_factory.mktemp("dirty")
    run(root, days=12)
    return root


# What is delivered depends on the day alone


def test_day_by_day_equals_all_at_once(dirty: Path, tmp_path: Path) -> None:
    for day in days(UNTIL, 12):
        run(tmp_path, until=day)
    assert tree(tmp_path) == tree(dirty)
    kinds = {flaw["kind"] for flaw in truth(dirty, "dirt")}
    assert {"late_file", "corrected_file"} <= kinds, "the window should hold them, or this test proves less than it says"


# Shifts


def test_a_night_shift_ends_on_the_next_day_and_arrives_then(tmp_path: Path) -> None:
    run(tmp_path, dirt=Dirt.none())
    assert {p.name for p in (tmp_path / "landing/line/readings").iterdir()} == {
        f"{UNTIL}_matin.csv.gz", f"{UNTIL}_apres-midi.csv.gz", f"{UNTIL - timedelta(1)}_nuit.csv.gz",
    }  # fmt: skip
    night = shift(tmp_path, UNTIL - timedelta(1), "nuit")
    stamps = [datetime.fromisoformat(row["timestamp"]) for row in night]
    assert {s.date() for s in stamps} == {UNTIL - timedelta(1), UNTIL}
    assert (min(stamps).hour, max(stamps).strftime("%H:%M")) == (21, "04:59")
    assert {row["machine_id"] for row in night} == {"POMPE-01"}
    assert {row["machine_id"] for row in shift(tmp_path, UNTIL, "matin")} == {"PRESSE-01", "ROBOT-01", "POMPE-01"}


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 6, 7), 24), (date(2026, 10, 25), 25)])
def test_who_works_round_the_clock_reports_every_minute_of_a_day(tmp_path: Path, day: date, hours: int) -> None:
    run(tmp_path, until=day + timedelta(1), days=2, dirt=Dirt.none())
    sent = [row for d in (day - timedelta(1), day) for s in SHIFTS for row in (
        shift(tmp_path, d, s.name) if (tmp_path / f"landing/line/readings/{d}_{s.name}.csv.gz").exists() else [])]  # fmt: skip
    stamps = [row["timestamp"] for row in sent if row["timestamp"].startswith(str(day))]
    assert len(stamps) == len(set(stamps)) == hours * 60
    instants = [datetime.fromisoformat(s) for s in stamps]
    assert np.diff([i.timestamp() for i in instants]).tolist() == [60.0] * (hours * 60 - 1)
    assert {i.astimezone(PARIS).date() for i in instants} == {day}


def test_a_working_day_has_8640_readings_and_a_weekend_day_2880() -> None:
    assert len(sense(plant(), UNTIL).epoch) == 6 * 960 + 2 * 1440
    assert len(sense(plant(), UNTIL + timedelta(1)).epoch) == 2 * 1440


# Counters


def test_counters_go_on_where_the_day_before_ended() -> None:
    """Over forty days with failures: cycles never fall, and a tool's minutes fall only when it was changed."""
    p = plant()
    changes = {(f.unit, f.repair_day) for f in history_of(p, UNTIL).failures if COMPONENTS[f.component].name == "tooling"}
    last: dict[int, tuple[float, float, int]] = {}
    fell, stopped = 0, 0
    for day in days(UNTIL, 40):
        sensed = sense(p, day)
        for n in range(len(machines_of(p))):
            own = sensed.machine == n
            if not own.any():
                continue
            cycles, minutes, ran = sensed.values["cycle_count"][own], sensed.values["tool_wear"][own], sensed.state[own] == RUNNING
            assert (np.diff(cycles) >= 0).all()
            before_cycles, before_minutes, _ = last.get(n, (cycles[0], minutes[0] - ran[0], 0))
            assert 0 <= cycles[0] - before_cycles <= 11, "at most what a minute makes is between two days"
            steps = np.diff(np.concatenate([[before_minutes], minutes]))
            falls = steps < 0
            assert set(steps[~falls]) <= {0, 1}
            if falls.any():
                fell += 1
                assert (n, (day - ORIGIN).days) in changes or (n, (day - ORIGIN).days - 1) in changes or day.weekday() == 0
            stopped += (sensed.state[own] == OFF).any()
            last[n] = (float(cycles[-1]), float(minutes[-1]), n)
    assert fell
    assert stopped


def test_a_day_of_work_makes_what_the_nominal_cycle_allows() -> None:
    p = plant()
    sensed = sense(p, date(2026, 6, 3))
    for n, machine in enumerate(machines_of(p)):
        own = sensed.machine == n
        made = np.ptp(sensed.values["cycle_count"][own]) * machine.nominal_cycle_s
        ready = np.isin(sensed.state[own], (RUNNING, IDLE)).sum() * 60
        assert 0.65 < made / ready < 1, machine.machine_id


# Failures


def test_a_failed_machine_is_off_until_its_repair_and_at_no_other_time() -> None:
    p = plant()
    history = history_of(p, UNTIL)
    for day in days(UNTIL, 30):
        sensed = sense(p, day)
        stops = [(f.unit, *stop_of(p, f)) for f in history.failures]
        expected = np.zeros(len(sensed.epoch), dtype=bool)
        for unit, failed_at, repaired_at in stops:
            expected |= (sensed.machine == unit) & (sensed.epoch >= failed_at) & (sensed.epoch < repaired_at)
        assert ((sensed.state == OFF) == expected).all(), day
        assert sensed.values["motor_current"][sensed.state == OFF].max(initial=0) < 0.1


def test_machines_fail_while_they_work_and_the_workshop_is_told(tmp_path: Path) -> None:
    p = plant()
    ids = [m.machine_id for m in machines_of(p)]
    assert ids == ["PRESSE-01", "ROBOT-01", "POMPE-01", "CONVOYEUR-01", "CNC-01", "COMPRESSEUR-01", "CNC-02", "PRESSE-02"]
    told = [(day, b) for day in days(UNTIL, 90) for b in breakdowns(day, p)]
    assert len(told) > 10
    assert {b.component for _, b in told} == {c.name for c in COMPONENTS}
    for day, b in told:
        assert datetime.fromtimestamp(b.failed_at, PARIS).date() == day
        assert min(abs(planned(p, ids.index(b.asset), day) - b.failed_at)) <= 60
        assert 4 * 3600 <= b.repaired_at - b.failed_at <= 48 * 3600
    day = told[-1][0]
    run(tmp_path, until=day, scale=1.0, dirt=Dirt.none())
    assert [r["unit"] for r in truth(tmp_path, "failures")] == [b.asset for d, b in told if d == day]
    assert [b for b in all_breakdowns(day, p) if b.domain == "line"] == sorted(breakdowns(day, p), key=lambda b: b.failed_at)


def worn(component: str, monkeypatch: pytest.MonkeyPatch) -> Sensed:
    """A day of machines that are all but new: one component stands at 95 % of its life."""
    which = [c.name for c in COMPONENTS].index(component) if component else -1

    def wear_of(_plant: Plant, _n: int, _day: date, epoch: np.ndarray[Any, Any]) -> Floats:
        wear = np.zeros((len(epoch), len(COMPONENTS)))
        if component:
            wear[:, which] = 0.95
        return wear

    monkeypatch.setattr(machine_sensors, "wear_of", wear_of)
    return sense.__wrapped__(plant(), date(2026, 6, 3))


@pytest.mark.parametrize(
    ("component", "raised"),
    [
        ("bearing", {"vib_x": 2.5, "vib_y": 2.5, "bearing_temp": 1.3}),
        ("motor", {"motor_current": 1.4, "power": 1.4}),
        ("transmission", {"vib_z": 3, "torque": 1.2}),
        ("tooling", {"torque": 1.25}),
        ("cooling", {"bearing_temp": 1.4}),
    ],
)
def test_each_fault_shows_where_it_should(component: str, raised: dict[str, float], monkeypatch: pytest.MonkeyPatch) -> None:
    sound, sick = worn("", monkeypatch), worn(component, monkeypatch)
    running = sound.state == RUNNING

    def ratio(sensor: str) -> float:
        return float(sick.values[sensor][running].mean() / sound.values[sensor][running].mean())

    assert all(ratio(sensor) > times for sensor, times in raised.items())
    # More torque at the same speed is more power, and power is current.
    follows = {"motor_current", "power"} if "torque" in raised else set()
    others = {"vib_x", "vib_y", "vib_z", "bearing_temp", "motor_current", "power", "torque"} - set(raised) - follows
    told_by_another = {("bearing", "vib_z"), ("transmission", "vib_x"), ("transmission", "vib_y")}
    assert all(0.9 < ratio(sensor) < 1.12 for sensor in others if (component, sensor) not in told_by_another)


# Dirt, and the truth about it


def test_clean_readings_keep_every_promise_of_the_feed() -> None:
    mapped = {"vib_x": "vibration_x_mm_s", "bearing_temp": "bearing_temperature_c", "motor_current": "current_a", "voltage": "voltage_v",
              "power": "power_w", "spindle_speed": "spindle_speed_rpm", "torque": "torque_nm", "tool_wear": "tool_wear_min",
              "ambient_temp": "ambient_temperature_c", "humidity": "humidity_pct", "pressure": "pressure_hpa",
              "cycle_count": "cycle_count"}  # fmt: skip
    promises = {c.name: c.constraints for c in FEED_READINGS.columns}
    for day in (date(2026, 1, 14), date(2026, 7, 22), UNTIL):
        values = sense(plant(), day).values
        for sensor, column in mapped.items():
            for extreme in (float(values[sensor].min()), float(values[sensor].max())):
                assert all(p.holds(extreme) for p in promises[column]), (day, sensor, extreme)
        assert all(not p.holds(IMPOSSIBLE[s]) for s, c in mapped.items() for p in promises[c])


def test_the_truth_points_to_the_dirty_lines(dirty: Path) -> None:
    newest: dict[str, list[dict[str, Any]]] = {}
    for flaw in truth(dirty, "dirt"):
        newest.setdefault(flaw["file"], []).append(flaw)
    seen = set()
    for file, flaws in newest.items():
        version = max(f["version"] for f in flaws)
        if any(f["kind"] == "unreadable_file" for f in flaws):
            assert (dirty / "landing" / file).read_bytes().startswith(b"PK")
            continue
        content = lines(dirty / "landing" / file)
        assert tuple(content[0]) == COLUMNS
        for flaw in (f for f in flaws if f["version"] == version):
            seen.add(flaw["kind"])
            if flaw["row"]:
                assert tells(flaw, content), flaw
            elif flaw["kind"] == "silent":
                assert all(cells[0] != flaw["machine_id"] for cells in content)
    assert seen >= {"broken_line", "missing_required", "unreadable_number", "unknown_mode", "unknown_unit", "spike", "future", "duplicate",
                    "conflict", "stuck", "resent", "late_file", "corrected_file"}  # fmt: skip


def tells(flaw: dict[str, Any], content: list[list[str]]) -> bool:
    """The line shows what the truth says was done to it."""
    cells = content[flaw["row"] - 1]
    if flaw["kind"] == "broken_line":
        return len(cells) != len(COLUMNS)
    row = dict(zip(COLUMNS, cells, strict=True))
    column = flaw["column"]
    match flaw["kind"]:
        case "missing_required" | "missing_optional":
            return row[column] == ""
        case "unreadable_number":
            return row[column] in ("n/a", "12.3.4")
        case "unreadable_timestamp":
            return row["timestamp"] == "2026-13-45 99:99"
        case "unknown_mode":
            return row["state"] not in STATES
        case "unknown_unit":
            return row["machine_id"] not in {m.machine_id for m in machines_of(plant())}
        case "spike":
            return float(row[column]) == IMPOSSIBLE[column]
        case "future":
            return datetime.fromisoformat(row["timestamp"]) > datetime(2029, 1, 1, tzinfo=UTC)
        case "duplicate":
            return cells == content[flaw["twin"] - 1]
        case "conflict":
            twin = content[flaw["twin"] - 1]
            return [n for n, a, b in zip(COLUMNS, cells, twin, strict=True) if a != b] == [column]
    return True
