"""The only module that commits to a table: Parquet staged under `run=<id>/`, made visible by one Delta commit.

What must outlive the cleaning of the log stands in `txn` entries of the commit (Delta's application transactions):
`input:<table>` the version read, `digest` of contract, step and mapping, `sibling:<table>` the version that belongs
to this one, `pinned` after a restore, `file:<path>@<sha256>` for a file taken in. Every commit that isn't an append
carries at least one, so a second writer that planned from the same version is refused by Delta.
"""

import json
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import DeltaTable, Schema
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import (
    AddAction,
    CommitProperties,
    PostCommitHookProperties,
    Transaction,
    create_table_with_add_actions,
)

from lake.arrow import arrow_schema
from lake.contract import Table
from lake.partitions import Partition

MOVES = "moves_rows_only"
TOUCHED = "touched"
INTAKE = "_intake"
"""Column of bronze: the number of the file version that a row came with."""


class Conflict(Exception):
    """Another run published this table since this one planned; plan again."""


class MissingVersion(Exception):
    """A version of a table that readers asked for isn't there (any more)."""


@dataclass(frozen=True)
class File:
    """One visible Parquet file."""

    path: str
    partition: Partition
    rows: int
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
        actions = pa.table(self.delta.get_add_actions(flatten=True)).to_pylist()
        key = f"partition.{self.table.partition}"
        ends = (f"min.{INTAKE}", f"max.{INTAKE}")
        return tuple(
            File(unquote(a["path"]), a.get(key), a["num_records"] or 0, None if a.get(ends[0]) is None else (a[ends[0]], a[ends[1]]))
            for a in actions
        )

    @cached_property
    def rows(self) -> dict[Partition, int]:
        """Rows by partition, from the log alone."""
        found: dict[Partition, int] = {}
        for f in self.files:
            found[f.partition] = found.get(f.partition, 0) + f.rows
        return found

    def uris(self, partitions: Iterable[Partition] | None = None, without: Collection[int] = ()) -> list[str]:
        """Files of some partitions; `without` those that hold rows of the given file versions only."""
        wanted = None if partitions is None else set(partitions)
        return [str(self.root / f.path) for f in self.files if (wanted is None or f.partition in wanted) and not f.is_only_of(without)]

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
        """The entries of this version's own commit: nearly always all that is asked for, and the log reader reads its log again for each."""
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
        """The rows as an Arrow table, pruned to partitions without listing any folder; `where` keeps some of them."""
        return read_files(self.table, self.root, self.uris(partitions), columns, where)

    def count_of(self, partitions: Iterable[Partition], intakes: Collection[int]) -> int:
        """How many rows of some partitions come from the given file versions; files of nothing else aren't opened."""
        wanted = set(partitions)
        mine = [f for f in self.files if f.partition in wanted and intakes]
        others = [str(self.root / f.path) for f in mine if not f.is_only_of(intakes)]
        where = pc.field(INTAKE).isin(list(intakes))
        mixed = _dataset(self.table, self.root, others).count_rows(filter=where) if others else 0
        return mixed + sum(f.rows for f in mine if f.is_only_of(intakes))


def read_files(table: Table, root: Path, uris: list[str], columns: list[str] | None = None, where: ds.Expression | None = None) -> pa.Table:
    """Read Parquet files of a table (visible or staged) with the declared schema."""
    schema = arrow_schema(table)
    if not uris:
        empty = schema.empty_table()
        return empty.select(columns) if columns else empty
    return _dataset(table, root, uris).to_table(columns=columns or schema.names, filter=where)


def _dataset(table: Table, root: Path, uris: list[str]) -> ds.Dataset:
    return ds.dataset(uris, schema=arrow_schema(table), format="parquet")


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
            last = max((e for e in entries if e.name.endswith(".json") and e.name[:-5].isdigit()), key=lambda e: e.name, default=None)
            if last is None:
                return None
            stat = last.stat()
            return _Newest(int(last.name[:-5]), stat.st_ino, stat.st_mtime_ns)
    except FileNotFoundError:
        return None


class Lake:
    """The tables under one root folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

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
        try:
            found = Version(table, folder, DeltaTable(str(folder), version=version))
        except DeltaError as error:
            raise MissingVersion(f"{table.name} has no readable version {version}: {error}") from error
        if found.number == newest.number:
            _HELD[folder] = newest, found
        return found

    def open_sibling(self, head: Version | None, sibling: Table) -> Version | None:
        """A sibling at the version that the head's newest commit names."""
        named = head.entry(f"sibling:{sibling.name}") if head else None
        return None if named is None else self.open(sibling, named)

    def changed_since(self, now: Version, then: int) -> set[Partition] | None:
        """Partitions whose rows changed in versions after `then`; None when the log no longer tells."""
        changed: set[Partition] = set()
        if then > now.number:
            return None
        for number in range(then + 1, now.number + 1):
            entry = now.root / "_delta_log" / f"{number:020d}.json"
            try:
                actions = [json.loads(line) for line in entry.read_text().splitlines() if line]
            except FileNotFoundError:
                return None
            about: dict[str, Any] = next((a["commitInfo"] for a in actions if "commitInfo" in a), {})
            if about.get(MOVES):
                continue
            changed.update(date.fromisoformat(d) for d in json.loads(about.get(TOUCHED, "[]")))
            for action in actions:
                for kind in ("add", "remove"):
                    if kind in action and action[kind].get("dataChange", True):
                        changed.add(_partition(now.table, action[kind].get("partitionValues") or {}))
        return changed

    def publish(
        self,
        table: Table,
        base: Version | None,
        staged: Iterable[Path],
        replace: Iterable[Partition] | Literal["all"] | None,
        entries: Mapping[str, int],
        about: Mapping[str, str],
    ) -> int:
        """Make staged files visible in one commit on top of `base`, and return the new version.

        `replace` names the partitions whose visible files go, or "all" (the schema may change then); None appends.
        `entries` become `txn` entries, `about` commit metadata. Raises Conflict if someone published since `base`.
        """
        folder = self.folder(table)
        adds: list[Any] = [_add(table, folder, file) for file in staged]
        commit = CommitProperties(
            custom_metadata=dict(about),
            app_transactions=[Transaction(name, number) for name, number in entries.items()],
        )
        schema = Schema.from_arrow(arrow_schema(table))
        by: list[str] = [table.partition] if table.partition else []
        if base is None:
            folder.mkdir(parents=True, exist_ok=True)
            try:
                create_table_with_add_actions(str(folder), schema, adds, mode="error", partition_by=by, commit_properties=commit)
            except DeltaError as error:
                raise Conflict(f"{table.name} was published by another run meanwhile") from error
            return 0
        filters: list[tuple[str, str, Any]] | None = None
        if replace is not None and replace != "all" and table.partition:
            gone = sorted(p.isoformat() for p in replace if p is not None)
            if not gone:
                replace = None
            filters = [(table.partition, "in", gone)]
        try:
            base.delta.create_write_transaction(
                adds, "append" if replace is None else "overwrite", schema, partition_by=by,
                partition_filters=filters, commit_properties=commit,
                post_commithook_properties=PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False),
            )  # fmt: skip
        except CommitFailedError as error:
            raise Conflict(f"{table.name} was published by another run meanwhile: {error}") from error
        return int(DeltaTable(str(folder)).version())

    def restore(self, table: Table, to: int, entries: Mapping[str, int]) -> int:
        """Make version `to` the newest one again, and record `entries` on top."""
        version = self.open(table, to)
        now = self.open(table)
        if version is None or now is None:
            raise MissingVersion(f"{table.name} was never published")
        lost = [u for u in version.uris() if not Path(u).exists()]
        if lost:
            raise MissingVersion(f"{table.name} version {to} can't be restored: upkeep removed {len(lost)} of its files")
        DeltaTable(str(now.root)).restore(to)  # of its own: a restore moves the object on, and others may hold `now`
        if entries:
            fresh = self.open(table)
            return self.publish(table, fresh, [], None, entries, {"reason": f"restore to version {to}"})
        return int(DeltaTable(str(self.folder(table))).version())

    def history(self, table: Table) -> list[dict[str, Any]]:
        """Commits, newest first, with their metadata."""
        now = self.open(table)
        return [] if now is None else now.delta.history()


def _partition(table: Table, values: Mapping[str, str | None]) -> Partition:
    value = values.get(table.partition or "")
    return date.fromisoformat(value) if value else None


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
