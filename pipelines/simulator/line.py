"""Line: one file of readings per shift and the register of machines; some files arrive late, twice or corrected.

The night shift ends on the next day: its file arrives then and holds readings of two local days.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields, replace
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from pipelines.simulator.arrivals import Daily, Day, silent_on
from pipelines.simulator.breakdowns import Breakdown
from pipelines.simulator.line_dirt import LineShape
from pipelines.simulator.machine_sensors import sense
from pipelines.simulator.machines import (
    COMPONENTS,
    DECIMALS,
    DOMAIN,
    STATES,
    Machine,
    Sensed,
    history_of,
    instant_of,
    machines_of,
)
from pipelines.simulator.plant import Delivery, Plant
from pipelines.simulator.told import Lives

COLUMNS = ("machine_id", "timestamp", "state", *DECIMALS)
IMPOSSIBLE = {
    "vib_x": 999.0,
    "vib_y": -4.0,
    "vib_z": 655.35,
    "bearing_temp": 850.0,
    "motor_current": 6553.5,
    "voltage": -400.0,
    "power": 9999999.0,
    "spindle_speed": -1.0,
    "torque": 65535.0,
    "tool_wear": -1.0,
    "cycle_count": -1.0,
    "ambient_temp": -273.1,
    "humidity": 655.3,
    "pressure": 0.0,
}
# Of a counter only impossible values are made up: a wrong one that could be right would be a count of its own.
SHAPE = LineShape("timestamp", "machine_id", "state", {n: d for n, d in DECIMALS.items() if n != "cycle_count"}, IMPOSSIBLE, COLUMNS)
LINE = "%s,%s,%s," + ",".join(f"%.{decimals}f" for decimals in DECIMALS.values())


@dataclass(frozen=True)
class Shift:
    """From one time of the clock to another one; `nights`: midnights between them."""

    name: str
    begins_at: str
    ends_at: str
    nights: int = 0


SHIFTS = (Shift("matin", "05:00", "13:00"), Shift("apres-midi", "13:00", "21:00"), Shift("nuit", "21:00", "05:00", nights=1))


@dataclass(frozen=True)
class Written:
    """One local day's lines: `epoch` and `machine` of each, what was done to them for hours, and who is silent."""

    lines: list[str]
    epoch: NDArray[np.int64]
    machine: NDArray[np.int64]
    marks: list[tuple[int, str, str]]
    silent: dict[str, NDArray[np.int64]]


def deliver(day: date, plant: Plant) -> list[Delivery]:
    """The register first (it carries the day's wear and failures), then the files of readings that arrive on `day`."""
    return [_register(day, plant), *(delivery for shift in READINGS for delivery in shift.deliver(day, plant))]


def breakdowns(day: date, plant: Plant) -> list[Breakdown]:
    """Failures that begin on this local day."""
    return _lives(day, plant).breakdowns(day, plant)


def _lives(day: date, plant: Plant) -> Lives:
    assets = [(machine.machine_id, machine.commissioned_on) for machine in machines_of(plant)]
    return Lives(DOMAIN, assets, COMPONENTS, history_of(plant, day))


def _shift(shift: Shift, source: date, plant: Plant) -> Day:
    """A machine is silent in a file where all that it has to say is missing."""
    begin = instant_of(plant, source, shift.begins_at)
    end = instant_of(plant, source + timedelta(days=shift.nights), shift.ends_at)
    lines: list[str] = []
    marks: list[tuple[int, str, str]] = []
    silent: set[str] = set()
    speaking: set[str] = set()
    for day in (source + timedelta(days=n) for n in range(shift.nights + 1)):
        written = _written(day, plant)
        first, last = np.searchsorted(written.epoch, [begin, end])
        marks += [(len(lines) + row - int(first), kind, column) for row, kind, column in written.marks if first <= row < last]
        lines += written.lines[first:last]
        speaking |= {machines_of(plant)[n].machine_id for n in np.unique(written.machine[first:last])}
        silent |= {name for name, epoch in written.silent.items() if ((epoch >= begin) & (epoch < end)).any()}
    free = np.ones(len(lines), dtype=bool)
    free[[row for row, _, _ in marks]] = False
    return Day(lines, np.flatnonzero(free), marks, sorted(silent - speaking), header=",".join(COLUMNS))


@lru_cache(maxsize=4)
def _written(day: date, plant: Plant) -> Written:
    sensed = sense(plant, day)
    sensed = replace(sensed, values={name: values.copy() for name, values in sensed.values.items()})
    hours = _wrong_for_hours(day, plant, sensed)
    mute = silent_on(DOMAIN, day, plant, len(machines_of(plant)))
    silent = {machines_of(plant)[n].machine_id: sensed.epoch[sensed.machine == n] for n in mute if (sensed.machine == n).any()}
    kept = np.flatnonzero(~np.isin(sensed.machine, mute))
    number = np.full(len(sensed.epoch), -1)
    number[kept] = np.arange(len(kept))
    marks = [(int(row), kind, column) for rows, kind, column in hours for row in number[rows] if row >= 0]
    lines = _lines(sensed, kept, plant)
    return Written(lines, sensed.epoch[kept], sensed.machine[kept], marks, silent)


def _wrong_for_hours(source: date, plant: Plant, sensed: Sensed) -> list[tuple[NDArray[np.int64], str, str]]:
    """Turn some hours of a machine into °F, or of a sensor into a constant: (rows, kind, column) of each."""
    touched = []
    for n, chance in enumerate(plant.stream(DOMAIN, "hours", source).random((len(machines_of(plant)), 6))):
        rows = np.flatnonzero(sensed.machine == n)
        first = int(chance[2] * 0.8 * len(rows))
        rows = rows[first : first + int((2 + 6 * chance[3]) * 60)]
        if not len(rows):
            continue
        if chance[0] < plant.dirt.fahrenheit_bearing:
            for column in ("bearing_temp", "ambient_temp"):
                sensed.values[column][rows] = sensed.values[column][rows] * 9 / 5 + 32
            touched.append((rows, "fahrenheit_bearing", "bearing_temp"))
        elif chance[1] < plant.dirt.stuck:
            column = list(SHAPE.decimals)[int(chance[4] * len(SHAPE.decimals))]
            sensed.values[column][rows] = sensed.values[column][rows[0]]
            touched.append((rows, "stuck", column))
    return touched


def _lines(sensed: Sensed, rows: NDArray[np.int64], plant: Plant) -> list[str]:
    """Local time with its offset: without it, an hour of the night when the clock goes back would come twice."""
    names, states = np.array([m.machine_id for m in machines_of(plant)], dtype=object), np.array(STATES, dtype=object)
    minutes, of_row = np.unique(sensed.epoch[rows], return_inverse=True)
    zone = ZoneInfo(plant.time_zone)
    stamps = np.array([datetime.fromtimestamp(int(m), zone).isoformat() for m in minutes], dtype=object)
    columns = [names[sensed.machine[rows]], stamps[of_row], states[sensed.state[rows]], *(sensed.values[n][rows] for n in DECIMALS)]
    return [LINE % row for row in zip(*(column.tolist() for column in columns), strict=True)]


def _register(day: date, plant: Plant) -> Delivery:
    machines = machines_of(plant)
    header = ",".join(field.name for field in fields(Machine))
    rows = [",".join(str(cell) for cell in astuple(machine)) for machine in machines if machine.commissioned_on <= day]
    later = min((machine.commissioned_on for machine in machines if machine.commissioned_on > day), default=None)
    content = "\n".join([header, *rows, ""]).encode()
    return Delivery(f"{DOMAIN}/machines/machines.csv", content, _lives(day, plant).truth(day, plant), superseded_on=later)


def _path(shift: Shift, day: date) -> str:
    return f"{DOMAIN}/readings/{day}_{shift.name}"


READINGS = tuple(
    Daily(
        f"{DOMAIN}_{shift.name}",
        ".csv.gz",
        SHAPE,
        path=partial(_path, shift),
        day=partial(_shift, shift),
        stride=lambda plant: len(machines_of(plant)),
        delay=shift.nights,
    )
    for shift in SHIFTS
)
