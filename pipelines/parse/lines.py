"""Blocks of whole lines as UTF-8, whatever the file's encoding is, so that Arrow can read them without a detour."""

import codecs
import io
from collections.abc import Iterator

from pipelines.parse.batch import Request
from pipelines.parse.limits import BLOCK_BYTES, in_words
from pipelines.parse.opening import Content
from pipelines.parse.refusal import RefusedFile

_BOM = b"\xef\xbb\xbf"
_OTHER_BOMS = ((b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_MULTIBYTE = ("utf", "shift", "euc", "gb", "big5", "cp93", "iso2022", "hz", "johab", "cp94", "cp95", "idna", "punycode")


class Text:
    """The lines of a file. Bytes that its encoding doesn't have become bytes that no UTF-8 has, which mark their row as
    broken: `decoded` gives them as lone surrogates.

    Raises RefusedFile: bytes of another encoding than the mapping's, a line beyond the limit.
    """

    def __init__(self, binary: Content, request: Request) -> None:
        self.encoding, self._limits = request.dialect.encoding, request.limits
        try:
            self._codec = codecs.lookup(self.encoding).name
        except LookupError as error:
            raise RefusedFile(f"its mapping names the encoding {self.encoding!r}, which Python doesn't know; fix it") from error
        self._is_utf8 = self._codec in ("utf-8", "utf-8-sig")
        self._refuse_other_unicode(binary.head)
        self._binary = binary
        self._decoder = None if self._is_utf8 else codecs.getincrementaldecoder(self._codec)("surrogateescape")
        self._is_single_byte = not self._codec.startswith(_MULTIBYTE) and self._codec != "ascii"
        self.looks_utf8: bool | None = None
        self._utf8_check = codecs.getincrementaldecoder("utf-8")()

    def _refuse_other_unicode(self, head: bytes) -> None:
        if self._codec.startswith(("utf-16", "utf-32")):
            return
        fits = next((name for bom, name in _OTHER_BOMS if head.startswith(bom)), "")
        if not fits and len(head) > 8 and self._codec.startswith(("utf", "cp", "iso", "ascii", "latin")):
            even, odd = head[::2], head[1::2]
            if odd.count(0) > len(odd) * 0.8 and not even.count(0):
                fits = "utf-16-le"
            elif even.count(0) > len(even) * 0.8 and not odd.count(0):
                fits = "utf-16-be"
        if fits:
            raise RefusedFile(f"it is not {self.encoding}: its bytes are {fits}; write `encoding: {fits}` in its mapping's dialect")

    @property
    def errors(self) -> str:
        """How the bytes that no UTF-8 has are decoded."""
        return "surrogateescape" if self._is_utf8 else "surrogatepass"

    def decoded(self, block: bytes) -> str:
        return block.decode("utf-8", self.errors)

    def encoded(self, text: str) -> bytes:
        """What `decoded` was given."""
        return text.encode("utf-8", self.errors)

    def chunks(self) -> Iterator[bytes]:
        """UTF-8 as it comes, without a byte order mark; not cut at characters."""
        is_first = True
        while chunk := self._read():
            yield chunk.removeprefix(_BOM) if is_first else chunk
            is_first = False

    def _read(self) -> bytes:
        while True:
            chunk = self._binary.read(BLOCK_BYTES)
            if self._decoder is None:
                return chunk
            if self._is_single_byte:
                self._check_single_byte(chunk)
            text = self._decoder.decode(chunk, not chunk)
            if text or not chunk:
                return text.encode("utf-8", "surrogatepass")

    def _check_single_byte(self, chunk: bytes) -> None:
        """UTF-8 read by another encoding has no wrong byte, only wrong letters: the whole file is refused for it."""
        if self.looks_utf8 is not False and (self.looks_utf8 or not chunk.isascii() or not chunk):
            try:
                self._utf8_check.decode(chunk, not chunk)
                self.looks_utf8 = self.looks_utf8 or not chunk.isascii()
            except UnicodeDecodeError:
                self.looks_utf8 = False
        if not chunk and self.looks_utf8:
            raise RefusedFile(f"it is not {self.encoding}: its bytes are UTF-8; write `encoding: utf-8` in its mapping's dialect")

    def blocks(self, ends: tuple[bytes, ...] = (b"\n",)) -> Iterator[bytes]:
        """Whole lines, about `BLOCK_BYTES` at once. A line ends at one of `ends`; the last one may lack its end."""
        parts: list[bytes] = []
        size = 0
        for chunk in self.chunks():
            cut = _cut(chunk, ends)
            if cut:
                yield b"".join([*parts, chunk[:cut]])
                parts, size = [], 0
            if rest := chunk[cut:]:
                parts.append(rest)
                size += len(rest)
            if size > self._limits.line_bytes:
                raise RefusedFile(
                    f"it has a line of more than {in_words(self._limits.line_bytes)}, the most that is read; write one record a line"
                )
        if parts:
            yield b"".join(parts)


def _cut(chunk: bytes, ends: tuple[bytes, ...]) -> int:
    """How many bytes are whole lines."""
    for end in ends:
        place = chunk.rfind(end, 0, len(chunk) - (end == b"\r"))  # a \n may follow the last \r
        if place >= 0:
            return place + 1
    return 0


def universal(text: str) -> Iterator[str]:
    r"""Lines that end at \n, \r\n or \r, with their ends."""
    return io.StringIO(text, newline="")


def line_count(block: bytes) -> int:
    r"""Lines that end at \n, \r\n or \r."""
    count = block.count(b"\n") + (not block.endswith((b"\n", b"\r")))
    return count + block.count(b"\r") - block.count(b"\r\n") if b"\r" in block else count
