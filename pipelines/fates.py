"""Where judged rows go: to the table or to quarantine; and how many have each fate."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow.compute as pc
from pyspark.sql import DataFrame

from lake.contract import Table
from lake.spark import fetched
from pipelines.files import write, write_arrow
from pipelines.judge import published, quarantined, told_of


def put_away(table: Table, quarantine: Table, rows: DataFrame, folders: Mapping[str, Path], are_few: bool) -> dict[str, int]:
    """Write judged rows of `table` and of its quarantine to their folders; rows by fate.

    Few are fetched once and written from here: to keep, count and write them in Spark takes a plan each time.
    """
    return _fetched(table, quarantine, rows, folders) if are_few else _kept(table, quarantine, rows.persist(), folders)


def _fetched(table: Table, quarantine: Table, rows: DataFrame, folders: Mapping[str, Path]) -> dict[str, int]:
    told = {f"_kept_{name}": c for name, c in told_of(quarantine).items()}
    found = fetched(rows.select("_fate", *(c.name for c in table.columns), *(c.alias(name) for name, c in told.items())))
    fates: dict[str, int] = {c["values"]: c["counts"] for c in pc.value_counts(found["_fate"]).to_pylist()}
    write_arrow(found.filter(pc.equal(found["_fate"], "published")), table, folders[table.name])
    if fates.get("quarantined"):
        kept = found.filter(pc.equal(found["_fate"], "quarantined")).select(list(told))
        write_arrow(kept.rename_columns([n.removeprefix("_kept_") for n in told]), quarantine, folders[quarantine.name])
    return fates


def _kept(table: Table, quarantine: Table, rows: DataFrame, folders: Mapping[str, Path]) -> dict[str, int]:
    try:
        fates: dict[str, int] = {r["_fate"]: r["count"] for r in rows.groupBy("_fate").count().collect()}
        write(published(table, rows), table, folders[table.name])
        if fates.get("quarantined"):
            write(quarantined(quarantine, rows), quarantine, folders[quarantine.name])
        return fates
    finally:
        rows.unpersist()
