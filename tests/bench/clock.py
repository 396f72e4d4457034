"""CPU of a process with all its threads and children, wall time, and what each table took of them."""

import resource
import time
from contextlib import suppress
from dataclasses import dataclass, field

import psutil


def cpu_seconds() -> float:
    """User and system seconds of this process, of an engine in it, and of processes it started (a local Spark)."""
    own, ended = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    total = own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            took = child.cpu_times()
            total += took.user + took.system
    return total


def peak_mb() -> int:
    """Largest resident memory of this process, plus what processes it started hold now."""
    held = 0
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            held += child.memory_info().rss >> 20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024 + held


@dataclass
class Laps:
    """What was used since the lap before, by name."""

    tables: dict[str, dict[str, float]] = field(default_factory=dict)
    cpu: float = field(default_factory=cpu_seconds)
    wall: float = field(default_factory=time.monotonic)

    def lap(self, name: str) -> None:
        cpu, wall = cpu_seconds(), time.monotonic()
        self.tables[name] = {"cpu_s": round(cpu - self.cpu, 2), "wall_s": round(wall - self.wall, 2)}
        self.cpu, self.wall = cpu, wall
