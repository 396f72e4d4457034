"""A plant that behaves, and the dirt that real data has: what each source delivers day by day, and the truth.

What is delivered on a day depends on the seed, the scale, the dirt, the time zone and that day, on nothing else:
thirty days at once and thirty times one day leave the same bytes. A module of this package with a function `deliver`
is a domain.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from pipelines.simulator.dirt import TYPICAL, Dirt
from pipelines.simulator.journal import Journal, Noted
from pipelines.simulator.plant import ORIGIN, Delivery, Plant, Record

__all__ = ["Dirt", "Simulated", "simulate"]

Deliver = Callable[[date, Plant], list[Delivery]]


@dataclass(frozen=True)
class Simulated:
    """`files` hold what was delivered (written now, or found identical); `readings` counts the sensor lines in them."""

    files: tuple[Path, ...]
    readings: int


def simulate(
    landing: Path,
    truth: Path,
    *,
    until: date,
    days: int,
    scale: float = 1.0,
    seed: int = 7,
    dirt: Dirt = TYPICAL,
    time_zone: str = "Europe/Paris",
    only: Collection[str] = (),
    progress: Callable[[str], None] | None = None,
    journal: Path | None = None,
) -> Simulated:
    """Deliver the `days` days that end with `until` (included) to `landing/<domain>`, their truth to `truth/<domain>`.

    `only` names the domains that deliver, by default all. Identical files are left alone, modification time included. A
    file that a later, already simulated day has corrected keeps its correction. `journal` is a file that remembers what was
    delivered: days whose files lie there untouched aren't worked out again.
    """
    first = until - timedelta(days=days - 1)
    if days < 1 or first < ORIGIN:
        raise ValueError(f"days={days} until {until} asks for days from {first}: need days >= 1 and none before {ORIGIN}")
    plant = Plant(seed=seed, scale=scale, dirt=dirt, time_zone=time_zone)
    noted = Journal.opened(journal, plant, landing, truth)
    readings: dict[str, int] = {}
    for domain, deliver in domains().items():
        if only and domain not in only:
            continue
        for day in (first + timedelta(days=n) for n in range(days)):
            told = noted.days.get(f"{domain} {day}")
            if told is None or not all(_is_superseded(n, until, truth / domain) or noted.left_by(n, day, until) for n in told):
                told = _deliver(domain, deliver, day, until, plant, landing, truth, noted)
            readings |= {n.path: n.readings for n in told if n.of_landing and not _is_superseded(n, until, truth / domain)}
            if progress:
                progress(f"{domain} {day}")
    noted.save()
    return Simulated(tuple(map(Path, readings)), sum(readings.values()))


def _deliver(
    domain: str, deliver: Deliver, day: date, until: date, plant: Plant, landing: Path, truth: Path, journal: Journal
) -> list[Noted]:
    """Write what a day delivers, and its truth."""
    told: list[Noted] = []
    present: list[str] = []
    records: dict[str, list[Record]] = {}
    for delivery in deliver(day, plant):
        path = landing / delivery.path
        newer = delivery.superseded_on
        told.append(noted := Noted(str(path), delivery.readings, newer.isoformat() if newer else None))
        if not _is_superseded(noted, until, truth / domain):
            _write(path, delivery.content)
            present.append(noted.path)
        for table, rows in delivery.truth.items():
            records.setdefault(table, []).extend(rows)
    for table, rows in records.items():
        path = truth / domain / f"{table}_{day}.jsonl"
        _write(path, _json_lines(rows))
        told.append(Noted(str(path), of_landing=False))
        present.append(str(path))
    journal.note(domain, day, told, present)
    return told


def domains() -> dict[str, Deliver]:
    """Domain name -> its `deliver`, found by walking this package."""
    modules = {m.name: importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)}
    return {name: module.deliver for name, module in sorted(modules.items()) if hasattr(module, "deliver")}


def _is_superseded(noted: Noted, until: date, truth: Path) -> bool:
    """True where a newer version lands in this run, or landed in an earlier one (its day then left a truth behind)."""
    newer = noted.superseded_on
    return newer is not None and (newer <= str(until) or (Path(noted.path).exists() and (truth / f"dirt_{newer}.jsonl").exists()))


def _json_lines(rows: Iterable[Record]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _write(path: Path, content: bytes) -> None:
    """Write whole or not at all: a reader never sees half a file."""
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)
