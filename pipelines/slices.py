"""What a change of an input without partitions, or of the values that a column may refer to, makes stale.

A table depends on a slice of such an input: the columns and rows that its step sees, or the set of values of one column. The digest of
each slice is an entry of the table's commit: when it is still the same, the input's new version makes nothing stale. Otherwise both
versions of the slice are read and the rows that differ say which partitions they can reach.
"""

import hashlib
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from lake.catalog import Catalog
from lake.constraints import References
from lake.contract import Column, Read, Table
from lake.partitions import Partition, last_day, touched
from lake.storage import Lake, MissingVersion, Version
from pipelines.held import held

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

GONE = "gone"
"""Stands for partitions: the version that was read isn't there any more, so nobody knows what changed since."""
Reach = set[Partition] | str
Rows = Counter[tuple[Hashable, ...]]


@dataclass(frozen=True)
class Slices:
    """The slices that one table depends on, of the inputs that a plan pinned."""

    catalog: Catalog
    lake: Lake
    table: Table
    head: Version | None
    inputs: Mapping[str, Version]

    def reads(self) -> dict[str, Read]:
        """By entry, the inputs without partitions of which the table reads a slice."""
        narrow = (r for r in self.table.inputs if r.table in self.inputs and not self.catalog[r.table].partition)
        return {f"slice:{r.table}": r for r in narrow if r.columns or r.only}

    def references(self) -> dict[str, tuple[Column, References]]:
        """By entry, the columns that may only hold values of another table's column."""
        found = ((c, k) for c in self.table.columns for k in c.constraints if isinstance(k, References) and k.severity == "critical")
        return {f"values:{c.name} in {k.table}.{k.column}": (c, k) for c, k in found if k.table in self.inputs}

    def entries(self) -> dict[str, int]:
        """The digest of every slice as read now."""
        narrow = {name: _digest(rows_of(self.inputs[r.table], r)) for name, r in self.reads().items()}
        values = {name: _digest(values_of(self.inputs[k.table], k.column)) for name, (_, k) in self.references().items()}
        return narrow | values

    # --- inputs without partitions --------------------------------------------------------------------------

    def of_input(self, read: Read, then: int, logged: set[Partition] | None, universe: set[Partition]) -> Reach:
        """Partitions that a new version of an input without partitions makes stale; `logged`: None where the log no longer tells."""
        if read.is_looked_up:
            return set()
        head, now, name = self.head, self.inputs[read.table], f"slice:{read.table}"
        if head and name in self.reads() and head.entry(name) == _digest(rows_of(now, read)):
            return set()
        if not (read.since or read.by):
            return GONE if logged is None else universe
        old = self._version(now.table, then)
        before = rows_of(old, read) if old else None
        if before is None:
            return GONE
        after = rows_of(now, read) or Counter()
        changed = [*(after - before), *(before - after)]
        names = _columns(now.table, read)
        found: set[Partition] = set()
        if read.since:
            begins = [row[names.index(read.since)] for row in changed]
            found |= {p for p in universe if any(self._ends_after(p, b) for b in begins)}
        if read.by:
            found |= self._holding({row[names.index(read.by)] for row in changed}, read.by)
        return found & universe

    def _ends_after(self, partition: Partition, begins: Any) -> bool:
        if partition is None or begins is None or self.table.partition is None:
            return True
        return last_day(partition, self.table.partition) >= (begins if type(begins) is date else begins.date())

    def _holding(self, values: set[Any], column: str) -> set[Partition]:
        """Partitions made from partitions of other inputs in which a column holds one of the values."""
        found: set[Partition] = set()
        for read in self.table.inputs:
            version = self.inputs.get(read.table)
            if version is None or not version.table.partition or column not in {c.name for c in version.table.columns}:
                continue
            for p in partitions_holding(version, column, values):
                if p is not None and self.table.partition:
                    found |= touched(p, version.table.partition, self.table.partition, read.days_before, read.days_after)
        return found

    def tells_nothing(self, read: Read) -> bool:
        """Whether an input that is new is as if it weren't there."""
        empty = self.catalog[read.table].partition is None and bool(read.only) and not rows_of(self.inputs[read.table], read)
        return read.is_looked_up or (read.optional and empty)

    # --- references -----------------------------------------------------------------------------------------

    def of_reference(self, name: str, column: Column, reference: References, then: int, universe: set[Partition]) -> Reach:
        """Partitions that other values in a referenced column make stale: those that kept rows out for their lack, or hold gone ones."""
        head, now = self.head, self.inputs[reference.table]
        if head is None:
            return universe
        after = values_of(now, reference.column) or set()
        if head.entry(name) == _digest(after):
            return set()
        if reference.column == now.table.partition:
            changed = self.lake.changed_since(now, then)
            if changed is None:
                return GONE
            came, gone = after & changed, set[Hashable](changed) - after
        else:
            old = self._version(now.table, then)
            before = values_of(old, reference.column) if old else None
            if before is None:
                return GONE
            came, gone = after - before, before - after
        stale = self._kept_out(column, reference, came)
        if gone:
            stale |= self._with_gone(column, gone, universe)
        return stale & universe

    def _quarantine(self) -> Version | None:
        names = [s for s in self.table.siblings if s.endswith("__quarantine")]
        return self.lake.open_sibling(self.head, self.catalog[names[0]]) if names else None

    def _kept_out(self, column: Column, reference: References, came: set[Hashable]) -> set[Partition]:
        """Partitions whose quarantine holds a row that lacked one of the values that came."""
        version = self._quarantine()
        if version is None or not came:
            return set()
        by = version.table.partition
        days = {v for v in came if isinstance(v, date)} if column.name == by else None
        rows = version.read(["reasons", "found", *([by] if by else [])], days)
        texts, reason = {str(v) for v in came}, f"{column.name}: {reference.sentence}"
        return {
            r.get(by or "") for r in rows.to_pylist()
            if any(w == reason and (column.personal or f in texts) for w, f in zip(r["reasons"], r["found"], strict=True))
        }  # fmt: skip

    def _with_gone(self, column: Column, gone: set[Any], universe: set[Partition]) -> set[Partition]:
        """Partitions whose rows, published or kept out for other reasons, may hold a value that is gone."""
        quarantine = self._quarantine()
        if self.head is None or (quarantine is not None and column.name not in self.table.key):
            return universe  # among rows with one key another one may be chosen
        return partitions_holding(self.head, column.name, gone) | set(quarantine.rows if quarantine else ())

    def _version(self, table: Table, number: int) -> Version | None:
        try:
            return self.lake.open(table, number)
        except MissingVersion:
            return None


def _columns(table: Table, read: Read) -> list[str]:
    beside = [n for n in (read.since, read.by) if n and n not in read.columns]
    return [*read.columns, *beside] if read.columns else [c.name for c in table.columns if not c.name.startswith("_")]


def condition(read: Read) -> ds.Expression | None:
    """The rows of an input that a step sees."""
    found: ds.Expression | None = None
    for column, value in read.only:
        one = pc.field(column) == pc.scalar(value)
        found = one if found is None else found & one
    return found


def rows_of(version: Version, read: Read) -> Rows | None:
    """The rows that a step sees of an input, as a multiset; None where upkeep removed the files."""
    rows = _read(version, _columns(version.table, read), condition(read))
    return None if rows is None else Counter(tuple(_plain(v) for v in row.values()) for row in rows.to_pylist())


def values_of(version: Version, column: str) -> set[Hashable] | None:
    """The values of a column; from the log alone for the one that partitions the table. None where upkeep removed the files."""
    if column == version.table.partition:
        return {p for p in version.rows if p is not None}
    rows = _read(version, [column], None)
    return None if rows is None else set(pc.unique(rows[column]).to_pylist()) - {None}


def partitions_holding(version: Version, column: str, values: Iterable[Any]) -> set[Partition]:
    """Partitions in which a column holds one of the values."""
    by, wanted = version.table.partition, [v for v in values if v is not None]
    if not wanted:
        return set()
    rows = version.read([by or column], None, pc.field(column).isin(wanted))
    return set(pc.unique(rows[by]).to_pylist()) if by else {None} if rows.num_rows else set()


def _read(version: Version, columns: list[str], where: ds.Expression | None) -> pa.Table | None:
    try:
        return held(version, f"{columns} {where}", lambda: version.read(columns, None, where))
    except (FileNotFoundError, MissingVersion):
        return None


def _plain(value: Any) -> Hashable:
    return tuple(value) if isinstance(value, list) else value


def _digest(found: Rows | set[Hashable] | None) -> int:
    """Of rows or values, whatever order they come in; below 2**63."""
    told = sorted(map(repr, found.items() if isinstance(found, Counter) else found or ()))
    return int.from_bytes(hashlib.sha256("\n".join(told).encode()).digest()[:8]) >> 1


def narrowed(rows: "DataFrame", read: Read) -> "DataFrame":
    """An input as a step sees it."""
    from pyspark.sql import functions as F

    for column, value in read.only:
        rows = rows.filter(F.col(column) == F.lit(value))
    return rows.select(*read.columns) if read.columns else rows
