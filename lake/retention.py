"""What upkeep may remove from a table's folder, and what it must keep.

Two rules, both checked for every single file. Nothing younger than a grace time goes, whatever it is: it may be staged or
published this very minute by another process, on this machine or another one. Nothing that a kept version names goes: kept
are the versions that were newest at some moment of the retention time, and those that a kept version of the head names as its siblings.
"""

import os
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from lake.damage import DamagedTable, actions, entry_path, versions_in
from lake.points import reached
from lake.storage import Lake, Version

HOUR, DAY = 3_600.0, 86_400.0


@dataclass(frozen=True)
class Removed:
    """Files that were removed: never published or leftovers of old versions, and log entries of versions that aren't kept."""

    leftovers: int = 0
    old: int = 0
    log_entries: int = 0


def first_kept(version: Version, retention_days: float, now: float | None = None, also: Iterable[int] = ()) -> int:
    """The oldest version to keep: every one from it on was newest within the retention time, or is named in `also`."""
    log = version.root / "_delta_log"
    since = (time.time() if now is None else now) - retention_days * DAY
    kept = [version.number, *(v for v in also if v is not None)]
    kept += [v - 1 for v in versions_in(log) if 0 < v <= version.number and _committed_at(log, v) >= since]
    return min(kept)


def named_siblings(head: Version, first: int, sibling: str) -> set[int]:
    """Versions of a sibling that versions `first` to newest of its head name."""
    name = f"sibling:{sibling}"
    named = {a["txn"]["version"] for a in _actions(head, first + 1, head.number) if a.get("txn", {}).get("appId") == name}
    oldest = Lake.at(head, first).entry(name)
    return named | ({oldest} if oldest is not None else set())


def kept_files(version: Version, first: int) -> set[str]:
    """Paths, relative to the table, of every file that versions `first` to newest name. Raises DamagedTable or MissingVersion."""
    paths = {f.path for f in Lake.at(version, first).files} | {f.path for f in version.files}
    added = _actions(version, first + 1, version.number)
    return paths | {unquote(a["add"]["path"]) for a in added if "add" in a}


def remove_unkept(version: Version, first: int, grace_hours: float) -> Removed:
    """Remove what no version from `first` on names, older than the grace time; then empty folders."""
    keep, root = kept_files(version, first), version.root
    committed = _ever_named(root / "_delta_log")
    leftovers = old = 0
    reached("before upkeep removes", version.table.name)
    for path in data_files(root):
        name = path.relative_to(root).as_posix()
        if name not in keep and _remove_if_older(path, grace_hours):
            leftovers, old = (leftovers, old + 1) if name in committed else (leftovers + 1, old)
    for folder in sorted((p for p in root.glob("run=*/**/") if p.is_dir()), reverse=True):
        with suppress(OSError):
            if folder.stat().st_mtime < time.time() - grace_hours * HOUR:
                folder.rmdir()  # refuses a folder that isn't empty
    return Removed(leftovers, old, _shorten_log(root / "_delta_log", first, grace_hours))


def discard(root: Path, staged: Path) -> bool:
    """Remove what an attempt staged below a table's folder `root`, unless a commit names any of it, visible now or not."""
    named = staged.relative_to(root).as_posix().encode()
    oldest = min((p.stat().st_mtime for p in staged.rglob("*") if p.is_file()), default=time.time())
    log = root / "_delta_log"
    for version in reversed(versions_in(log)):
        entry = entry_path(log, version)
        try:
            if entry.stat().st_mtime < oldest - DAY:
                break  # older than the files: it can't name them
            if named in entry.read_bytes() or quote(named).encode() in entry.read_bytes():
                return False
        except OSError:
            return False
    shutil.rmtree(staged, ignore_errors=True)
    return True


def _shorten_log(log: Path, first: int, grace_hours: float) -> int:
    """Remove log entries and checkpoints that no kept version needs: those before the last checkpoint not after `first`."""
    start = max((v for v in versions_in(log, ".checkpoint.parquet") if v <= first), default=0)
    done = sum(_remove_if_older(p, grace_hours) for p in log.glob("*") if p.name[:20].isdigit() and int(p.name[:20]) < start)
    return done + sum(_remove_if_older(p, grace_hours) for p in log.glob("_commit_*.tmp"))


def _remove_if_older(path: Path, hours: float) -> bool:
    try:
        if path.stat().st_mtime >= time.time() - hours * HOUR:
            return False
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def data_files(root: Path) -> list[Path]:
    """Everything below `run=` folders, and Parquet files elsewhere; not the log, and not what repair put aside."""
    found = []
    for folder, inner, names in os.walk(root):
        at = Path(folder)
        if at == root:
            inner[:] = [n for n in inner if not n.startswith("_")]
        below_run = at.relative_to(root).parts[:1]
        ours = bool(below_run) and below_run[0].startswith("run=")
        found += [at / n for n in names if ours or n.endswith(".parquet")]
    return sorted(found)


def _ever_named(log: Path) -> set[str]:
    """Paths that any readable log entry adds or removes: only tells old files from leftovers in what upkeep reports."""
    found = set()
    for version in versions_in(log):
        with suppress(OSError, ValueError):
            for action in actions(entry_path(log, version)):
                found |= {unquote(action[k]["path"]) for k in ("add", "remove") if k in action}
    return found


def _actions(version: Version, first: int, last: int) -> list[dict[str, Any]]:
    """The actions of some log entries. Raises DamagedTable: with an entry unreadable, nothing is known to be unneeded."""
    found: list[dict[str, Any]] = []
    for number in range(first, last + 1):
        path = entry_path(version.root / "_delta_log", number)
        try:
            found += actions(path)
        except (OSError, ValueError) as error:
            raise DamagedTable(version.table.name, [f"log entry {path.name} can't be read ({error})"]) from error
    return found


def _committed_at(log: Path, version: int) -> float:
    """When a version was committed, in seconds since 1970: the later of its timestamp and its file's time (a copied lake loses nothing).

    An unreadable entry counts as new.
    """
    path = entry_path(log, version)
    try:
        said = next((a["commitInfo"].get("timestamp", 0) for a in actions(path) if "commitInfo" in a), 0)
    except ValueError:
        return float("inf")
    return max(path.stat().st_mtime, said / 1000)
