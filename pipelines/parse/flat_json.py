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


@dataclass(frozen=True)
class Flat:
    """What was taken: places of the lines in what was given, text of each wanted column, JSON object of the others."""

    places: list[int]
    known: list[Array]
    rescued: Array
    names: tuple[str, ...]


@dataclass(frozen=True)
class _Template:
    names: tuple[str, ...]
    prefixes: tuple[str, ...]


def flat_lines(texts: list[str], columns: tuple[str, ...]) -> Flat | None:
    """The lines (stripped, not empty) that are flat objects like one of the first; None when there are none."""
    template = next((t for text in texts[:_TRIES] if (t := _template(text))), None)
    if template is None:
        return None
    joined = "\n".join(texts)
    if "\r" in joined or "\ufeff" in joined[:1]:  # Arrow would end a line at the one and drop the other
        return None
    skipped: list[int] = []

    def skip(row: arrow_csv.InvalidRow) -> str:
        skipped.append(row.number - 1)
        return "skip"

    cells = [f"f{i}" for i in range(len(template.names))]
    try:
        table = arrow_csv.read_csv(
            BytesIO(joined.encode()),
            arrow_csv.ReadOptions(use_threads=False, block_size=4 * len(joined) + 1, column_names=cells),
            arrow_csv.ParseOptions(delimiter=",", quote_char=False, ignore_empty_lines=False, invalid_row_handler=skip),
            arrow_csv.ConvertOptions(column_types=dict.fromkeys(cells, pa.string()), strings_can_be_null=False),
        )
    except (pa.ArrowInvalid, UnicodeEncodeError):  # bytes that are not of the encoding
        return None
    if table.num_rows + len(skipped) != len(texts) or not table.num_rows:
        return None
    left = set(skipped)
    places = pa.array([i for i in range(len(texts)) if i not in left] if left else range(len(texts)), pa.int64())
    last = len(cells) - 1
    pieces = [
        _Piece(column.chunk(0).dictionary_encode(), prefix, "}" if i == last else "")
        for i, (column, prefix) in enumerate(zip(table.combine_chunks().columns, template.prefixes, strict=True))
    ]
    sound = pieces[0].is_sound()
    for piece in pieces[1:]:
        sound = pc.and_(sound, piece.is_sound())
    count = sound.true_count
    if count < len(sound):
        places, pieces = places.filter(sound), [replace(piece, cells=piece.cells.filter(sound)) for piece in pieces]
    return _flat(dict(zip(template.names, pieces, strict=True)), places, columns) if count else None


def _template(text: str) -> _Template | None:
    if not text.startswith("{") or not text.endswith("}"):
        return None
    pieces = text[1:-1].split(",")
    found = [_NAME.match(piece) for piece in pieces]
    names = tuple(match[2] for match in found if match)
    if len(names) < max(2, len(pieces)) or len(set(names)) < len(names):
        return None
    prefixes = [match[1] for match in found if match]
    return _Template(names, ("{" + prefixes[0], *prefixes[1:]))


@dataclass(frozen=True)
class _Piece:
    """A field of every line, different texts once: sensors and names repeat themselves."""

    cells: Any
    prefix: str
    suffix: str

    def is_sound(self) -> Array:
        there = pc.match_substring_regex(self.cells.dictionary, rf"\A\Q{self.prefix}\E{_PLAIN}\Q{self.suffix}\E\z")
        return there.take(self.cells.indices)

    def _values(self) -> Array:
        values: Array = pc.utf8_slice_codeunits(self.cells.dictionary, len(self.prefix), -len(self.suffix) or None)
        return values

    def text(self) -> Array:
        """A text without its quotes, a number as written, null as null."""
        values = self._values()
        text = pc.if_else(pc.equal(values, "null"), pa.scalar(None, pa.string()), pc.ascii_trim(values, '"'))
        return text.take(self.cells.indices)

    def quoted(self) -> Array:
        """The value as a JSON string, or null."""
        values = self._values()
        is_quoted = pc.or_(pc.starts_with(values, '"'), pc.equal(values, "null"))
        quoted = pc.if_else(is_quoted, values, pc.binary_join_element_wise('"', values, '"', ""))
        return quoted.take(self.cells.indices)


def _flat(pieces: Mapping[str, _Piece], places: Array, columns: tuple[str, ...]) -> Flat:
    nothing = pa.nulls(len(places), pa.string())
    known = [pieces[name].text() if name in pieces else nothing for name in columns]
    others = sorted(name for name in pieces if name not in columns)
    rescued = nothing
    if others:
        fields = [pc.binary_join_element_wise(f'"{name}"', pieces[name].quoted(), ":") for name in others]
        listed = pc.binary_join_element_wise(*fields, ",") if len(fields) > 1 else fields[0]
        rescued = pc.binary_join_element_wise("{", listed, "}", "")
    return Flat(places.to_pylist(), known, rescued, tuple(pieces))
