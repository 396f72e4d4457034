"""Lines that hold the same fields in the same order, each with a plain value: Arrow reads them several times as fast as Python.

Cut at its commas, such a line is known exactly: every piece is the field's name as the template line writes it, then one
plain JSON value. Any other line (nested values, escapes, a comma in a text, a field more or less, broken) isn't taken.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from pipelines.parse.batch import Array

_NAME = re.compile(r'([ \t]*"([^"\\\x00-\x1f]*)"[ \t]*:[ \t]*)')
_PLAIN = r'(?:"[^"\\\x00-\x1f]*"|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null)'
_TRIES = 5
"""Lines looked at for a template, since the first ones may be broken."""

_MOST_FIELDS = 500
_SAMPLE = 500
_BLANKS = b" \t\r"


@dataclass(frozen=True)
class Flat:
    """What was taken: places of the lines in the block, text of each wanted column, JSON object of the others."""

    places: Array
    known: list[Array]
    rescued: Array
    names: tuple[str, ...]


@dataclass(frozen=True)
class _Template:
    names: tuple[str, ...]
    prefixes: tuple[str, ...]


def flat_lines(block: bytes, count: int, columns: tuple[str, ...]) -> Flat | None:
    """The lines that are flat objects like one of the first, out of `count` UTF-8 lines; None when there are none."""
    first = block.split(b"\n", _TRIES)[:_TRIES]
    template = next((t for line in first if (t := _template(line.strip(_BLANKS)))), None)
    if template is None:
        return None
    if any(line != line.strip(_BLANKS) for line in first):
        block = b"\n".join([line.strip(_BLANKS) for line in block.split(b"\n")])
    if b"\r" in block or block.startswith(b"\xef\xbb\xbf"):  # Arrow would end a line at the one and drop the other
        return None
    skipped: list[int] = []

    def skip(row: arrow_csv.InvalidRow) -> str:
        skipped.append(row.number - 1)
        return "skip"

    cells = [f"f{i}" for i in range(len(template.names))]
    try:
        table = arrow_csv.read_csv(
            BytesIO(block),
            arrow_csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=cells),
            arrow_csv.ParseOptions(delimiter=",", quote_char=False, ignore_empty_lines=False, invalid_row_handler=skip),
            arrow_csv.ConvertOptions(column_types=dict.fromkeys(cells, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid:  # bytes that are not of the encoding
        return None
    if table.num_rows + len(skipped) != count or not table.num_rows:
        return None
    left = set(skipped)
    places: Any = pa.array([i for i in range(count) if i not in left] if left else range(count), pa.int64())
    last = len(cells) - 1
    pieces = [
        _Piece(_encoded(column.chunk(0)), prefix, "}" if i == last else "")
        for i, (column, prefix) in enumerate(zip(table.combine_chunks().columns, template.prefixes, strict=True))
    ]
    valid = pieces[0].is_valid()
    for piece in pieces[1:]:
        valid = pc.and_(valid, piece.is_valid())
    taken = valid.true_count
    if taken < len(valid):
        places, pieces = places.filter(valid), [replace(piece, cells=piece.cells.filter(valid)) for piece in pieces]
    return _flat(dict(zip(template.names, pieces, strict=True)), places, columns) if taken else None


def _template(line: bytes) -> _Template | None:
    if not line.startswith(b"{") or not line.endswith(b"}"):
        return None
    try:
        pieces = line[1:-1].decode("utf-8").split(",")
    except UnicodeDecodeError:
        return None
    found = [_NAME.match(piece) for piece in pieces[: _MOST_FIELDS + 1]]
    names = tuple(match[2] for match in found if match)
    if len(names) < max(2, len(pieces)) or len(set(names)) < len(names) or len(names) > _MOST_FIELDS:
        return None
    prefixes = [match[1] for match in found if match]
    return _Template(names, ("{" + prefixes[0], *prefixes[1:]))


def _encoded(cells: Any) -> Any:
    """Texts that repeat themselves once, with where they stand: sensors and names do, instants don't."""
    repeats: bool = pc.count_distinct(cells.slice(0, _SAMPLE)).as_py() <= _SAMPLE // 2
    return cells.dictionary_encode() if repeats else cells


@dataclass(frozen=True)
class _Piece:
    """A field of every line."""

    cells: Any
    prefix: str
    suffix: str

    @property
    def _texts(self) -> Any:
        return self.cells.dictionary if isinstance(self.cells, pa.DictionaryArray) else self.cells

    def _spread(self, array: Any) -> Array:
        spread: Array = array.take(self.cells.indices) if isinstance(self.cells, pa.DictionaryArray) else array
        return spread

    def is_valid(self) -> Array:
        return self._spread(pc.match_substring_regex(self._texts, rf"\A\Q{self.prefix}\E{_PLAIN}\Q{self.suffix}\E\z"))

    def _values(self) -> Array:
        """What stands between prefix and suffix (`binary_slice` would be faster, but pyarrow 25's fails on shorter texts)."""
        values: Array = pc.utf8_slice_codeunits(self._texts, len(self.prefix), -len(self.suffix) or None)
        return values

    def text(self) -> Array:
        """A text without its quotes, a number as written, null as null."""
        values = self._values()
        is_null = pc.equal(values, "null")
        text = pc.ascii_trim(values, '"')
        return self._spread(pc.if_else(is_null, pa.scalar(None, pa.string()), text) if pc.any(is_null).as_py() else text)

    def quoted(self) -> Array:
        """The value as a JSON string, or null."""
        values = self._values()
        is_quoted = pc.or_(pc.starts_with(values, '"'), pc.equal(values, "null"))
        return self._spread(pc.if_else(is_quoted, values, pc.binary_join_element_wise('"', values, '"', "")))


def _flat(pieces: Mapping[str, _Piece], places: Array, columns: tuple[str, ...]) -> Flat:
    nothing = pa.nulls(len(places), pa.string())
    known = [pieces[name].text() if name in pieces else nothing for name in columns]
    others = sorted(name for name in pieces if name not in columns)
    rescued = nothing
    if others:
        fields = [pc.binary_join_element_wise(f'"{name}"', pieces[name].quoted(), ":") for name in others]
        listed = pc.binary_join_element_wise(*fields, ",") if len(fields) > 1 else fields[0]
        rescued = pc.binary_join_element_wise("{", listed, "}", "")
    return Flat(places, known, rescued, tuple(pieces))
