"""Weekly maintenance: few and large files, no leftovers of killed runs, old versions removed after the retention time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from lake.contract import Table
from lake.retention import first_kept, named_siblings, remove_unkept
from lake.storage import MOVES, Busy, CannotWrite, Conflict, DamagedTable, MissingVersion, Version, staged_files
from pipelines.compare import partition_of
from pipelines.files import write_arrow
from pipelines.run import Runner, new_run_id


@dataclass
class MaintenanceResult:
    """What upkeep did to one table. `message`: why it was left alone; `is_damaged`: somebody must repair it."""

    table: str
    compacted: int = 0
    leftovers: int = 0
    vacuumed: int = 0
    advanced: bool = False
    message: str = ""
    is_damaged: bool = False


@dataclass(frozen=True)
class Upkeep:
    """Maintains every table of a lake; none of it changes a row, so none of it makes anything stale."""

    runner: Runner
    retention_days: int
    files_per_partition: int = 1
    results: list[MaintenanceResult] = field(default_factory=list)

    def run(self) -> list[MaintenanceResult]:
        siblings = {s for t in self.runner.catalog.tables.values() for s in t.siblings}
        for table in self.runner.catalog.tables.values():
            if table.name not in siblings:
                self.results.extend(self.maintain(table))
                self.runner.progress(f"{table.name}: maintained")
        return self.results

    def maintain(self, table: Table) -> list[MaintenanceResult]:
        """One table and its siblings, under the table's lock. What another process or damage prevents is left for next time."""
        try:
            with self.runner.lake.lock(table):
                return list(self._family(table))
        except (Busy, Conflict) as error:
            return [MaintenanceResult(table.name, message=f"left alone this time: {error}")]
        except (DamagedTable, MissingVersion, CannotWrite) as error:
            return [MaintenanceResult(table.name, message=str(error), is_damaged=True)]

    def _family(self, table: Table) -> Iterator[MaintenanceResult]:
        lake, catalog = self.runner.lake, self.runner.catalog
        head = lake.open(table)
        if head is None:
            return
        family = [table, *(catalog[s] for s in table.siblings)]
        done = {t.name: MaintenanceResult(t.name) for t in family}
        entries: dict[str, int] = {}
        for sibling in family[1:]:
            named, newest = lake.open_sibling(head, sibling), lake.open(sibling)
            if named is None or newest is None:
                continue
            if named.number != newest.number:
                lake.restore(sibling, named.number, {}, {MOVES: "true"})
            done[sibling.name].compacted = self._rewrite(sibling)
            entries[f"sibling:{sibling.name}"] = self._newest(sibling).number
        done[table.name].compacted = self._rewrite(table)
        head = self._newest(table)
        plan = self.runner.plan(table)
        if plan.is_fresh and not plan.pinned and not plan.waits_for and (table.inputs or catalog.source_of(table)):
            entries |= plan.entries
        new = {n: v for n, v in entries.items() if head.entry(n) != v}
        if new:
            lake.publish(table, head, [], None, new, {MOVES: "true", "reason": "upkeep"})
            done[table.name].advanced = True
        self._clean(table, done)
        yield from done.values()

    def _rewrite(self, table: Table) -> int:
        """Give the table its retention and compact it."""
        lake = self.runner.lake
        lake.set_retention(self._newest(table))
        return self._compact(self._newest(table))

    def _newest(self, table: Table) -> Version:
        found = self.runner.lake.open(table)
        if found is None:
            raise Conflict(f"{table.name} was removed meanwhile")
        return found

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

    def _clean(self, table: Table, done: dict[str, MaintenanceResult]) -> None:
        """Remove what no kept version of the family names; what a kept version of the head names as sibling is kept too."""
        head = self._newest(table)
        first = first_kept(head, self.retention_days)
        for name, result in done.items():
            member = self.runner.catalog[name]
            version = self.runner.lake.open(member)
            if version is None:
                continue
            named = named_siblings(head, first, name) if name != table.name else ()
            version.delta.create_checkpoint()
            removed = remove_unkept(version, first_kept(version, self.retention_days, also=named), self.runner.settings.grace_hours)
            result.leftovers, result.vacuumed = removed.leftovers, removed.old


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


def total(results: Iterable[MaintenanceResult]) -> str:
    """One line for a person, and one for every table that was left alone."""
    done = list(results)
    first = (
        f"{len(done)} tables maintained: {sum(c.compacted for c in done)} partitions compacted, "
        f"{sum(c.leftovers for c in done)} unpublished files and {sum(c.vacuumed for c in done)} files of old versions removed"
    )
    return "\n".join([first, *(c.message for c in done if c.message)])
