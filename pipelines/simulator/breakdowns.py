"""Failures as the workshop learns of them: what every domain tells, and all of a day together."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import pipelines.simulator as package
from pipelines.simulator.plant import Plant


@dataclass(frozen=True)
class Breakdown:
    """One failure of one asset; `failed_at` and `repaired_at` are epoch seconds, `component` is the one that failed."""

    domain: str
    asset: str
    component: str
    failed_at: float
    repaired_at: float


def breakdowns(day: date, plant: Plant) -> list[Breakdown]:
    """Failures of all domains that begin on this local day, in the order in which they happen.

    A module of this package with functions `deliver` and `breakdowns` has assets that fail.
    """
    found: list[Breakdown] = []
    for info in pkgutil.iter_modules(package.__path__):
        if info.name == "breakdowns":
            continue
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        tell: Callable[[date, Plant], list[Breakdown]] | None = getattr(module, "breakdowns", None)
        if tell is not None and hasattr(module, "deliver"):
            found += tell(day, plant)
    return sorted(found, key=lambda b: (b.failed_at, b.asset, b.component))
