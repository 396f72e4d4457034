"""Weekly care: few and large files, no leftovers of killed runs, old versions removed after the retention time."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from filelock import FileLock, Timeout

from lake.contract import Table
from lake.storage import MOVES, Version, staged_files
from pipelines.compare import partition_of
from pipelines.files import write_arrow
from pipelines.run import Runner, new_run_id


@dataclass
class Cared:
    """What upkeep did to one table."""

    table: str
    compacted: int = 0
    leftovers: int = 0
    vacuumed: int = 0
    advanced: bool = False
    message: str = ""


@dataclass(frozen=True)
class Upkeep:
    """Cares for every table of a lake; none of it changes a row, so none of it makes anything stale."""

    runner: Runner
    retention_days: int
    files_per_partition: int = 1
    cared: list[Cared] = field(default_factory=list)

    def run(self) -> list[Cared]:
        siblings = {s for t in self.runner.catalog.tables.values() for s in t.siblings}
        for table in self.runner.catalog.tables.values():
            if table.name in siblings:
                continue
            try:
                with FileLock(self.runner.lock_file(table), timeout=self.runner.settings.lock_seconds):
                    self.cared.extend(self._family(table))
            except Timeout:
                self.cared.append(Cared(table.name, message="being built by a run; left alone this time"))
            self.runner.progress(f"{table.name}: cared for")
        return self.cared

    def _family(self, table: Table) -> Iterator[Cared]:
        lake, catalog = self.runner.lake, self.runner.catalog
        head = lake.open(table)
        if head is None:
            return
        family = [table, *(catalog[s] for s in table.siblings)]
        done = {t.name: Cared(t.name) for t in family}
        entries: dict[str, int] = {}
        for sibling in family[1:]:
            named, newest = lake.open_sibling(head, sibling), lake.open(sibling)
            if named and newest and named.number != newest.number:
                lake.restore(sibling, named.number, {})
                newest = lake.open(sibling)
            if newest and (n := self._compact(newest)):
                done[sibling.name].compacted = n
            if newest and named:
                entries[f"sibling:{sibling.name}"] = lake.open(sibling).number  # type: ignore[union-attr]
        done[table.name].compacted = self._compact(head)
        head = lake.open(table) or head
        plan = self.runner.plan(table)
        if plan.is_fresh and not plan.pinned and not plan.waits_for and (table.inputs or catalog.source_of(table)):
            entries |= plan.entries
        new = {n: v for n, v in entries.items() if head.entry(n) != v}
        if new:
            lake.publish(table, head, [], None, new, {MOVES: "true", "reason": "upkeep"})
            done[table.name].advanced = True
        for member in family:
            self._clean(member, done[member.name])
        yield from done.values()

    def _compact(self, version: Version) -> int:
        """Rewrite partitions of many files as one file each, marked as moving rows without changing them."""
        table, lake = version.table, self.runner.lake
        counts: dict[date | None, int] = {}
        for f in version.files:
            counts[f.partition] = counts.get(f.partition, 0) + 1
        many = sorted((p for p, n in counts.items() if n > self.files_per_partition), key=lambda p: p or date.min)
        if not many:
            return 0
        folder = lake.folder(table) / f"run={new_run_id()}"
        for batch in _batches(version, many):
            part = folder / "part"
            write_arrow(version.read(partitions=batch), table, part)
            for child in part.iterdir():
                child.rename(folder / child.name)
            part.rmdir()
        files = [f for f in staged_files(folder) if not table.partition or partition_of(table, f) in set(many)]
        entries = {"moved": version.number + 1}
        lake.publish(table, version, files, many if table.partition else "all", entries, {MOVES: "true", "reason": "compaction"})
        return len(many)

    def _clean(self, table: Table, done: Cared) -> None:
        version = self.runner.lake.open(table)
        if version is None:
            return
        folder = version.root
        loose = set(version.delta.vacuum(0, dry_run=True, enforce_retention_duration=False, full=True))
        loose -= set(version.delta.vacuum(0, dry_run=True, enforce_retention_duration=False))
        for name in loose:
            path = folder / name
            if path.suffix == ".parquet" and path.is_file():
                path.unlink()
                done.leftovers += 1
        version.delta.create_checkpoint()
        removed = version.delta.vacuum(
            24 * self.retention_days, dry_run=False, enforce_retention_duration=False, full=True, keep_versions=[version.number]
        )
        done.vacuumed = len(removed)
        version.delta.cleanup_metadata()
        for run in folder.glob("run=*"):
            if not any(p.suffix == ".parquet" and not p.name.startswith(".") for p in run.rglob("*") if p.is_file()):
                shutil.rmtree(run)
        _remove_empty(folder)


def _batches(version: Version, partitions: list[date | None]) -> Iterator[list[date | None]]:
    batch: list[date | None] = []
    held = 0
    for p in partitions:
        batch.append(p)
        held += version.rows[p]
        if held > 1_000_000:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _remove_empty(folder: Path) -> None:
    for path in sorted((p for p in folder.glob("run=*/**/*") if p.is_dir()), reverse=True):
        if not any(path.iterdir()):
            path.rmdir()


def total(cared: Iterable[Cared]) -> str:
    """One line for a person."""
    done = list(cared)
    return (
        f"{len(done)} tables cared for: {sum(c.compacted for c in done)} partitions compacted, "
        f"{sum(c.leftovers for c in done)} unpublished files and {sum(c.vacuumed for c in done)} files of old versions removed"
    )
