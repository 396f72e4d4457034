"""What was read of a table's version, kept while it is the newest one that this process reads: asked for many times in a run."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from lake.storage import Version

T = TypeVar("T")
_HELD: dict[Path, tuple[Version, dict[str, object]]] = {}


def held(version: Version, what: str, read: Callable[[], T]) -> T:
    """The result of `read`, from before where this very version was asked for the same. Nobody may change it."""
    kept = _HELD.get(version.root)
    known = kept[1] if kept and kept[0] is version else {}
    if what not in known:
        known[what] = read()
        _HELD[version.root] = version, known
    return known[what]  # type: ignore[return-value]
