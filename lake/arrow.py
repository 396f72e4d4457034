"""Arrow rendering of a contract."""

import pyarrow as pa

from lake.contract import Table, Type

_TYPES: dict[Type, pa.DataType] = {
    "string": pa.string(),
    "long": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "array<string>": pa.list_(pa.string()),
}


def arrow_schema(table: Table) -> pa.Schema:
    """The Arrow schema of a table, in the declared order."""
    return pa.schema([pa.field(c.name, _TYPES[c.type]) for c in table.columns])
