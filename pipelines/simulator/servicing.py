"""Services of the vehicles: planned ones by distance, and what the workshop mended after a failure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import count

import numpy as np

from pipelines.simulator.plant import ORIGIN, Plant
from pipelines.simulator.vehicles import COMPONENTS, DOMAIN, life_of, vehicles_of

INTERVALS_KM = {"Vidange": 15_000, "Freins": 30_000, "Pneus": 40_000, "Moteur": 60_000}
MENDED_AS = {"battery": "Batterie", "brakes": "Freins", "injector": "Moteur", "engine": "Moteur", "turbo": "Moteur"}
TYPES = ("Vidange", "Freins", "Pneus", "Moteur", "Batterie")
UNDATED = 0.15
HEADER = ("vin", "date_last_revis", "type", "km_derniere_revis")


@dataclass(frozen=True)
class Service:
    """`is_dated`: the workshop wrote the day down."""

    vin: str
    on: date
    type: str
    km: int
    is_dated: bool

    @property
    def line(self) -> str:
        return f"{self.vin},{self.on if self.is_dated else ''},{self.type},{self.km}"


@lru_cache(maxsize=4)
def services_of(plant: Plant, last_year: int) -> tuple[Service, ...]:
    """From the origin to the end of a year, in order of day, vehicle and type; a longer list continues a shorter one."""
    vehicles, life = vehicles_of(plant), life_of(plant, last_year)
    days = len(life.odometer_km) - 1
    dated = np.stack([plant.stream(DOMAIN, "dated", n).random((days, len(TYPES))) for n in range(len(vehicles))], axis=1) >= UNDATED
    found = {(failure.repair_day, failure.unit, MENDED_AS[COMPONENTS[failure.component].name]): int(km)
             for failure, km in zip(life.wear.failures, life.failure_km, strict=True) if failure.repair_day < days}  # fmt: skip
    for type_, interval in INTERVALS_KM.items():
        phase = np.array([plant.stream(DOMAIN, type_, n).uniform(0, interval) for n in range(len(vehicles))])
        due = np.diff((life.odometer_km + phase) // interval, axis=0) > 0
        for day, n in np.argwhere(due).tolist():
            found.setdefault((day, n, type_), int(life.odometer_km[day, n]))
    taken: set[tuple[int, str, int]] = set()
    services = []
    for (day, n, type_), read in sorted(found.items()):
        # A vehicle that broke down twice without driving in between still moved in the yard: its services stay two.
        km = next(k for k in count(read) if (n, type_, k) not in taken)
        taken.add((n, type_, km))
        services.append(Service(vehicles[n].vin, ORIGIN + timedelta(days=day), type_, km, bool(dated[day, n, TYPES.index(type_)])))
    return tuple(services)


def services_between(plant: Plant, first: date, last: date) -> list[Service]:
    return [s for s in services_of(plant, last.year) if first <= s.on <= last]
