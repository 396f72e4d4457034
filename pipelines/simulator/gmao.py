"""GMAO: exports of interventions, causes and workload as real ones look, with the crosswalk, organs and team beside them.

A day's files hold the interventions done that day (and, with the causes, the orders still open); on the first Monday of
a month the last twelve months come again. An order is written the same way in every file that tells of it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache, partial
from zoneinfo import ZoneInfo

from pipelines.simulator.arrivals import flaw
from pipelines.simulator.designations import AMBIGUOUS, UNKNOWN, crosswalk_of, name_of, next_change
from pipelines.simulator.plant import ORIGIN, Delivery, Plant, Record
from pipelines.simulator.vocabulary import WORDINGS
from pipelines.simulator.workshop import DOMAIN, Order, orders_done, orders_open, team_of

HISTORY_DAYS = 365
EMPTY_PARTS = 0.9
"""Share of interventions whose parts the plain export leaves out."""
PART = ("[Pièce].Désignation", "[Pièce].Référence", "[Pièce].Quantité")
INTERVENTIONS = ("Type de panne", "Durée arrêt (h)", "Résultat", "Date intervention", "Désignation", "Coût matériel", *PART)
CAUSES = (
    "Type de panne", "Durée arrêt (h)", "Résumé intervention", "Date intervention", "Désignation", "Date demande", "Cause",
    "Coût matériel", "Organe", *PART, "[Pièce].Prix total",
)  # fmt: skip
HOURS = (
    "Type de panne", "Durée arrêt (h)", "Date intervention", "Désignation", "Catégorie de panne", "Nombre d'heures MO",
    "Coût total intervention", "[MO interne].Nom", "[MO interne].Prénom", "[MO interne].Nombre d'heures",
)  # fmt: skip
Cells = tuple[str, ...]


@dataclass(frozen=True)
class Written:
    """An order as the exports tell it: what is wrong there is wrong in all files of that export. `flaws` are (kind, column)."""

    order: Order
    name: str
    day: str
    stop: str
    material: str
    requested: str
    organ: str
    shows_parts: bool
    flaws: tuple[tuple[str, str], ...]


def deliver(day: date, plant: Plant) -> list[Delivery]:
    """The crosswalk first, which carries the day's truth, then what goes with it, then the exports."""
    files = [_crosswalk(day, plant), _organs(), _team(plant), *_exports(day, plant, orders_done(plant, day), orders_open(plant, day), "")]
    if day.weekday() == 0 and day.day <= 7:
        days = (day - timedelta(days=n) for n in range(HISTORY_DAYS, -1, -1))
        orders = [o for d in days if d >= ORIGIN for o in orders_done(plant, d)]
        files += _exports(day, plant, orders, orders_open(plant, day), "_12mois")
    return files


def _exports(day: date, plant: Plant, done: Sequence[Order], still_open: Sequence[Order], suffix: str) -> list[Delivery]:
    kinds: tuple[tuple[str, str, str, Cells, Callable[[Written, Plant], list[Cells]]], ...] = (
        ("interventions", "interventions", "interventions", INTERVENTIONS, _plain),
        ("causes", "causes", "causes", CAUSES, _with_causes),
        ("workload", "charge", "hours", HOURS, _with_hours),
    )
    files = []
    for folder, name, source, header, rows_of in kinds:
        path = f"{DOMAIN}/{folder}/{name}_{day}{suffix}.csv"
        told = [written(plant, o, source) for o in done]
        if source == "causes":
            asked = [w for o in still_open if not (w := written(plant, o, source)).flaws]
            told += [replace(w, day="", stop="", material="", shows_parts=False) for w in asked]
        text, starts = _csv(header, [rows_of(w, plant) for w in told])
        flaws = [flaw(path, kind, row=row, column=c) for w, row in zip(told, starts, strict=True) for kind, c in w.flaws]
        files.append(Delivery(path, _bytes(text), {"dirt": flaws}))
    return files


@lru_cache(maxsize=1 << 17)
def written(plant: Plant, order: Order, source: str) -> Written:
    """How an export tells an order. What each of them gets wrong is its own; stop and organ are those of the GMAO itself."""
    dirt = plant.dirt
    chance = plant.stream(DOMAIN, "written", source, order.number).random(8).tolist()
    shared = plant.stream(DOMAIN, "typed", order.number).random(6).tolist()
    flaws: list[tuple[str, str]] = []

    def happens(kind: str, draw: float, column: str) -> bool:
        if draw < getattr(dirt, kind):
            flaws.append((kind, column))
            return True
        return False

    name, day = name_of(plant, source, order.asset, order.day), f"{order.day:%d/%m/%Y}"
    if happens("unknown_designation", chance[0], "Désignation"):
        name = UNKNOWN[int(chance[1] * len(UNKNOWN))]
    elif happens("ambiguous_designation", chance[2], "Désignation"):
        name = AMBIGUOUS
    elif happens("mistyped_date", chance[3], "Date intervention"):
        day = f"{order.day:%m/%d/%Y}" if order.day.day > 12 else f"{order.day:%d/%m/}{order.day.year + 30}"
    stop_h = order.stop_h
    if not order.is_preventive and happens("long_stop", shared[0], "Durée arrêt (h)"):
        stop_h = round(1000 + 1500 * shared[1], 2)
    material = order.material_eur
    if source != "hours" and happens("odd_cost", shared[2], "Coût matériel"):
        material = -material if shared[3] < 0.5 else 0.0
    requested_at = order.requested_at
    if source == "causes" and happens("late_request", chance[4], "Date demande"):
        requested_at = plant.bounds(order.day)[1] + 3600 * (8 + 50 * chance[5])
    organ = order.wording.organ.capitalize()
    if source == "causes" and happens("organ_spelling", shared[4], "Organe"):
        organ = order.wording.spellings[int(shared[5] * len(order.wording.spellings))]
    return Written(
        order, name + " " * (chance[6] < 0.2), day, _decimal(stop_h), _decimal(material),
        f"{datetime.fromtimestamp(requested_at, ZoneInfo(plant.time_zone)):%d/%m/%Y %H:%M}", organ + " " * (chance[6] > 0.9),
        source != "interventions" or chance[7] >= EMPTY_PARTS, tuple(flaws),
    )  # fmt: skip


def _plain(w: Written, plant: Plant) -> list[Cells]:
    used = ", ".join(p.designation for p in w.order.parts) or "aucune pièce"
    head = (w.order.failure_type, w.stop, f"{_done(w.order)}\nPièces : {used}  ", w.day, w.name, w.material)
    return [(*head, *part[:3]) for part in _parts(w)]


def _with_causes(w: Written, plant: Plant) -> list[Cells]:
    is_done = bool(w.day)
    head = (w.order.failure_type, w.stop, _done(w.order) if is_done else "", w.day, w.name, w.requested,
            w.order.cause if is_done else "", w.material, w.organ if is_done else "")  # fmt: skip
    return [(*head, *part) for part in _parts(w)]


def _with_hours(w: Written, plant: Plant) -> list[Cells]:
    o = w.order
    head = (o.failure_type, w.stop, w.day, w.name, "Préventive" if o.is_preventive else "Corrective",
            _decimal(o.labour_h), _decimal(o.total_eur))  # fmt: skip
    return [(*head, t.last_name.upper() if len(o.number) % 2 else t.last_name, t.first_name, _decimal(h)) for t, h in o.labour]


def _done(order: Order) -> str:
    return f"{order.wording.preventive_action if order.is_preventive else order.wording.corrective_action}\nEssai concluant"


def _parts(w: Written) -> list[Cells]:
    if not w.shows_parts or not w.order.parts:
        return [("", "", "", "")]
    return [(p.designation, p.reference, str(p.quantity), _decimal(p.total_eur)) for p in w.order.parts]


def _decimal(value: float) -> str:
    """Decimal comma, thousands apart.

    >>> _decimal(1234.5)
    '1 234,50'
    """
    return f"{value:,.2f}".replace(",", " ").replace(".", ",")


def _csv(header: Iterable[str], groups: Sequence[Sequence[Cells]]) -> tuple[str, list[int]]:
    """The text of a file, and the line on which each group begins."""
    out = io.StringIO(newline="")
    write = csv.writer(out, delimiter=";", lineterminator="\r\n")
    write.writerow(header)
    line, starts = 2, []
    for group in groups:
        starts.append(line)
        for row in group:
            write.writerow(row)
            line += 1 + sum(cell.count("\n") for cell in row)
    return out.getvalue(), starts


def _bytes(text: str) -> bytes:
    """What Latin-1 doesn't have becomes a question mark, as it does in the GMAO."""
    return text.encode("cp1252", errors="replace")


def _crosswalk(day: date, plant: Plant) -> Delivery:
    rows = [(n.source, n.name, _day(n.first), _day(n.last), n.asset) for n in crosswalk_of(plant, day)]
    text, _ = _csv(("source", "source_name", "valid_from", "valid_to", "asset_id"), [rows])
    truth: dict[str, list[Record]] = {
        "work_orders": [_truth(o) for o in orders_done(plant, day)],
        "names": [{"last_name": t.last_name, "first_name": t.first_name} for t in team_of(plant)],
        "dirt": [],
    }
    return Delivery(f"{DOMAIN}/crosswalk/crosswalk.csv", _bytes(text), truth, superseded_on=next_change(plant, day))


def _organs() -> Delivery:
    """The last spelling of each organ isn't in it: somebody will have to add it."""
    rows = [(spelling, w.organ) for w in WORDINGS for spelling in w.spellings[:-1]]
    text, _ = _csv(("Écriture", "Organe"), [rows])
    return Delivery(f"{DOMAIN}/organs/organes.csv", _bytes(text), {})


def _team(plant: Plant) -> Delivery:
    text, _ = _csv(("Nom", "Prénom", "Heures par semaine"), [[(t.last_name, t.first_name, _decimal(t.weekly_h)) for t in team_of(plant)]])
    return Delivery(f"{DOMAIN}/technicians/equipe.csv", _bytes(text), {})


def _day(day: date | None) -> str:
    return f"{day:%d/%m/%Y}" if day else ""


def _truth(order: Order) -> Record:
    iso = partial(datetime.fromtimestamp, tz=UTC)
    return {
        "number": order.number, "domain": order.asset.domain, "asset": order.asset.name, "component": order.wording.component,
        "is_preventive": order.is_preventive, "failure_type": order.failure_type, "day": str(order.day),
        "requested_at": f"{iso(order.requested_at):%Y-%m-%dT%H:%M:%SZ}", "started_at": f"{iso(order.started_at):%Y-%m-%dT%H:%M:%SZ}",
        "ended_at": f"{iso(order.ended_at):%Y-%m-%dT%H:%M:%SZ}", "stop_h": order.stop_h, "material_eur": order.material_eur,
        "labour_h": order.labour_h, "total_eur": order.total_eur,
    }  # fmt: skip
