"""The workshop: what it does about failures and against them, with the few hands that it has.

Failures are repaired as they come. Preventive work is planned for each asset every `PLANNED_EVERY_WEEKS` weeks, done on
working days while the week's hours last, and put off for up to `MAX_WEEKS_LATE` weeks otherwise. A year's weeks are
worked through one after the other, from nothing put off: what happens on a day depends on its year alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from pipelines.simulator.breakdowns import Breakdown, breakdowns
from pipelines.simulator.cooling import units_of
from pipelines.simulator.machines import machines_of
from pipelines.simulator.plant import ORIGIN, Plant
from pipelines.simulator.vehicles import vehicles_of
from pipelines.simulator.vocabulary import wording_of, wordings_of
from pipelines.simulator.wording import Wording

DOMAIN = "gmao"
PLANNED_EVERY_WEEKS = 3
MAX_WEEKS_LATE = 6
LONGEST_REPAIR_DAYS = 35
RATE_EUR_H = 48.0
PREVENTIVE = "Préventif"
WEEKLY_HOURS = (35.0, 35.0, 39.0, 28.0, 35.0, 39.0, 35.0, 17.5)
FIRST_NAMES = ("Anaïs", "Béranger", "Cyprien", "Éléonore", "Gaëtan", "Héloïse", "Isaline", "Jérôme", "Léopoldine", "Maëlle")
LAST_NAMES = (
    "Kerdraoñ", "Guéguéniat", "Thévenoux", "Bréhaultin", "Maupéougé", "Choisnardet", "Larrouÿ", "Pélissouard", "Quéméneuret", "Rivoallanec",
    "Soubeyrandel",
)  # fmt: skip


@dataclass(frozen=True)
class Technician:
    last_name: str
    first_name: str
    weekly_h: float


@dataclass(frozen=True)
class Asset:
    domain: str
    name: str
    since: date


@dataclass(frozen=True)
class PartLine:
    designation: str
    reference: str
    quantity: int
    total_eur: float


@dataclass(frozen=True, eq=False)
class Order:
    """One work order as it truly was. Instants are epoch seconds; `day` is the local day on which it was done.

    An order is itself and no other, so that what was written about it can be looked up fast.
    """

    number: str
    asset: Asset
    wording: Wording
    is_preventive: bool
    requested_at: float
    started_at: float
    ended_at: float
    day: date
    cause: str
    parts: tuple[PartLine, ...]
    labour: tuple[tuple[Technician, float], ...]

    @property
    def failure_type(self) -> str:
        return PREVENTIVE if self.is_preventive else self.wording.failure_type

    @property
    def stop_h(self) -> float:
        return round((self.ended_at - self.started_at) / 3600, 2)

    @property
    def material_eur(self) -> float:
        return round(sum(p.total_eur for p in self.parts), 2)

    @property
    def labour_h(self) -> float:
        return round(sum(h for _, h in self.labour), 2)

    @property
    def total_eur(self) -> float:
        return round(self.material_eur + self.labour_h * RATE_EUR_H, 2)


@lru_cache(maxsize=8)
def assets_of(plant: Plant) -> tuple[Asset, ...]:
    """Every asset of every domain, in an order that doesn't change."""
    return (
        *(Asset("line", m.machine_id, m.commissioned_on) for m in machines_of(plant)),
        *(Asset("refrigeration", u.machine_id, u.commissioned_on) for u in units_of(plant)),
        *(Asset("fleet", v.vin, v.in_service_on) for v in vehicles_of(plant)),
    )


@lru_cache(maxsize=8)
def _by_name(plant: Plant) -> dict[str, Asset]:
    return {a.name: a for a in assets_of(plant)}


@lru_cache(maxsize=8)
def team_of(plant: Plant) -> tuple[Technician, ...]:
    """Eight technicians at scale 1, never fewer than two."""
    return tuple(
        Technician(LAST_NAMES[n % len(LAST_NAMES)] + ("" if n < 110 else f"-{n // 110}"), FIRST_NAMES[n % len(FIRST_NAMES)],
                   WEEKLY_HOURS[n % len(WEEKLY_HOURS)])
        for n in range(max(2, round(8 * plant.scale)))
    )  # fmt: skip


def orders_done(plant: Plant, day: date) -> tuple[Order, ...]:
    """Orders of a local day, in the order of their numbers."""
    return _year(plant, (day - timedelta(days=day.weekday())).year).orders(day)


def orders_open(plant: Plant, day: date) -> list[Order]:
    """Repairs asked for by the end of a day and not yet done by then."""
    _, end = plant.bounds(day)
    later = (day + timedelta(days=n) for n in range(LONGEST_REPAIR_DAYS + 1))
    return [o for d in later for o in orders_done(plant, d) if not o.is_preventive and o.requested_at < end <= o.ended_at]


@lru_cache(maxsize=6)
def _year(plant: Plant, year: int) -> Year:
    return Year(plant, year)


class Year:
    """The weeks whose Monday is in a year, worked through as far as somebody asks."""

    def __init__(self, plant: Plant, year: int) -> None:
        new_year = date(year, 1, 1)
        self._plant = plant
        self._monday = new_year + timedelta(days=-new_year.weekday() % 7)
        self._heard = max(self._monday - timedelta(days=LONGEST_REPAIR_DAYS), ORIGIN)
        self._repairs: dict[date, list[Breakdown]] = {}
        self._put_off: list[tuple[int, date]] = []
        self._done: dict[date, tuple[Order, ...]] = {}

    def orders(self, day: date) -> tuple[Order, ...]:
        while self._monday <= day:
            self._work()
        return self._done.get(day, ())

    def _work(self) -> None:
        plant, monday = self._plant, self._monday
        self._hear(until=monday + timedelta(days=7))
        week = Week(plant, monday)
        days = [monday + timedelta(days=n) for n in range(7)]
        done = {day: [_repaired(plant, b, day, week) for b in self._repairs.pop(day, ())] for day in days}
        due = [(n, monday) for n in range(len(assets_of(plant))) if (monday.toordinal() // 7 + n) % PLANNED_EVERY_WEEKS == 0]
        put_off = []
        for n, planned in self._put_off + due:
            order = _prevented(plant, n, planned, week)
            if order is not None:
                done[order.day].append(order)
            elif monday - planned < timedelta(weeks=MAX_WEEKS_LATE):
                put_off.append((n, planned))
        self._done |= {day: tuple(sorted(orders, key=lambda o: o.number)) for day, orders in done.items()}
        self._put_off, self._monday = put_off, monday + timedelta(days=7)

    def _hear(self, until: date) -> None:
        """Of failures that begin before a day, by the local day on which they are repaired."""
        zone = ZoneInfo(self._plant.time_zone)
        while self._heard < until:
            for b in breakdowns(self._heard, self._plant):
                self._repairs.setdefault(datetime.fromtimestamp(b.repaired_at, zone).date(), []).append(b)
            self._heard += timedelta(days=1)


class Week:
    """The hours that the team still has in a week."""

    def __init__(self, plant: Plant, monday: date) -> None:
        draw = plant.stream(DOMAIN, "presence", monday)
        away = 0.4 if monday.month == 8 else 0.12
        self.monday = monday
        self.team = team_of(plant)
        self.left = [t.weekly_h * (1 - away * float(u) * 2) for t, u in zip(self.team, draw.random(len(self.team)), strict=True)]

    def work(self, hours: float, hands: int) -> tuple[tuple[Technician, float], ...]:
        """Book `hours` on those with most hours left, in quarters of an hour."""
        chosen = sorted(range(len(self.team)), key=lambda n: (-self.left[n], n))[:hands]
        quarters = max(len(chosen), round(hours * 4))
        shares = [quarters // len(chosen) + (i < quarters % len(chosen)) for i in range(len(chosen))]
        for n, share in zip(chosen, shares, strict=True):
            self.left[n] -= share / 4
        return tuple((self.team[n], share / 4) for n, share in zip(chosen, shares, strict=True))

    def has(self, hours: float, hands: int) -> bool:
        return sum(sorted(self.left)[-hands:]) >= hours and sorted(self.left)[-hands:][0] >= hours / hands


def _repaired(plant: Plant, broken: Breakdown, day: date, week: Week) -> Order:
    asset = _by_name(plant)[broken.asset]
    failed_at = int(broken.failed_at) // 60 * 60
    draw = plant.stream(DOMAIN, "repair", broken.asset, failed_at // 86400, failed_at % 86400)
    wording = wording_of(broken.domain, broken.component)
    length = broken.repaired_at - failed_at
    requested_at = failed_at + min(draw.exponential(900), length / 4)
    hours = float(wording.labour_h * draw.gamma(4, 0.25))
    cause = wording.causes[min(int(draw.exponential(0.8)), len(wording.causes) - 1)]
    return Order(
        number=f"OT-{broken.asset}-{datetime.fromtimestamp(failed_at, UTC):%Y%m%d%H%M}",
        asset=asset, wording=wording, is_preventive=False, requested_at=requested_at // 60 * 60, started_at=failed_at,
        ended_at=failed_at + round(length / 36) * 36, day=day, cause=cause,
        parts=_parts(wording, draw.random(8).tolist(), first=1.0),
        labour=week.work(hours, 1 + (hours > 3) + (hours > 8)),
    )  # fmt: skip


def _prevented(plant: Plant, n: int, planned: date, week: Week) -> Order | None:
    """What was planned for an asset, done in this week; None when it is full, or there is no such asset yet."""
    asset = assets_of(plant)[n]
    if asset.since > planned:
        return None
    draw = plant.stream(DOMAIN, "preventive", asset.name, planned)
    wordings = wordings_of(asset.domain)
    wording = wordings[int(draw.integers(len(wordings)))]
    hours, hands = float(wording.labour_h * draw.uniform(0.9, 2.0)), 2
    if not week.has(hours, hands):
        return None
    day = week.monday + timedelta(days=int(draw.integers(5)))
    begin, _ = plant.bounds(day)
    started_at = begin + 3600 * int(draw.integers(7, 14))
    labour = week.work(hours, hands)
    stop_s = round(sum(h for _, h in labour) / hands * 100) * 36
    return Order(
        number=f"OP-{asset.name}-{planned:%Y%m%d}",
        asset=asset, wording=wording, is_preventive=True, requested_at=plant.bounds(planned - timedelta(days=14))[0] + 8 * 3600,
        started_at=started_at, ended_at=started_at + stop_s, day=day, cause="Entretien planifié",
        parts=_parts(wording, draw.random(8).tolist(), first=0.4), labour=labour,
    )  # fmt: skip


def _parts(wording: Wording, chances: list[float], first: float) -> tuple[PartLine, ...]:
    """The first part with probability `first`, each other one sometimes; prices move a little."""
    wanted = [p for i, p in enumerate(wording.parts) if chances[i] < (first if i == 0 else 0.35 * first)]
    return tuple(
        PartLine(p.designation, p.reference, p.quantity, round(p.quantity * p.unit_price_eur * (0.97 + 0.06 * chances[-1 - i]), 2))
        for i, p in enumerate(wanted)
    )
