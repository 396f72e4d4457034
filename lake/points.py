"""Named points of a publication at which `make chaos` kills the process, or a test in the same process does something else.

Without LAKE_KILL_AT and outside `at` they do nothing.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

POINTS = ("file taken in", "staged", "audited", "before commit", "between siblings", "after commit", "recorded")
"""Those that a run passes."""

MAINTENANCE_POINTS = ("before restore", "sibling restored", "restored", "before upkeep removes")

_ACTIONS: dict[str, list[Callable[[], None]]] = {}


def reached(point: str, table: str) -> None:
    """Die by SIGKILL if LAKE_KILL_AT is `point` or `point@table`; do what a test planned for it, once."""
    if os.environ.get("LAKE_KILL_AT") in (point, f"{point}@{table}"):
        os.kill(os.getpid(), signal.SIGKILL)
    for name in (point, f"{point}@{table}"):
        if actions := _ACTIONS.get(name):
            actions.pop(0)()


@contextmanager
def at(point: str, action: Callable[[], None]) -> Iterator[None]:
    """Do `action` the first time that `point` (or `point@table`) is reached in this process: an ordering of two writers, made certain."""
    planned = _ACTIONS.setdefault(point, [])
    planned.append(action)
    try:
        yield
    finally:
        if action in planned:
            planned.remove(action)
