"""Parquet: typed columns written out as text, instants as ISO 8601 with a Z when they have a zone."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.parse.batch import Array, Layout, Request, Values, record_batch, sliced
from pipelines.parse.header import distinct
from pipelines.parse.limits import in_words
from pipelines.parse.opening import kind_of
from pipelines.parse.refusal import RefusedFile, excerpt


def parse_parquet(binary: BinaryIO, request: Request) -> Iterator[pa.RecordBatch]:
    """INT96 instants are read as microseconds: nanoseconds don't reach from 0001 to 9999, and silently give other dates."""
    head = binary.read(4096)
    binary.seek(0)
    if (found := kind_of(head)) and not head.startswith(b"PAR1"):
        raise RefusedFile(f"it is not a whole Parquet file but {found[0]}: {found[1]}")
    try:
        with pq.ParquetFile(binary, coerce_int96_timestamp_unit="us", read_dictionary=_texts(binary)) as file:
            header = distinct(file.schema_arrow.names)
            layout = Layout(header, request)
            _refuse_too_large(file.metadata, request)
            before = 0
            for batch in file.iter_batches(batch_size=_rows_at_once(file.metadata, request)):
                for part in _parts(batch, request.limits.batch_bytes):
                    texts = [text_array(column) for column in part.columns]
                    rescued: Values | None = None
                    if layout.other_places:
                        rescued = layout.rescued(zip(*(_list(texts[place]) for place in layout.other_places), strict=True))
                    numbers = range(before + 1, before + part.num_rows + 1)
                    whole = record_batch(request, [texts[place] for place in layout.places], rescued, numbers)
                    yield from sliced(whole, request.batch_rows)
                    before += part.num_rows
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise RefusedFile(f"it is not a whole Parquet file ({excerpt(str(error), 200)}); deliver the file again") from error


def _texts(binary: BinaryIO) -> list[str]:
    """Columns of text, read as different texts and where they stand: a text that stands in a million rows is one."""
    with pq.ParquetFile(binary) as file:
        return [field.name for field in file.schema_arrow if pa.types.is_string(field.type) or pa.types.is_binary(field.type)]


def _refuse_too_large(about: pq.FileMetaData, request: Request) -> None:
    limits = request.limits
    size = sum(about.row_group(place).total_byte_size for place in range(about.num_row_groups))
    if about.num_rows > limits.rows:
        raise RefusedFile(f"it has {about.num_rows} rows and at most {limits.rows} of a file are read; split it into several files")
    if size > limits.unpacked_bytes:
        raise RefusedFile(
            f"unpacked it has {in_words(size)} and at most {in_words(limits.unpacked_bytes)} are read; split it into several files"
        )


def _rows_at_once(about: pq.FileMetaData, request: Request) -> int:
    """So many that a batch keeps to its bytes on average."""
    wide = max((_row_bytes(about.row_group(place)) for place in range(about.num_row_groups)), default=1)
    return max(1, min(request.batch_rows, int(request.limits.batch_bytes / max(wide, 1)) or 1))


def _row_bytes(group: Any) -> float:
    return float(group.total_byte_size / max(group.num_rows, 1))


def _parts(batch: pa.RecordBatch, most: int) -> Iterator[pa.RecordBatch]:
    """The batch, cut in halves until the text of each holds at most so many bytes."""
    if batch.num_rows > 1 and _text_bytes(batch) > most:
        half = batch.num_rows // 2
        yield from _parts(batch.slice(0, half), most)
        yield from _parts(batch.slice(half), most)
    elif batch.num_rows:
        yield batch


def _text_bytes(batch: pa.RecordBatch) -> int:
    size = 0
    for column in batch.columns:
        if pa.types.is_dictionary(column.type) and not pa.types.is_nested(column.type.value_type) and _is_text(column.type.value_type):
            size += pc.sum(pc.binary_length(column.dictionary).take(column.indices)).as_py() or 0
        else:
            size += column.nbytes
    return size


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_string(kind) or pa.types.is_large_binary(kind))


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
