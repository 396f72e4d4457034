"""The shape every format ends in: known columns as text, the rest rescued, the row's place, and why it is broken."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from json.encoder import encode_basestring
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from lake.source import Dialect

Cells: TypeAlias = Sequence[str | None]
Record: TypeAlias = tuple[int, Cells, str | None, str | None]
"""Row number, cells in header order, why it is broken, raw text (may be given for any row, kept for broken ones)."""

Array: TypeAlias = "pa.Array[Any]"
Values: TypeAlias = "list[str | None] | Array"

_SURROGATE = re.compile("[\ud800-\udfff]")


class RefusedFile(Exception):
    """The file as a whole can't be read; the text says what is wrong and what to do. Nothing of it is taken in."""


def schema(columns: tuple[str, ...]) -> pa.Schema:
    """Known columns as text, then `_rescued` (JSON object of texts by unknown field), `_row`, `_broken`, `_raw`."""
    fields: list[pa.Field[Any]] = [pa.field(name, pa.string()) for name in (*columns, "_rescued", "_broken", "_raw")]
    fields.insert(len(columns) + 1, pa.field("_row", pa.int64()))
    return pa.schema(fields)


def quoted(text: str | None) -> str:
    """A JSON string, or null."""
    return "null" if text is None else encode_basestring(text)


def printable(text: str) -> str:
    """Text that can be stored: each byte or half character that is not Unicode becomes the replacement character."""
    return _SURROGATE.sub("\ufffd", text)


def listed(names: Iterable[str]) -> str:
    """Names for an error message, at most 40 of them."""
    names = list(names)
    shown = ", ".join(printable(name) for name in names[:40])
    return (shown + f" and {len(names) - 40} more" if len(names) > 40 else shown) or "none"


def header_names(cells: Cells) -> list[str]:
    """Names without blanks around them; a column without a name is called after its place, `column_3`."""
    names = [printable(cell or "").strip().strip("\ufeff").strip() for cell in cells]
    return [name or f"column_{place}" for place, name in enumerate(names, 1)]


def as_asked(name: str, columns: tuple[str, ...]) -> str:
    """The name, or the one it had before it was encoded twice, where the mapping asks for that: `[Â°C]` is `[°C]`."""
    for taken_for in ("latin-1", "cp1252") if name not in columns and not name.isascii() else ():
        with suppress(UnicodeError):
            if (meant := name.encode(taken_for).decode("utf-8")) in columns:
                return meant
    return name


def check_header(header: Sequence[str], columns: tuple[str, ...]) -> None:
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise RefusedFile(f"its header repeats {listed(repeated)}; give every column a name of its own")
    missing = [name for name in columns if name not in header]
    if missing:
        raise RefusedFile(
            f"its header lacks {listed(missing)}; it has {listed(header)}: mend the file, or the mapping if the source has changed"
        )


class Layout:
    """Where a header's columns go: the known ones to columns of their own, the others together to `_rescued`."""

    def __init__(self, header: Sequence[str], columns: tuple[str, ...], dialect: Dialect) -> None:
        header = [as_asked(name, columns) for name in header]
        check_header(header, columns)
        others = sorted((name, place) for place, name in enumerate(header) if name not in columns)
        self.header, self.columns, self.dialect = tuple(header), columns, dialect
        self.places = [self.header.index(name) for name in columns]
        self.other_places = [place for _, place in others]
        self._template = "{" + ",".join(quoted(name).replace("%", "%%") + ":%s" for name, _ in others) + "}"

    def rescued(self, others: Iterable[Cells]) -> list[str | None]:
        """From each row's other cells, in the order of `other_places`."""
        return [self._template % tuple(map(quoted, cells)) for cells in others]

    def batches(self, records: Iterator[Record], batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Batches of records that all have the header's cells; those of a broken record are not looked at."""
        nothing = [None] * len(self.header)
        while chunk := list(islice(records, batch_rows)):
            numbers, cells, reasons, raws = map(list, zip(*chunk, strict=True))
            rows = [nothing if reason else row for row, reason in zip(cells, reasons, strict=True)]
            rescued: list[str | None] = [None] * len(chunk)
            if self.other_places:
                rescued = self.rescued([row[place] for place in self.other_places] for row in rows)
                rescued = [None if reason else text for text, reason in zip(rescued, reasons, strict=True)]
            values: list[Values] = [[row[place] for row in rows] for place in self.places]
            yield record_batch(self.columns, self.dialect, values, rescued, numbers, reasons, raws)


def record_batch(
    columns: tuple[str, ...],
    dialect: Dialect,
    values: list[Values],
    rescued: Values,
    numbers: Sequence[int],
    reasons: list[str | None],
    raws: list[str | None],
) -> pa.RecordBatch:
    """One batch, null values made null. A row whose text is not Unicode becomes a broken one."""
    try:
        texts = [_text_array(column) for column in (*values, rescued)]
    except UnicodeEncodeError:
        lists = [column.to_pylist() if isinstance(column, pa.Array) else column for column in (*values, rescued)]
        _break_rows_not_unicode(lists, (*columns, "_rescued"), dialect.encoding, reasons, raws)
        texts = [_text_array(column) for column in lists]
    nulls = pa.array(sorted({text.strip() for text in dialect.null_values}), pa.string())
    known = [_without(text, nulls) for text in texts[:-1]] if len(nulls) else texts[:-1]
    broken: list[str | None] = [None] * len(reasons)
    kept = broken
    if any(reasons):
        broken = [reason and printable(reason) for reason in reasons]
        kept = [printable((raw or "").rstrip("\r\n")) if why else None for raw, why in zip(raws, reasons, strict=True)]
    ends: list[Array] = [pa.array(numbers, pa.int64()), pa.array(broken, pa.string()), pa.array(kept, pa.string())]
    return pa.RecordBatch.from_arrays([*known, texts[-1], *ends], schema=schema(columns))


def _break_rows_not_unicode(
    lists: list[list[str | None]], names: Cells, encoding: str, reasons: list[str | None], raws: list[str | None]
) -> None:
    for index, cells in enumerate(zip(*lists, strict=True)):
        if any(cell is not None and _SURROGATE.search(cell) for cell in cells):
            named = zip(names, cells, strict=True)
            raw = raws[index] or "{" + ",".join(f"{quoted(name)}:{quoted(cell)}" for name, cell in named) + "}"
            reasons[index] = f"not {encoding}" if _SURROGATE.search(raw) else "half a Unicode character"
            raws[index] = raw
            for column in lists:
                column[index] = None


def _text_array(values: Values) -> Array:
    return values if isinstance(values, pa.Array) else pa.array(values, pa.string())


def _without(array: Array, nulls: Array) -> Array:
    is_null = pc.is_in(pc.utf8_trim_whitespace(array), value_set=nulls)
    kept: Array = pc.if_else(is_null, pa.scalar(None, pa.string()), array)
    return kept
