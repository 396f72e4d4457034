"""One lock per table and machine: runs, appends, upkeep, restore and repair of a table take turns.

The lock only makes refused commits rare. What keeps two machines apart, which share no lock, is the commit itself (`lake.commit`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from lake.unwritable import writing


class Busy(Exception):
    """Another process on this machine holds the table's lock; the message says for how long this one waited."""


@contextmanager
def locked(state_root: Path, table: str, seconds: float) -> Iterator[None]:
    """Hold the lock of a table. Waits up to `seconds`, then raises Busy. Not re-entrant."""
    folder = state_root / "locks"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(str(folder / f"{table}.lock"), timeout=seconds)
        try:
            lock.acquire()
        except Timeout:
            message = f"{table}: another process has held it for {seconds:g} s; wait for it, or raise LAKE_LOCK_SECONDS"
            raise Busy(message) from None
    try:
        yield
    finally:
        lock.release()
