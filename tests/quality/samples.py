"""Small tables for the specs of audits: rows as lists, one table that has a column of every type."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from lake.constraints import RowPromise, TablePromise
from lake.contract import Column, Table, Type
from quality.gate import Audit, audit
from quality.measures import Context
from quality.verdict import Verdict

DAY = date(2026, 3, 2)

ARROW: Mapping[Type, pa.DataType] = {
    "string": pa.string(), "long": pa.int64(), "double": pa.float64(), "boolean": pa.bool_(), "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"), "array<string>": pa.list_(pa.string()),
}  # fmt: skip


def column(name: str, type_: Type, *promises: RowPromise, personal: bool = False) -> Column:
    return Column(name, type_, name, promises, resolution=0.01 if type_ == "double" else None, personal=personal)


def table(*columns: Column, key: Sequence[str] = ("id",), promises: Sequence[TablePromise] = ()) -> Table:
    return Table(
        "gold", "toy", "things", "snapshot", "Things.", "tests", "one row per thing",
        columns, tuple(key), promises=tuple(promises),
    )  # fmt: skip


def rows(t: Table, *values: Sequence[Any]) -> pa.Table:
    """An Arrow table of the declared types, which keeps null and NaN apart."""
    by_column = list(zip(*values, strict=True)) or [()] * len(t.columns)
    arrays = [pa.array(v, ARROW[c.type], from_pandas=False) for c, v in zip(t.columns, by_column, strict=True)]
    return pa.table(arrays, names=[c.name for c in t.columns])


def on(engine: str, staged: pa.Table, spark: Any) -> Any:
    """The rows as Arrow, or as a Spark frame (which infers no schema from an empty table)."""
    if engine == "pandas":
        return staged
    return spark.createDataFrame(staged) if staged.num_rows else spark.createDataFrame([], _ddl(staged.schema))


def _ddl(schema: pa.Schema) -> str:
    names = {arrow: name for name, arrow in ARROW.items()}
    return ", ".join(f"`{f.name}` {names[f.type]}" for f in schema)


def judged(t: Table, frame: Any, context: Context | None = None, **kwargs: Any) -> Audit:
    n = frame.num_rows if isinstance(frame, pa.Table) else frame.count()
    return audit(t, frame, context or Context(staged_rows={None: n}), kwargs.pop("references", {}), **kwargs)


def verdict(a: Audit, check: str) -> Verdict:
    return next(v for v in a.verdicts if v.check == check)


def outcomes(a: Audit) -> dict[str, str]:
    return {v.check: v.outcome for v in a.verdicts}
