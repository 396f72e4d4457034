"""Both sides of the equal sums that a table promises: each table that takes part is read once, with all columns that are added up."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow.compute as pc

from lake.constraints import EqualSums
from lake.contract import Grain, Table
from lake.partitions import Partition, floor
from lake.storage import read_files

Sums = dict[Partition, float]


def equal_sums(
    table: Table,
    others: Mapping[str, Table],
    roots: Mapping[str, Path],
    uris: Mapping[str, list[str]],
    wanted: Iterable[Partition],
) -> dict[str, dict[Partition, tuple[float, float]]]:
    """By promise and wanted partition of `table`, its sum and that of the other table. `uris` and `roots` by table name."""
    promises = [k for k in table.promises if isinstance(k, EqualSums)]
    if not promises:
        return {}
    known = set(wanted)
    mine = partition_sums(table, roots[table.name], uris[table.name], {k.column for k in promises}, table.partition)
    theirs: dict[str, dict[str, Sums]] = {}
    for name in dict.fromkeys(k.other for k in promises):
        columns = {k.other_column for k in promises if k.other == name}
        theirs[name] = partition_sums(others[name], roots[name], uris[name], columns, table.partition)
    found = {}
    for k in promises:
        here, there = mine[k.column], theirs[k.other][k.other_column]
        found[k.name] = {p: (here.get(p, 0.0), there.get(p, 0.0)) for p in {*here, *there} if p in known}
    return found


def partition_sums(table: Table, root: Path, uris: list[str], columns: set[str], grain: Grain | None) -> dict[str, Sums]:
    """The sum of each column (of the empty name: the number of rows) by partition at a reader's grain."""
    summed = sorted(c for c in columns if c)
    by = table.partition
    read = [*dict.fromkeys([*([by] if by and grain else []), *summed])] or [table.columns[0].name]
    rows = read_files(table, root, uris, read)
    if by is None or grain is None:
        whole: dict[str, Sums] = {c: {None: float(pc.sum(rows[c]).as_py() or 0)} for c in summed}
        return whole | ({"": {None: float(rows.num_rows)}} if "" in columns else {})
    grouped = rows.group_by(by).aggregate([*((c, "sum") for c in summed), ([], "count_all")]).to_pylist()
    found: dict[str, Sums] = {c: {} for c in columns}
    for row in grouped:
        partition = floor(row[by], grain)
        for c in columns:
            total = float(row[f"{c}_sum"] or 0) if c else float(row["count_all"])
            found[c][partition] = found[c].get(partition, 0.0) + total
    return found
