"""CSV: one record may take several physical lines, and a stray quote may not swallow the rows after it."""

import codecs
import csv
from collections import deque
from collections.abc import Iterator
from io import BytesIO, TextIOWrapper
from itertools import islice
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv as arrow_csv

from lake.source import Dialect
from pipelines.parse.batch import Array, Layout, Record, RefusedFile, Values, header_names, record_batch

CELL_LIMIT = 4 << 20
"""Characters. A longer cell is a quote that was never closed; reading goes on with the line after it."""

BLOCK_LINES = 10_000
"""Lines read at once; one quoted cell makes its block slow, not the file."""

RAW_LIMIT = 10_000
"""Characters of raw text kept of a line whose quotes don't match."""


def text_lines(binary: BinaryIO, encoding: str, newline: str) -> TextIOWrapper:
    """Lines as text. Bytes that the encoding doesn't have become lone surrogates, which mark their row as broken."""
    try:
        name = codecs.lookup(encoding).name
    except LookupError as error:
        raise RefusedFile(f"its mapping names the encoding {encoding!r}, which Python doesn't know; mend it") from error
    return TextIOWrapper(binary, "utf-8-sig" if name == "utf-8" else name, errors="surrogateescape", newline=newline)


def parse_csv(binary: BinaryIO, dialect: Dialect, columns: tuple[str, ...], batch_rows: int) -> Iterator[pa.RecordBatch]:
    csv.field_size_limit(CELL_LIMIT)
    lines = _Lines(text_lines(binary, dialect.encoding, newline=""))
    block_rows = min(batch_rows, BLOCK_LINES)
    try:
        layout = Layout(_header(lines, dialect), columns, dialect)
        while block := lines.ahead(block_rows):
            batch = _plain_batch(block, lines.number, layout)
            if batch is not None:
                lines.skip(len(block))
                yield batch
            else:
                records = _records(lines, dialect, len(layout.header), until=lines.number + len(block))
                yield from layout.batches(records, block_rows)
    except UnicodeError as error:
        raise RefusedFile(f"it is not {dialect.encoding} ({error}); mend the file or the mapping's encoding") from error


class _Lines:
    """Physical lines that can be looked at ahead, and given back. `number` is that of the first one not done with."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.number = 1
        self.taken: list[str] = []
        self._lines = lines
        self._ahead: deque[str] = deque()

    def ahead(self, count: int) -> list[str]:
        self._ahead.extend(islice(self._lines, max(count - len(self._ahead), 0)))
        return list(islice(self._ahead, count))

    def skip(self, count: int) -> None:
        skipped = len(self.ahead(count))
        self._ahead = deque(islice(self._ahead, skipped, None))
        self.number += skipped

    def take(self) -> Iterator[str]:
        """Lines, noted in `taken` until `done`."""
        while self._ahead:
            self.taken.append(line := self._ahead.popleft())
            yield line
        for line in self._lines:
            self.taken.append(line)
            yield line

    def done(self, count: int) -> None:
        """The first `count` lines taken are done with; the others will be taken again."""
        self.number += count
        if count < len(self.taken):
            self._ahead.extendleft(reversed(self.taken[count:]))
        self.taken.clear()


def _header(lines: _Lines, dialect: Dialect) -> tuple[str, ...] | list[str]:
    if not dialect.header_row:
        return dialect.names
    lines.skip(dialect.header_row - 1)
    number, cells, reason, _ = next(_records(lines, dialect, 0, until=dialect.header_row + 1), (0, [], None, None))
    if number != dialect.header_row:
        raise RefusedFile(f"it has no header at line {dialect.header_row}; deliver it whole or mend header_row")
    if reason:
        raise RefusedFile(f"its header at line {number} can't be read: {reason}; mend it")
    return header_names(cells)


def _plain_batch(block: list[str], first: int, layout: Layout) -> pa.RecordBatch | None:
    """The batch of lines in which no cell is quoted, read by Arrow several times as fast; None if it has to be slow."""
    quote, separator, width = layout.dialect.quote, layout.dialect.separator, len(layout.header)
    text = "".join(block)
    if width == 1 or not separator.isascii():
        return None
    if quote and (text.startswith(quote) or any(before + quote in text for before in (separator, "\n", "\r"))):
        return None
    try:
        table = arrow_csv.read_csv(
            BytesIO(text.encode()),
            arrow_csv.ReadOptions(use_threads=False, block_size=4 * len(text) + 1, column_names=list(layout.header)),
            arrow_csv.ParseOptions(delimiter=separator, quote_char=False, ignore_empty_lines=True),
            arrow_csv.ConvertOptions(column_types=dict.fromkeys(layout.header, pa.string()), strings_can_be_null=False),
        )
    except (pa.ArrowInvalid, UnicodeEncodeError):  # a line with too few or too many cells, or bytes not of the encoding
        return None
    count = len(block)
    if table.num_rows != count:
        return None
    arrays: list[Array] = table.combine_chunks().to_batches()[0].columns
    rescued: list[str | None] = [None] * count
    if layout.other_places:
        rescued = layout.rescued(zip(*(arrays[place].to_pylist() for place in layout.other_places), strict=True))
    values: list[Values] = [arrays[place] for place in layout.places]
    return record_batch(layout.columns, layout.dialect, values, rescued, range(first, first + count), [None] * count, [None] * count)


def _records(lines: _Lines, dialect: Dialect, width: int, until: int) -> Iterator[Record]:
    """Records that start before line `until`. Blank lines give none. `width` 0 allows any number of cells.

    Quotes that don't match break the line on which the record starts, and reading goes on with the next line: what
    such a quote would swallow are rows of their own.
    """
    taken = lines.taken
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
                if len(cells) == width:
                    if width > 1 or not raw.isspace():
                        yield number, cells, None, raw
                elif not raw.isspace() or len(cells) > 1:
                    count = f"{len(cells)} cell{'s' * (len(cells) != 1)}"
                    yield number, cells, f"{count} where the header has {width}" if width else None, raw
                if lines.number >= until:
                    return
            return
        except csv.Error as error:
            number, raw = lines.number, taken[0][:RAW_LIMIT]
            lines.done(1)
            yield number, [], _reason(error), raw


def _reason(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end" in text:
        return "a quote is opened and never closed"
    if "expected after" in text:
        return "text after a closing quote: quotes inside a quoted cell must be doubled"
    if "field limit" in text:
        return f"a cell of more than {CELL_LIMIT} characters: a quote is probably never closed"
    return text
