"""Making a damaged table readable again, and saying which versions and rows were lost. What to rebuild afterwards is the caller's.

Nothing is deleted: unusable parts of a log are put aside under `_damaged/` in the table's folder. Version numbers that were lost
are never given again, since readers remember them: empty commits pass them by, marked so that every reader rebuilds.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lake.arrow import arrow_schema
from lake.contract import Table
from lake.damage import DamagedTable, actions, entry_path, log_problems, versions_in
from lake.partitions import Partition
from lake.retention import data_files
from lake.storage import LOST, MOVES, File, Lake, MissingVersion, Version


@dataclass
class Repaired:
    """What a repair did to one table, in lines for a person. `lost_rows`: published rows that nothing gives back.

    `first_lost`: the first version that is gone, None if all are there. `rebuild`: partitions to be made again from below.
    """

    table: str
    lines: list[str] = field(default_factory=list)
    first_lost: int | None = None
    rebuild: set[Partition] = field(default_factory=set)
    lost_rows: int = 0

    @property
    def is_changed(self) -> bool:
        return bool(self.lines)


def repair_log(lake: Lake, table: Table, seen: int, done: Repaired) -> None:
    """Put unusable log entries aside, with all that came after them. `seen`: the highest version that anything else remembers."""
    folder = lake.folder(table)
    log = folder / "_delta_log"
    if not log.is_dir():
        return
    aside = folder / "_damaged" / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    last = max([*versions_in(log), *versions_in(log, ".checkpoint.parquet"), seen])
    for problem in [p for p in log_problems(log) if p.path and p.path.suffix != ".json"]:
        for path in {problem.path, log / "_last_checkpoint"}:
            _put_aside(path, aside)
        done.lines.append(f"{table.name}: {problem.text}: put aside")
    checkpoints = versions_in(log, ".checkpoint.parquet")
    problems = log_problems(log)
    for problem in [p for p in problems if p.path and p.version in checkpoints]:
        _put_aside(problem.path, aside)
        done.lines.append(f"{table.name}: {problem.text}: put aside, the checkpoint of version {problem.version} holds its content")
    problems = [p for p in problems if p.version not in checkpoints]
    first = min((p.version for p in problems), default=None)
    if first is None and lake.newest(table) is not None and seen > (lake.newest(table) or 0):
        first = (lake.newest(table) or 0) + 1
        done.lines.append(f"{table.name}: log entries {first} to {seen} are missing, others have read them")
    if first is None:
        _new_checkpoint(lake, table, bool(done.lines))
        return
    done.lines += [f"{table.name}: {p.text}" for p in problems[:3]]
    for path in sorted(log.iterdir()):
        if (path.name[:20].isdigit() and int(path.name[:20]) >= first) or path.name == "_last_checkpoint":
            _put_aside(path, aside)
    done.first_lost = first
    done.lines.append(f"{table.name}: versions {first} to {last} are lost; what was left of their log is in {aside}")
    pass_by(lake, table, last)


def pass_by(lake: Lake, table: Table, last: int) -> None:
    """Empty commits until the version after `last`: a number that was lost must not come to mean something else."""
    while True:
        newest = lake.open(table)
        if newest is not None and newest.number > last:
            break
        lake.publish(table, newest, [], None if newest else "all", {}, {LOST: "true", "reason": "repair: versions were lost"})
    _new_checkpoint(lake, table, True)


def from_older_versions(lake: Lake, version: Version, done: Repaired) -> Version:
    """Bring back the damaged partitions of which an older version has the same rows in other files, as before a compaction."""
    damaged = version.damaged(footers=True)
    wanted = {f.partition for f in damaged}
    found: dict[Partition, tuple[int, list[File]]] = {}
    for older, same in _same_rows(lake, version, wanted):
        broken = {f.partition for f in older.damaged(footers=True)}
        for p in same - set(found) - broken:
            found[p] = older.number, [f for f in older.files if f.partition == p]
    held = {f.path for f in version.files}
    if not found:
        return version
    without = [f for f in version.files if f.partition in found and f not in [x for _, fs in found.values() for x in fs]]
    instead = [f for _, files in found.values() for f in files if f.path not in held]
    number = lake.exchange(version, without, instead, {}, {MOVES: "true", "reason": "repair: from an older version"})
    for p, (n, _) in found.items():
        done.lines.append(f"{version.table.name}: {p or 'all'} is back from the files of version {n}, row for row")
    return lake.at(version, number)


def drop_damaged(lake: Lake, version: Version, entries: dict[str, int], done: Repaired) -> Version:
    """Take damaged files out, so that the rest can be read; each is named with its rows."""
    damaged = version.damaged(footers=True)
    if not damaged:
        return version
    number = lake.exchange(version, damaged, [], entries, {"reason": "repair: without damaged files"})
    for f, why in damaged.items():
        done.lines.append(f"{version.table.name}: {why}: taken out, with {f.rows} rows of {f.partition or 'the table'}")
    done.lost_rows += sum(f.rows for f in damaged)
    return lake.at(version, number)


def unnamed_rows(version: Version) -> pa.Table:
    """Rows of a ledger whose files lie in its folder though no commit of the log names them any more; those it holds left out."""
    log = version.root / "_delta_log"
    named = {f.path for f in version.files}
    for number in versions_in(log):
        try:
            named |= {a[k]["path"] for a in actions(entry_path(log, number)) for k in ("add", "remove") if k in a}
        except ValueError:
            continue
    schema = arrow_schema(version.table)
    held = {tuple(r.values()) for r in version.read().to_pylist()}
    rows = []
    for path in data_files(version.root):
        if path.relative_to(version.root).as_posix() in named or path.suffix != ".parquet":
            continue
        try:
            found = pq.ParquetFile(path).read()
        except (OSError, pa.ArrowException):
            continue
        day = version.table.partition
        values = {day: datetime.fromisoformat(path.parent.name.partition("=")[2]).date()} if day and day not in found.column_names else {}
        for row in found.to_pylist():
            full = {n: {**row, **values}.get(n) for n in schema.names}
            if tuple(full.values()) not in held:
                held.add(tuple(full.values()))
                rows.append(full)
    return pa.Table.from_pylist(rows, schema=schema)


def _same_rows(lake: Lake, version: Version, partitions: Iterable[Partition]) -> Iterator[tuple[Version, set[Partition]]]:
    """Older versions, newest first, each with those of the partitions of which no row has changed since."""
    for number in range(version.number - 1, -1, -1):
        try:
            changed = lake.changed_since(version, number)
            same = set(partitions) - (changed or set())
            if changed is None or not same:
                return
            yield lake.at(version, number), same
        except (MissingVersion, DamagedTable):
            return


def _new_checkpoint(lake: Lake, table: Table, is_needed: bool) -> None:
    if is_needed and (newest := lake.open(table)):
        newest.delta.create_checkpoint()


def _put_aside(path: Path | None, aside: Path) -> None:
    if path is not None and path.exists():
        aside.mkdir(parents=True, exist_ok=True)
        path.rename(aside / path.name)
