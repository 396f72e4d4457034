"""Vehicles: who they are, how far they drive, how they age, and what their sensors read over one local day.

Wear isn't stamped on a reading: a reading lies somewhere in a range, and wear moves that range from the sound one
towards that of the fault. The ranges overlap, so one reading proves little.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipelines.simulator.plant import ORIGIN, Plant
from pipelines.simulator.wear import Component, Failure, Floats, History, history, stop_of

DOMAIN = "fleet"
SAMPLING_S = 87
MODELS = ("Master", "Expert", "Daily", "Sprinter", "Transit")
YEARS = (2018, 2024)
DECIMALS = {
    "temp_moteur": 1,
    "vitesse": 1,
    "km_actuel": 1,
    "pression_huile": 2,
    "regime_moteur": 0,
    "voltage_batterie": 2,
    "temps_0_100": 1,
    "conso_essence": 1,
    "pression_injection": 1,
}
TYPICAL_DAILY_KM = 155.0
"""Of all days, those without a trip included."""
MEDIAN_LIFE_KM = {"battery": 14_064, "brakes": 41_904, "injector": 40_566, "engine": 38_460, "turbo": 30_765}
SEASONS = {"battery": (0.3, 15), "engine": (0.15, 200)}
"""Batteries suffer in January, engines in July."""
COMPONENTS = tuple(Component(name, km / TYPICAL_DAILY_KM, *SEASONS.get(name, ())) for name, km in MEDIAN_LIFE_KM.items())

RANGES: dict[str, dict[str, tuple[float, float]]] = {
    "temp_moteur": {"sound": (85, 100), "battery": (85, 105), "brakes": (85, 105), "injector": (88, 108),
                    "engine": (110, 125), "turbo": (95, 115)},
    "pression_huile": {"sound": (3, 5), "battery": (2.8, 4.5), "brakes": (2.5, 4.5), "injector": (2.6, 4.2),
                       "engine": (1.8, 2.8), "turbo": (2, 3.2)},
    "regime_moteur": {"sound": (800, 3000), "battery": (800, 3200), "brakes": (800, 3500), "injector": (1000, 3500),
                      "engine": (2000, 4500), "turbo": (3800, 5200)},
    "voltage_batterie": {"sound": (12.2, 14.5), "battery": (10.5, 11.8), "brakes": (11.8, 14.5), "injector": (11.9, 14.2),
                         "engine": (11.5, 14), "turbo": (11.8, 14.5)},
    "temps_0_100": {"sound": (8, 10), "battery": (10, 12), "brakes": (9, 11), "injector": (11, 13),
                    "engine": (14, 16), "turbo": (13, 15)},
    "conso_essence": {"sound": (6, 9), "battery": (8, 12), "brakes": (7, 11), "injector": (13, 17),
                      "engine": (11, 15), "turbo": (12, 16)},
    "pression_injection": {"sound": (280, 350), "battery": (270, 340), "brakes": (275, 345), "injector": (200, 260),
                           "engine": (260, 330), "turbo": (250, 320)},
}  # fmt: skip
"""Where readings lie when nothing is worn, and when one component is worn out."""

_BOUNDS = tuple(
    (
        np.array([[ranges["sound"][side]] for ranges in RANGES.values()]),
        np.array([[ranges[c.name][side] - ranges["sound"][side] for c in COMPONENTS] for ranges in RANGES.values()]),
    )
    for side in (0, 1)
)
"""Lowest and highest: of a sound vehicle (sensor, 1), and how far each fault moves it (sensor, component)."""

_DRIVES = np.array([0.97, 0.97, 0.97, 0.97, 0.97, 0.6, 0.3])
"""Chance of any trip on Monday to Sunday."""
_ROADS_KMH = np.array([28.0, 55.0, 88.0])
_ROAD_SHARES = (0.5, 0.3, 0.2)
_ACCELERATES = 0.08
_WARM_UP_S = 170.0


@dataclass(frozen=True)
class Vehicle:
    """`mean_daily_km` is over all days; `first_km` what the odometer read when it joined, or at the plant's origin."""

    vin: str
    modele: str
    annee: int
    in_service_on: date
    mean_daily_km: float
    first_km: float


@dataclass(frozen=True)
class Drive:
    """The readings of one vehicle's planned day, in seconds after local midnight: what a breakdown would cut short."""

    second: NDArray[np.int64]
    since_start: NDArray[np.int64]
    speed_kmh: Floats
    chance: Floats
    noise: Floats

    @property
    def km(self) -> Floats:
        """Driven up to each reading since the one before."""
        return self.speed_kmh * (SAMPLING_S / 3600)


@dataclass(frozen=True)
class Life:
    """Wear and odometers from the origin to a year's end. `odometer_km` (day, vehicle) is read as the day begins; it has one
    day more than there are. `failure_km` is what the odometer read at each failure of the history. `stops` has the failure
    that a vehicle waits for the repair of on a day, by (day, vehicle); there is never more than one.
    """

    wear: History
    odometer_km: Floats
    failure_km: tuple[float, ...]
    stops: dict[tuple[int, int], Failure]


@dataclass(frozen=True)
class Sensed:
    """One local day, readings of all vehicles in order of time, then vehicle. `wear` (reading, component)."""

    epoch: NDArray[np.int64]
    vehicle: NDArray[np.int64]
    values: dict[str, Floats]
    wear: Floats
    is_warm: NDArray[np.bool_]


@lru_cache(maxsize=8)
def vehicles_of(plant: Plant) -> tuple[Vehicle, ...]:
    """Forty vehicles at scale 1, never fewer than three; the second one came after the others."""
    return tuple(_vehicle(plant, n) for n in range(max(3, round(40 * plant.scale))))


def _vehicle(plant: Plant, n: int) -> Vehicle:
    draw = plant.stream(DOMAIN, "vehicle", n)
    year = int(draw.integers(YEARS[0], YEARS[1]))
    joined = date(YEARS[1], 5, 6) if n == 1 else date(year, 1, 1) + timedelta(days=int(draw.integers(0, 360)))
    mean_km = float(draw.uniform(0.75, 1.25)) * TYPICAL_DAILY_KM
    before = max(0, (ORIGIN - joined).days)
    return Vehicle(f"VIN-{750001 + n}", str(draw.choice(MODELS)), joined.year, joined, mean_km, 12.0 + round(before * mean_km, 1))


@lru_cache(maxsize=4)
def life_of(plant: Plant, last_year: int) -> Life:
    """A longer life continues a shorter one. What a breakdown keeps a vehicle from driving isn't driven."""
    vehicles = vehicles_of(plant)
    starts = tuple(max(0, (v.in_service_on - ORIGIN).days) for v in vehicles)
    use = tuple(v.mean_daily_km / TYPICAL_DAILY_KM for v in vehicles)
    wear = history(plant.seed, DOMAIN, COMPONENTS, starts, last_year, use)
    km = _planned_km(plant, last_year).copy()
    days = len(km)
    on_failure: list[float] = []
    stops: dict[tuple[int, int], Failure] = {}
    for failure in wear.failures:
        driven_before = 0.0
        for index in range(failure.day, min(failure.repair_day + 1, days)):
            stops[index, failure.unit] = failure
            driven, waits = _broken_down(plant, failure, index, float(km[index, failure.unit]))
            if index == failure.day:
                driven_before = float(driven.km[driven.second < failure.hour * 3600].sum())
            km[index, failure.unit] = driven.km[~waits].sum()
        on_failure.append(driven_before)
    odometer = np.concatenate([[[v.first_km for v in vehicles]], km]).cumsum(axis=0)
    failure_km = tuple(float(odometer[f.day, f.unit]) + before for f, before in zip(wear.failures, on_failure, strict=True))
    return Life(wear, odometer, failure_km, stops)


@lru_cache(maxsize=4)
def _planned_km(plant: Plant, last_year: int) -> Floats:
    """What each vehicle would drive on each day from the origin on (day, vehicle), were it never broken."""
    days, vehicles = (date(last_year, 12, 31) - ORIGIN).days + 1, vehicles_of(plant)
    draws = np.stack([plant.stream(DOMAIN, "km", n).random((days, 2)) for n in range(len(vehicles))], axis=1)
    weekday = (np.arange(days) + ORIGIN.weekday()) % 7
    in_service = np.arange(days)[:, None] >= [(v.in_service_on - ORIGIN).days for v in vehicles]
    typical = np.array([v.mean_daily_km for v in vehicles]) / _DRIVES.mean()
    km: Floats = np.where((draws[..., 0] < _DRIVES[weekday][:, None]) & in_service, typical * (0.6 + 0.8 * draws[..., 1]), 0.0)
    return km


def drive(plant: Plant, n: int, day: date, km: float) -> Drive:
    """Two to five trips from the morning on, over the roads that make `km`; a reading closes each interval."""
    draw = plant.stream(DOMAIN, "drive", n, day)
    trips = int(draw.integers(2, 6))
    roads = draw.choice(_ROADS_KMH, trips, p=_ROAD_SHARES)
    size = max(trips, round(km / roads.mean() * 3600 / SAMPLING_S)) if km else 0
    starts, breaks = draw.uniform(6.0, 8.5), draw.uniform(0.2, 0.9, trips)
    trip = np.arange(size) * trips // max(size, 1)
    chance, noise = draw.random((2, size)), draw.normal(size=(7, size))
    speed = roads[trip] * (0.55 + 0.9 * chance[0])
    speed *= km / max(speed.sum() * SAMPLING_S / 3600, 1e-9)
    since_start = (np.arange(1, size + 1)) * SAMPLING_S
    second = (starts * 3600 + since_start + 3600 * np.concatenate([[0.0], breaks.cumsum()])[trip]).astype(np.int64)
    return Drive(second, since_start, speed, chance[1], noise)


def _broken_down(plant: Plant, failure: Failure, index: int, km: float) -> tuple[Drive, NDArray[np.bool_]]:
    """The planned drive of a day that a breakdown touches, and which of its readings the vehicle waits through."""
    day = ORIGIN + timedelta(days=index)
    planned = drive(plant, failure.unit, day, km)
    begin, _ = plant.bounds(day)
    failed_at, repaired_at = stop_of(plant, failure)
    at = begin + planned.second
    return planned, (at >= failed_at) & (at < repaired_at)


def sense(plant: Plant, day: date) -> Sensed:
    """The readings that the vehicles send on a local day; one that waits for its repair sends none."""
    each = [_sense_vehicle(plant, day, n) for n in range(len(vehicles_of(plant)))]
    epoch, vehicle = np.concatenate([s.epoch for s in each]), np.concatenate([s.vehicle for s in each])
    order = np.lexsort((vehicle, epoch))
    values = {name: np.concatenate([s.values[name] for s in each])[order] for name in DECIMALS}
    wear, is_warm = np.concatenate([s.wear for s in each])[order], np.concatenate([s.is_warm for s in each])[order]
    return Sensed(epoch[order], vehicle[order], values, wear, is_warm)


def _sense_vehicle(plant: Plant, day: date, n: int) -> Sensed:
    life, index, (begin, end) = life_of(plant, day.year), (day - ORIGIN).days, plant.bounds(day)
    planned = drive(plant, n, day, float(_planned_km(plant, day.year)[index, n]))
    at, sends = begin + planned.second, np.ones(len(planned.second), dtype=bool)
    wear = _wear_at(life.wear, index, n, planned.second / (end - begin))
    if stop := life.stops.get((index, n)):
        failed_at, repaired_at = stop_of(plant, stop)
        sends = (at < failed_at) | (at >= repaired_at)
        if index == stop.repair_day:
            wear[at >= repaired_at, stop.component] = 0.0
    odometer = life.odometer_km[index, n] + (planned.km * sends).cumsum()
    values = dict(zip(DECIMALS, read(plant, n, day, planned, odometer, wear)[:, sends], strict=True))
    return Sensed(at[sends], np.full(int(sends.sum()), n), values, wear[sends], planned.since_start[sends] > 3 * _WARM_UP_S)


def _wear_at(life: History, index: int, n: int, share: Floats) -> Floats:
    begun = life.begin[index, n]
    grown = np.maximum(life.end[index, n] - begun, 0)
    wear: Floats = begun + share[:, None] * grown
    return wear


def read(plant: Plant, n: int, day: date, planned: Drive, odometer: Floats, wear: Floats) -> Floats:
    """What the sensors show (sensor, reading), in the order of DECIMALS; no time from 0 to 100 unless it accelerated."""
    own = plant.stream(DOMAIN, "calibration", n).uniform(-1, 1, len(RANGES))[:, None]
    cold = np.cos(2 * np.pi * (day.timetuple().tm_yday - 20) / 365.25)
    load = np.clip(planned.speed_kmh / 110, 0, 1.2) - 0.4
    pull = np.array([0.15, 0.1, 0.45, 0.05, 0.0, 0.25, 0.2])[:, None] * load
    season = np.array([-0.06, 0.0, 0.0, -0.06, 0.02, 0.04, 0.0])[:, None] * cold
    place = 0.47 + pull + season + 0.06 * own + 0.12 * planned.noise
    severity = np.minimum(wear, 1.05).T ** 3.5
    low, high = (sound + shift @ severity for sound, shift in _BOUNDS)
    temperature, oil, rpm, volt, sprint, fuel, injection = low + (high - low) * place
    temperature = temperature - 45 * np.exp(-planned.since_start / _WARM_UP_S)
    sprint = np.where(planned.chance < _ACCELERATES, sprint, np.nan)
    values: Floats = np.stack([temperature, planned.speed_kmh, odometer, oil, rpm, volt, sprint, fuel, injection])
    return values
