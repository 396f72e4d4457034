"""Small Spark frames for tests of steps: rows in, what the engine would store out."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pyspark.sql import DataFrame, SparkSession

from lake.contract import Table
from lake.spark import conform, struct

Row = dict[str, Any]


def frame(spark: SparkSession, table: Table, rows: Iterable[Row] = ()) -> DataFrame:
    """Rows of a table; columns that don't matter may be left out."""
    names = [c.name for c in table.columns]
    return spark.createDataFrame([tuple(r.get(n) for n in names) for r in rows], struct(table))


def kept(df: DataFrame, table: Table) -> list[Row]:
    """What the engine would store, ordered by the key."""
    rows = [r.asDict() for r in conform(df, table).collect()]
    return sorted(rows, key=lambda r: tuple(str(r[k]) for k in table.key))


def stored(spark: SparkSession, df: DataFrame, table: Table) -> DataFrame:
    """The same rows without the work that made them."""
    return frame(spark, table, kept(df, table))


def days(spark: SparkSession, first: date, count: int = 1) -> DataFrame:
    """The calendar of some days in Paris."""
    known = [first + timedelta(i) for i in range(count)]
    ends = [datetime.combine(d + timedelta(1), time.min, ZoneInfo("Europe/Paris")) for d in known]
    return spark.createDataFrame(list(zip(known, ends, strict=True)), "day date, ends_at timestamp")
