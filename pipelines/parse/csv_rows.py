"""CSV: one record may take several physical lines, and a stray quote may not swallow the rows after it."""

import csv
import re
from collections import deque
from collections.abc import Iterator
from io import BytesIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from pipelines.parse.batch import Array, Layout, Record, Request, Values, fitting, record_batch, sliced
from pipelines.parse.header import Cells, as_asked, header_names, nameless_at_end
from pipelines.parse.limits import CELL_CHARACTERS, HEADER_LINES, RAW_CHARACTERS, in_words
from pipelines.parse.lines import Text, line_count, universal
from pipelines.parse.opening import Content
from pipelines.parse.refusal import RefusedFile, listed

_MORE_CELLS = 8
"""Empty cells beyond the header up to which all lines having them are still read fast."""


def parse_csv(binary: Content, request: Request) -> Iterator[pa.RecordBatch]:
    """Batches of rows. Raises RefusedFile: no header, another encoding, a line beyond the limits."""
    csv.field_size_limit(CELL_CHARACTERS)
    text = Text(binary, request)
    try:
        lines = _Lines(text, request)
        reader = _Reader(lines, request, text)
        while block := lines.block():
            if (batch := reader.plain_batch(block)) is not None:
                lines.number += batch.num_rows
                yield from sliced(batch, request.batch_rows)
            else:
                yield from reader.batches(until=lines.number + lines.load(block))
    except UnicodeError as error:
        raise RefusedFile(f"it is not {text.encoding} ({error}); fix the file or the mapping's encoding") from error


class _Lines:
    """Physical lines that can be given back. `number` is that of the first one not done with."""

    def __init__(self, text: Text, request: Request) -> None:
        self.number = 1
        self.taken: list[str] = []
        self._text, self._comment, self._limit = text, request.dialect.comment, request.limits.line_bytes
        self._blocks = text.blocks((b"\n", b"\r"))
        self._ahead: deque[str] = deque()

    def block(self) -> bytes:
        """Some whole lines, to be loaded if they can't be read at once; none at the end."""
        if not self._ahead:
            return next(self._blocks, b"")
        left = self._text.encoded("".join(self._ahead))
        self._ahead.clear()
        return left

    def load(self, block: bytes) -> int:
        """The lines of a block, next to be taken; how many."""
        lines = list(universal(self._text.decoded(block)))
        self._ahead.extend(lines)
        return len(lines)

    def take(self) -> Iterator[str]:
        """Lines, noted in `taken` until `done`. A comment is none, unless a record began before it."""
        size = 0
        while self._ahead or self.load(next(self._blocks, b"")):
            line = self._ahead.popleft()
            if self._comment and not self.taken and line.startswith(self._comment):
                self.number += 1
                continue
            self.taken.append(line)
            size = size + len(line) if len(self.taken) > 1 else 0
            if size > self._limit:
                raise RefusedFile(
                    f"its record at line {self.number} is longer than {in_words(self._limit)}, the most that is read; split it"
                )
            yield line

    def done(self, count: int) -> None:
        """The first `count` lines taken are done with; the others will be taken again."""
        self.number += count
        if count < len(self.taken):
            self._ahead.extendleft(reversed(self.taken[count:]))
        self.taken.clear()

    def skip(self, count: int) -> None:
        """Lines in front of the header, whatever they hold."""
        while count and (self._ahead or self.load(next(self._blocks, b""))):
            self._ahead.popleft()
            self.number, count = self.number + 1, count - 1


class _Reader:
    """Rows under the header that was read last."""

    def __init__(self, lines: _Lines, request: Request, text: Text) -> None:
        self.lines, self.request, self.text = lines, request, text
        dialect = request.dialect
        if dialect.header_row:
            self._set_header(*self._found_header())
        else:
            self.layout, self.least, self.names = Layout(dialect.names, request), len(dialect.names), list(dialect.names)
        self._moved: Cells | None = None
        self._quotes = [before + dialect.quote.encode() for before in (dialect.separator.encode(), b"\n", b"\r")] if dialect.quote else []
        self._well_quoted = _well_quoted(dialect.separator, dialect.quote)
        self._comments = [before + dialect.comment.encode() for before in (b"\n", b"\r")] if dialect.comment else []

    def _set_header(self, cells: Cells, hint: str = "") -> None:
        self.names = header_names(cells)
        self.layout, self.least = Layout(self.names, self.request, hint), len(cells) - nameless_at_end(cells)

    def _found_header(self) -> tuple[Cells, str]:
        """The header's cells, and what may explain that a name is missing there."""
        dialect, columns = self.request.dialect, set(self.request.columns)
        first, last = dialect.header_row, dialect.header_row + min(dialect.header_within, HEADER_LINES)
        self.lines.skip(first - 1)
        for number, cells, reason, raw in _records(self.lines, self.request, last + (HEADER_LINES if dialect.comment else 1)):
            if not dialect.header_within:
                if reason:
                    raise RefusedFile(f"its header at line {number} can't be read: {reason}; fix it")
                return cells, self._hint(cells, raw or "")
            if not reason and columns <= set(as_asked(header_names(cells), self.request.columns)):
                return cells, ""
        if dialect.header_within:
            raise RefusedFile(f"none of its lines {first} to {last} has all of {listed(columns)}; fix the file or header_within")
        raise RefusedFile(f"it has no header at line {first}; deliver it whole or fix header_row")

    def _hint(self, cells: Cells, raw: str) -> str:
        """What may explain that a name is missing."""
        if self.text.looks_utf8:
            return "; its bytes are UTF-8, so write `encoding: utf-8` in its mapping's dialect"
        if fits := fitting(raw):
            return f"{fits}, so write `encoding: cp1252` in its mapping's dialect"
        used = self.request.dialect.separator
        other = max((s for s in ",;\t|" if s != used), key=raw.count)
        return f"; its columns seem to be separated by {other!r}, so write it as `separator`" if len(cells) == 1 and other in raw else ""

    def batches(self, until: int) -> Iterator[pa.RecordBatch]:
        """The rows that start before line `until`, read record by record."""
        records = _records(self.lines, self.request, until)
        while True:
            yield from self.layout.batches(self._rows(records), self.request.batch_rows, are_bounded=True)
            if self._moved is None:
                return
            self._set_header(self._moved)
            self._moved = None

    def _rows(self, records: Iterator[Record]) -> Iterator[Record]:
        """Records of the header's width, up to a line that holds the names in another order."""
        width, has_repeats = len(self.names), self.request.dialect.repeats_header and self.request.dialect.header_row
        for record in records:
            number, cells, reason, raw = record
            if has_repeats and set(self.request.columns) <= set(names := header_names(cells)):
                if names != self.names:
                    self._moved = cells
                    return
                continue
            count = len(cells)
            if count == width or reason:
                yield record
                continue
            if self.least <= count < width:
                cells = [*cells, *[None] * (width - count)]
            elif count > width and not any(cell and not cell.isspace() for cell in cells[width:]):
                cells = cells[:width]
            else:
                reason = f"{count} cell{'s' * (count != 1)} where the header has {width}"
            yield number, cells, reason, raw

    def plain_batch(self, block: bytes) -> pa.RecordBatch | None:
        """Lines that Arrow reads as the csv module does, several times as fast; None if they have to be read slowly."""
        dialect, width = self.request.dialect, len(self.names)
        separator = dialect.separator.encode()
        if width == 1 or len(separator) > 1:
            return None
        has_quoted = self._quotes and (block.startswith(dialect.quote.encode()) or any(q in block for q in self._quotes))
        if has_quoted and not (self._well_quoted and self._well_quoted.fullmatch(block)):
            return None
        if self._comments and (block.startswith(dialect.comment.encode()) or any(c in block for c in self._comments)):
            return None
        if dialect.repeats_header and all(name.encode() in block for name in self.request.columns):
            return None
        count = line_count(block)
        arrays = _columns(block, dialect.separator, width, count, dialect.quote if has_quoted else "")
        if arrays is None:
            cells = block[: block.find(b"\n") + 1].count(separator) + 1
            if not (self.least <= cells <= width + _MORE_CELLS and cells > 1) or cells == width:
                return None
            arrays = _columns(block, dialect.separator, cells, count) if not has_quoted else None
            if arrays is None or any(_has_text(array) for array in arrays[width:]):
                return None
            arrays = arrays[:width] + [pa.nulls(count, pa.string())] * (width - cells)
        values: list[Values] = [arrays[place] for place in self.layout.places]
        others = [arrays[place] for place in self.layout.other_places]
        rescued = self.layout.rescued_arrays(others) if others else None
        first = self.lines.number
        return record_batch(self.request, values, rescued, pa.array(range(first, first + count), pa.int64()))


def _well_quoted(separator: str, quote: str) -> re.Pattern[bytes] | None:
    """Lines whose cells are quoted whole or hold no quote, with quotes doubled inside and no line break: those that every
    reader reads alike."""
    if not (quote.isascii() and quote and separator.isascii()):
        return None
    q, s = re.escape(quote).encode(), re.escape(separator).encode()
    cell = rb"(?:%b(?:[^%b\r\n]++|%b%b)*+%b|[^%b%b\r\n]*+)" % (q, q, q, q, q, q, s)
    return re.compile(rb"(?:%b(?:%b%b)*+(?:\r?\n|\Z))*+" % (cell, s, cell))


def _columns(block: bytes, separator: str, width: int, count: int, quote: str = "") -> list[Array] | None:
    names = [str(place) for place in range(width)]
    try:
        table = arrow_csv.read_csv(
            BytesIO(block),
            arrow_csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=names),
            arrow_csv.ParseOptions(delimiter=separator, quote_char=quote or False, ignore_empty_lines=True),
            arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid:  # a line with too few or too many cells, or bytes not of the encoding
        return None
    return list(table.combine_chunks().to_batches()[0].columns) if table.num_rows == count else None


def _has_text(array: Array) -> bool:
    return bool(pc.any(pc.greater(pc.binary_length(pc.utf8_trim_whitespace(array)), 0)).as_py())


def _records(lines: _Lines, request: Request, until: int) -> Iterator[Record]:
    """Records that start before line `until`, of any number of cells. Blank lines give none.

    Quotes that don't match break the line on which the record starts, and reading goes on with the next line: what
    such a quote would swallow are rows of their own.
    """
    taken, dialect = lines.taken, request.dialect
    while lines.number < until:
        rows = csv.reader(
            lines.take(),
            delimiter=dialect.separator,
            quotechar=dialect.quote or None,
            quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
            strict=True,
        )
        try:
            for cells in rows:
                number, raw = lines.number, taken[0] if len(taken) == 1 else "".join(taken)
                lines.done(len(taken))
                if len(cells) > 1 or not raw.isspace():
                    yield number, cells, None, raw
                if lines.number >= until:
                    return
            return
        except csv.Error as error:
            number, raw = lines.number, taken[0][:RAW_CHARACTERS]
            lines.done(1)
            yield number, [], _reason(error), raw


def _reason(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end" in text:
        return "a quote is opened and never closed"
    if "expected after" in text:
        return "text after a closing quote: quotes inside a quoted cell must be doubled"
    if "field limit" in text:
        return f"a cell of more than {CELL_CHARACTERS} characters: a quote is probably never closed"
    return text
