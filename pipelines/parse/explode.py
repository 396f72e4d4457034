"""Readings that come together in one message: each element of its arrays becomes a row (see `explode` in lake.source)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.parse.batch import quoted

ELEMENTS = 999_999
"""Rows that one message may give; the number of the message times one million leaves room for no more."""


class Number(str):
    """A number as it was written, told from a string inside a nested value."""


@dataclass(frozen=True)
class Explode:
    """Which field holds the arrays, and what their elements have in common."""

    path: str
    by: str = ""

    def rows(self, message: dict[str, Any]) -> list[dict[str, str | None]]:
        """Texts by column. A message without elements gives one row of its other fields. Raises ValueError with the reason
        why a message can't be taken apart."""
        parent, inner = _taken_out(message, self.path)
        shared = {name: text_of(value) for name, value in parent.items()}
        if inner is None:
            return [shared]
        if isinstance(inner, list):
            elements = [self._fields(self.path, element) for element in inner]
        elif isinstance(inner, dict):
            arrays = {name: value for name, value in inner.items() if isinstance(value, list)}
            shared |= {f"{self.path}.{name}": text_of(value) for name, value in inner.items() if name not in arrays}
            elements = self._joined(arrays) if self.by else self._side_by_side(arrays)
        else:
            raise ValueError(f"{self.path} is neither an array nor an object of arrays")
        if len(elements) > ELEMENTS:
            raise ValueError(f"{self.path} has {len(elements)} elements and at most {ELEMENTS} of a message are read")
        return [_merged(shared, element) for element in elements] or [shared]

    def _fields(self, name: str, element: Any) -> dict[str, str | None]:
        if not isinstance(element, dict):
            return {name: text_of(element)}
        return {f"{name}.{key}": text_of(value) for key, value in element.items()}

    def _side_by_side(self, arrays: dict[str, list[Any]]) -> list[dict[str, str | None]]:
        if len({len(array) for array in arrays.values()}) > 1:
            counts = ", ".join(f"{name} {len(array)}" for name, array in arrays.items())
            raise ValueError(f"arrays of {self.path} differ in length ({counts}): name the field that joins them in explode_by")
        return [
            {k: v for name, element in zip(arrays, elements, strict=True) for k, v in self._fields(f"{self.path}.{name}", element).items()}
            for elements in zip(*arrays.values(), strict=True)
        ]

    def _joined(self, arrays: dict[str, list[Any]]) -> list[dict[str, str | None]]:
        """Elements with the same key are one row; the second one of an array with a key is a row of its own."""
        rows: dict[tuple[str | None, int, int], dict[str, str | None]] = {}
        for name, array in arrays.items():
            seen: dict[str | None, int] = {}
            for place, element in enumerate(array):
                has_key = isinstance(element, dict) and element.get(self.by) is not None
                key = text_of(element[self.by]) if has_key else None
                seen[key] = seen.get(key, 0) + 1
                slot = (key, seen[key], 0) if has_key else (None, place, len(rows) + 1)
                row = rows.setdefault(slot, {f"{self.path}.{self.by}": key} if has_key else {})
                others = {k: v for k, v in element.items() if k != self.by} if has_key else element
                row |= self._fields(f"{self.path}.{name}", others)
        return list(rows.values())


def _taken_out(message: dict[str, Any], path: str) -> tuple[dict[str, Any], Any]:
    """The message without what stands at the path, and that; None where the message doesn't have it."""
    if path in message:
        return {name: value for name, value in message.items() if name != path}, message[path]
    first, _, rest = path.partition(".")
    inner = message.get(first)
    if not rest or not isinstance(inner, dict):
        if first in message and message[first] is not None:
            raise ValueError(f"{first} is not an object with {rest}")
        return message, None
    remaining, found = _taken_out(inner, rest)
    kept = {name: value for name, value in message.items() if name != first}
    return (kept | {first: remaining} if remaining else kept), found


def _merged(shared: dict[str, str | None], element: dict[str, str | None]) -> dict[str, str | None]:
    """Fields of both; where a name is that of two, the element's gets a number, so that neither is lost."""
    row = dict(shared)
    for name, text in element.items():
        place, number = name, 2
        while place in row:
            place, number = f"{name}_{number}", number + 1
        row[place] = text
    return row


def arrays_in(message: dict[str, Any]) -> Iterator[str]:
    """Fields that hold readings: an array of objects, or an object of arrays."""
    for name, value in message.items():
        inner = list(value.values()) if isinstance(value, dict) else []
        if (isinstance(value, list) and any(isinstance(v, dict) for v in value)) or (inner and all(isinstance(v, list) for v in inner)):
            yield name


def text_of(value: Any) -> str | None:
    """What a column holds of a decoded value: texts and numbers as they are, true and false, nested values as JSON."""
    if value is None or isinstance(value, str):
        return value
    return compact(value)


def compact(value: Any) -> str:
    """JSON without blanks, its numbers as they were written. Raises RecursionError."""
    if isinstance(value, Number):
        return str(value)
    if value is None or isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ",".join([f"{quoted(key)}:{compact(item)}" for key, item in value.items()]) + "}"
    return "[" + ",".join([compact(item) for item in value]) + "]"
