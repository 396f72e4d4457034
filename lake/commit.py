"""How a commit is made: as the version right after the one it was planned from, or not at all.

Delta's own conflict check lets two writers of disjoint partitions, or of a partition that doesn't exist yet, both commit. Here every
commit is made with no retries: delta-rs then refuses it as soon as another version exists. The entry `commit` (its number is
the version) refuses writers that do retry. Whether a commit was made is read from the log, by its mark: a checkpoint that fails
after it, on a full disk for example, doesn't undo it.
"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from deltalake import DeltaTable, Schema
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import (
    AddAction,
    CommitProperties,
    PostCommitHookProperties,
    RemoveAction,
    Transaction,
    create_table_with_add_actions,
)

from lake.arrow import arrow_schema
from lake.contract import Table
from lake.damage import COMMIT, MARK, DamagedTable, actions, entry_path, log_problems, versions_in
from lake.partitions import Partition
from lake.settings import Settings
from lake.unwritable import refusal, writing

if TYPE_CHECKING:
    from lake.storage import File, Version

AFTERWARDS = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)
MOVES = "moves_rows_only"
TOUCHED = "touched"
LOST = "after_lost_versions"
"""Commit metadata: rows moved only; days whose rows count as changed; versions before this one were lost, so readers rebuild."""


class Conflict(Exception):
    """Another process published this table since this one planned; plan again."""


class MissingVersion(Exception):
    """A version of a table that readers asked for isn't there (any more)."""


@dataclass(frozen=True)
class Commit:
    """One commit that is to become version `number` of the table in `folder`."""

    table: str
    folder: Path
    number: int
    mark: str

    @property
    def entry(self) -> Path:
        return entry_path(self.folder / "_delta_log", self.number)

    def properties(self, entries: Mapping[str, int], about: Mapping[str, str]) -> CommitProperties:
        """Metadata and `txn` entries; `commit` comes last, so that an entry that was cut lacks it."""
        named = [*((n, v) for n, v in entries.items() if n != COMMIT), (COMMIT, self.number)]
        return CommitProperties(
            custom_metadata={**about, MARK: self.mark}, max_commit_retries=0, app_transactions=[Transaction(n, v) for n, v in named]
        )

    def is_made(self) -> bool:
        """Whether the log holds this very commit."""
        try:
            return any(a.get("commitInfo", {}).get(MARK) == self.mark for a in actions(self.entry))
        except (OSError, ValueError):
            return False


@contextmanager
def committing(table: str, folder: Path, base: int | None) -> Iterator[Commit]:
    """The commit that follows version `base` (None: the table's first). Raises Conflict, CannotWrite or DamagedTable."""
    log = folder / "_delta_log"
    newest = max([*versions_in(log), *versions_in(log, ".checkpoint.parquet")], default=None)
    commit = Commit(table, folder, 0 if base is None else base + 1, uuid4().hex)
    if newest != base:
        raise Conflict(f"{table} was published by another run meanwhile: version {newest} is there, {base} was planned from")
    try:
        yield commit
    except (DeltaError, OSError) as error:
        if commit.is_made():
            return
        if found := refusal(error, folder):
            raise found from error
        if isinstance(error, CommitFailedError) or commit.entry.exists():
            raise Conflict(f"{table} was published by another run meanwhile, as version {commit.number}") from error
        if problems := log_problems(log):
            raise DamagedTable(table, [p.text for p in problems]) from error
        raise


class Commits:
    """What `lake.storage.Lake` can change; what it can read is there."""

    @property
    def settings(self) -> Settings:
        raise NotImplementedError

    def folder(self, table: Table) -> Path:
        raise NotImplementedError

    def open(self, table: Table, version: int | None = None) -> "Version | None":
        raise NotImplementedError

    def add_action(self, table: Table, file: Path) -> AddAction:
        raise NotImplementedError

    def publish(
        self,
        table: Table,
        base: "Version | None",
        staged: Iterable[Path],
        replace: Iterable[Partition] | Literal["all"] | None,
        entries: Mapping[str, int],
        about: Mapping[str, str],
    ) -> int:
        """Make staged files visible in one commit right after `base`, and return its version.

        `replace` names the partitions whose visible files go, or "all" (the schema may change then); None appends.
        `entries` become `txn` entries, `about` commit metadata. Raises Conflict if someone published since `base`, CannotWrite
        if the disk refuses; nothing is visible then.
        """
        folder = self.folder(table)
        with writing(folder):
            adds: list[Any] = [self.add_action(table, file) for file in _refreshed(table, staged)]
        schema = Schema.from_arrow(arrow_schema(table))
        by: list[str] = [table.partition] if table.partition else []
        if base is None:
            with writing(folder):
                folder.mkdir(parents=True, exist_ok=True)
            with committing(table.name, folder, None) as commit:
                create_table_with_add_actions(
                    str(folder), schema, adds, mode="error", partition_by=by, configuration=self.retention(),
                    commit_properties=commit.properties(entries, about),
                )  # fmt: skip
            return commit.number
        filters: list[tuple[str, str, Any]] | None = None
        if replace is not None and replace != "all" and table.partition:
            gone = sorted(p.isoformat() for p in replace if p is not None)
            if not gone:
                replace = None
            filters = [(table.partition, "in", gone)]
        with committing(table.name, folder, base.number) as commit:
            base.delta.create_write_transaction(
                adds, "append" if replace is None else "overwrite", schema, partition_by=by, partition_filters=filters,
                commit_properties=commit.properties(entries, about), post_commithook_properties=AFTERWARDS,
            )  # fmt: skip
        return commit.number

    def exchange(
        self, base: "Version", without: Iterable["File"], instead: Iterable["File"], entries: Mapping[str, int], about: Mapping[str, str]
    ) -> int:
        """One commit that takes some files of `base` out and brings files of older versions back. Raises as `publish` does."""
        folder, now = self.folder(base.table), int(time.time() * 1000)
        column = base.table.partition
        changes: list[Any] = [
            RemoveAction(f.path, True, now, f.size, {column: str(f.partition)} if column else {}) for f in without
        ]  # fmt: skip
        with writing(folder):
            changes += [self.add_action(base.table, path) for path in _refreshed(base.table, (folder / f.path for f in instead))]
        schema = Schema.from_arrow(arrow_schema(base.table))
        with committing(base.table.name, folder, base.number) as commit:
            base.delta.create_write_transaction(
                changes, "append", schema, partition_by=[column] if column else [],
                commit_properties=commit.properties(entries, about), post_commithook_properties=AFTERWARDS,
            )  # fmt: skip
        return commit.number

    def restore(self, table: Table, to: int, entries: Mapping[str, int], about: Mapping[str, str] | None = None) -> int:
        """Make the rows of version `to` the newest ones, and record `entries`, in one commit; return its version.

        Raises MissingVersion where files of that version are gone, Conflict where another process publishes meanwhile.
        """
        now = self.open(table)
        if now is None:
            raise MissingVersion(f"{table.name} was never published")
        version = self.open(table, to)
        if version is None:
            raise MissingVersion(f"{table.name} has no version {to}")
        if lost := version.damaged():
            message = f"{table.name} version {to} can't be restored: upkeep removed {len(lost)} of its files"
            raise MissingVersion(message)
        with writing(now.root):
            _refreshed(table, (now.root / f.path for f in version.files))
        delta = DeltaTable(str(now.root), version=now.number)  # of its own: a restore moves it on, and others may hold `now`
        with committing(table.name, now.root, now.number) as commit:
            properties = commit.properties(entries, {"reason": f"restore to version {to}", **(about or {})})
            delta.restore(to, commit_properties=properties, post_commithook_properties=AFTERWARDS)
        return commit.number

    def retention(self) -> dict[str, str]:
        """Table properties that keep other Delta engines from removing what a restore within LAKE_RETENTION_DAYS needs."""
        span = f"interval {self.settings.retention_days} days"
        return {"delta.deletedFileRetentionDuration": span, "delta.logRetentionDuration": span}

    def set_retention(self, base: "Version") -> int | None:
        """Give a table the retention of the settings, in one commit that changes no row; None where it has it already."""
        wanted = self.retention()
        held = base.delta.metadata().configuration
        if all(held.get(k) == v for k, v in wanted.items()):
            return None
        delta = DeltaTable(str(base.root), version=base.number)
        with committing(base.table.name, base.root, base.number) as commit:
            properties = commit.properties({}, {MOVES: "true", "reason": "retention"})
            delta.alter.set_table_properties(wanted, commit_properties=properties, post_commithook_properties=AFTERWARDS)
        return commit.number


def _refreshed(table: Table, files: Iterable[Path]) -> list[Path]:
    """Files about to be named by a commit get the present as their time: upkeep, on any machine, leaves young files alone.

    Raises Conflict where one is gone: it was staged so long ago that upkeep took it for a leftover.
    """
    found = list(files)
    for file in found:
        try:
            os.utime(file)
        except FileNotFoundError:
            message = f"{table.name}: staged file {file} is gone; if staging takes longer than LAKE_GRACE_HOURS, raise it"
            raise Conflict(message) from None
    return found
