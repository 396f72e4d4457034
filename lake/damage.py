"""Damage to published data, found by name: log entries that are cut, unreadable or missing, data files that are gone or changed.

Every commit of this lake carries a random `mark` in its metadata and ends with the entry `commit` of its own version: an entry
that has the first and lacks the second was cut, although what is left of it still parses.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

MARK, COMMIT = "mark", "commit"


class DamagedTable(Exception):
    """A published table can't be read. The message names the table, the file or log entry, and the command that repairs it."""

    def __init__(self, table: str, problems: Iterable[str]) -> None:
        self.table, self.problems = table, tuple(problems)
        more = f" and {len(self.problems) - 3} more" if len(self.problems) > 3 else ""
        super().__init__(f"{table} is damaged: {'; '.join(self.problems[:3])}{more}. `python -m pipelines repair {table}` repairs it")


@dataclass(frozen=True)
class LogProblem:
    """One unusable part of a log. `version`: the first version that can't be reached through it."""

    version: int
    text: str
    path: Path | None = None


def entry_path(log: Path, version: int) -> Path:
    """Where the log entry of a version is."""
    return log / f"{version:020d}.json"


def versions_in(log: Path, suffix: str = ".json") -> list[int]:
    """Versions that have a log entry (or, with `.checkpoint.parquet`, a checkpoint), in order."""
    if not log.is_dir():
        return []
    return sorted(int(p.name[:20]) for p in log.iterdir() if p.name[:20].isdigit() and p.name[20:] == suffix)


def actions(path: Path) -> list[dict[str, Any]]:
    """The actions of a log entry. Raises FileNotFoundError, or ValueError where the entry is empty, cut or isn't JSON."""
    text = path.read_bytes()
    if not text.strip():
        raise ValueError("is empty")
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            action = json.loads(line)
        except ValueError:
            raise ValueError(f"isn't JSON from line {number} on") from None
        if not isinstance(action, dict):
            raise ValueError(f"holds no action in line {number}")
        found.append(action)
    about: dict[str, Any] = next((a["commitInfo"] for a in found if "commitInfo" in a), {})
    if MARK in about and not any(a.get("txn", {}).get("appId") == COMMIT for a in found):
        raise ValueError("is cut short")
    return found


def entry_problem(path: Path, version: int) -> str:
    """What is wrong with a log entry, by its last bytes where these are enough: a whole entry of ours ends with `commit`."""
    end = f'{{"txn":{{"appId":"{COMMIT}","version":{version}}}}}'.encode()
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - len(end) - 1))
            if file.read().rstrip() == end:
                return ""
        actions(path)
    except (OSError, ValueError) as error:
        return f"log entry {path.name} {_short(error)}"
    return ""


def log_problems(log: Path) -> list[LogProblem]:
    """What keeps the newest version of a table from being read, or was there and is gone; the oldest version first."""
    entries, checkpoints = versions_in(log), versions_in(log, ".checkpoint.parquet")
    found, sound = [], []
    for version in checkpoints:
        path = log / f"{version:020d}.checkpoint.parquet"
        try:
            pq.read_metadata(path)
            sound.append(version)
        except (OSError, pa.ArrowException) as error:
            found.append(LogProblem(version, f"checkpoint {path.name} can't be read ({_short(error)})", path))
    hinted = _hinted(log)
    if hinted is not None and hinted not in checkpoints:
        text = f"checkpoint {hinted:020d}.checkpoint.parquet is missing, which _last_checkpoint names"
        found.append(LogProblem(hinted, text, log / "_last_checkpoint"))
    first = max(sound, default=-1) + 1
    for version in (v for v in entries if v >= first - 1):
        path = entry_path(log, version)
        try:
            actions(path)
        except (OSError, ValueError) as error:
            found.append(LogProblem(version, f"log entry {path.name} {_short(error)}", path))
    last = max([*entries, *sound, *([hinted] if hinted is not None else [])], default=-1)
    gone = sorted(set(range(first, last + 1)) - set(entries))
    found += [LogProblem(v, f"log entry {v:020d}.json is missing") for v in gone]
    return sorted(found, key=lambda p: p.version)


def _hinted(log: Path) -> int | None:
    try:
        return int(json.loads((log / "_last_checkpoint").read_bytes())["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def file_problem(path: Path, size: int, footers: bool = False) -> str:
    """What is wrong with a data file that a version names; empty if nothing is. `footers` also opens it (about 0.1 ms more)."""
    try:
        found = path.stat().st_size
    except FileNotFoundError:
        return f"file {path} is missing"
    except OSError as error:
        return f"file {path} can't be read ({_short(error)})"
    if found != size:
        return f"file {path} has {found} bytes instead of {size}"
    if footers:
        try:
            pq.read_metadata(path)
        except (OSError, pa.ArrowException) as error:
            return f"file {path} can't be read ({_short(error)})"
    return ""


def _short(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error).splitlines() or [type(error).__name__])[0][:160]
