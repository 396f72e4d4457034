"""What each export calls an asset: its own name in each, and another one from some day on where somebody renamed it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from pipelines.simulator.plant import ORIGIN, Plant
from pipelines.simulator.workshop import DOMAIN, Asset, assets_of

SOURCES = ("interventions", "causes", "hours")
AMBIGUOUS = "Groupe"
"""What some people write; the crosswalk knows it for two assets."""
UNKNOWN = ("Divers atelier", "Machine neuve", "À préciser", "Presse n°99")
RENAMED_SHARE = 0.2
_LINE = {
    "PRESSE": "Presse n°",
    "ROBOT": "Robot soudure n°",
    "POMPE": "Pompe peinture n°",
    "CONVOYEUR": "Convoyeur n°",
    "CNC": "Centre d'usinage n°",
    "COMPRESSEUR": "Compresseur n°",
}


@dataclass(frozen=True)
class Named:
    """The days on which a source calls an asset by a name; `last` is None until further notice."""

    source: str
    name: str
    asset: str
    first: date | None = None
    last: date | None = None


def name_of(plant: Plant, source: str, asset: Asset, day: date) -> str:
    periods = _names(plant)[source, asset.name]
    return next(p.name for p in periods if (p.first is None or p.first <= day) and (p.last is None or day <= p.last))


def crosswalk_of(plant: Plant, day: date) -> list[Named]:
    """Every name known by a day; what will be renamed later isn't told yet."""
    known = [p for periods in _names(plant).values() for p in periods if p.first is None or p.first <= day]
    told = [Named(p.source, p.name, p.asset, p.first, p.last if p.last and p.last < day else None) for p in known]
    two = [a.name for a in assets_of(plant) if a.domain == "refrigeration"][:2]
    return told + [Named(source, AMBIGUOUS, asset) for source in SOURCES for asset in two]


def next_change(plant: Plant, day: date) -> date | None:
    """The next day on which the crosswalk says more."""
    changes = {p.first for periods in _names(plant).values() for p in periods if p.first and p.first > day}
    return min(changes, default=None)


@lru_cache(maxsize=8)
def _names(plant: Plant) -> dict[tuple[str, str], tuple[Named, ...]]:
    assets = assets_of(plant)
    shuffled = plant.stream(DOMAIN, "numbers").permutation(len(assets))
    found: dict[tuple[str, str], tuple[Named, ...]] = {}
    for n, asset in enumerate(assets):
        for source, name in zip(SOURCES, _calls(asset, n, int(shuffled[n])), strict=True):
            chance, when = plant.stream(DOMAIN, "renamed", source, asset.name).random(2)
            changed = ORIGIN + timedelta(days=int(365 * (1 + 9 * when)))
            periods: tuple[Named, ...] = (Named(source, name, asset.name),)
            if chance < RENAMED_SHARE:
                periods = (
                    Named(source, name, asset.name, None, changed - timedelta(days=1)),
                    Named(source, f"{name} (rénové)", asset.name, changed),
                )
            found[source, asset.name] = periods
    return found


def _calls(asset: Asset, n: int, shuffled: int) -> tuple[str, str, str]:
    """In the three exports. The second numbers machines otherwise than the first: `machine3` here is `machine1` there."""
    kind, _, number = asset.name.rpartition("-")
    if asset.domain == "line":
        return f"machine{n + 1}", f"machine{shuffled + 1}", f"{_LINE.get(kind, kind + ' ')}{int(number)}"
    if asset.domain == "fleet":
        return f"Véhicule {number}", f"machine{shuffled + 1}", asset.name
    return f"Groupe froid n°{int(number)}", f"machine{shuffled + 1}", f"Chambre froide {int(number):02d}"
