"""How a day's file of readings arrives: on time, late, corrected later, partly sent again, or joined by garbage."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from pipelines.simulator.line_dirt import LineShape, Mark, Soiled, soil
from pipelines.simulator.plant import ORIGIN, Delivery, Plant, Record

MAX_LAG_DAYS = 6


@dataclass(frozen=True)
class Arrival:
    """Days after the one on which they are complete that a day's files arrive; None for a file that never does."""

    readings: int
    corrected: int | None
    resent: int | None
    unreadable: int | None


@dataclass(frozen=True)
class Day:
    """One file's lines before line dirt: `free` have no other dirt, `marks` are (line, kind, column), 0-based.

    `silent`: assets that send nothing though they run. `header`: first line of the file, if it has one.
    """

    lines: list[str]
    free: NDArray[np.int64]
    marks: list[tuple[int, str, str]] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    header: str = ""


@dataclass(frozen=True)
class Daily:
    """The files of one source: `path` without its suffix for a day, how lines look, and what a day's lines are.

    `name` keys the random streams; `stride(plant)` says how many lines belong to one instant. `delay`: days after which a
    file is complete and arrives, if it is on time (a night shift's ends on the next day).
    """

    name: str
    suffix: str
    shape: LineShape
    path: Callable[[date], str]
    day: Callable[[date, Plant], Day]
    stride: Callable[[Plant], int]
    delay: int = 0

    def deliver(self, day: date, plant: Plant) -> list[Delivery]:
        """The files that arrive on `day`, whichever day they are about."""
        deliveries: list[Delivery] = []
        for lag in range(MAX_LAG_DAYS + 1):
            source = day - timedelta(days=self.delay + lag)
            if source >= ORIGIN:
                deliveries += self._arriving(source, lag, plant)
        return deliveries

    def _arriving(self, source: date, lag: int, plant: Plant) -> Iterable[Delivery]:
        plan = arrival(self.name, source, plant)
        name = self.path(source)
        if lag == plan.unreadable:
            garbage = plant.stream(self.name, "unreadable", source).bytes(2048)
            path = f"{name}_b{self.suffix}"
            yield Delivery(path, b"PK" + garbage, {"dirt": [flaw(path, "unreadable_file")]})
        if lag not in (plan.readings, plan.corrected, plan.resent):
            return
        day = self.day(source, plant)
        if not day.lines:
            return
        path = f"{name}{self.suffix}"
        draw = plant.stream(self.name, "line", source)
        soiled = soil(day.lines, day.free, plant.dirt, self.shape, draw, stride=self.stride(plant), corrected=lag == plan.corrected)
        if lag == plan.corrected:
            flaws = [flaw(path, "corrected_file", version=2), *_flaws(path, day, soiled, version=2)]
            yield _readings(path, day, soiled.lines, flaws)
        elif lag == plan.readings:
            flaws = [flaw(path, "late_file")] if lag else []
            newer = source + timedelta(days=self.delay + plan.corrected) if plan.corrected else None
            yield _readings(path, day, soiled.lines, flaws + _flaws(path, day, soiled), superseded_on=newer)
        elif len(soiled.clean):
            path = f"{name}_resend{self.suffix}"
            draw = plant.stream(self.name, "resend", source)
            first = int(draw.integers(len(soiled.clean)))
            lines = [day.lines[i] for i in soiled.clean[first : first + int(draw.integers(20, 200))]]
            before = 1 if day.header else 0
            yield _readings(path, day, lines, [flaw(path, "resent", row=n + 1 + before) for n in range(len(lines))])


def arrival(name: str, source: date, plant: Plant) -> Arrival:
    """A late file is neither corrected nor, a corrected one, resent: each story stays readable."""
    dirt, draw = plant.dirt, plant.stream(name, "arrival", source)
    late, corrected, resent, unreadable, how_late, how_corrected = draw.random(6)
    readings = 1 + int(how_late * 5) if late < dirt.late_file else 0
    mended = 1 + int(how_corrected * 3) if corrected < dirt.corrected_file and not readings else None
    again = readings + 1 if resent < dirt.resent and mended is None else None
    return Arrival(readings, mended, again, readings if unreadable < dirt.unreadable_file else None)


def silent_on(name: str, source: date, plant: Plant, assets: int) -> list[int]:
    """Assets that send nothing though they run, for one to three whole days; `name` keys the random stream."""
    silent: set[int] = set()
    for ago in range(3):
        starts, lengths = plant.stream(name, "silent", source - timedelta(days=ago)).random((assets, 2)).T
        silent |= set(np.flatnonzero((starts < plant.dirt.silent) & (1 + (lengths * 3).astype(int) > ago)).tolist())
    return sorted(silent)


def flaw(
    path: str,
    kind: str,
    *,
    row: int | None = None,
    column: str | None = None,
    version: int = 1,
    twin: int | None = None,
    machine_id: str | None = None,
) -> Record:
    """`row` counts the file's lines from 1, its header included; `twin` is the line that a duplicate or conflict repeats;
    `machine_id` names a silent asset."""
    return {
        "file": path,
        "row": row,
        "kind": kind,
        "column": column,
        "version": version,
        "twin": twin,
        "machine_id": machine_id,
    }


def _readings(path: str, day: Day, lines: list[str], flaws: list[Record], superseded_on: date | None = None) -> Delivery:
    whole = [day.header, *lines] if day.header else lines
    content = gzip.compress("".join(f"{line}\n" for line in whole).encode(), compresslevel=1, mtime=0)
    return Delivery(path, content, {"dirt": flaws}, readings=len(lines), superseded_on=superseded_on)


def _flaws(path: str, day: Day, soiled: Soiled, version: int = 1) -> list[Record]:
    before = 1 if day.header else 0
    row_of = {line: row for row, line in enumerate(soiled.order, start=1)} if day.marks else {}
    for_hours = [Mark(row_of[line], kind, column) for line, kind, column in day.marks]
    silent = [flaw(path, "silent", version=version, machine_id=machine_id) for machine_id in day.silent]
    on_lines = sorted([*soiled.marks, *for_hours], key=lambda mark: mark.row)
    return silent + [
        flaw(path, m.kind, row=m.row + before, column=m.column, twin=None if m.twin is None else m.twin + before, version=version)
        for m in on_lines
    ]
