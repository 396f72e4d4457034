"""Where judged rows go: to the table or to quarantine; and how many have each fate."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from lake.contract import Table
from lake.engine import batches, is_embedded
from pipelines.files import PartitionWriter, write
from pipelines.judge import published, quarantined, told_of


def put_away(table: Table, quarantine: Table, rows: DataFrame, folders: Mapping[str, Path]) -> dict[str, int]:
    """Write judged rows of `table` and of its quarantine to their folders; rows by fate.

    From an engine in this process they are fetched once, and counted, split and written from here; one elsewhere keeps them, since to
    make them again for each of the three takes three times as long.
    """
    return _fetched(table, quarantine, rows, folders) if is_embedded() else _kept(table, quarantine, rows.persist(), folders)


def _fetched(table: Table, quarantine: Table, rows: DataFrame, folders: Mapping[str, Path]) -> dict[str, int]:
    told = {f"_kept_{name}": c for name, c in told_of(quarantine).items()}
    wanted = rows.select("_fate", *(c.name for c in table.columns), *(c.alias(name) for name, c in told.items()))
    fates: Counter[str] = Counter()
    kept: list[pa.RecordBatch] = []
    with PartitionWriter(table, folders[table.name]) as writer:
        for batch in batches(wanted):
            fate = batch["_fate"]
            fates.update({c["values"]: c["counts"] for c in pc.value_counts(fate).to_pylist()})
            is_published = pc.equal(fate, "published")
            writer.add(batch if pc.all(is_published).as_py() else batch.filter(is_published))
            if (is_kept := pc.equal(fate, "quarantined")) and pc.any(is_kept).as_py():
                kept.append(batch.filter(is_kept).select(list(told)))
    if kept:
        with PartitionWriter(quarantine, folders[quarantine.name]) as writer:
            writer.add(pa.Table.from_batches(kept).rename_columns([n.removeprefix("_kept_") for n in told]))
    return dict(fates)


def _kept(table: Table, quarantine: Table, rows: DataFrame, folders: Mapping[str, Path]) -> dict[str, int]:
    try:
        fates: dict[str, int] = {r["_fate"]: r["count"] for r in rows.groupBy("_fate").count().collect()}
        write(published(table, rows), table, folders[table.name])
        if fates.get("quarantined"):
            write(quarantined(quarantine, rows), quarantine, folders[quarantine.name])
        return fates
    finally:
        rows.unpersist()
