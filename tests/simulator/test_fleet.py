"""The laws of the simulated fleet: a day's files depend on that day, odometers rise, wear shows, failures are told truly."""

from __future__ import annotations

import gzip
import json
import re
import sqlite3
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines.simulator import Dirt, vehicles
from pipelines.simulator.fleet import IMPOSSIBLE, breakdowns, deliver
from pipelines.simulator.plant import ORIGIN, Delivery, Plant
from pipelines.simulator.servicing import HEADER, MENDED_AS, services_between, services_of
from pipelines.simulator.vehicles import COMPONENTS, DECIMALS, RANGES, Sensed, drive, life_of, read, sense, vehicles_of

UNTIL = date(2026, 6, 3)
WEEK = [UNTIL - timedelta(days=n) for n in reversed(range(12))]
Row = dict[str, Any]


def plant(scale: float = 0.2, dirt: Dirt | None = None, seed: int = 7) -> Plant:
    return Plant(seed=seed, scale=scale, dirt=dirt or Dirt.none(), time_zone="Europe/Paris")


FILTHY = plant(dirt=Dirt().times(8))


def forget() -> None:
    for cached in (vehicles_of, life_of, services_of, vehicles._planned_km):
        cached.cache_clear()


@pytest.fixture(scope="module")
def dirty() -> dict[date, list[Delivery]]:
    """Twelve filthy days of eight vehicles."""
    return {day: deliver(day, FILTHY) for day in WEEK}


@pytest.fixture(scope="module")
def sensed() -> dict[date, Sensed]:
    """The same days of the same vehicles, before any dirt."""
    return {day: sense(plant(), day) for day in WEEK}


def lines(delivery: Delivery) -> list[str]:
    return gzip.decompress(delivery.content).decode().splitlines()


# What is delivered depends on the day alone


def test_days_in_any_order_give_the_same_bytes(dirty: dict[date, list[Delivery]]) -> None:
    forget()
    assert {day: deliver(day, FILTHY) for day in reversed(WEEK)} == dirty
    assert {d.path.split("/")[1] for each in dirty.values() for d in each} == {"registry", "services", "telemetry"}


def test_a_longer_life_continues_a_shorter_one() -> None:
    shorter, longer = life_of(plant(), 2025), life_of(plant(), 2026)
    assert (longer.odometer_km[: len(shorter.odometer_km) - 3] == shorter.odometer_km[:-3]).all()
    assert longer.failure_km[: len(shorter.failure_km) - 3] == shorter.failure_km[:-3]
    known = services_of(plant(), 2025)
    assert services_of(plant(), 2026)[: len(known)] == known


def test_the_registry_is_the_same_file_until_a_vehicle_joins() -> None:
    joins = vehicles_of(plant())[1].in_service_on
    before, on, after = (deliver(joins + timedelta(days=n), plant())[0] for n in (-1, 0, 9))
    assert before.content != on.content == after.content
    assert before.superseded_on == joins
    db = sqlite3.connect(":memory:")
    db.deserialize(on.content)
    rows = db.execute("SELECT vin, modele, annee FROM vehicules").fetchall()
    assert rows == [(v.vin, v.modele, v.annee) for v in vehicles_of(plant()) if v.in_service_on <= joins]


def test_scale_changes_the_number_of_vehicles() -> None:
    assert [len(vehicles_of(plant(scale))) for scale in (0.01, 0.2, 1, 2)] == [3, 8, 40, 80]
    assert vehicles_of(plant(1))[:8] == vehicles_of(plant())
    assert [v.vin for v in vehicles_of(plant(0.01))] == ["VIN-750001", "VIN-750002", "VIN-750003"]


# Driving


def test_a_file_holds_the_drives_of_one_local_day(sensed: dict[date, Sensed]) -> None:
    for day, seen in sensed.items():
        local = pd.to_datetime(pd.Series(seen.epoch), unit="s", utc=True).dt.tz_convert("Europe/Paris")
        assert set(local.dt.date) == {day}
        assert len(set(zip(seen.epoch.tolist(), seen.vehicle.tolist(), strict=True))) == len(seen.epoch)
    per_vehicle = sum(len(s.epoch) for s in sensed.values()) / len(sensed) / 8
    assert 100 < per_vehicle < 180


def test_odometers_rise_within_a_day_and_go_on_where_the_day_before_ended(sensed: dict[date, Sensed]) -> None:
    life = life_of(plant(), UNTIL.year)
    for n in range(8):
        for day, seen in sensed.items():
            mine = seen.vehicle == n
            km = seen.values["km_actuel"][mine]
            begin, end = life.odometer_km[(day - ORIGIN).days : (day - ORIGIN).days + 2, n]
            assert (np.diff(km) > 0).all()
            driven = seen.values["vitesse"][mine].sum() * vehicles.SAMPLING_S / 3600
            assert end - begin == pytest.approx(driven, abs=1e-6)
            if len(km):
                assert begin < km[0] and km[-1] == pytest.approx(end, abs=1e-6)
    a_day = np.diff(life.odometer_km[-366:], axis=0)
    assert 110 < a_day.mean() < 190


# Wear


def worn(component: str | None, wear: float = 1.0) -> dict[str, np.ndarray]:
    """Readings of thirty days of a vehicle whose one component is so worn; without those of a cold engine."""
    found = []
    for n in range(30):
        planned = drive(plant(), n % 8, UNTIL - timedelta(days=n), 200.0)
        state = np.zeros((len(planned.second), len(COMPONENTS)))
        if component:
            state[:, [c.name for c in COMPONENTS].index(component)] = wear
        found.append(read(plant(), n % 8, UNTIL - timedelta(days=n), planned, planned.km.cumsum(), state)[:, planned.since_start > 900])
    return dict(zip(DECIMALS, np.concatenate(found, axis=1), strict=True))


@pytest.mark.parametrize("state", ["sound", *(c.name for c in COMPONENTS)])
def test_readings_lie_in_the_range_of_what_is_worn_out(state: str) -> None:
    seen = worn(None if state == "sound" else state)
    for column, ranges in RANGES.items():
        values = seen[column][~np.isnan(seen[column])]
        low, high = ranges[state]
        assert len(values) > 100
        assert ((values >= low) & (values <= high)).mean() > 0.97, column


def test_a_fault_grows_out_of_wear() -> None:
    volts = [worn("battery", wear)["voltage_batterie"] for wear in (0.0, 0.5, 0.7, 0.9, 1.0)]
    means = [float(v.mean()) for v in volts]
    assert means == sorted(means, reverse=True)
    assert means[0] - means[1] < 0.3 < means[0] - means[4]
    assert volts[2].min() < 12.2 < volts[2].max(), "worn and sound overlap"


def test_components_live_for_about_their_kilometres() -> None:
    whole = plant(0.5)
    life = life_of(whole, 2026)
    since: dict[tuple[int, int], float] = {}
    lives: dict[str, list[float]] = {c.name: [] for c in COMPONENTS}
    for failure, km in zip(life.wear.failures, life.failure_km, strict=True):
        who = (failure.unit, failure.component)
        lives[COMPONENTS[failure.component].name].append(km - since.get(who, vehicles_of(whole)[failure.unit].first_km))
        since[who] = km
    for name, median in vehicles.MEDIAN_LIFE_KM.items():
        assert 0.7 * median < float(np.median(lives[name])) < 1.4 * median, name


def test_a_broken_vehicle_is_silent_until_its_repair_and_the_truth_says_so(sensed: dict[date, Sensed]) -> None:
    told = [(b, day) for day in WEEK for b in breakdowns(day, plant())]
    truth = [row for day in WEEK for row in deliver(day, plant())[0].truth["failures"]]
    assert len(told) >= 2
    assert [(b.asset, b.component, iso(b.failed_at), iso(b.repaired_at)) for b, _ in told] == [
        (t["unit"], t["component"], t["failed_at"], t["repaired_at"]) for t in truth
    ]
    vins = [v.vin for v in vehicles_of(plant())]
    for b, day in told:
        assert plant().bounds(day)[0] <= b.failed_at < plant().bounds(day)[1] < b.repaired_at + 86_400
        for seen in sensed.values():
            sent = seen.epoch[seen.vehicle == vins.index(b.asset)]
            assert not ((sent >= b.failed_at) & (sent < b.repaired_at)).any()
        on = datetime.fromtimestamp(b.repaired_at, UTC).astimezone().date()
        mended = services_between(plant(), on - timedelta(days=1), on + timedelta(days=1))
        assert any(s.vin == b.asset and s.type == MENDED_AS[b.component] for s in mended)


def iso(epoch: float) -> str:
    return datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_the_truth_tells_wear_and_hazard_of_every_component() -> None:
    wear = pd.DataFrame([row for day in WEEK for row in deliver(day, plant())[0].truth["wear"]])
    assert len(wear) == len(WEEK) * 8 * len(COMPONENTS)
    assert set(wear["component"]) == {"battery", "brakes", "injector", "engine", "turbo"}
    assert wear["hazard"].between(0, 0.5).all()


# Services


def test_services_follow_distance_and_mondays_tell_a_year_again() -> None:
    year = services_between(plant(1.0), date(2025, 6, 3), UNTIL)
    assert set(Counter(s.type for s in year)) == {"Vidange", "Freins", "Pneus", "Moteur", "Batterie"}
    assert 0.1 < sum(not s.is_dated for s in year) / len(year) < 0.2
    assert len({(s.vin, s.type, s.km) for s in year}) == len(year)
    oil = [s for s in year if s.vin == "VIN-750001" and s.type == "Vidange"]
    apart = np.diff([s.km for s in oil])
    assert ((apart > 14_500) & (apart < 15_500)).all() and len(apart)
    monday = date(2026, 6, 1)
    files = {d.path: d.content.decode().splitlines() for d in deliver(monday, plant()) if "/services/" in d.path}
    export = files[f"fleet/services/services_export_{monday}.csv"]
    assert export[0] == ",".join(HEADER)
    assert export[1:] == [s.line for s in services_between(plant(), date(2025, 6, 2), monday)]
    daily = [d for day in WEEK for d in deliver(day, plant()) if "/services/services_2" in d.path]
    assert 0 < len(daily) < len(WEEK), "a day without services has no file"


# Dirt, and the truth about it


def test_without_dirt_every_line_is_whole(sensed: dict[date, Sensed]) -> None:
    rows = [json.loads(line) for d in deliver(UNTIL, plant()) if "telemetry" in d.path for line in lines(d)]
    names = {"vin", "timestamp", *DECIMALS}
    assert {frozenset(names - row.keys()) for row in rows} == {frozenset(), frozenset({"temps_0_100"})}
    assert 0.03 < sum("temps_0_100" in row for row in rows) / len(rows) < 0.15
    assert len(rows) == len(sensed[UNTIL].epoch)


def test_the_truth_points_to_the_dirty_lines(dirty: dict[date, list[Delivery]]) -> None:
    newest = {d.path: d for each in dirty.values() for d in each if "telemetry" in d.path}
    vins = {v.vin for v in vehicles_of(FILTHY)}
    seen: Counter[str] = Counter()
    for path, delivery in newest.items():
        if path.endswith("_b.jsonl.gz"):
            continue
        content = lines(delivery)
        odometers: dict[str, list[float]] = {}
        for line in content:
            if sound := re.search(r'"vin":"([^"]+)".*"km_actuel":([0-9]+[.][0-9])[,}]', line):
                odometers.setdefault(sound[1], []).append(float(sound[2]))
        for flaw in delivery.truth["dirt"]:
            kind, row_number = str(flaw["kind"]), flaw["row"]
            seen[kind] += 1
            if kind == "silent":
                assert not any(f'"{flaw["machine_id"]}"' in line for line in content)
            if not isinstance(row_number, int):
                continue
            line = content[row_number - 1]
            match kind:
                case "unknown_unit":
                    assert json.loads(line)["vin"] not in vins
                case "odometer_rollback":
                    row = json.loads(line)
                    assert row["km_actuel"] < np.median(odometers[row["vin"]]) - 1000
                case "spike":
                    assert json.loads(line)[flaw["column"]] == IMPOSSIBLE[str(flaw["column"])]
                case "duplicate":
                    assert line == content[int(str(flaw["twin"])) - 1]
    assert {"unknown_unit", "odometer_rollback", "spike", "duplicate", "silent", "stuck", "broken_line"} <= set(seen)
