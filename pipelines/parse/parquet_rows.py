"""Parquet: typed columns written out as text, instants as ISO 8601 with a Z when they have a zone."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.source import Dialect
from pipelines.parse.batch import Array, RefusedFile, Values, check_header, quoted, record_batch


def parse_parquet(path: Path, dialect: Dialect, columns: tuple[str, ...], batch_rows: int) -> Iterator[pa.RecordBatch]:
    try:
        with pq.ParquetFile(path) as file:
            header = file.schema_arrow.names
            check_header(header, columns)
            others = sorted(name for name in header if name not in columns)
            before = 0
            for batch in file.iter_batches(batch_size=batch_rows):
                texts = {name: text_array(batch.column(name)) for name in header}
                rows = batch.num_rows
                rescued: list[str | None] = [None] * rows
                if others:
                    fields = [[f"{quoted(name)}:{quoted(text)}" for text in _list(texts[name])] for name in others]
                    rescued = ["{" + ",".join(row) + "}" for row in zip(*fields, strict=True)]
                numbers = range(before + 1, before + rows + 1)
                known = [texts[name] for name in columns]
                yield record_batch(columns, dialect, known, rescued, numbers, [None] * rows, [None] * rows)
                before += rows
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise RefusedFile(f"it is not a whole Parquet file ({error}); deliver the file again") from error


def _list(values: Values) -> list[str | None]:
    return values.to_pylist() if isinstance(values, pa.Array) else values


def text_array(array: Array) -> Values:
    """Text of every value; a list instead of an array when some of it is not UTF-8 (see `record_batch`)."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        return text_array(array.cast(kind.value_type))
    if pa.types.is_timestamp(kind):
        written = pc.replace_substring(array.cast(pa.timestamp(kind.unit)).cast(pa.string()), " ", "T")
        return pc.replace_substring_regex(written, "$", "Z") if kind.tz else written
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        text = array.cast(pa.string())
        try:
            text.validate(full=True)
        except pa.ArrowInvalid:
            encoded: list[Any] = text.cast(pa.binary()).to_pylist()
            return [None if value is None else value.decode("utf-8", "surrogateescape") for value in encoded]
        return text
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.array([None if value is None else value.hex() for value in array.to_pylist()], pa.string())
    if pa.types.is_nested(kind):
        return [None if value is None else _json(value) for value in array.to_pylist()]
    return array.cast(pa.string())


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_scalar)


def _scalar(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
