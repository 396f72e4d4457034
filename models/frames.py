"""Small results worked out in pandas, handed back to Spark in the declared shape."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame

from lake.contract import Table
from lake.spark import struct


def as_frame(like: DataFrame, table: Table, rows: Iterable[Mapping[str, Any]]) -> DataFrame:
    """Rows of a table as a Spark frame of the session that `like` belongs to; columns beginning with `_` are left to the runner."""
    schema = struct(table)
    names = [n for n in schema.names if not n.startswith("_")]
    kinds = {c.name: c.type for c in table.columns}
    found = [tuple(_value(r.get(n), kinds[n]) for n in names) for r in rows]
    spark = like.sparkSession
    return spark.createDataFrame(found, type(schema)([schema[n] for n in names]))


def _value(value: Any, kind: str) -> Any:
    if isinstance(value, list | tuple):
        return [str(v) for v in value]
    if value is None or pd.isna(value):
        return None
    if kind == "date":
        return pd.Timestamp(value).date()
    return {"double": float, "long": int, "boolean": bool}.get(kind, str)(value)
