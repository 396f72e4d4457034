"""JSON lines: an object a line, its numbers kept as they were written (1.50 stays 1.50)."""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.parse.batch import Array, Request, Values, quoted, record_batch, sliced
from pipelines.parse.explode import Explode, Number, arrays_in, text_of
from pipelines.parse.flat_json import Flat, flat_lines
from pipelines.parse.json_array import elements, is_array
from pipelines.parse.lines import Text
from pipelines.parse.opening import Content
from pipelines.parse.refusal import RefusedFile, excerpt, listed

_BLANKS = " \t\r\n"
_NO_FIELDS: dict[str, Any] = {}
_STEP = 1_000_000
"""Between the row numbers of two messages that were taken apart."""

_ELEMENTS = 1_000
"""Elements of an array decoded at once."""

_MOST_KEYS = 100
_NOT_JSON = ("not JSON", "not a JSON object", "text after", "nested")

_decode = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str).raw_decode
_decode_exactly = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=Number).raw_decode


def parse_json_lines(binary: Content, request: Request) -> Iterator[pa.RecordBatch]:
    """Refused at the end of the file: one whose lines are all broken, and one without any known column.

    A file that is one array of objects gives a row for each of them, too.
    """
    text = Text(binary, request)
    is_one_array = is_array(binary.head)
    seen = _Seen(request.columns)
    held: _Lines | None = None
    try:
        for lines in _of_array(text, request) if is_one_array else _of_lines(text, request):
            if held is not None:
                yield from sliced(held.batch(), request.batch_rows)
            held = lines
            seen.add(lines)
    except UnicodeError as error:
        raise RefusedFile(f"it is not {text.encoding} ({error}); fix the file or the mapping's encoding") from error
    if held is None:
        return
    seen.check(request, "elements" if is_one_array else "lines")
    yield from sliced(held.batch(), request.batch_rows)


class _Seen:
    """What the lines so far hold: objects at all, columns that are wanted, and fields that hold readings."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.missing, self.columns = set(columns), columns
        self.has_object = False
        self.first_broken = ("", "")
        self.keys: dict[str, None] = {}
        self.arrays: dict[str, None] = {}

    def add(self, lines: "_Lines") -> None:
        self.has_object = self.has_object or lines.has_object
        if not self.has_object and not self.first_broken[0]:
            self.first_broken = lines.first_broken()
        if self.missing:
            for fields in lines.shapes():
                self.missing.difference_update(fields)
                if len(self.keys) < _MOST_KEYS:
                    self.keys.update(dict.fromkeys(islice(fields, _MOST_KEYS)))
                if isinstance(fields, dict) and len(self.arrays) < _MOST_KEYS:
                    self.arrays.update(dict.fromkeys(arrays_in(fields)))

    def check(self, request: Request, unit: str) -> None:
        """Raises RefusedFile; notes columns that no line has where an array may hold them."""
        if not self.has_object:
            reason, text = self.first_broken
            is_split = text.lstrip().startswith(("{", "[")) and "not JSON" in reason
            advice = "write every object on one line (`jq -c .` does)" if is_split else "fix the file, or the mapping's format"
            if is_split or not request.dialect.explode or reason.startswith(_NOT_JSON):
                raise RefusedFile(f"it is not JSON lines: none of its {unit} is a JSON object ({reason}); {advice}")
            raise RefusedFile(f"none of its {unit} can be taken apart: {excerpt(reason, 300)}")
        hint = ""
        if self.arrays and not request.dialect.explode:
            named = excerpt(next(iter(self.arrays)))
            hint = f"`{named}` holds arrays: to make a row of each element, write `explode: {named}` in its mapping's dialect"
        if self.columns and len(self.missing) == len(self.columns):
            raise RefusedFile(
                f"none of its {unit} has any of {listed(self.columns)}; they have {listed(self.keys)}: "
                f"{hint or 'fix the file, or the mapping if the source has changed'}"
            )
        if self.missing and hint:
            absent = listed(name for name in self.columns if name in self.missing)
            request.notes.append(f"none of its {unit} has {absent}; {hint}")


class _Lines:
    """Some lines, decoded; those that Arrow could read are in `flat`, the others in `objects`.

    An object's numbers are plain text, nested values hold what they should not; `_text` writes those out. A broken
    line is an object without fields and has its reason in `broken`.
    """

    def __init__(self, numbers: list[int], texts: list[str], request: Request, flat: Flat | None = None, first: int = 0) -> None:
        self.request, self.flat = request, flat
        self.flat_numbers: Array = pc.add(flat.places, first) if flat else pa.array([], pa.int64())
        self.numbers, self.texts = numbers, texts
        self.objects: list[dict[str, Any]] = []
        self.broken: dict[int, str] = {}
        if request.dialect.explode:
            self._take_apart(Explode(request.dialect.explode, request.dialect.explode_by))
        else:
            for text in self.texts:
                self._decode(text)

    @property
    def has_object(self) -> bool:
        return self.flat is not None or len(self.broken) < len(self.objects)

    def shapes(self) -> Iterator[Iterable[str]]:
        """The fields of the lines; names only, and once, for those that flat lines share."""
        if self.flat:
            yield self.flat.names
        yield from self.objects

    def first_broken(self) -> tuple[str, str]:
        """Reason and text of the first broken line."""
        index, reason = next(iter(self.broken.items()))
        return reason, self.texts[index]

    def batch(self) -> pa.RecordBatch:
        if self.flat is None:
            return self._decoded()
        read = record_batch(self.request, list(self.flat.known), self.flat.rescued, self.flat_numbers)
        return pa.concat_batches([read, self._decoded()]).sort_by("_row") if self.objects else read

    def _decode(self, text: str) -> None:
        fields, reason = _message(text, _decode)
        if reason:
            self.broken[len(self.objects)] = reason
        self.objects.append(fields)

    def _take_apart(self, explode: Explode) -> None:
        messages = list(zip(self.numbers, self.texts, strict=True))
        self.numbers, self.texts = [], []
        for number, text in messages:
            rows: list[dict[str, str | None]] = []
            fields, reason = _message(text, _decode_exactly)
            try:
                rows = [] if reason else explode.rows(fields)
            except ValueError as error:
                reason = str(error)
            except RecursionError:
                reason = "nested too deeply"
            if reason:
                self.broken[len(self.objects)], rows = reason, [_NO_FIELDS]
            self.objects += rows
            self.texts += [text] * len(rows)
            self.numbers += [number * _STEP + place for place in range(1, len(rows) + 1)]

    def _decoded(self) -> pa.RecordBatch:
        columns = self.request.columns
        known = frozenset(columns)
        is_known = known.issuperset
        rescued = [None if is_known(fields) else self._rescued(i, known) for i, fields in enumerate(self.objects)]
        values = self._columns(columns)
        if self.broken:
            values = self._columns(columns)  # again: what is nested too deeply to be written is found while writing
            rescued = [None if index in self.broken else text for index, text in enumerate(rescued)]
        reasons = [self.broken.get(index) for index in range(len(self.objects))]
        return record_batch(self.request, values, rescued, self.numbers, reasons, list[str | None](self.texts))

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
            return text_of(_decode_exactly(self.texts[index] or "")[0][name])
        except (RecursionError, KeyError):
            self.broken[index] = "nested too deeply"
            self.objects[index] = _NO_FIELDS
            return None


def _message(text: str, decode: Any) -> tuple[dict[str, Any], str]:
    """The fields of a line, or none and the reason why it is broken."""
    try:
        fields, end = decode(text)
    except json.JSONDecodeError as error:
        return _NO_FIELDS, f"not JSON: {error.msg} at character {error.pos + 1}"
    except RecursionError:
        return _NO_FIELDS, "nested too deeply"
    if end != len(text):
        return _NO_FIELDS, "text after the JSON value"
    return (fields, "") if type(fields) is dict else (_NO_FIELDS, "not a JSON object")


def _of_lines(text: Text, request: Request) -> Iterator[_Lines]:
    first = 1
    for block in text.blocks():
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n")
        count = block.count(b"\n") + (not block.endswith(b"\n"))
        flat = None if request.dialect.explode else flat_lines(block, count, request.columns)
        numbers: list[int] = []
        texts: list[str] = []
        if flat is None or len(flat.places) < count:
            taken = set(flat.places.to_pylist()) if flat else set[int]()
            for place, line in enumerate(block.split(b"\n")):
                if place not in taken and (decoded := text.decoded(line).strip(_BLANKS)):
                    numbers.append(first + place)
                    texts.append(decoded)
        if texts or flat:
            yield _Lines(numbers, texts, request, flat, first)
        first += count


def _of_array(text: Text, request: Request) -> Iterator[_Lines]:
    found = elements(text, request)
    while some := list(islice(found, _ELEMENTS)):
        yield _Lines([number for number, _ in some], [element for _, element in some], request)
