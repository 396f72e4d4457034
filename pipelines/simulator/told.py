"""What a domain tells of its assets' lives: to the workshop as failures, to the truth as wear and failures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from pipelines.simulator.breakdowns import Breakdown
from pipelines.simulator.plant import ORIGIN, Plant, Record
from pipelines.simulator.wear import Component, History, stop_of


@dataclass(frozen=True)
class Lives:
    """The history of a domain's assets; `assets` are names with the day on which each went into service, as in `life`."""

    domain: str
    assets: Sequence[tuple[str, date]]
    components: Sequence[Component]
    life: History

    def breakdowns(self, day: date, plant: Plant) -> list[Breakdown]:
        """Failures that begin on this local day."""
        return [
            Breakdown(self.domain, self.assets[f.unit][0], self.components[f.component].name, *stop_of(plant, f))
            for f in self.life.failures
            if f.day == (day - ORIGIN).days
        ]

    def truth(self, day: date, plant: Plant) -> dict[str, list[Record]]:
        """Wear at the end of the day, failures that begin on it, and no dirt as yet."""
        return {"wear": self._wear(day), "failures": _failures(self.breakdowns(day, plant)), "dirt": []}

    def _wear(self, day: date) -> list[Record]:
        """`hazard` is the probability to fail on the next day (of work, where an asset has days off)."""
        index = (day - ORIGIN).days
        return [
            {
                "unit": asset,
                "day": str(day),
                "component": component.name,
                "wear": round(float(self.life.end[index, n, c]), 5),
                "hazard": round(float(self.life.hazard[index, n, c]), 7),
            }
            for n, (asset, since) in enumerate(self.assets)
            if since <= day
            for c, component in enumerate(self.components)
        ]


def _failures(found: Iterable[Breakdown]) -> list[Record]:
    return [{"unit": b.asset, "component": b.component, "failed_at": _iso(b.failed_at), "repaired_at": _iso(b.repaired_at)} for b in found]


def _iso(epoch: float) -> str:
    return datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
