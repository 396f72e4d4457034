"""Latent wear: how components age, fail by hazard and start anew after a repair, from the plant's origin on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipelines.simulator.plant import ORIGIN, Plant, stream

Floats = NDArray[np.float64]

FAILURE_PER_DAY_AT_FULL_WEAR = 0.2
HAZARD_POWER = 8
SHOCK_PER_DAY = 1 / 250


@dataclass(frozen=True)
class Component:
    """`season` is how much faster it wears (0..1) around day `peak` of the year, and slower half a year away."""

    name: str
    median_life_days: float
    season: float = 0.0
    peak: int = 200


@dataclass(frozen=True)
class Failure:
    """Days count from the origin, hours from the local midnight that begins `day`."""

    unit: int
    component: int
    day: int
    hour: float
    stop_h: float

    @property
    def repair_day(self) -> int:
        return self.day + int((self.hour + self.stop_h) // 24)


@dataclass(frozen=True)
class History:
    """Wear at the beginning and at the end of each day, shaped (day, unit, component): 0 is new, 1 the expected end.

    `hazard` is the probability to fail on the next day of work, 0 while the unit waits for its repair.
    """

    begin: Floats
    end: Floats
    hazard: Floats
    failures: tuple[Failure, ...]


def stop_of(plant: Plant, failure: Failure) -> tuple[float, float]:
    """Epoch seconds of the failure and of the end of its repair."""
    begin, _ = plant.bounds(ORIGIN + timedelta(days=failure.day))
    failed_at = begin + failure.hour * 3600
    return failed_at, failed_at + failure.stop_h * 3600


def hazard_of(wear: Floats) -> Floats:
    """Probability to fail within a day: negligible at half wear, 20 % at full wear."""
    return np.minimum(FAILURE_PER_DAY_AT_FULL_WEAR * wear**HAZARD_POWER, 0.5)


@dataclass(frozen=True)
class Hours:
    """When a unit works, and so wears and may fail: its days of the week (1 is Monday) and hours of such a day."""

    first_weekday: int = 1
    last_weekday: int = 7
    opens_h: float = 0.0
    closes_h: float = 24.0


@lru_cache(maxsize=8)
def history(
    seed: int,
    domain: str,
    components: tuple[Component, ...],
    starts: tuple[int, ...],
    last_year: int,
    use: tuple[float, ...] = (),
    hours: tuple[Hours, ...] = (),
) -> History:
    """From the origin to the end of `last_year`; `starts` holds each unit's first day, counted from the origin.

    `use` says how much each unit is used beside the one that `median_life_days` speaks of; by default it is drawn.

    A longer history continues a shorter one and no unit depends on another, because each has a stream of its own.
    `hours` of each unit, by default always: fewer days of work wear as much in all, so lives stay as long.
    """
    days, units, parts = (date(last_year, 12, 31) - ORIGIN).days + 1, len(starts), len(components)
    hours = hours or (Hours(),) * units
    weekday = 1 + (ORIGIN.weekday() + np.arange(days)) % 7
    works = np.stack([(weekday >= h.first_weekday) & (weekday <= h.last_weekday) for h in hours], axis=1)
    a_week = np.array([7 / (1 + h.last_weekday - h.first_weekday) for h in hours])
    draws = np.stack([stream(seed, domain, "wear", unit).random((days, parts, 8)) for unit in range(units)], axis=1)
    usage = np.array(use or [stream(seed, domain, "usage", unit).uniform(0.85, 1.2) for unit in range(units)])
    pace = -np.log1p(-draws[..., :2]).mean(axis=-1)  # gamma, shape 2, mean 1
    shock = np.where(draws[..., 2] < SHOCK_PER_DAY, 0.05 + 0.2 * draws[..., 3], 0.0)
    frailty_drawn = (draws[..., 5] / (1 - draws[..., 5] + 1e-9)).clip(1e-3, 1e3) ** 0.15
    day_of_year = (np.arange(days) % 365.25)[:, None]
    season = np.array([c.season for c in components])
    peak = np.array([c.peak for c in components])
    rate = (1 + season * np.cos(2 * np.pi * (day_of_year - peak) / 365.25)) / [c.median_life_days for c in components]
    growth = rate[:, None, :] * (usage * a_week)[None, :, None] * pace

    begin, end, hazard = (np.zeros((days, units, parts)) for _ in range(3))
    wear, frailty = np.zeros((units, parts)), frailty_drawn[0].copy()
    blocked_until = np.array(starts) - 1
    failures: list[Failure] = []
    repairs: dict[int, list[Failure]] = {}
    for day in range(days):
        running = ((day > blocked_until) & works[day])[:, None]
        begin[day] = wear
        fails = running & (draws[day, ..., 4] < hazard_of(wear))
        wear = wear + np.where(running, growth[day] * frailty * (0.5 + 0.8 * wear) + shock[day], 0.0)
        for unit in np.flatnonzero(fails.any(axis=1)):
            part = int(np.flatnonzero(fails[unit])[0])
            when, how_long = draws[day, unit, part, 6:8]
            opens, closes = hours[unit].opens_h, hours[unit].closes_h
            failure = Failure(int(unit), part, day, opens + (closes - opens) * float(when), 4 + 44 * float(how_long) ** 2)
            failures.append(failure)
            repairs.setdefault(failure.repair_day, []).append(failure)
            blocked_until[unit] = failure.repair_day
        for repaired in repairs.pop(day, []):
            wear[repaired.unit, repaired.component] = 0.0
            frailty[repaired.unit, repaired.component] = frailty_drawn[day, repaired.unit, repaired.component]
        end[day] = wear
        hazard[day] = np.where((day >= blocked_until)[:, None], hazard_of(wear), 0.0)
    return History(begin, end, hazard, tuple(failures))
