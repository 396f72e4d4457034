"""Where judged rows go: to the table or to quarantine; and how many have each fate."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.contract import Table
from pipelines.files import rows_below, write, written_once
from pipelines.judge import VALID, quarantined, ranked


def put_away(spark: SparkSession, table: Table, quarantine: Table, rows: DataFrame, folders: Mapping[str, Path]) -> dict[str, int]:
    """Write `validated` rows of `table` and of its quarantine to their folders; rows by fate.

    Rows are worked out once, into a folder of their own, and read back from there. Only those whose key occurs twice are ranked.
    """
    folder = folders[table.name]
    work = folder.with_name(f"{folder.name}-validated")
    try:
        known = written_once(spark, rows, work / "rows")
        fates = {r["_fate"]: r["count"] for r in known.groupBy("_fate").count().collect()}
        valid = known.filter(F.col("_fate") == VALID)
        columns = [c.name for c in table.columns]
        again = _repeated(spark, table, valid, work / "keys") if fates.pop(VALID, 0) else None
        if again is None:
            fates["published"] = write(valid.select(*columns), table, folder)
        else:
            is_again = _same_key(table)
            decided = written_once(spark, ranked(table, valid.join(F.broadcast(again), on=is_again, how="left_semi")), work / "ranked")
            once = valid.join(F.broadcast(again), on=is_again, how="left_anti").select(*columns)
            fates |= {r["_fate"]: r["count"] for r in decided.filter(F.col("_fate") != "published").groupBy("_fate").count().collect()}
            chosen = decided.filter(F.col("_fate") == "published").select(*columns)
            fates["published"] = write(once.unionByName(chosen), table, folder)
        if fates.get("quarantined"):
            write(quarantined(quarantine, known), quarantine, folders[quarantine.name])
        return fates
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _repeated(spark: SparkSession, table: Table, valid: DataFrame, folder: Path) -> DataFrame | None:
    """The keys that occur more than once, as `_key_<n>`; None where each occurs once."""
    keys = ["_partition", *table.key]
    counted = valid.groupBy(*(F.col(k).alias(f"_key_{i}") for i, k in enumerate(keys))).agg(F.count(F.lit(1)).alias("_n"))
    found = written_once(spark, counted.filter("_n > 1").drop("_n"), folder)
    return found if rows_below(folder) else None


def _same_key(table: Table) -> Column:
    same = [F.col(k) == F.col(f"_key_{i}") for i, k in enumerate(["_partition", *table.key])]
    found = same[0]
    for condition in same[1:]:
        found = found & condition
    return found
