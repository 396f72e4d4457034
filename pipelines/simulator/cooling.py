"""Cooling units: who they are, how they age, and what their sensors read over one local day.

Pressures follow temperatures on straight lines that keep a healthy unit between 1.8 and 3.5 bar low, 9 and 14 bar high;
they are no refrigerant's saturation table.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipelines.simulator.climate import outside_c
from pipelines.simulator.plant import ORIGIN, Plant
from pipelines.simulator.wear import Component, Floats, History, history, stop_of

DOMAIN = "refrigeration"
SAMPLING_S = 120
MODES = ("normal", "high_load", "low_load", "defrost", "startup")
NORMAL, HIGH_LOAD, LOW_LOAD, DEFROST, STARTUP = range(5)
DECIMALS = {
    "temp_evaporator": 2,
    "temp_condenser": 2,
    "pressure_high": 2,
    "pressure_low": 2,
    "superheat": 2,
    "subcooling": 2,
    "compressor_current": 2,
    "vibration": 4,
    "efficiency": 3,
}
COMPONENTS = (
    Component("compressor", 200, season=0.15),
    Component("condenser_fouling", 190, season=0.4),
    Component("refrigerant_leak", 200),
    Component("evaporator_icing", 150, season=0.35, peak=220),
    Component("fan_bearing", 200, season=0.1),
)
ROOMS = (
    ("Chambre fraîche", -2.0),
    ("Congélateur produits finis", -18.0),
    ("Quai d'expédition", -3.0),
    ("Tunnel de refroidissement", -12.0),
    ("Chambre de maturation", -5.0),
    ("Stock matières premières", -15.0),
)
STARTUP_S = 600


@dataclass(frozen=True)
class Unit:
    machine_id: str
    name: str
    room: str
    refrigerant: str
    nominal_power_kw: float
    setpoint_c: float
    commissioned_on: date


@dataclass(frozen=True)
class Sensed:
    """One local day: `epoch` (time,) in UTC seconds; the rest (time, unit). `present`: the unit sends something."""

    epoch: NDArray[np.int64]
    mode: NDArray[np.int64]
    present: NDArray[np.bool_]
    values: dict[str, Floats]


@lru_cache(maxsize=8)
def units_of(plant: Plant) -> tuple[Unit, ...]:
    """Twelve units at scale 1, never fewer than two; the second one came after the others."""
    return tuple(_unit(plant, n) for n in range(max(2, round(12 * plant.scale))))


def history_of(plant: Plant, day: date) -> History:
    starts = tuple(max(0, (unit.commissioned_on - ORIGIN).days) for unit in units_of(plant))
    return history(plant.seed, DOMAIN, COMPONENTS, starts, day.year)


def sense(plant: Plant, day: date) -> Sensed:
    begin, end = plant.bounds(day)
    epoch = np.arange(-(-begin // SAMPLING_S) * SAMPLING_S, end, SAMPLING_S)
    units = units_of(plant)
    wear, present, restarted = _wear_during(plant, day, epoch, units)
    hour = (epoch - begin) / 3600
    ambient = outside_c(plant, day, hour, (end - begin) / 3600)
    columns = [_sense_unit(plant, day, n, unit, hour, ambient, wear[:, n], restarted[:, n]) for n, unit in enumerate(units)]
    modes = np.stack([mode for mode, _ in columns], axis=1)
    values = {name: np.stack([sensors[name] for _, sensors in columns], axis=1) for name in DECIMALS}
    return Sensed(epoch, modes, present, values)


def _unit(plant: Plant, n: int) -> Unit:
    draw = plant.stream(DOMAIN, "unit", n)
    room, setpoint = ROOMS[n % len(ROOMS)]
    commissioned = date(2020, 5, 4) if n == 1 else date(2017, 1, 1) + timedelta(days=int(draw.integers(0, 1000)))
    return Unit(
        machine_id=f"FRIGO-{n + 1:02d}",
        name=f"Groupe froid {n + 1}",
        room=room,
        refrigerant=str(draw.choice(["R404A", "R134a", "R449A"])),
        nominal_power_kw=float(draw.integers(8, 40)),
        setpoint_c=setpoint,
        commissioned_on=commissioned,
    )


def _wear_during(
    plant: Plant, day: date, epoch: NDArray[np.int64], units: tuple[Unit, ...]
) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """Wear (time, unit, component); which units run; which of them have just been put back."""
    life, index = history_of(plant, day), (day - ORIGIN).days
    begun, grown = life.begin[index], np.maximum(life.end[index] - life.begin[index], 0)
    share = (epoch - epoch[0]) / (epoch[-1] - epoch[0])
    wear = begun + share[:, None, None] * grown
    present = np.repeat([[unit.commissioned_on <= day for unit in units]], len(epoch), axis=0)
    restarted = np.zeros_like(present)
    for failure in life.failures:
        if not failure.day - 1 <= index <= failure.repair_day + 1:
            continue
        failed_at, repaired_at = stop_of(plant, failure)
        present[(epoch >= failed_at) & (epoch < repaired_at), failure.unit] = False
        restarted[(epoch >= repaired_at) & (epoch < repaired_at + STARTUP_S), failure.unit] = True
        if index == failure.repair_day:
            wear[epoch >= repaired_at, failure.unit, failure.component] = 0.0
    return wear, present, restarted


def _sense_unit(
    plant: Plant,
    day: date,
    n: int,
    unit: Unit,
    hour: Floats,
    ambient: Floats,
    wear: Floats,
    restarted: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], dict[str, Floats]]:
    own = plant.stream(DOMAIN, "calibration", n).uniform(-1, 1, 8)
    draw = plant.stream(DOMAIN, "sensors", n, day)
    hourly = np.interp(hour[:, None], np.arange(26), draw.normal(size=26))
    load = _load(day, hour, ambient) + 0.07 * np.ravel(hourly)
    mode = np.select([load > 0.7, load < 0.3], [HIGH_LOAD, LOW_LOAD], NORMAL)
    thaw = _defrost(draw, hour, mode)
    mode[restarted] = STARTUP
    thaw[restarted] = 0.6
    noise = draw.normal(size=(7, len(hour)))

    compressor, fouling, leak, icing, bearing = np.minimum(wear, 1.3).T ** 3.5 * (1 + 0.15 * own[0])
    cold = unit.setpoint_c - 7 + 1.2 * (load - 0.5) + 0.2 * own[1] + 0.3 * noise[0]
    evaporator = cold + 7 * compressor + 7 * leak - 5 * icing
    evaporator = evaporator + thaw * (4.5 - evaporator)
    heat = 33 + 0.36 * np.maximum(ambient, 0) + 3 * (load - 0.5) + 0.5 * own[2] + 0.5 * noise[1]
    condenser = np.maximum(heat, 32) + 15 * fouling + 7 * bearing - 2 * thaw
    high = 9.7 + (condenser - 32) * 2 / 7 + 1.5 * fouling + 0.08 * noise[2]
    low = 2.1 + (cold + 25) / 17 * 1.15 + 0.3 * thaw - 1.2 * leak - 0.8 * icing + 0.05 * noise[3]
    vibration = (0.016 + 0.007 * load) * (1 + 0.15 * own[3]) + 0.025 * compressor + 0.045 * bearing
    return mode, {
        "temp_evaporator": evaporator,
        "temp_condenser": condenser,
        "pressure_high": high,
        "pressure_low": np.maximum(low, 0.2),
        "superheat": np.maximum(7.5 + 0.5 * own[4] + 0.5 * noise[4] + 11 * leak - 7 * icing, 0),
        "subcooling": np.maximum(6 + 0.4 * own[5] + 0.3 * noise[5] - 5 * leak - 2 * fouling, 0),
        "compressor_current": 5.4 + 3.2 * load + 0.04 * (condenser - 38) + 0.2 * noise[6] + 6 * compressor + 1.5 * fouling,
        "vibration": vibration * (1 + 0.06 * noise[4]),
        "efficiency": np.clip(
            0.74
            - 0.004 * (condenser - 38)
            - 0.06 * np.abs(load - 0.5)
            - 0.05 * thaw
            - 0.2 * compressor
            - 0.1 * (leak + fouling + icing)
            + 0.008 * noise[5],
            0.05,
            0.95,
        ),
    }


def _load(day: date, hour: Floats, ambient: Floats) -> Floats:
    """Share of the nominal load: goods come in during working hours, warm air asks for more."""
    busy = 0.3 if day.weekday() < 5 else 0.12
    shift = 1 / (1 + np.exp(-2 * (hour - 6.5))) - 1 / (1 + np.exp(-2 * (hour - 18)))
    return np.clip(0.33 + busy * shift + 0.011 * (ambient - 13), 0.05, 1.1)


def _defrost(draw: np.random.Generator, hour: Floats, mode: NDArray[np.int64]) -> Floats:
    """Set the modes of two to four defrosts of 20-30 min, each with a startup behind; return how thawed the coil is."""
    times = int(draw.integers(2, 5))
    begins = (np.arange(times) + draw.uniform(0.1, 0.8, times)) * 22 / times
    thaw = np.zeros_like(hour)
    for begin, length in zip(begins, draw.uniform(1 / 3, 1 / 2, times), strict=True):
        since = hour - begin
        on = (since >= 0) & (since < length)
        after = (since >= length) & (since < length + STARTUP_S / 3600)
        mode[on], mode[after] = DEFROST, STARTUP
        thaw[on] = 1 - np.exp(-since[on] * 10)
        thaw[after] = np.exp(-(since[after] - length) * 30)
    return thaw
