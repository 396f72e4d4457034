"""What was delivered before, so that days whose files lie there untouched aren't worked out again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Noted:
    """A file that a day delivers, and how many readings it holds. Its content may give way on a later day."""

    path: str
    readings: int = 0
    superseded_on: str | None = None
    of_landing: bool = True


@dataclass
class Journal:
    """Files by day; by file its size, its time and the day that wrote it. Another plant or changed code begins a new one.

    Without a `file` of its own it remembers nothing.
    """

    file: Path | None
    key: str = ""
    written: dict[str, list[int | str]] = field(default_factory=dict)
    days: dict[str, list[Noted]] = field(default_factory=dict)

    @classmethod
    def opened(cls, file: Path | None, *depends_on: object) -> Journal:
        key = hashlib.sha256(repr((depends_on, _code())).encode()).hexdigest()
        try:
            found = json.loads(file.read_text()) if file else {}
        except (FileNotFoundError, ValueError):
            found = {}
        if found.get("key") != key:
            return cls(file, key)
        return cls(file, key, found["written"], {day: [Noted(*n) for n in noted] for day, noted in found["days"].items()})

    def left_by(self, noted: Noted, day: date, until: date) -> bool:
        """Whether the file is as this day left it, or a later one up to `until`."""
        *stamp, writer = self.written.get(noted.path, [""])
        return str(day) <= str(writer) <= str(until) and stamp == _stamp(noted.path)

    def note(self, domain: str, day: date, delivered: list[Noted], present: Iterable[str]) -> None:
        """What a day delivers, and which of its files hold that now."""
        self.written |= {path: [*_stamp(path), str(day)] for path in present}
        self.days[f"{domain} {day}"] = delivered

    def save(self) -> None:
        if self.file is None:
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        days = {day: [(n.path, n.readings, n.superseded_on, n.of_landing) for n in noted] for day, noted in self.days.items()}
        part = self.file.with_name(self.file.name + ".part")
        part.write_text(json.dumps({"key": self.key, "written": self.written, "days": days}))
        part.replace(self.file)


def _stamp(path: str) -> list[int]:
    try:
        stat = Path(path).stat()
    except FileNotFoundError:
        return []
    return [stat.st_size, stat.st_mtime_ns]


@cache
def _code() -> str:
    """Digest of this package: a changed simulator delivers anew."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(f.name.encode() + f.read_bytes() for f in files)).hexdigest()
