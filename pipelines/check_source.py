"""What a mapping would make of a file: the first rows out, counts, unmapped columns, rejected rows. The lake isn't touched."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import functions as F

from lake.catalog import catalog
from lake.constraints import References
from lake.contract import Table
from lake.derived import bronze_tables, quarantine_of
from lake.engine import session
from lake.mapping import load, render
from lake.settings import settings
from lake.source import Source
from lake.storage import Lake
from pipelines.event_day import day_steps
from pipelines.files import spark_frame
from pipelines.judge import judged, mapped, quarantined
from pipelines.landing import with_day
from pipelines.parse import RefusedFile, parse
from pipelines.steps import step_of

SHOWN = 5


def check(mapping: Path, file: Path) -> dict[str, Any]:
    """Parse, map and judge one file. References to other tables aren't judged; other
    tables that the step reads (a crosswalk) are those of the lake."""
    if not mapping.is_file():
        raise FileNotFoundError(f"{mapping}: no such mapping file")
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such file")
    cat = catalog()
    source = load(mapping, cat.feeds)
    found: dict[str, Any] = {
        "mapping": str(mapping), "file": str(file), "feeds": source.feed, "refusal": None, "rows": 0, "fates": {},
        "unmapped_columns": [], "unmapped_targets": [], "sample": [], "quarantined": [], "reasons": {},
    }  # fmt: skip
    feed = cat.feeds[source.feed]
    found["unmapped_targets"] = [c.name for c in feed.columns if c.name not in source.select]
    try:
        rows = pa.Table.from_batches(list(parse(file, source.dialect, source.columns)))
    except RefusedFile as refused:
        found["refusal"] = str(refused)
        return found
    except ValueError as nothing:
        if "at least one" in str(nothing):
            return found
        raise
    found["rows"] = rows.num_rows
    found["unmapped_columns"] = sorted({k for text in rows["_rescued"].drop_null().unique().to_pylist() for k in json.loads(text)})
    _judge(source, file, rows, found)
    return found


def _judge(source: Source, file: Path, rows: pa.Table, found: dict[str, Any]) -> None:
    cat, spark = catalog(), session()
    feed = cat.feeds[source.feed]
    bronze, _ = bronze_tables(source, feed)
    table = next(t for t in cat.tables.values() if any(r.table == feed.name for r in t.inputs))
    day = day_steps(source, feed, settings().site_time_zone)
    frame = with_day(spark.createDataFrame(rows).withColumns({
        "_source": F.lit(source.name), "_file": F.lit(file.name), "_sha256": F.lit(""), "_intake": F.lit(1),
        "_landed_at": F.lit(None).cast("timestamp"),
    }), day)  # fmt: skip
    made = mapped(source, feed, bronze, frame, render(source, feed), (), as_text=False)
    lake = Lake(settings().lake_root)
    others = {
        n: spark_frame(spark, cat[n], (v.uris() if (v := lake.open(cat[n])) else []))
        for n in table.reads if n != feed.name
    }  # fmt: skip
    out = judged(_without_references(table), step_of(table)(**{feed.name: made.rows}, **others), {}, as_text=False)
    counts = {r["_fate"]: r["count"] for r in out.groupBy("_fate").count().collect()}
    counts["not_applicable"] = counts.get("not_applicable", 0) + made.not_applicable.count()
    found["fates"] = {k: v for k, v in counts.items() if v}
    good = out.filter("_fate = 'published'").select(*(c.name for c in table.columns)).orderBy("_row").limit(SHOWN)
    found["sample"] = [r.asDict() for r in good.collect()]
    bad = quarantined(quarantine_of(table), out)
    found["quarantined"] = [r.asDict() for r in bad.orderBy("_row").limit(SHOWN).collect()]
    by = bad.select(F.explode("reasons").alias("reason")).groupBy("reason").count().collect()
    found["reasons"] = {r["reason"]: r["count"] for r in sorted(by, key=lambda r: -r["count"])}


def _without_references(table: Table) -> Table:
    columns = (replace(c, constraints=tuple(k for k in c.constraints if not isinstance(k, References))) for c in table.columns)
    return replace(table, columns=tuple(columns))


def print_check(found: dict[str, Any]) -> None:
    """The same in words."""
    print(f"{found['mapping']} on {found['file']} -> {found['feeds']}")
    if found["refusal"]:
        print(f"REFUSED: {found['refusal']}")
        return
    fates = ", ".join(f"{n} {f.replace('_', ' ')}" for f, n in found["fates"].items())
    print(f"{found['rows']} rows read: {fates or 'none'}")
    if found["unmapped_columns"]:
        print(f"columns of the file that the mapping doesn't use (kept in bronze): {', '.join(found['unmapped_columns'])}")
    if found["unmapped_targets"]:
        print(f"target columns that stay empty: {', '.join(found['unmapped_targets'])}")
    for r in found["sample"]:
        print("  row " + str(r["_row"]) + ": " + ", ".join(f"{k}={v}" for k, v in r.items() if not k.startswith("_")))
    for why, n in found["reasons"].items():
        print(f"  {n:>7} rejected  {why}")
    for r in found["quarantined"]:
        broken = "; ".join(f"{why} (found {what})" for why, what in zip(r["reasons"], r["found"], strict=True))
        print(f"  rejected row {r['_row']}: {broken}")
    print("References to other tables are judged only in a run.")
