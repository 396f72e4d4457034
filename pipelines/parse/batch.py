"""The shape every format ends in: known columns as text, the rest rescued, the row's place, and why it is broken."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from json.encoder import encode_basestring
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from lake.source import Dialect
from pipelines.parse.header import Cells, as_asked, check_header
from pipelines.parse.limits import LIMITS, Limits, in_words
from pipelines.parse.refusal import _SURROGATE, RefusedFile, printable

Record: TypeAlias = tuple[int, Cells, str | None, str | None]
"""Row number, cells in header order, why it is broken, raw text (may be given for any row, kept for broken ones)."""

Array: TypeAlias = "pa.Array[Any]"
Values: TypeAlias = "list[str | None] | Array"
Numbers: TypeAlias = "Sequence[int] | Array"

_ROW_BYTES = (1 << 31) - 1
"""Arrow's text columns have 32-bit offsets."""


@dataclass(frozen=True)
class Request:
    """What is wanted of a file. `notes` collects what a person should know of a file that is taken in."""

    dialect: Dialect
    columns: tuple[str, ...]
    batch_rows: int = 50_000
    limits: Limits = LIMITS
    notes: list[str] = field(default_factory=list)


def schema(columns: tuple[str, ...]) -> pa.Schema:
    """Known columns as text, then `_rescued` (JSON object of texts by unknown field), `_row`, `_broken`, `_raw`."""
    fields: list[pa.Field[Any]] = [pa.field(name, pa.string()) for name in (*columns, "_rescued", "_broken", "_raw")]
    fields.insert(len(columns) + 1, pa.field("_row", pa.int64()))
    return pa.schema(fields)


def quoted(text: str | None) -> str:
    """A JSON string, or null."""
    return "null" if text is None else encode_basestring(text)


class Layout:
    """Where a header's columns go: the known ones to columns of their own, the others together to `_rescued`."""

    def __init__(self, header: Sequence[str], request: Request, hint: str = "") -> None:
        self.request, self.columns = request, request.columns
        header = as_asked(header, self.columns)
        check_header(header, self.columns, request.limits, hint)
        known, place_of = set(self.columns), {name: place for place, name in enumerate(header)}
        others = sorted((name, place) for place, name in enumerate(header) if name not in known)
        self.header = tuple(header)
        self.places = [place_of[name] for name in self.columns]
        self.other_places, self.other_names = [place for _, place in others], [name for name, _ in others]
        self.extra: dict[int, dict[str, str]] = {}
        """What else is rescued of a row, by row number."""
        self._template = "{" + ",".join(quoted(name).replace("%", "%%") + ":%s" for name in self.other_names) + "}"

    def rescued(self, others: Iterable[Cells]) -> list[str | None]:
        """From each row's other cells, in the order of `other_places`."""
        return [self._template % tuple(map(quoted, cells)) for cells in others]

    def rescued_arrays(self, others: list[Array]) -> Values:
        """The same from columns: at once where no text of theirs has to be escaped."""
        if not others:
            return []
        parts: list[Any] = []
        for name, array in zip(self.other_names, others, strict=True):
            distinct = array.dictionary_encode()
            if pc.any(pc.match_substring_regex(distinct.dictionary, r'["\\\x00-\x1f]')).as_py():
                return self.rescued(zip(*(array.to_pylist() for array in others), strict=True))
            value = array if not array.null_count else pc.coalesce(pc.binary_join_element_wise('"', array, '"', ""), "null")
            mark = "" if array.null_count else '"'
            parts += [("," if parts else "{") + quoted(name) + ":" + mark, value, mark]
        parts.append("}")
        joined: Array = pc.binary_join_element_wise(*parts, "")
        return joined

    def batches(self, records: Iterator[Record], batch_rows: int, are_bounded: bool = False) -> Iterator[pa.RecordBatch]:
        """Batches of records that all have the header's cells; those of a broken record are not looked at. `are_bounded`:
        all of them together are few enough for one batch."""
        if are_bounded:
            while chunk := list(islice(records, batch_rows)):
                yield self._batch(chunk)
        else:
            for chunk in _chunks(records, batch_rows, self.request.limits):
                yield self._batch(chunk)

    def _batch(self, chunk: list[Record]) -> pa.RecordBatch:
        nothing = [None] * len(self.header)
        numbers, cells, reasons, raws = map(list, zip(*chunk, strict=True))
        rows = [nothing if reason else row for row, reason in zip(cells, reasons, strict=True)]
        rescued: list[str | None] = [None] * len(chunk)
        if self.other_places:
            rescued = self.rescued([row[place] for place in self.other_places] for row in rows)
            rescued = [None if reason else text for text, reason in zip(rescued, reasons, strict=True)]
        for index in [i for i, number in enumerate(numbers) if number in self.extra and not reasons[i]] if self.extra else ():
            found = {name: rows[index][place] for name, place in zip(self.other_names, self.other_places, strict=True)}
            texts = sorted((found | self.extra.pop(numbers[index])).items())
            rescued[index] = "{" + ",".join(f"{quoted(name)}:{quoted(text)}" for name, text in texts) + "}"
        values: list[Values] = [[row[place] for row in rows] for place in self.places]
        return record_batch(self.request, values, rescued, numbers, reasons, raws)


def _chunks(records: Iterable[Record], batch_rows: int, limits: Limits) -> Iterator[list[Record]]:
    """Lists of at most `batch_rows` records and about `batch_bytes` of text."""
    chunk: list[Record] = []
    size = 0
    for record in records:
        own = sum(len(cell) for cell in record[1] if cell is not None) + len(record[3] or "")
        if own * 4 > _ROW_BYTES:
            raise RefusedFile(
                f"row {record[0]} holds {in_words(own)} of text and a row holds at most {in_words(_ROW_BYTES // 4)}; split it"
            )
        if chunk and (len(chunk) == batch_rows or size + own > limits.batch_bytes):
            yield chunk
            chunk, size = [], 0
        chunk.append(record)
        size += own
    if chunk:
        yield chunk


def record_batch(
    request: Request,
    values: list[Values],
    rescued: "Values | None",
    numbers: Numbers,
    reasons: list[str | None] | None = None,
    raws: list[str | None] | None = None,
) -> pa.RecordBatch:
    """One batch, null values made null. A row whose text is not Unicode becomes a broken one. No reasons: none broken."""
    count, columns = len(numbers), request.columns
    reasons, raws = reasons or [None] * count, raws or [None] * count
    rescued = pa.nulls(count, pa.string()) if rescued is None else rescued
    try:
        texts = [_text_array(column) for column in (*values, rescued)]
    except UnicodeEncodeError:
        lists = [column.to_pylist() if isinstance(column, pa.Array) else column for column in (*values, rescued)]
        _break_rows_not_unicode(lists, (*columns, "_rescued"), request.dialect, reasons, raws)
        texts = [_text_array(column) for column in lists]
    nulls = sorted({text.strip() for text in request.dialect.null_values})
    known = [_without(text, nulls) for text in texts[:-1]] if nulls else texts[:-1]
    if any(reasons):
        broken = pa.array([reason and printable(reason) for reason in reasons], pa.string())
        kept = [printable((raw or "").rstrip("\r\n")) if why else None for raw, why in zip(raws, reasons, strict=True)]
        ends: list[Array] = [broken, pa.array(kept, pa.string())]
    else:
        ends = [pa.nulls(count, pa.string())] * 2
    places = numbers if isinstance(numbers, pa.Array) else pa.array(numbers, pa.int64())
    return pa.RecordBatch.from_arrays([*known, texts[-1], places, *ends], schema=schema(columns))


def _break_rows_not_unicode(
    lists: list[list[str | None]], names: Cells, dialect: Dialect, reasons: list[str | None], raws: list[str | None]
) -> None:
    is_text = dialect.format in ("csv", "jsonl")
    for index, cells in enumerate(zip(*lists, strict=True)):
        if any(cell is not None and _SURROGATE.search(cell) for cell in cells):
            named = zip(names, cells, strict=True)
            raw = raws[index] or "{" + ",".join(f"{quoted(name)}:{quoted(cell)}" for name, cell in named) + "}"
            hint = fitting(raw) if is_text else ""
            reasons[index] = f"not {dialect.encoding}{hint}" if _SURROGATE.search(raw) else "half a Unicode character"
            raws[index] = raw
            for column in lists:
                column[index] = None


def fitting(text: str) -> str:
    """A hint at the encoding that bytes which aren't UTF-8 (lone surrogates in the text) probably are of."""
    if not _SURROGATE.search(text):
        return ""
    try:
        read = text.encode("utf-8", "surrogateescape").decode("cp1252")
    except UnicodeError:
        return ""
    return "; cp1252 fits" if all(c.isprintable() or c in "\t\r\n\xa0" for c in read) else ""


def sliced(batch: pa.RecordBatch, batch_rows: int) -> Iterator[pa.RecordBatch]:
    for start in range(0, batch.num_rows, batch_rows):
        yield batch.slice(start, batch_rows)


def _text_array(values: Values) -> Array:
    return values if isinstance(values, pa.Array) else pa.array(values, pa.string())


def _without(array: Array, nulls: list[str]) -> Array:
    trimmed = pc.utf8_trim_whitespace(array)
    is_null = pc.equal(pc.binary_length(trimmed), 0) if nulls == [""] else pc.is_in(trimmed, value_set=pa.array(nulls, pa.string()))
    if not pc.any(is_null).as_py():
        return array
    kept: Array = pc.if_else(is_null, pa.scalar(None, pa.string()), array)
    return kept
