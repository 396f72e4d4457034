"""Dirt on single JSON or CSV lines: what an edge gateway, a bad link or a hurried firmware does to them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.simulator.dirt import LINE_KINDS, Dirt
from pipelines.simulator.wear import Floats

Fields = dict[str, object]
MENDED = frozenset({"broken_line", "unreadable_number", "unreadable_timestamp"})
"""What a corrected file repairs."""
MAX_CORRECTIONS = 12
FAR = 60


@dataclass(frozen=True)
class LineShape:
    """Column names of a source, decimals of its sensors, and a value far outside each sensor's physical range.

    A source without modes has none spoilt. `columns` names the cells of CSV lines (no quotes, commas between); JSON
    objects need none.
    """

    time: str
    asset: str
    mode: str | None
    decimals: Mapping[str, int]
    impossible: Mapping[str, float]
    columns: tuple[str, ...] = ()

    def load(self, line: str) -> Fields:
        fields: Fields = dict(zip(self.columns, line.split(","), strict=True)) if self.columns else json.loads(line)
        return fields

    def dump(self, fields: Fields) -> str:
        if self.columns:
            return ",".join("" if fields.get(c) is None else str(fields[c]) for c in self.columns)
        return _dump(fields)

    def has(self, kind: str) -> bool:
        """Whether a line of this source can be spoilt so: no modes, nothing undeclared in a row of cells."""
        return not (kind == "unknown_mode" and self.mode is None) and not (kind == "extra_field" and self.columns)


@dataclass(frozen=True)
class Mark:
    """`row` and `twin` are 1-based lines; `twin` is the line that a duplicate or a conflict repeats."""

    row: int
    kind: str
    column: str | None
    twin: int | None = None


@dataclass(frozen=True)
class Soiled:
    """`clean`: given lines that nothing was done to; `order`: the given line behind each delivered line (0-based)."""

    lines: list[str]
    marks: list[Mark]
    clean: NDArray[np.int64]
    order: list[int]


def soil(
    lines: list[str],
    free: NDArray[np.int64],
    dirt: Dirt,
    shape: LineShape,
    draw: np.random.Generator,
    *,
    stride: int,
    corrected: bool = False,
) -> Soiled:
    """Dirty some of the `free` lines (0-based), at most one kind each; `stride` lines belong to one instant.

    `corrected` gives the second version of the same file: same dirt, less what a second export mends, and a few
    values changed.
    """
    counts = [int(draw.binomial(len(free), getattr(dirt, kind) if shape.has(kind) else 0)) for kind in LINE_KINDS]
    shuffled = draw.permutation(free)
    kinds = [kind for kind, count in zip(LINE_KINDS, counts, strict=True) for _ in range(count)][: len(shuffled)]
    chances = draw.random((len(kinds) + MAX_CORRECTIONS, 4))
    clean = np.sort(shuffled[len(kinds) :])

    out = list(lines)
    origin = list(range(len(lines)))
    place = np.arange(len(lines), dtype=np.float64).tolist()
    found: list[tuple[int, str, str | None, int | None]] = []
    for kind, index, chance in zip(kinds, shuffled.tolist(), chances, strict=False):
        if corrected and kind in MENDED:
            continue
        if kind == "out_of_order":
            place[index] = _elsewhere(index, len(lines), stride, chance)
            found.append((index, kind, shape.time, None))
        elif kind in ("duplicate", "conflict"):
            again, column = (lines[index], None) if kind == "duplicate" else _other_value(lines[index], shape, chance)
            out.append(again)
            origin.append(index)
            place.append(index + 0.5 + int(chance[3] * 3 * stride))
            found.append((len(out) - 1, kind, column, index))
        else:
            out[index], column = SPOILERS[kind](lines[index], shape, chance)
            found.append((index, kind, column, None))
    if corrected:
        for index, chance in zip(shuffled[len(kinds) :].tolist(), chances[len(kinds) :], strict=False):
            out[index], _ = _other_value(lines[index], shape, chance)

    order = np.argsort(place, kind="stable")
    row = np.empty(len(order), dtype=np.int64)
    row[order] = np.arange(1, len(order) + 1)
    marks = [Mark(int(row[i]), kind, column, None if twin is None else int(row[twin])) for i, kind, column, twin in found]
    return Soiled([out[i] for i in order], sorted(marks, key=lambda m: m.row), clean, [origin[i] for i in order])


def _elsewhere(index: int, size: int, stride: int, chance: Floats) -> float:
    """At least two instants away, later where there is room."""
    far = (2 + int(chance[0] * FAR)) * stride
    return index + far + 0.25 if index + far < size else max(index - far, 0) - 0.25


def _dump(fields: Fields | list[object]) -> str:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def _pick(names: Mapping[str, object], chance: float) -> str:
    return list(names)[int(chance * len(names))]


def _set(line: str, shape: LineShape, column: str, value: object) -> tuple[str, str]:
    return shape.dump({**shape.load(line), column: value}), column


def _drop(line: str, shape: LineShape, column: str, chance: float) -> tuple[str, str]:
    """Absent or null: both happen."""
    if chance < 0.5:
        return _set(line, shape, column, None)
    fields = shape.load(line)
    del fields[column]
    return shape.dump(fields), column


def _other_value(line: str, shape: LineShape, chance: Floats) -> tuple[str, str]:
    fields, column = shape.load(line), _pick(shape.decimals, chance[0])
    value, decimals = fields[column], shape.decimals[column]
    return _set(line, shape, column, round(float(str(value)) * 1.05 + 2 * 10**-decimals, decimals))


def _unknown_asset(line: str, shape: LineShape, chance: Floats) -> tuple[str, str]:
    name = str(shape.load(line)[shape.asset])
    return _set(
        line,
        shape,
        shape.asset,
        name.replace("0", "O", 1) if "0" in name and chance[0] < 0.5 else f"COMP-{int(chance[1] * 99)}",
    )


def _future(line: str, shape: LineShape, chance: Floats) -> tuple[str, str]:
    """Four or eight years ahead, so that 29 February stays a date."""
    stamp = str(shape.load(line)[shape.time])
    return _set(line, shape, shape.time, f"{int(stamp[:4]) + (4 if chance[0] < 0.5 else 8)}{stamp[4:]}")


def _spike(line: str, shape: LineShape, chance: Floats) -> tuple[str, str]:
    column = _pick(shape.impossible, chance[0])
    return _set(line, shape, column, shape.impossible[column])


def _break(line: str, shape: LineShape, chance: Floats) -> tuple[str, None]:
    if chance[0] < 0.7 or shape.columns:
        return line[: 1 + int(chance[1] * ((line.rindex(",") if shape.columns else len(line)) - 2))], None
    return ("null", '"reboot"', _dump(list(shape.load(line).values())))[int(chance[1] * 3)], None


SPOILERS: Mapping[str, Callable[[str, LineShape, Floats], tuple[str, str | None]]] = {
    "missing_required": lambda line, s, u: _drop(line, s, s.time if u[0] < 0.5 else s.asset, u[1]),
    "missing_optional": lambda line, s, u: _drop(line, s, _pick(s.decimals, u[0]), u[1]),
    "unreadable_number": lambda line, s, u: _set(line, s, _pick(s.decimals, u[0]), "n/a" if u[1] < 0.5 else "12.3.4"),
    "unreadable_timestamp": lambda line, s, _u: _set(line, s, s.time, "2026-13-45 99:99"),
    "unknown_mode": lambda line, s, _u: _set(line, s, s.mode or "", "turbo"),
    "unknown_unit": _unknown_asset,
    "spike": _spike,
    "broken_line": _break,
    "future": _future,
    "extra_field": lambda line, s, u: _set(line, s, "firmware", f"2.{int(u[0] * 9)}"),
}
