"""JSON lines: an object a line, its numbers kept as they were written (1.50 stays 1.50)."""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from lake.source import Dialect
from pipelines.parse.batch import RefusedFile, Values, listed, quoted, record_batch
from pipelines.parse.csv_rows import text_lines
from pipelines.parse.flat_json import flat_lines

_BLANKS = " \t\r\n"
_NO_FIELDS: dict[str, Any] = {}


class _Number(str):
    """A number as it was written, told from a string inside a nested value."""


_decode = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str).raw_decode
_decode_exactly = json.JSONDecoder(parse_float=_Number, parse_int=_Number, parse_constant=_Number).raw_decode


def parse_json_lines(binary: BinaryIO, dialect: Dialect, columns: tuple[str, ...], batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Refused at the end of the file: one whose lines are all broken, and one without any known column."""
    known = frozenset(columns)
    has_object, has_known = False, not columns
    keys: dict[str, None] = {}
    held: _Lines | None = None
    for lines in _read(binary, dialect, columns, batch_rows):
        if held is not None:
            yield held.batch(dialect, columns)
        held = lines
        has_object = has_object or lines.has_object
        has_known = has_known or any(not known.isdisjoint(fields) for fields in lines.shapes())
        if not has_known and len(keys) < 100:
            keys.update((key, None) for fields in lines.shapes() for key in fields)
    if held is None:
        return
    if not has_object:
        raise RefusedFile(f"it is not JSON lines: none of its lines is a JSON object ({held.first_reason()}); "
                          "mend the file, or the mapping's format")  # fmt: skip
    if not has_known:
        raise RefusedFile(f"none of its lines has any of {listed(columns)}; they have {listed(keys)}: mend the file, "
                          "or the mapping if the source has changed")  # fmt: skip
    yield held.batch(dialect, columns)


class _Lines:
    """The lines of one batch: flat ones as Arrow read them, the others as Python did.

    A broken one is an object without fields and has its reason in `broken`.
    """

    def __init__(self, numbers: list[int], texts: list[str], columns: tuple[str, ...]) -> None:
        self.flat, self.flat_numbers = flat_lines(texts, columns), list[int]()
        self.numbers, self.texts = numbers, texts
        if self.flat:
            taken = set(self.flat.places)
            self.flat_numbers = [numbers[i] for i in self.flat.places]
            rest = [] if len(taken) == len(texts) else [i for i in range(len(texts)) if i not in taken]
            self.numbers, self.texts = [numbers[i] for i in rest], [texts[i] for i in rest]
        self.objects: list[dict[str, Any]] = []
        self.broken: dict[int, str] = {}
        for text in self.texts:
            self._decode(text)

    @property
    def has_object(self) -> bool:
        return self.flat is not None or len(self.broken) < len(self.objects)

    def shapes(self) -> Iterator[Iterable[str]]:
        """The field names of the lines; those that flat lines share once."""
        if self.flat:
            yield self.flat.names
        yield from self.objects

    def first_reason(self) -> str:
        return next(iter(self.broken.values()))

    def batch(self, dialect: Dialect, columns: tuple[str, ...]) -> pa.RecordBatch:
        if self.flat is None:
            return self._decoded(dialect, columns)
        nothing: list[str | None] = [None] * len(self.flat_numbers)
        read = record_batch(columns, dialect, list(self.flat.known), self.flat.rescued, self.flat_numbers, nothing, nothing)
        return pa.concat_batches([read, self._decoded(dialect, columns)]).sort_by("_row") if self.objects else read

    def _decode(self, text: str) -> None:
        try:
            fields, end = _decode(text)
            reason = (
                "" if type(fields) is dict and end == len(text)
                else "text after the JSON value" if end != len(text)
                else "not a JSON object"
            )  # fmt: skip
        except json.JSONDecodeError as error:
            reason = f"not JSON: {error.msg} at character {error.pos + 1}"
        except RecursionError:
            reason = "nested too deeply"
        if reason:
            self.broken[len(self.objects)] = reason
            fields = _NO_FIELDS
        self.objects.append(fields)

    def _decoded(self, dialect: Dialect, columns: tuple[str, ...]) -> pa.RecordBatch:
        known = frozenset(columns)
        is_known = known.issuperset
        rescued = [None if is_known(fields) else self._rescued(i, known) for i, fields in enumerate(self.objects)]
        values = self._columns(columns)
        if self.broken:
            values = self._columns(columns)  # again: what is nested too deeply to be written is found while writing
            rescued = [None if index in self.broken else text for index, text in enumerate(rescued)]
        reasons = [self.broken.get(index) for index in range(len(self.objects))]
        return record_batch(columns, dialect, values, rescued, self.numbers, reasons, list[str | None](self.texts))

    def _columns(self, columns: tuple[str, ...]) -> list[Values]:
        try:
            kind = pa.struct([(name, pa.string()) for name in columns])
            objects = pa.array(self.objects, kind)
            return [pc.struct_field(objects, [place]) for place in range(len(columns))]
        except (pa.ArrowInvalid, TypeError, UnicodeEncodeError):  # true, false, nested values, half characters
            return [self._column(name) for name in columns]

    def _column(self, name: str) -> list[str | None]:
        values = [fields.get(name) for fields in self.objects]
        return [value if value is None or value.__class__ is str else self._text(index, name, value) for index, value in enumerate(values)]

    def _rescued(self, index: int, known: frozenset[str]) -> str:
        fields = self.objects[index]
        others = sorted(fields.keys() - known)
        return "{" + ",".join([f"{quoted(name)}:{quoted(self._text(index, name, fields[name]))}" for name in others]) + "}"

    def _text(self, index: int, name: str, value: Any) -> str | None:
        if value is None or isinstance(value, str):
            return value
        if value is True or value is False:
            return "true" if value else "false"
        try:
            return _compact(_decode_exactly(self.texts[index] or "")[0][name])
        except (RecursionError, KeyError):
            self.broken[index] = "nested too deeply"
            self.objects[index] = _NO_FIELDS
            return None


def _read(binary: BinaryIO, dialect: Dialect, columns: tuple[str, ...], batch_rows: int) -> Iterator[_Lines]:
    lines = text_lines(binary, dialect.encoding, newline="\n")
    first = 1
    try:
        while block := list(islice(lines, batch_rows)):
            numbers, texts = list(range(first, first + len(block))), [line.strip(_BLANKS) for line in block]
            first += len(block)
            if not all(texts):
                numbers, texts = [n for n, text in zip(numbers, texts, strict=True) if text], [text for text in texts if text]
            if texts:
                yield _Lines(numbers, texts, columns)
    except UnicodeError as error:
        raise RefusedFile(f"it is not {dialect.encoding} ({error}); mend the file or the mapping's encoding") from error


def _compact(value: Any) -> str:
    if isinstance(value, _Number):
        return str(value)
    if value is None or isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ",".join([f"{quoted(key)}:{_compact(item)}" for key, item in value.items()]) + "}"
    return "[" + ",".join([_compact(item) for item in value]) + "]"
