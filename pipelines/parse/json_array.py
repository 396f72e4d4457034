"""JSON that is an array of objects instead of an object a line: each element is a message, numbered from 1."""

import codecs
import json
import re
from collections.abc import Iterator

from pipelines.parse.batch import Request
from pipelines.parse.limits import in_words
from pipelines.parse.lines import Text
from pipelines.parse.refusal import RefusedFile

_BEGINS = re.compile(rb"(?:\xef\xbb\xbf)?\s*\[\s*[{\]]")
_GAP = re.compile(r"[ \t\r\n,]*")
_MARGIN = 16
"""Characters before the end of what was read in which an error may come from the cut."""

_decode = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str).raw_decode


def is_array(head: bytes) -> bool:
    """Whether a file begins as an array of objects."""
    return _BEGINS.match(head) is not None


def elements(text: Text, request: Request) -> Iterator[tuple[int, str]]:
    """Number and text of each element of the file's arrays. Raises RefusedFile, as nothing shows where what follows a
    defect goes on: not JSON, cut short, an element beyond the limit."""
    chunks, decoder = text.chunks(), codecs.getincrementaldecoder("utf-8")(text.errors)
    buffer, place, number = "", 0, 0
    is_inside, is_last = False, False
    while True:
        gap = _GAP.match(buffer, place)
        place = gap.end() if gap else place
        if place < len(buffer):
            if buffer[place] == ("]" if is_inside else "["):
                is_inside, place = not is_inside, place + 1
                continue
            if not is_inside:
                raise RefusedFile(
                    f"it is not JSON: text follows its array of {number} elements; deliver it whole, one object a line or one array"
                )
            end = _end(buffer, place, is_last, number + 1)
            if end:
                number += 1
                yield number, buffer[place:end]
                place = end
                continue
        if is_last:
            if is_inside:
                raise RefusedFile(f"it is cut short: its array of {number} elements is never closed; deliver the file again")
            return
        buffer, place = buffer[place:], 0
        if len(buffer) > request.limits.line_bytes:
            raise RefusedFile(
                f"its element {number + 1} is longer than {in_words(request.limits.line_bytes)}, the most that is read; split it"
            )
        parts, missing = [buffer], max(len(buffer), 1)
        while missing > 0 and not is_last:
            is_last = not (chunk := next(chunks, b""))
            parts.append(decoder.decode(chunk, is_last))
            missing -= len(parts[-1])
        buffer = "".join(parts)


def _end(buffer: str, place: int, is_last: bool, number: int) -> int:
    """Where the value at a place ends; 0 when more has to be read to know. Raises RefusedFile."""
    try:
        end = _decode(buffer, place)[1]
    except json.JSONDecodeError as error:
        is_cut = not is_last and (error.pos > len(buffer) - _MARGIN or error.msg.startswith("Unterminated"))
        if is_cut:
            return 0
        what = f"{error.msg} at character {error.pos - place + 1} of element {number}"
        raise RefusedFile(f"it is not JSON from element {number} of its array on ({what}); fix the file") from error
    except RecursionError as error:
        raise RefusedFile(f"element {number} of its array is nested too deeply; fix the file") from error
    return end if end < len(buffer) or is_last else 0
