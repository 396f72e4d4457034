"""Machines of the line: who they are, when they work, how they age, and what their sensors read over one local day.

Electrical and mechanical values follow from each other (power = torque x speed / efficiency, current = power at 400 V),
so a fault that brakes a shaft also draws more current; the rest is drawn around each kind's nominal point.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from pipelines.simulator.climate import outside_c
from pipelines.simulator.plant import ORIGIN, Plant
from pipelines.simulator.wear import Component, Failure, Floats, History, Hours, history, stop_of

DOMAIN = "line"
SAMPLING_S = 60
STATES = ("running", "idle", "off")
RUNNING, IDLE, OFF = range(3)
DECIMALS = {
    "vib_x": 3,
    "vib_y": 3,
    "vib_z": 3,
    "bearing_temp": 2,
    "motor_current": 2,
    "voltage": 1,
    "power": 0,
    "spindle_speed": 1,
    "torque": 2,
    "tool_wear": 0,
    "cycle_count": 0,
    "ambient_temp": 2,
    "humidity": 1,
    "pressure": 1,
}
COMPONENTS = (
    Component("bearing", 190, season=0.1),
    Component("motor", 220, season=0.15),
    Component("transmission", 210),
    Component("tooling", 140),
    Component("cooling", 180, season=0.4),
)
TOOLING = 3
IDLE_RUN = 8
"""Minutes that a machine typically waits for parts at a time."""
THERMAL_MINUTES = 25
"""How slowly a bearing warms up and cools down."""


@dataclass(frozen=True)
class Kind:
    """A kind of machine at its nominal point. `vibration` mm/s RMS and `rise_k` above the hall are those of a sound one."""

    prefix: str
    label: str
    name: str
    cycle_s: float
    rpm: float
    torque_nm: float
    vibration: float
    rise_k: float
    is_continuous: bool = False


PRESS = Kind("PRESSE", "press", "Presse emboutissage", 6.0, 400, 290, 1.5, 20)
ROBOT = Kind("ROBOT", "welding robot", "Robot de soudage", 42.0, 1800, 58, 1.0, 18)
PUMP = Kind("POMPE", "paint pump", "Pompe peinture", 90.0, 1450, 76, 1.2, 22, is_continuous=True)
CONVEYOR = Kind("CONVOYEUR", "conveyor", "Convoyeur caisses", 30.0, 90, 1180, 1.3, 16)
CNC = Kind("CNC", "CNC", "Centre d'usinage", 75.0, 3000, 37, 1.1, 22)
COMPRESSOR = Kind("COMPRESSEUR", "compressor", "Compresseur d'air", 120.0, 2950, 38, 1.6, 24, is_continuous=True)
ORDER = (PRESS, ROBOT, PUMP, CONVEYOR, CNC, COMPRESSOR, CNC, PRESS)


@dataclass(frozen=True)
class Machine:
    machine_id: str
    name: str
    kind: str
    nominal_cycle_s: float
    commissioned_on: date
    weekdays: str
    opens_at: str
    closes_at: str


@dataclass(frozen=True)
class Sensed:
    """One local day, one row per reading, ordered by time, then machine; `epoch` in UTC seconds."""

    epoch: NDArray[np.int64]
    machine: NDArray[np.int64]
    state: NDArray[np.int64]
    values: dict[str, Floats]


@lru_cache(maxsize=8)
def machines_of(plant: Plant) -> tuple[Machine, ...]:
    """Eight machines at scale 1, never fewer than three; the second one came after the others."""
    return tuple(_machine(plant, n) for n in range(max(3, round(len(ORDER) * plant.scale))))


@lru_cache(maxsize=8)
def _history(plant: Plant, year: int) -> History:
    machines = machines_of(plant)
    starts = tuple(max(0, (machine.commissioned_on - ORIGIN).days) for machine in machines)
    hours = tuple(Hours() if kind_of(n).is_continuous else Hours(1, 5, 5.0, 21.0) for n in range(len(machines)))
    return history(plant.seed, DOMAIN, COMPONENTS, starts, year, hours=hours)


def history_of(plant: Plant, day: date) -> History:
    return _history(plant, horizon(day))


def horizon(day: date) -> int:
    """The year to whose end lives are worked out: the same for eight years, so that whoever looks back finds them done."""
    return ORIGIN.year + 8 * ((day.year - ORIGIN.year) // 8 + 1) - 1


def kind_of(n: int) -> Kind:
    return ORDER[n % len(ORDER)]


def instant_of(plant: Plant, day: date, clock: str) -> int:
    """Epoch seconds at which the clock of the site shows `clock` (HH:MM, or 24:00) on that day."""
    return _instant(plant.time_zone, day, clock)


@lru_cache(maxsize=32_768)
def _instant(time_zone: str, day: date, clock: str) -> int:
    if clock == "24:00":
        return _instant(time_zone, day + timedelta(days=1), "00:00")
    return int(datetime.combine(day, time.fromisoformat(clock), ZoneInfo(time_zone)).timestamp())


def planned(plant: Plant, n: int, day: date) -> NDArray[np.int64]:
    """The minutes of a day on which a machine is planned to work, as epoch seconds."""
    opens, closes = _open(plant, machines_of(plant)[n], day)
    return np.arange(opens, closes, SAMPLING_S)


def planned_minutes(plant: Plant, n: int, days: Iterable[date]) -> NDArray[np.int64]:
    """How many there are on each day."""
    machine = machines_of(plant)[n]
    spans = np.array([_open(plant, machine, day) for day in days], dtype=np.int64)
    return (spans[:, 1] - spans[:, 0]) // SAMPLING_S


def _open(plant: Plant, machine: Machine, day: date) -> tuple[int, int]:
    first, last = (int(d) for d in machine.weekdays.split("-"))
    if day < machine.commissioned_on or not first <= day.isoweekday() <= last:
        return 0, 0
    return instant_of(plant, day, machine.opens_at), instant_of(plant, day, machine.closes_at)


def states_of(plant: Plant, n: int, day: date, epoch: NDArray[np.int64]) -> NDArray[np.int64]:
    """Off from a failure to the end of its repair; of the other minutes, a share drawn for the day waits for parts."""
    state = np.full(len(epoch), RUNNING)
    for failure in stops_on(plant, n, day):
        failed_at, repaired_at = stop_of(plant, failure)
        state[(epoch >= failed_at) & (epoch < repaired_at)] = OFF
    able = np.flatnonzero(state == RUNNING)
    waits = round(idle_share(plant, n, horizon(day))[(day - ORIGIN).days] * len(able))
    draw = plant.stream(DOMAIN, "states", n, day)
    mood = np.repeat(draw.normal(size=len(epoch) // IDLE_RUN + 1), IDLE_RUN)[: len(epoch)] + 0.2 * draw.normal(size=len(epoch))
    state[able[np.argsort(mood[able], kind="stable")[:waits]]] = IDLE
    return state


def stops_on(plant: Plant, n: int, day: date) -> tuple[Failure, ...]:
    """Failures of a machine whose stop touches the day."""
    return _stops(plant, horizon(day)).get((n, (day - ORIGIN).days), ())


@lru_cache(maxsize=8)
def _stops(plant: Plant, year: int) -> dict[tuple[int, int], tuple[Failure, ...]]:
    found: dict[tuple[int, int], tuple[Failure, ...]] = {}
    for failure in _history(plant, year).failures:
        # One day more on each side: days of 23 and 25 hours shift the end of a repair.
        for day in range(failure.day, failure.repair_day + 2):
            found[failure.unit, day] = (*found.get((failure.unit, day), ()), failure)
    return found


@lru_cache(maxsize=512)
def _pace(plant: Plant, n: int, year: int) -> Floats:
    """(day, 2): what share of a day a machine waits for parts, and how near it comes to its nominal pace."""
    days = (date(year, 12, 31) - ORIGIN).days + 1
    drawn = plant.stream(DOMAIN, "pace", n).random((days, 2))
    pace: Floats = np.array([0.06, 0.86]) + drawn * np.array([0.12, 0.11])
    return pace


def idle_share(plant: Plant, n: int, year: int) -> Floats:
    return _pace(plant, n, year)[:, 0]


def cycles_in(plant: Plant, n: int, days: slice, running_minutes: NDArray[np.int64], year: int) -> NDArray[np.int64]:
    """Pieces that a machine makes on each of the days, counted from the origin, in that many running minutes."""
    pace = _pace(plant, n, year)[days, 1]
    return (running_minutes * 60 / kind_of(n).cycle_s * pace).astype(np.int64)


def wear_of(plant: Plant, n: int, day: date, epoch: NDArray[np.int64]) -> Floats:
    """Latent wear (time, component)."""
    life, index = history_of(plant, day), (day - ORIGIN).days
    begin, end = plant.bounds(day)
    before, grown = life.begin[index, n], np.maximum(life.end[index, n] - life.begin[index, n], 0)
    wear: Floats = before + ((epoch - begin) / (end - begin))[:, None] * grown
    for failure in stops_on(plant, n, day):
        _, repaired_at = stop_of(plant, failure)
        if index == failure.repair_day:
            wear[epoch >= repaired_at, failure.component] = 0.0
    return wear


@lru_cache(maxsize=4)
def hall(plant: Plant, day: date) -> tuple[NDArray[np.int64], Floats, Floats, Floats]:
    """The hall by the minute of a local day: epoch, temperature °C, relative humidity %, air pressure hPa."""
    begin, end = plant.bounds(day)
    epoch = np.arange(begin, end, SAMPLING_S)
    hour = (epoch - begin) / 3600
    outside = outside_c(plant, day, hour, (end - begin) / 3600)
    temperature = 20.5 + 0.35 * (outside - 13)
    drawn = [plant.stream("barometer", day + timedelta(days=n)).normal(size=2) for n in range(-2, 2)]
    ends = np.array([sum(drawn[:3]), sum(drawn[1:])])
    humid, heavy = (np.interp(hour, [0, (end - begin) / 3600], ends[:, i]) for i in range(2))
    return epoch, temperature, np.clip(47 - 1.2 * (temperature - 20) + 4 * humid, 15, 90), 1014 + 5 * heavy


def _machine(plant: Plant, n: int) -> Machine:
    kind = kind_of(n)
    number = sum(kind_of(i).prefix == kind.prefix for i in range(n + 1))
    draw = plant.stream(DOMAIN, "machine", n)
    commissioned = date(2020, 5, 4) if n == 1 else date(2016, 1, 4) + timedelta(days=int(draw.integers(0, 1300)))
    weekdays, opens_at, closes_at = ("1-7", "00:00", "24:00") if kind.is_continuous else ("1-5", "05:00", "21:00")
    return Machine(
        f"{kind.prefix}-{number:02d}", f"{kind.name} {number}", kind.label, kind.cycle_s, commissioned, weekdays, opens_at, closes_at
    )
