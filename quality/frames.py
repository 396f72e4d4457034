"""Staged rows in the shape that both engines judge alike: null and NaN kept apart, cheap types."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa

from quality.verdict import NotANumber

if TYPE_CHECKING:
    from pyspark.sql import DataFrame as SparkFrame

Staged: TypeAlias = "pd.DataFrame | pa.Table | SparkFrame"
Prepared: TypeAlias = "pd.DataFrame | SparkFrame"

_EXACT = 2**53
"""Whole numbers up to here are the same number as a double."""


def prepared(frame: Staged, names: Sequence[str] = ()) -> Prepared:
    """A pandas frame, rows numbered from 0, from Arrow or pandas; a Spark frame as it is.

    Arrow tables and ArrowDtype columns tell NaN from null. In a numpy column NaN is the null. `names`: all columns that were staged, of
    which an Arrow table may hold only those that are looked at; the others are there by name, with one value that takes no room.
    """
    if isinstance(frame, pa.Table):
        unread = pd.arrays.NumpyExtensionArray(np.broadcast_to(np.int8(0), frame.num_rows))
        columns = {name: _series(frame.column(name)) if name in frame.column_names else unread for name in names or frame.column_names}
        return pd.DataFrame(columns, index=pd.RangeIndex(frame.num_rows), copy=False)
    if not isinstance(frame, pd.DataFrame):
        return frame
    frame = frame.reset_index(drop=True)
    exact = [str(n) for n, d in frame.dtypes.items() if isinstance(d, pd.ArrowDtype)]
    table = pa.Table.from_pandas(frame[exact], preserve_index=False)
    return frame.assign(**{n: _series(table.column(n)) for n in exact})


def _series(values: pa.ChunkedArray) -> Any:
    """Dates as datetime64 and texts as categories, which are quick to compare; integers stay exact."""
    if pa.types.is_dictionary(values.type):
        return values.unify_dictionaries().to_pandas()
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return values.dictionary_encode().to_pandas()
    if pa.types.is_floating(values.type):
        series = values.to_pandas()
        broken = series.isna().to_numpy() & values.is_valid().to_numpy()
        if broken.any():
            series = series.astype(object)
            series[broken] = NotANumber()
        return series
    if pa.types.is_integer(values.type) and values.null_count:
        known = values.drop_null().to_numpy()
        beyond = bool(len(known)) and max(abs(int(known.min())), abs(int(known.max()))) > _EXACT
        return values.to_pandas(integer_object_nulls=beyond)
    return values.to_pandas(date_as_object=False)
