"""Which staged partitions hold the same rows as the visible ones."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lake.contract import Table
from lake.partitions import Partition
from lake.storage import DamagedTable, Version, read_files

ROWS_AT_ONCE = 2_000_000


def staged_rows(table: Table, files: Iterable[Path]) -> dict[Partition, int]:
    """Rows per staged partition, from the Parquet footers."""
    rows: dict[Partition, int] = {}
    for f in files:
        p = partition_of(table, f)
        rows[p] = rows.get(p, 0) + pq.read_metadata(f).num_rows
    return rows


def partition_of(table: Table, file: Path) -> Partition:
    return date.fromisoformat(file.parent.name.partition("=")[2]) if table.partition else None


def equal_partitions(table: Table, visible: Version, folder: Path, files: list[Path], wanted: Iterable[Partition]) -> set[Partition]:
    """Partitions of `wanted` whose staged and visible rows are the same; lineage columns (`_...`) don't count.

    Values are compared as stored, that is rounded to their declared resolution. Both empty counts as equal. What can't be
    read is not equal, so that publishing replaces a damaged file.
    """
    now, then = staged_rows(table, files), visible.rows
    damaged = {f.partition for f in visible.damaged()}
    same_count = [p for p in wanted if now.get(p, 0) == then.get(p, 0) and p not in damaged]
    equal = {p for p in same_count if not now.get(p)}
    batch: list[Partition] = []
    held = 0
    for p in sorted((p for p in same_count if p not in equal), key=lambda p: p or date.min):
        batch.append(p)
        held += now[p]
        if held > ROWS_AT_ONCE:
            equal |= _equal(table, visible, folder, files, batch)
            batch, held = [], 0
    return equal | _equal(table, visible, folder, files, batch)


def _equal(table: Table, visible: Version, folder: Path, files: list[Path], batch: list[Partition]) -> set[Partition]:
    if not batch:
        return set()
    names = [c.name for c in table.columns if not c.name.startswith("_") or c.name in table.key]
    mine = [str(f) for f in files if partition_of(table, f) in batch]
    new = _sorted(table, read_files(table, folder.parent, mine, names))
    try:
        old = _sorted(table, visible.read(names, batch))
    except DamagedTable:
        return {p for p in batch if len(batch) > 1 and _equal(table, visible, folder, files, [p])}
    equal: set[Partition] = set()
    start = 0
    for p in batch:
        n = visible.rows[p]
        if new.slice(start, n).equals(old.slice(start, n)):
            equal.add(p)
        start += n
    return equal


def _sorted(table: Table, rows: pa.Table) -> pa.Table:
    by = [*([table.partition] if table.partition else []), *(k for k in table.key if k != table.partition)]
    return rows.sort_by([(name, "ascending") for name in by])
