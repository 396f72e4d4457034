"""Tables as published: versions to read, and the commits that make staged Parquet visible (`lake.commit` says how).

What must outlive the cleaning of the log stands in `txn` entries of the commit (Delta's application transactions):
`input:<table>` the version read, `digest` of contract, step and mapping, `sibling:<table>` the version that belongs
to this one, `pinned` after a restore, `file:<path>@<sha256>` for a file taken in, `commit` the version itself.
"""

import json
import os
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction

from lake.arrow import arrow_schema
from lake.commit import LOST, MOVES, TOUCHED, Commits, Conflict, MissingVersion
from lake.contract import Table
from lake.damage import DamagedTable, actions, entry_path, entry_problem, file_problem, log_problems, versions_in
from lake.locks import Busy, locked
from lake.partitions import Partition
from lake.settings import Settings, settings
from lake.unwritable import CannotWrite

__all__ = (
    "LOST", "MOVES", "TOUCHED", "Busy", "CannotWrite", "Conflict", "DamagedTable", "File", "Lake", "MissingVersion", "Version",
    "read_files", "staged_files",
)  # fmt: skip

INTAKE = "_intake"
"""Column of bronze: the number of the file version that a row came with."""


@dataclass(frozen=True)
class File:
    """One visible Parquet file."""

    path: str
    partition: Partition
    rows: int
    size: int
    intakes: tuple[int, int] | None = None
    """Of bronze: the lowest and highest number of a file version whose rows are in it."""

    def is_only_of(self, intakes: Collection[int]) -> bool:
        """Whether all rows come from the given file versions, as the log tells."""
        return self.intakes is not None and all(n in intakes for n in range(self.intakes[0], self.intakes[1] + 1))


@dataclass(frozen=True)
class Version:
    """A table as of one version. Opening one pins it: what others publish later doesn't show."""

    table: Table
    root: Path
    delta: DeltaTable

    @property
    def number(self) -> int:
        return int(self.delta.version())

    @cached_property
    def files(self) -> tuple[File, ...]:
        adds = pa.table(self.delta.get_add_actions(flatten=True)).to_pylist()
        key = f"partition.{self.table.partition}"
        ends = (f"min.{INTAKE}", f"max.{INTAKE}")
        return tuple(
            File(
                unquote(a["path"]), a.get(key), a["num_records"] or 0, a["size_bytes"],
                None if a.get(ends[0]) is None else (a[ends[0]], a[ends[1]]),
            )
            for a in adds
        )  # fmt: skip

    @cached_property
    def rows(self) -> dict[Partition, int]:
        """Rows by partition, from the log alone."""
        found: dict[Partition, int] = {}
        for f in self.files:
            found[f.partition] = found.get(f.partition, 0) + f.rows
        return found

    def uris(self, partitions: Iterable[Partition] | None = None, without: Collection[int] = ()) -> list[str]:
        """Paths of the data files; `without` those that hold rows of the given file versions only.

        Raises DamagedTable (MissingVersion for an old version) where one is gone or has another size.
        """
        wanted = None if partitions is None else set(partitions)
        chosen = [f for f in self.files if (wanted is None or f.partition in wanted) and not f.is_only_of(without)]
        if problems := self._problems(chosen):
            raise self._unreadable(problems)
        return [str(self.root / f.path) for f in chosen]

    def damaged(self, footers: bool = False) -> dict[File, str]:
        """Files of this version that are gone, have another size, or (with `footers`) aren't Parquet any more; and what is wrong."""
        return {f: why for f in self.files if (why := file_problem(self.root / f.path, f.size, footers))}

    def _problems(self, chosen: Iterable[File]) -> list[str]:
        return [why for f in chosen if (why := file_problem(self.root / f.path, f.size))]

    def _unreadable(self, problems: list[str]) -> Exception:
        newest = _newest(self.root)
        if newest and newest.number > self.number:
            return MissingVersion(
                f"{self.table.name} version {self.number} can't be read any more: {len(problems)} of its files are gone, {problems[0]}"
            )
        return DamagedTable(self.table.name, problems)

    def entry(self, name: str) -> int | None:
        """The number that the newest commit with a `txn` entry of that name gave it."""
        if name in self._newest_entries:
            return self._newest_entries[name]
        if name not in self._older_entries:
            found = self.delta.transaction_version(name)
            self._older_entries[name] = None if found is None else int(found)
        return self._older_entries[name]

    @cached_property
    def _newest_entries(self) -> dict[str, int]:
        """The entries of this version's own commit: nearly always all that is asked for."""
        try:
            lines = (self.root / "_delta_log" / f"{self.number:020d}.json").read_text().splitlines()
        except FileNotFoundError:
            return {}
        told = (json.loads(line)["txn"] for line in lines if line.startswith('{"txn"'))
        return {t["appId"]: int(t["version"]) for t in told}

    @cached_property
    def _older_entries(self) -> dict[str, int | None]:
        return {}

    @property
    def committed_at_ms(self) -> int | None:
        """When the version was committed, in milliseconds since 1970: from its own log entry, without reading the others."""
        try:
            entry = (self.root / "_delta_log" / f"{self.number:020d}.json").read_text()
        except FileNotFoundError:
            return next((int(c["timestamp"]) for c in self.delta.history(1) if "timestamp" in c), None)
        about = (json.loads(line).get("commitInfo") for line in entry.splitlines() if line)
        return next((int(a["timestamp"]) for a in about if a and "timestamp" in a), None)

    @property
    def is_pinned(self) -> bool:
        return bool(self.entry("pinned"))

    @property
    def has_declared_columns(self) -> bool:
        """Whether the visible columns are those declared now; otherwise all of the table must be rebuilt at once."""
        schema = arrow_schema(self.table)
        visible = pa.schema(self.delta.schema().to_arrow())
        return visible.names == schema.names and all(
            str(visible.field(n).type).replace("element", "item") == str(schema.field(n).type).replace("element", "item")
            for n in schema.names
        )

    def read(
        self, columns: list[str] | None = None, partitions: Iterable[Partition] | None = None, where: ds.Expression | None = None
    ) -> pa.Table:
        """The rows as an Arrow table, pruned to partitions without listing any folder; `where` keeps some of them.

        Raises DamagedTable, naming the file, where one isn't readable.
        """
        uris = self.uris(partitions)
        try:
            return read_files(self.table, self.root, uris, columns, where)
        except (pa.ArrowException, OSError) as error:
            broken = [why for f in self.files if (why := file_problem(self.root / f.path, f.size, footers=True))]
            text = (str(error).splitlines() or [type(error).__name__])[0][:300]
            raise self._unreadable(broken or [f"its files can't be read ({text})"]) from error

    def count_of(self, partitions: Iterable[Partition], intakes: Collection[int]) -> int:
        """How many rows of some partitions come from the given file versions; files of nothing else aren't opened."""
        wanted = set(partitions)
        mine = [f for f in self.files if f.partition in wanted and intakes]
        others = [str(self.root / f.path) for f in mine if not f.is_only_of(intakes)]
        where = pc.field(INTAKE).isin(list(intakes))
        mixed = _dataset(self.table, self.root, others).count_rows(filter=where) if others else 0
        return mixed + sum(f.rows for f in mine if f.is_only_of(intakes))


def read_files(
    table: Table,
    root: Path,
    uris: list[str],
    columns: list[str] | None = None,
    where: ds.Expression | None = None,
    texts_once: bool = False,
) -> pa.Table:
    """Read Parquet files of a table (visible or staged) with the declared schema. `texts_once`: texts as dictionaries."""
    schema = arrow_schema(table)
    if not uris:
        empty = schema.empty_table()
        return empty.select(columns) if columns else empty
    return _dataset(table, root, uris, texts_once).to_table(columns=columns or schema.names, filter=where)


def _dataset(table: Table, root: Path, uris: list[str], texts_once: bool = False) -> ds.Dataset:
    schema = arrow_schema(table)
    # files hold the partition column, but those of releases before 0.2 don't: there it is read from the folder's name
    by = ds.partitioning(pa.schema([schema.field(table.partition)]), flavor="hive") if table.partition else None
    if not texts_once:
        return ds.dataset(uris, schema=schema, format="parquet", partitioning=by, partition_base_dir=str(root))
    texts = {f.name for f in schema if pa.types.is_string(f.type)}
    coded = pa.schema([pa.field(f.name, pa.dictionary(pa.int32(), pa.string())) if f.name in texts else f for f in schema])
    read = ds.ParquetFileFormat(read_options=ds.ParquetReadOptions(dictionary_columns=texts))
    return ds.dataset(uris, schema=coded, format=read, partitioning=by, partition_base_dir=str(root))


class _Newest(NamedTuple):
    """The newest log entry of a table: a version, and what tells it from that of a table removed and made anew."""

    number: int
    inode: int
    modified_ns: int


_HELD: dict[Path, tuple[_Newest, Version]] = {}
"""Versions opened in this process, the newest of each folder: a run opens each table for every reader of it."""


def _newest(folder: Path) -> _Newest | None:
    try:
        with os.scandir(folder / "_delta_log") as entries:
            ours = (e for e in entries if e.name[:20].isdigit() and e.name[20:] in (".json", ".checkpoint.parquet"))
            last = max(ours, key=lambda e: e.name, default=None)
            if last is None:
                return None
            stat = last.stat()
            return _Newest(int(last.name[:20]), stat.st_ino, stat.st_mtime_ns)
    except FileNotFoundError:
        return None


class Lake(Commits):
    """The tables under one root folder. `conf`: where locks are, how long to wait for one, how long versions are kept."""

    def __init__(self, root: Path, conf: Settings | None = None) -> None:
        self.root = root
        self._conf = conf

    @property
    def settings(self) -> Settings:
        return self._conf or settings()

    def add_action(self, table: Table, file: Path) -> AddAction:
        return _add(table, self.folder(table), file)

    def lock(self, table: Table) -> AbstractContextManager[None]:
        """Hold the table's lock on this machine: whoever plans and then commits does both inside. Raises Busy."""
        return locked(self.settings.state_root, table.name, self.settings.lock_seconds)

    def folder(self, table: Table) -> Path:
        return self.root / table.layer / table.name

    def open(self, table: Table, version: int | None = None) -> Version | None:
        """The table at its newest (or the given) version; None if it was never published."""
        folder = self.folder(table)
        newest = _newest(folder)
        if newest is None:
            return None
        held = _HELD.get(folder)
        if held and held[0] == newest and version in (None, newest.number) and held[1].table == table:
            return held[1]
        if version in (None, newest.number):
            self._check_log(table)
        try:
            found = Version(table, folder, DeltaTable(str(folder), version=version))
        except (DeltaError, OSError, ValueError) as error:
            if version in (None, newest.number):
                problems = [p.text for p in log_problems(folder / "_delta_log")]
                raise DamagedTable(table.name, problems or [f"its log can't be read ({_first_line(error)})"]) from error
            raise MissingVersion(f"{table.name} has no readable version {version}: {_first_line(error)}") from error
        if found.number == newest.number:
            _HELD[folder] = newest, found
        return found

    @staticmethod
    def at(version: Version, number: int) -> Version:
        """Another version of an opened table. Raises MissingVersion."""
        if number == version.number:
            return version
        try:
            return Version(version.table, version.root, DeltaTable(str(version.root), version=number))
        except (DeltaError, OSError, ValueError) as error:
            raise MissingVersion(f"{version.table.name} has no readable version {number}: {_first_line(error)}") from error

    def _check_log(self, table: Table) -> None:
        """Delta takes an empty or cut entry for one that changes nothing, and rows would be missing in silence."""
        log = self.folder(table) / "_delta_log"
        since = max(versions_in(log, ".checkpoint.parquet"), default=-1)
        problems = [why for v in versions_in(log) if v > since and (why := entry_problem(entry_path(log, v), v))]
        if problems:
            raise DamagedTable(table.name, problems)

    def newest(self, table: Table) -> int | None:
        """Number of the newest version, by a look at the log's folder alone; None if the table was never published."""
        found = _newest(self.folder(table))
        return found.number if found else None

    def open_sibling(self, head: Version | None, sibling: Table) -> Version | None:
        """A sibling at the version that the head's newest commit names."""
        named = head.entry(f"sibling:{sibling.name}") if head else None
        if head is None or named is None:
            return None
        newest = self.newest(sibling)
        if newest is None or newest < named:
            raise DamagedTable(sibling.name, [f"log entry {named:020d}.json is missing, the version that {head.table.name} names"])
        return self.open(sibling, named)

    def changed_since(self, now: Version, then: int) -> set[Partition] | None:
        """Partitions whose rows changed in versions after `then`; None when the log no longer tells. Raises DamagedTable."""
        changed: set[Partition] = set()
        if then > now.number:
            return None
        for number in range(then + 1, now.number + 1):
            entry = entry_path(now.root / "_delta_log", number)
            try:
                made = actions(entry)
            except FileNotFoundError:
                return None
            except (OSError, ValueError) as error:
                raise DamagedTable(now.table.name, [f"log entry {entry.name} {_first_line(error)}"]) from error
            about: dict[str, Any] = next((a["commitInfo"] for a in made if "commitInfo" in a), {})
            if about.get(LOST):
                return None
            if about.get(MOVES):
                continue
            changed.update(date.fromisoformat(d) for d in json.loads(about.get(TOUCHED, "[]")))
            for action in made:
                for kind in ("add", "remove"):
                    if kind in action and action[kind].get("dataChange", True):
                        changed.add(_partition(now.table, action[kind].get("partitionValues") or {}))
        return changed

    def history(self, table: Table) -> list[dict[str, Any]]:
        """Commits, newest first, with their metadata."""
        now = self.open(table)
        return [] if now is None else now.delta.history()


def _partition(table: Table, values: Mapping[str, str | None]) -> Partition:
    value = values.get(table.partition or "")
    return date.fromisoformat(value) if value else None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _add(table: Table, folder: Path, file: Path) -> AddAction:
    relative = file.relative_to(folder)
    values: dict[str, str | None] = {}
    if table.partition:
        values = {table.partition: file.parent.name.removeprefix(f"{table.partition}=")}
    stat = file.stat()
    footer = pq.read_metadata(file)
    stats: dict[str, Any] = {"numRecords": footer.num_rows}
    if INTAKE in footer.schema.names and footer.num_rows:
        at = footer.schema.names.index(INTAKE)
        ends = [footer.row_group(n).column(at).statistics for n in range(footer.num_row_groups)]
        if all(e is not None and e.has_min_max for e in ends):
            stats |= {"minValues": {INTAKE: min(e.min for e in ends)}, "maxValues": {INTAKE: max(e.max for e in ends)}}
    return AddAction(str(relative), stat.st_size, values, int(stat.st_mtime * 1000), True, json.dumps(stats))


def staged_files(folder: Path) -> list[Path]:
    """Data files below a staging folder, in a fixed order; empty ones (no rows) are left out."""
    found = sorted(p for p in folder.rglob("*.parquet") if not p.name.startswith((".", "_")))
    return [p for p in found if pq.read_metadata(p).num_rows]
