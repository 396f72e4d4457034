"""Refrigeration: one file of readings per local day, the register of units; some arrive late, twice or corrected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, fields
from datetime import date

import numpy as np

from pipelines.simulator.arrivals import Daily, Day, silent_on
from pipelines.simulator.breakdowns import Breakdown
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
    units_of,
)
from pipelines.simulator.line_dirt import LineShape
from pipelines.simulator.plant import Delivery, Plant
from pipelines.simulator.told import Lives

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


def deliver(day: date, plant: Plant) -> list[Delivery]:
    """The register first (it carries the day's wear and failures), then the files of readings that arrive on `day`."""
    return [_register(day, plant), *READINGS.deliver(day, plant)]


def breakdowns(day: date, plant: Plant) -> list[Breakdown]:
    """Failures that begin on this local day."""
    return _lives(day, plant).breakdowns(day, plant)


def _lives(day: date, plant: Plant) -> Lives:
    assets = [(unit.machine_id, unit.commissioned_on) for unit in units_of(plant)]
    return Lives(DOMAIN, assets, COMPONENTS, history_of(plant, day))


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
    running = [n for n in silent_on(DOMAIN, source, plant, len(units)) if units[n].commissioned_on <= source]
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
    content = "\n".join([header, *rows, ""]).encode()
    return Delivery(f"{DOMAIN}/units/units.csv", content, _lives(day, plant).truth(day, plant), superseded_on=later)


READINGS = Daily(
    DOMAIN, ".jsonl.gz", SHAPE,
    path=lambda day: f"{DOMAIN}/readings/readings_{day}",
    day=_day,
    stride=lambda plant: len(units_of(plant)),
)  # fmt: skip
