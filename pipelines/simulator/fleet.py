"""Fleet: a file of telemetry per local day, the registry (SQLite), services by day and each Monday those of a year again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from pipelines.simulator.arrivals import Daily, Day, flaw, silent_on
from pipelines.simulator.breakdowns import Breakdown
from pipelines.simulator.dirt import Dirt
from pipelines.simulator.line_dirt import LineShape, soil
from pipelines.simulator.plant import Delivery, Plant
from pipelines.simulator.servicing import HEADER, Service, services_between
from pipelines.simulator.told import Lives
from pipelines.simulator.vehicles import COMPONENTS, DECIMALS, DOMAIN, Sensed, life_of, sense, vehicles_of

SOMETIMES = "temps_0_100"
ALWAYS = {name: decimals for name, decimals in DECIMALS.items() if name != SOMETIMES}
IMPOSSIBLE = {
    "temp_moteur": 999.0,
    "vitesse": 700.0,
    "km_actuel": 99_999_999.0,
    "pression_huile": -9.0,
    "regime_moteur": 65535.0,
    "voltage_batterie": 655.35,
    "conso_essence": 999.0,
    "pression_injection": -1.0,
}
SHAPE = LineShape("timestamp", "vin", None, ALWAYS, IMPOSSIBLE)
LINE = '{"vin":"%s","timestamp":"%s",' + ",".join(f'"{name}":%.{decimals}f' for name, decimals in ALWAYS.items()) + "%s}"
SERVICE_SHAPE = LineShape("date_last_revis", "vin", None, {"km_derniere_revis": 0}, {"km_derniere_revis": 99_999_999}, HEADER)
SERVICE_DIRT = ("unknown_unit", "spike", "unreadable_number", "unreadable_timestamp", "broken_line", "duplicate")
"""Kinds that don't make one service look like another."""
EXPORT_DAYS = 365


def deliver(day: date, plant: Plant) -> list[Delivery]:
    """The registry first (it carries the day's wear and failures), then services, then the telemetry that arrives on `day`."""
    return [_registry(day, plant), *_services(day, plant), *TELEMETRY.deliver(day, plant)]


def breakdowns(day: date, plant: Plant) -> list[Breakdown]:
    """Failures that begin on this local day."""
    return _lives(day, plant).breakdowns(day, plant)


def _lives(day: date, plant: Plant) -> Lives:
    assets = [(vehicle.vin, vehicle.in_service_on) for vehicle in vehicles_of(plant)]
    return Lives(DOMAIN, assets, COMPONENTS, life_of(plant, day.year).wear)


def _day(source: date, plant: Plant) -> Day:
    sensed = sense(plant, source)
    vehicles = vehicles_of(plant)
    silent = [n for n in silent_on(DOMAIN, source, plant, len(vehicles)) if vehicles[n].in_service_on <= source]
    rows_of = {n: np.flatnonzero(sensed.vehicle == n) for n in range(len(vehicles))}
    touched = [(int(row), kind, column) for rows, kind, column in _wrong_for_hours(source, plant, sensed, rows_of) for row in rows]
    kept = ~np.isin(sensed.vehicle, silent)
    number = np.cumsum(kept) - 1
    marks = [(int(number[row]), kind, column) for row, kind, column in touched if kept[row]]
    free = np.ones(int(kept.sum()), dtype=bool)
    free[[row for row, _, _ in marks]] = False
    lines = [line for line, is_kept in zip(_lines(sensed, plant), kept.tolist(), strict=True) if is_kept]
    return Day(lines, np.flatnonzero(free), marks, [vehicles[n].vin for n in silent])


def _wrong_for_hours(
    source: date, plant: Plant, sensed: Sensed, rows_of: dict[int, np.ndarray[tuple[int], np.dtype[np.int64]]]
) -> list[tuple[list[int], str, str]]:
    """Roll a vehicle's odometer back, or hold a sensor still, for part of the day: (readings, kind, column) of each."""
    touched = []
    for n, chance in enumerate(plant.stream(DOMAIN, "hours", source).random((len(rows_of), 6))):
        first = int(chance[2] * 0.8 * len(rows_of[n]))
        rows = rows_of[n][first : first + 5 + int(chance[3] * 30)]
        if not len(rows):
            continue
        if chance[0] < plant.dirt.odometer_rollback:
            sensed.values["km_actuel"][rows] = np.maximum(sensed.values["km_actuel"][rows] - 2000 - 30_000 * chance[4], 0)
            touched.append((rows.tolist(), "odometer_rollback", "km_actuel"))
        elif chance[1] < plant.dirt.stuck:
            column = list(ALWAYS)[int(chance[4] * len(ALWAYS))]
            sensed.values[column][rows] = sensed.values[column][rows[0]]
            touched.append((rows.tolist(), "stuck", column))
    return touched


def _lines(sensed: Sensed, plant: Plant) -> list[str]:
    """Ordered by time, then vehicle."""
    names = np.array([v.vin for v in vehicles_of(plant)], dtype=object)[sensed.vehicle]
    stamps = np.char.add(np.datetime_as_string(sensed.epoch.astype("datetime64[s]")), "Z").astype(object)
    sometimes = [f',"{SOMETIMES}":{value:.{DECIMALS[SOMETIMES]}f}' if value == value else "" for value in sensed.values[SOMETIMES].tolist()]
    columns = [names.tolist(), stamps.tolist(), *(sensed.values[name].tolist() for name in ALWAYS), sometimes]
    return [LINE % row for row in zip(*columns, strict=True)]


def _registry(day: date, plant: Plant) -> Delivery:
    """The same bytes until a vehicle joins."""
    vehicles = vehicles_of(plant)
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE vehicules (vin TEXT PRIMARY KEY, modele TEXT, annee INTEGER)")
        db.executemany("INSERT INTO vehicules VALUES (?, ?, ?)", [(v.vin, v.modele, v.annee) for v in vehicles if v.in_service_on <= day])
        db.commit()
        content = db.serialize()
    later = min((v.in_service_on for v in vehicles if v.in_service_on > day), default=None)
    return Delivery(f"{DOMAIN}/registry/vehicules.db", content, _lives(day, plant).truth(day, plant), superseded_on=later)


def _services(day: date, plant: Plant) -> list[Delivery]:
    """What was done on the day, if anything; each Monday also all of the last twelve months."""
    files = {f"{DOMAIN}/services/services_{day}.csv": services_between(plant, day, day)}
    if day.weekday() == 0:
        files[f"{DOMAIN}/services/services_export_{day}.csv"] = services_between(plant, day - timedelta(days=EXPORT_DAYS - 1), day)
    return [_service_file(path, services, plant) for path, services in files.items() if services]


def _service_file(path: str, services: list[Service], plant: Plant) -> Delivery:
    dirt = replace(Dirt.none(), **{kind: getattr(plant.dirt, kind) for kind in SERVICE_DIRT})
    soiled = soil(
        [s.line for s in services], np.arange(len(services)), dirt, SERVICE_SHAPE, plant.stream(DOMAIN, "services", path), stride=1
    )
    flaws = [flaw(path, m.kind, row=m.row + 1, column=m.column, twin=m.twin and m.twin + 1) for m in soiled.marks]
    return Delivery(path, "\n".join([",".join(HEADER), *soiled.lines, ""]).encode(), {"dirt": flaws})


TELEMETRY = Daily(
    "vehicles", ".jsonl.gz", SHAPE,
    path=lambda day: f"{DOMAIN}/telemetry/telemetry_{day}",
    day=_day,
    stride=lambda plant: max(1, len(vehicles_of(plant)) // 6),
)  # fmt: skip
