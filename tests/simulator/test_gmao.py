"""The workshop and its exports: a day depends on that day alone, hands are limited, files look as real ones do, dirt is told."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.simulator import Dirt, gmao
from pipelines.simulator.breakdowns import breakdowns
from pipelines.simulator.designations import crosswalk_of, name_of
from pipelines.simulator.plant import Delivery, Plant
from pipelines.simulator.vocabulary import WORDINGS
from pipelines.simulator.workshop import MAX_WEEKS_LATE, Order, Week, assets_of, orders_done, team_of

HISTORY = date(2026, 3, 2)
"""The first Monday of a month."""
PLANT = Plant(seed=7, scale=0.25, dirt=Dirt.none(), time_zone="Europe/Paris")
DIRTY = Plant(seed=7, scale=0.25, dirt=replace(Dirt().times(20), long_stop=0.3), time_zone="Europe/Paris")
YEAR = [date(2025, 3, 3) + timedelta(days=n) for n in range(364)]
Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def orders() -> list[Order]:
    return [o for day in YEAR for o in orders_done(PLANT, day)]


@pytest.fixture(scope="module")
def files() -> dict[str, Delivery]:
    return {Path(f.path).name: f for f in gmao.deliver(HISTORY, PLANT)}


def rows(delivery: Delivery) -> Rows:
    return list(csv.DictReader(io.StringIO(delivery.content.decode("cp1252"), newline=""), delimiter=";"))


def number(text: str) -> float:
    return float(text.replace(" ", "").replace(",", "."))


def test_every_failure_is_repaired_by_one_order_of_the_day_on_which_it_was(orders: list[Order]) -> None:
    ended = {(o.asset.name, o.ended_at // 60) for o in orders if not o.is_preventive}
    broken = {(b.asset, b.repaired_at // 60) for day in YEAR[2:-3] for b in breakdowns(day, PLANT)}
    assert broken <= {(name, minute + late) for name, minute in ended for late in (-1, 0, 1)}
    for o in orders:
        begin, end = PLANT.bounds(o.day)
        assert begin <= o.ended_at <= end + 60 and o.requested_at <= o.ended_at and o.labour_h > 0 and o.stop_h > 0


def test_preventive_work_waits_where_the_week_is_full(orders: list[Order]) -> None:
    planned = {o: date.fromisoformat(f"{o.number[-8:-4]}-{o.number[-4:-2]}-{o.number[-2:]}") for o in orders if o.is_preventive}
    weeks_late = Counter((o.day - timedelta(days=o.day.weekday()) - p).days // 7 for o, p in planned.items())
    assert weeks_late[0] > 100 and sum(weeks_late.values()) > weeks_late[0] and max(weeks_late) <= MAX_WEEKS_LATE
    hours: dict[tuple[date, str], float] = defaultdict(float)
    for o in (o for o in orders if o.is_preventive):
        for who, worked in o.labour:
            hours[o.day - timedelta(days=o.day.weekday()), who.last_name] += worked
    assert all(
        worked <= Week(PLANT, week).left[[t.last_name for t in team_of(PLANT)].index(who)] + 0.5 for (week, who), worked in hours.items()
    )


def test_a_day_is_the_same_whatever_was_simulated_before(files: dict[str, Delivery]) -> None:
    fresh = Plant(seed=7, scale=0.25, dirt=Dirt(), time_zone="Europe/Paris")
    gmao.deliver(HISTORY + timedelta(days=40), fresh)
    again = gmao.deliver(HISTORY, Plant(seed=7, scale=0.25, dirt=Dirt(), time_zone="Europe/Paris"))
    assert [(f.path, f.content) for f in gmao.deliver(HISTORY, fresh)] == [(f.path, f.content) for f in again]
    assert [f.path for f in gmao.deliver(HISTORY + timedelta(days=1), PLANT)] == [
        "gmao/crosswalk/crosswalk.csv", "gmao/organs/organes.csv", "gmao/technicians/equipe.csv",
        "gmao/interventions/interventions_2026-03-03.csv", "gmao/causes/causes_2026-03-03.csv", "gmao/workload/charge_2026-03-03.csv",
    ]  # fmt: skip
    assert len(files) == 9, "and the last twelve months on the first Monday of a month"


def test_exports_are_written_as_real_ones(files: dict[str, Delivery]) -> None:
    causes, plain, hours = (rows(files[f"{n}_2026-03-02_12mois.csv"]) for n in ("causes", "interventions", "charge"))
    for told, columns in ((plain, gmao.INTERVENTIONS), (causes, gmao.CAUSES), (hours, gmao.HOURS)):
        assert tuple(told[0]) == columns
        days = [datetime.strptime(r["Date intervention"], "%d/%m/%Y").date() for r in told if r["Date intervention"]]
        assert min(days) >= HISTORY - timedelta(days=365) and max(days) <= HISTORY and any(d.day > 12 for d in days)
    assert any("\n" in r["Résumé intervention"] for r in causes) and any('"' in r["[Pièce].Désignation"] for r in causes)
    assert any(r["Désignation"].endswith(" ") for r in plain) and any("," in r["Coût matériel"] for r in plain)
    assert sum(not r["[Pièce].Référence"] for r in plain) / len(plain) > 0.85
    done = [o for n in range(365, -1, -1) for o in orders_done(PLANT, HISTORY - timedelta(days=n))]
    assert len(hours) == sum(len(o.labour) for o in done) > len(done), "a line per technician"
    assert round(sum(number(r["[MO interne].Nombre d'heures"]) for r in hours), 2) == round(sum(o.labour_h for o in done), 2)
    assert round(sum(number(r["[Pièce].Prix total"]) for r in causes if r["[Pièce].Prix total"]), 2) == round(
        sum(o.material_eur for o in done), 2
    )


def test_open_orders_are_listed_until_they_are_done() -> None:
    asked = {}
    for n in range(60):
        day = HISTORY + timedelta(days=n)
        export = next(f for f in gmao.deliver(day, PLANT) if f.path.startswith("gmao/causes/") and "12mois" not in f.path)
        for r in rows(export):
            key = r["Désignation"].strip(), r["Date demande"]
            if not r["Date intervention"]:
                assert not r["Durée arrêt (h)"] and datetime.strptime(r["Date demande"], "%d/%m/%Y %H:%M").date() <= day
                asked[key] = day
            elif key in asked:
                assert asked.pop(key) == day - timedelta(days=1)
    assert set(asked.values()) <= {HISTORY + timedelta(days=59)}


def test_names_differ_between_exports_and_the_crosswalk_knows_each_on_its_day() -> None:
    known = crosswalk_of(PLANT, HISTORY)
    for asset in assets_of(PLANT):
        names = {source: name_of(PLANT, source, asset, HISTORY) for source in ("interventions", "causes", "hours")}
        for source, name in names.items():
            meant = {k.asset for k in known if (k.source, k.name) == (source, name) and (not k.first or k.first <= HISTORY)
                     and (not k.last or k.last >= HISTORY)}  # fmt: skip
            assert meant == {asset.name}
    assert any(k.first for k in known), "something was renamed"
    here = {k.name: k.asset for k in known if k.source == "interventions" and k.name.startswith("machine")}
    there = {k.name: k.asset for k in known if k.source == "causes" and k.name in here}
    assert any(here[name] != asset for name, asset in there.items()), "machine3 here is another machine there"


def test_dirt_is_told_line_by_line() -> None:
    delivered = gmao.deliver(HISTORY, DIRTY)
    kinds = Counter(str(flaw["kind"]) for f in delivered for flaw in f.truth.get("dirt", ()))
    assert set(kinds) == {
        "unknown_designation",
        "ambiguous_designation",
        "mistyped_date",
        "late_request",
        "odd_cost",
        "long_stop",
        "organ_spelling",
    }
    causes = next(f for f in delivered if f.path.endswith("causes_2026-03-02_12mois.csv"))
    lines = causes.content.decode("cp1252").split("\n")
    for flaw in causes.truth["dirt"]:
        text = lines[int(str(flaw["row"])) - 1]
        assert text.startswith(("Préventif;", *(w.failure_type for w in WORDINGS))), "the line on which the order begins"
    canonical = {w.organ.capitalize() for w in WORDINGS}
    spellings = {r["Organe"].strip() for r in rows(causes)} - {""}
    assert len(spellings) > 2 * len(spellings & canonical) or len(spellings - canonical) > 5


def test_truth_holds_orders_and_every_name() -> None:
    truth = gmao.deliver(HISTORY, PLANT)[0].truth
    assert {str(t["number"]) for t in truth["work_orders"]} == {o.number for o in orders_done(PLANT, HISTORY)}
    assert [t["last_name"] for t in truth["names"]] == [t.last_name for t in team_of(PLANT)]
    assert json.dumps(truth["work_orders"]) and not [n for n in truth["names"] if str(n["last_name"]) in json.dumps(truth["work_orders"])]
