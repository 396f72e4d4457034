"""Audit what was staged, and make it visible: siblings first, then the head that names their versions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from lake.catalog import CALENDAR, Catalog
from lake.constraints import EqualSums, References
from lake.contract import Table
from lake.engine import session
from lake.partitions import Partition, needed
from lake.points import reached
from lake.storage import TOUCHED, Conflict, Lake, read_files
from pipelines.compare import equal_partitions, partition_of
from pipelines.files import spark_frame
from pipelines.plan import Plan
from pipelines.stage import Staged
from pipelines.sums import equal_sums

if TYPE_CHECKING:
    from quality.verdict import Verdict


@dataclass(frozen=True)
class Audited:
    """The verdicts on a family of tables, and Great Expectations' own results by table."""

    verdicts: Mapping[str, tuple["Verdict", ...]]
    results: Mapping[str, Any]

    @property
    def blocks(self) -> bool:
        return any(v.blocks for vs in self.verdicts.values() for v in vs)


@dataclass(frozen=True)
class Published:
    """What a publication changed."""

    version: int
    changed: tuple[Partition, ...]
    committed: bool


@dataclass(frozen=True)
class Publisher:
    """Audits and commits; the only caller of `Lake.publish` for tables that steps make."""

    catalog: Catalog
    lake: Lake
    audit_rows_in_pandas: int
    waivers: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def audit(self, plan: Plan, staged: Staged) -> Audited:
        """Let Great Expectations judge the head and its siblings as staged, before anyone can see them."""
        from quality.gate import audit
        from quality.suite import columns_read

        verdicts, results = {}, {}
        for name in staged.folders:
            table = self.catalog[name]
            files = staged.files(name)
            if name != plan.table.name and not files:
                continue
            rows = staged.rows(table)
            uris, folder = [str(f) for f in files], self.lake.folder(table)
            names: list[str] = []
            if sum(rows.values()) <= self.audit_rows_in_pandas:
                names = pq.read_schema(files[0]).names if files else [c.name for c in table.columns]
                frame: Any = read_files(table, folder, uris, columns_read(table), texts_once=True)
            else:
                frame = spark_frame(session(), table, uris)
            waived = {check: who for (t, check), who in self.waivers.items() if t == name}
            done = audit(table, frame, self._context(plan, staged, table, rows), self._references(plan, table), waived, names)
            verdicts[name], results[name] = done.verdicts, done.results
        return Audited(verdicts, results)

    def _context(self, plan: Plan, staged: Staged, table: Table, rows: Mapping[Partition, int]) -> Any:
        from quality.measures import Context

        head = plan.head if table.name == plan.table.name else self.lake.open_sibling(plan.head, table)
        calendar = plan.inputs.get(CALENDAR) or self.lake.open(self.catalog[CALENDAR]) if CALENDAR in self.catalog.tables else None
        mine = table.name == plan.table.name
        return Context(
            as_of=max((p for p in calendar.rows if p), default=None) if calendar else None,
            staged_rows=dict(rows),
            visible_rows=head.rows if head else {},
            publications=head.number + 1 if head else 0,
            sums=self._sums(plan, staged, table),
            read=staged.read if mine else None,
            fates=staged.fates if mine and staged.read is not None else None,
        )

    def _sums(self, plan: Plan, staged: Staged, table: Table) -> dict[str, dict[Partition, tuple[float, float]]]:
        """Both sides of each `EqualSums` of a table, by partition."""
        names = dict.fromkeys(k.other for k in table.promises if isinstance(k, EqualSums))
        if not names:
            return {}
        others = {name: self.catalog[name] for name in names}
        uris = {table.name: [str(f) for f in staged.files(table.name)]}
        for name, other in others.items():
            if name in staged.folders:
                uris[name] = [str(f) for f in staged.files(name)]
            elif version := plan.inputs.get(name):
                is_dated = other.partition and table.partition
                uris[name] = version.uris(needed((p for p in plan.partitions if p), table.partition, other.partition) if is_dated else None)  # type: ignore[arg-type]
            else:
                uris[name] = []
        roots = {t.name: self.lake.folder(t) for t in (table, *others.values())}
        return equal_sums(table, others, roots, uris, plan.partitions)

    def _references(self, plan: Plan, table: Table) -> dict[tuple[str, str], Any]:
        found = {}
        for promise in (k for c in table.columns for k in c.constraints if isinstance(k, References)):
            version = plan.inputs.get(promise.table)
            values = version.read([promise.column])[promise.column].to_pylist() if version else []
            found[promise.table, promise.column] = set(values)
        return found

    def publish(self, plan: Plan, staged: Staged, about: Mapping[str, str]) -> Published:
        """Commit what changed; partitions whose rows are the visible ones stay as they are. Raises Conflict.

        A head that is refused may leave a version of a sibling behind that no head names; its files stay, and the next run
        starts from the version that the head does name.
        """
        table, head = plan.table, plan.head
        self._check_head(plan)
        entries = {**plan.entries, **staged.entries}
        for name in table.siblings:
            entries[f"sibling:{name}"] = self._sibling(plan, staged, self.catalog[name], about)
        files = staged.files(table.name)
        if table.layer == "bronze" and plan.table.siblings and not plan.whole:
            changed = sorted({partition_of(table, f) for f in files} | set(staged.touched), key=_order)
            touched = {TOUCHED: _dates(staged.touched)} if staged.touched else {}
            return self._commit(plan, files, None, entries, {**about, **touched}, changed)
        if head is None or not head.has_declared_columns:
            changed = sorted(plan.partitions, key=_order)
            return self._commit(plan, files, "all", entries, about, changed)
        equal = equal_partitions(table, head, self.lake.folder(table) / "x", files, plan.partitions)
        changed = sorted(set(plan.partitions) - equal, key=_order)
        kept = [f for f in files if partition_of(table, f) in set(changed)]
        replace: Any = "all" if table.partition is None and changed else changed
        return self._commit(plan, kept, replace or None, entries, about, changed)

    def _commit(
        self, plan: Plan, files: list[Path], replace: Any, entries: Mapping[str, int], about: Mapping[str, str], changed: list[Partition]
    ) -> Published:
        head = plan.head
        if head and not files and not replace and not changed and all(head.entry(n) == v for n, v in entries.items()):
            return Published(head.number, (), committed=False)
        reached("before commit", plan.table.name)
        version = self.lake.publish(plan.table, head, files, replace, entries, about)
        reached("after commit", plan.table.name)
        return Published(version, tuple(changed), committed=True)

    def _check_head(self, plan: Plan) -> None:
        """Refuse early, before a sibling is published for a head that another run has replaced."""
        if self.lake.newest(plan.table) != (plan.head.number if plan.head else None):
            raise Conflict(f"{plan.table.name} was published by another run meanwhile")

    def _sibling(self, plan: Plan, staged: Staged, table: Table, about: Mapping[str, str]) -> int:
        """Publish a sibling where its rows changed, and say at which version it belongs to the head."""
        named = self.lake.open_sibling(plan.head, table)
        newest = self.lake.open(table)
        self._check_head(plan)  # after `newest`: a sibling of a head that is published meanwhile must not be undone
        files = staged.files(table.name)
        entries = {"head": plan.head.number + 1 if plan.head else 0}
        if newest and (named is None or newest.number != named.number):
            # A run died or was refused between the sibling's commit and the head's: nobody was shown that version.
            if named is None:
                version = self.lake.publish(table, newest, files, "all", entries, about)
                reached("between siblings", plan.table.name)
                return version
            self.lake.restore(table, named.number, {})
            newest = self.lake.open(table)
        if newest is None or not newest.has_declared_columns:
            version = self.lake.publish(table, newest, files, "all", entries, about)
        else:
            wanted = plan.partitions if table.partition else [None]
            equal = equal_partitions(table, newest, self.lake.folder(table) / "x", files, wanted)
            changed = set(wanted) - equal
            if not changed:
                return named.number if named and named.rows == newest.rows else newest.number
            kept = [f for f in files if partition_of(table, f) in changed]
            version = self.lake.publish(table, newest, kept, changed if table.partition else "all", entries, about)
        reached("between siblings", plan.table.name)
        return version


def _order(p: Partition) -> date:
    return p or date.min


def _dates(days: Iterable[date]) -> str:
    return "[" + ", ".join(f'"{d}"' for d in days) + "]"
