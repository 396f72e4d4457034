"""Refrigeration: one file of readings per local day, the register of units; some arrive late, twice or corrected."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from pipelines.simulator.cooling import (
    COMPONENTS,
    DECIMALS,
    DOMAIN,
    MODES,
    SAMPLING_S,
    Sensed,
    Unit,
    history_of,
    sense,
    stop_of,
    units_of,
)
from pipelines.simulator.line_dirt import LineShape, Mark, Soiled, soil
from pipelines.simulator.plant import ORIGIN, Delivery, Plant, Record

MAX_LAG_DAYS = 6
IMPOSSIBLE = {
    "temp_evaporator": -300.0,
    "temp_condenser": 999.0,
    "pressure_high": 500.0,
    "pressure_low": -50.0,
    "superheat": 400.0,
    "subcooling": -200.0,
    "compressor_current": 9999.0,
    "vibration": 75.0,
    "efficiency": 42.0,
}
SHAPE = LineShape("timestamp", "machine_id", "operating_mode", DECIMALS, IMPOSSIBLE)
LINE = (
    '{"timestamp":"%s","machine_id":"%s","operating_mode":"%s",'
    + ",".join(f'"{name}":%.{decimals}f' for name, decimals in DECIMALS.items())
    + "}"
)


@dataclass(frozen=True)
class Arrival:
    """Days after a local day on which its files arrive; None for a file that never does."""

    readings: int
    corrected: int | None
    resent: int | None
    unreadable: int | None


@dataclass(frozen=True)
class Day:
    """One local day's lines before line dirt: `free` have no unit dirt, `marks` are (line, kind, column), 0-based."""

    lines: list[str]
    free: NDArray[np.int64]
    marks: list[tuple[int, str, str]]
    silent: list[str]


def deliver(day: date, plant: Plant) -> list[Delivery]:
    """The register first (it carries the day's wear and failures), then the files of readings that arrive on `day`."""
    deliveries = [_register(day, plant)]
    for lag in range(MAX_LAG_DAYS + 1):
        source = day - timedelta(days=lag)
        if source >= ORIGIN:
            deliveries += _arriving(source, lag, plant)
    return deliveries


def arrival(source: date, plant: Plant) -> Arrival:
    """A late file is neither corrected nor, a corrected one, resent: each story stays readable."""
    dirt, draw = plant.dirt, plant.stream(DOMAIN, "arrival", source)
    late, corrected, resent, unreadable, how_late, how_corrected = draw.random(6)
    readings = 1 + int(how_late * 5) if late < dirt.late_file else 0
    mended = 1 + int(how_corrected * 3) if corrected < dirt.corrected_file and not readings else None
    again = readings + 1 if resent < dirt.resent and mended is None else None
    return Arrival(readings, mended, again, readings if unreadable < dirt.unreadable_file else None)


def _arriving(source: date, lag: int, plant: Plant) -> Iterable[Delivery]:
    plan = arrival(source, plant)
    name = f"{DOMAIN}/readings/readings_{source}"
    if lag == plan.unreadable:
        garbage = plant.stream(DOMAIN, "unreadable", source).bytes(2048)
        yield Delivery(f"{name}_b.jsonl.gz", b"PK" + garbage, {"dirt": [_flaw(f"{name}_b.jsonl.gz", "unreadable_file")]})
    if lag not in (plan.readings, plan.corrected, plan.resent):
        return
    day = _day(source, plant)
    stride = len(units_of(plant))
    path = f"{name}.jsonl.gz"
    draw = plant.stream(DOMAIN, "line", source)
    soiled = soil(day.lines, day.free, plant.dirt, SHAPE, draw, stride=stride, corrected=lag == plan.corrected)
    if lag == plan.corrected:
        flaws = [_flaw(path, "corrected_file", version=2), *_flaws(path, day, soiled, version=2)]
        yield _readings(path, soiled.lines, flaws)
    elif lag == plan.readings:
        flaws = [_flaw(path, "late_file")] if lag else []
        newer = source + timedelta(days=plan.corrected) if plan.corrected else None
        yield _readings(path, soiled.lines, flaws + _flaws(path, day, soiled), superseded_on=newer)
    elif len(soiled.clean):
        path = f"{name}_resend.jsonl.gz"
        draw = plant.stream(DOMAIN, "resend", source)
        first = int(draw.integers(len(soiled.clean)))
        lines = [day.lines[i] for i in soiled.clean[first : first + int(draw.integers(20, 200))]]
        yield _readings(path, lines, [_flaw(path, "resent", row=n + 1) for n in range(len(lines))])


def _day(source: date, plant: Plant) -> Day:
    units = units_of(plant)
    sensed = sense(plant, source)
    silent = _silence(source, plant, sensed, units)
    touched = _wrong_for_hours(source, plant, sensed, len(units))
    lines = _lines(sensed, units)
    at, unit = np.nonzero(sensed.present)
    number = np.full(sensed.present.shape, -1)
    number[at, unit] = np.arange(len(at))
    rows = [(number[window, n], kind, column) for window, n, kind, column in touched]
    marks = [(int(row), kind, column) for several, kind, column in rows for row in several[several >= 0]]
    free = np.ones(len(lines), dtype=bool)
    free[[row for row, _, _ in marks]] = False
    return Day(lines, np.flatnonzero(free), marks, silent)


def _silence(source: date, plant: Plant, sensed: Sensed, units: Sequence[Unit]) -> list[str]:
    """Units that send nothing though they run, for one to three whole days; which ones."""
    silent = set()
    for ago in range(3):
        starts, lengths = plant.stream(DOMAIN, "silent", source - timedelta(days=ago)).random((len(units), 2)).T
        silent |= set(np.flatnonzero((starts < plant.dirt.silent) & (1 + (lengths * 3).astype(int) > ago)).tolist())
    running = sorted(n for n in silent if units[n].commissioned_on <= source)
    sensed.present[:, running] = False
    return [units[n].machine_id for n in running]


def _wrong_for_hours(source: date, plant: Plant, sensed: Sensed, units: int) -> list[tuple[slice, int, str, str]]:
    """Turn some hours of a unit into °F, or of a sensor into a constant: (window, unit, kind, column) of each."""
    touched = []
    size = len(sensed.epoch)
    for n, chance in enumerate(plant.stream(DOMAIN, "hours", source).random((units, 6))):
        first = int(chance[2] * 0.8 * size)
        window = slice(first, first + int((2 + 6 * chance[3]) * 3600 / SAMPLING_S))
        if chance[0] < plant.dirt.fahrenheit_condenser:
            for column in ("temp_condenser", "temp_evaporator"):
                sensed.values[column][window, n] = sensed.values[column][window, n] * 9 / 5 + 32
            touched.append((window, n, "fahrenheit_condenser", "temp_condenser"))
        elif chance[1] < plant.dirt.stuck:
            column = list(DECIMALS)[int(chance[4] * len(DECIMALS))]
            sensed.values[column][window, n] = sensed.values[column][first, n]
            touched.append((window, n, "stuck", column))
    return touched


def _lines(sensed: Sensed, units: Sequence[Unit]) -> list[str]:
    """Ordered by time, then unit."""
    at, unit = np.nonzero(sensed.present)
    stamps = np.char.add(np.datetime_as_string(sensed.epoch.astype("datetime64[s]")), "Z")
    names, modes = np.array([u.machine_id for u in units], dtype=object), np.array(MODES, dtype=object)
    columns = [stamps.astype(object)[at], names[unit], modes[sensed.mode[at, unit]]]
    columns += [sensed.values[name][at, unit] for name in DECIMALS]
    return [LINE % row for row in zip(*(column.tolist() for column in columns), strict=True)]


def _register(day: date, plant: Plant) -> Delivery:
    units = units_of(plant)
    header = ",".join(field.name for field in fields(Unit))
    rows = [",".join(str(cell) for cell in astuple(unit)) for unit in units if unit.commissioned_on <= day]
    later = min((unit.commissioned_on for unit in units if unit.commissioned_on > day), default=None)
    truth = {"wear": _wear(day, plant), "failures": _failures(day, plant), "dirt": []}
    return Delivery(f"{DOMAIN}/units/units.csv", "\n".join([header, *rows, ""]).encode(), truth, superseded_on=later)


def _wear(day: date, plant: Plant) -> list[Record]:
    """At the end of the day; `hazard` is the probability to fail on the next one."""
    life, index = history_of(plant, day), (day - ORIGIN).days
    return [
        {
            "unit": unit.machine_id,
            "day": str(day),
            "component": component.name,
            "wear": round(float(life.end[index, n, c]), 5),
            "hazard": round(float(life.hazard[index, n, c]), 7),
        }
        for n, unit in enumerate(units_of(plant))
        if unit.commissioned_on <= day
        for c, component in enumerate(COMPONENTS)
    ]


def _failures(day: date, plant: Plant) -> list[Record]:
    """Failures that begin on this local day."""
    units = units_of(plant)
    records: list[Record] = []
    for failure in history_of(plant, day).failures:
        if failure.day == (day - ORIGIN).days:
            failed_at, repaired_at = (_iso(instant) for instant in stop_of(plant, failure))
            who = {"unit": units[failure.unit].machine_id, "component": COMPONENTS[failure.component].name}
            records.append({**who, "failed_at": failed_at, "repaired_at": repaired_at})
    return records


def _iso(epoch: float) -> str:
    return datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _readings(path: str, lines: list[str], flaws: list[Record], superseded_on: date | None = None) -> Delivery:
    content = gzip.compress("".join(f"{line}\n" for line in lines).encode(), compresslevel=1, mtime=0)
    return Delivery(path, content, {"dirt": flaws}, readings=len(lines), superseded_on=superseded_on)


def _flaws(path: str, day: Day, soiled: Soiled, version: int = 1) -> list[Record]:
    row_of = {line: row for row, line in enumerate(soiled.order, start=1)} if day.marks else {}
    for_hours = [Mark(row_of[line], kind, column) for line, kind, column in day.marks]
    silent = [_flaw(path, "silent", version=version, machine_id=machine_id) for machine_id in day.silent]
    on_lines = sorted([*soiled.marks, *for_hours], key=lambda mark: mark.row)
    return silent + [_flaw(path, m.kind, row=m.row, column=m.column, twin=m.twin, version=version) for m in on_lines]


def _flaw(
    path: str,
    kind: str,
    *,
    row: int | None = None,
    column: str | None = None,
    version: int = 1,
    twin: int | None = None,
    machine_id: str | None = None,
) -> Record:
    """`twin` is the line of the same file that a duplicate or conflict repeats; `machine_id` names a silent unit."""
    return {
        "file": path,
        "row": row,
        "kind": kind,
        "column": column,
        "version": version,
        "twin": twin,
        "machine_id": machine_id,
    }
