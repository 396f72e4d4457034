"""What the sensors and counters of a machine read over one local day, from its wear, its work and the hall around it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from pipelines.simulator.machines import (
    DECIMALS,
    DOMAIN,
    IDLE,
    OFF,
    RUNNING,
    SAMPLING_S,
    THERMAL_MINUTES,
    TOOLING,
    Sensed,
    cycles_in,
    hall,
    history_of,
    horizon,
    idle_share,
    kind_of,
    machines_of,
    planned,
    planned_minutes,
    states_of,
    wear_of,
)
from pipelines.simulator.plant import ORIGIN, Plant
from pipelines.simulator.wear import Failure, Floats, stop_of

VOLTS = 400.0
POWER_FACTOR = 0.85
EFFICIENCY = 0.9


@dataclass(frozen=True)
class Counters:
    """At the beginning of each day since the origin: minutes run and pieces made. `changes`: when the tool was changed,
    in epoch seconds, and the minutes run by then."""

    minutes: NDArray[np.int64]
    cycles: NDArray[np.int64]
    changes: tuple[tuple[float, int], ...]


@lru_cache(maxsize=4)
def sense(plant: Plant, day: date) -> Sensed:
    """Every machine's readings of one local day."""
    parts = [_sense_machine(plant, n, day) for n in range(len(machines_of(plant)))]
    epoch, state = (np.concatenate([part[i] for part in parts]) for i in range(2))
    machine = np.repeat(np.arange(len(parts)), [len(part[0]) for part in parts])
    order = np.lexsort((machine, epoch))
    values = {name: np.concatenate([part[2][name] for part in parts])[order] for name in DECIMALS}
    return Sensed(epoch[order], machine[order], state[order], values)


@lru_cache(maxsize=512)
def counters_of(plant: Plant, n: int, year: int) -> Counters:
    """Up to the end of `year`. Exact, because what a day adds doesn't depend on when in the day it is asked for."""
    days = (date(year, 12, 31) - ORIGIN).days + 1
    lengths = planned_minutes(plant, n, (ORIGIN + timedelta(days=d) for d in range(days)))
    ran = lengths - np.rint(idle_share(plant, n, year) * lengths).astype(np.int64)
    touched = sorted({d for f in _failures(plant, n, year) for d in range(f.day, f.repair_day + 2) if d < days})
    for d in touched:
        ran[d] = int((_states(plant, n, ORIGIN + timedelta(days=d))[1] == RUNNING).sum())
    made = cycles_in(plant, n, slice(0, days), ran, year)
    minutes, cycles = (np.concatenate([[0], np.cumsum(a)]) for a in (ran, made))
    changes = []
    for failure in _failures(plant, n, year):
        if failure.component == TOOLING:
            _, repaired_at = stop_of(plant, failure)
            on = datetime.fromtimestamp(repaired_at, UTC).astimezone(ZoneInfo(plant.time_zone)).date()
            if on.year <= year:
                epoch, state = _states(plant, n, on)
                so_far = int(((state == RUNNING) & (epoch < repaired_at)).sum())
                changes.append((repaired_at, int(minutes[(on - ORIGIN).days]) + so_far))
    return Counters(minutes, cycles, tuple(sorted(changes)))


def _failures(plant: Plant, n: int, year: int) -> list[Failure]:
    return [f for f in history_of(plant, date(year, 12, 31)).failures if f.unit == n]


def _states(plant: Plant, n: int, day: date) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    epoch = planned(plant, n, day)
    return epoch, states_of(plant, n, day, epoch)


def _sense_machine(plant: Plant, n: int, day: date) -> tuple[NDArray[np.int64], NDArray[np.int64], dict[str, Floats]]:
    epoch, state = _states(plant, n, day)
    minute, temperature, humidity, pressure = hall(plant, day)
    at = (epoch - minute[0]) // SAMPLING_S
    kind, size = kind_of(n), len(epoch)
    own = plant.stream(DOMAIN, "calibration", n).uniform(-1, 1, 6)
    draw = plant.stream(DOMAIN, "sensors", n, day)
    hourly = draw.normal(size=27)
    noise = draw.normal(size=(11, size))
    running, idle, off = state == RUNNING, state == IDLE, state == OFF

    wear = np.minimum(wear_of(plant, n, day, epoch), 1.3)
    bearing, motor, transmission, tooling, cooling = wear.T**3.5 * (1 + 0.1 * own[0])
    load = np.clip(0.78 + 0.09 * np.interp((epoch - minute[0]) / 3600, np.arange(27), hourly), 0.5, 1.0)
    effort = np.select([running, idle], [0.55 + 0.45 * load, np.full(size, 0.07)], 0.0)
    speed = kind.rpm * np.select([running, idle], [1.0 - 0.02 * load - 0.03 * motor, np.full(size, 0.2)], 0.0)
    torque = kind.torque_nm * effort * (1 + 0.04 * own[1]) * (1 + 0.45 * tooling + 0.35 * transmission)
    torque = np.maximum(torque * (1 + 0.02 * noise[0]), 0)
    voltage = VOLTS * (1 + 0.008 * noise[1]) - 4 * effort
    drawn = torque * speed * (2 * np.pi / 60) / EFFICIENCY + np.where(off, 15, 250)
    power = drawn * (1 + 0.9 * motor) * (1 + 0.01 * noise[2])
    shaking = kind.vibration * (1 + 0.12 * own[2]) * np.select([running, idle], [0.6 + 0.4 * load, np.full(size, 0.25)], 0.02)
    shaken = np.select([running, idle], [np.ones(size), np.full(size, 0.1)], 0.0)
    axes = (1.0 * shaking + shaken * (7.0 * bearing + 1.5 * transmission),
            0.9 * shaking + shaken * (5.5 * bearing + 3.0 * transmission),
            0.7 * shaking + shaken * (3.0 * bearing + 7.0 * transmission))  # fmt: skip
    heat = kind.rise_k * (effort + 0.15 * (running | idle)) + np.where(running, 35 * bearing + 40 * cooling + 4 * motor, 0)
    hot = _lagged(heat, steady=kind.is_continuous) * (1 + 0.04 * own[3])
    values = {
        **{f"vib_{axis}": shake * (1 + 0.05 * noise[3 + i]) for i, (axis, shake) in enumerate(zip("xyz", axes, strict=True))},
        "bearing_temp": temperature[at] + hot + 0.3 * noise[6],
        "motor_current": power / (np.sqrt(3) * voltage * POWER_FACTOR) * (1 + 0.01 * noise[7]),
        "voltage": voltage,
        "power": power,
        "spindle_speed": np.maximum(speed * (1 + 0.004 * noise[8]), 0),
        "torque": torque,
        **_counted(plant, n, day, epoch, running),
        "ambient_temp": temperature[at] + 0.4 * own[4] + 0.1 * noise[9],
        "humidity": np.clip(humidity[at] + own[5] + 0.3 * noise[10], 5, 100),
        "pressure": pressure[at],
    }
    return epoch, state, values


def _lagged(heat: Floats, steady: bool) -> Floats:
    """What a first-order lag makes of the heat; a machine that stood still before begins at the temperature of the hall."""
    if not len(heat):
        return heat
    age = np.arange(6 * THERMAL_MINUTES)
    kernel = np.exp(-age / THERMAL_MINUTES)
    before = np.full(len(kernel), heat.mean() if steady else 0.0)
    return np.convolve(np.concatenate([before, heat]), kernel / kernel.sum())[len(before) : len(before) + len(heat)]


def _counted(plant: Plant, n: int, day: date, epoch: NDArray[np.int64], running: NDArray[np.bool_]) -> dict[str, Floats]:
    """Pieces since the machine was new to us, and minutes run since its tool was changed: both go on where yesterday ended."""
    year, index = horizon(day), (day - ORIGIN).days
    counters = counters_of(plant, n, year)
    so_far = np.cumsum(running)
    ran = np.array([so_far[-1] if len(so_far) else 0], dtype=np.int64)
    made = counters.cycles[index] + cycles_in(plant, n, slice(index, index + 1), ran, year) * so_far // max(int(ran[0]), 1)
    minutes = counters.minutes[index] + so_far
    changed = np.array([at for at, _ in counters.changes])
    by_then = np.array([0, *(m for _, m in counters.changes)])
    return {"cycle_count": made.astype(np.float64), "tool_wear": minutes - by_then[np.searchsorted(changed, epoch, side="right")]}
