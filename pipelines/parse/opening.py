"""Opening what landed: regular files only, gzip unpacked within limits, and a file of another kind named as what it is."""

import gzip
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from pipelines.parse.limits import Limits, in_words
from pipelines.parse.refusal import RefusedFile

HEAD_BYTES = 4096
_KINDS = {
    stat.S_ISDIR: "a folder", stat.S_ISFIFO: "a named pipe", stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device", stat.S_ISBLK: "a device", stat.S_ISLNK: "a link",
}  # fmt: skip

_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive (an Excel .xlsx is one)", "unpack it, or set the format that it holds"),
    (b"PK\x05\x06", "an empty ZIP archive", "deliver the file itself"),
    (b"\x1f\x8b", "a gzip file", "give its name the ending .gz"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old .xls workbook, or one with a password", "save it as .xlsx without a password"),
    (b"SQLite format 3\x00", "a SQLite database", "set format: sqlite in its mapping"),
    (b"PAR1", "a Parquet file", "set format: parquet in its mapping"),
    (b"%PDF-", "a PDF", "deliver the data as a table"),
    (b"\x89PNG", "a picture", "deliver the data as a table"),
    (b"\xff\xd8\xff", "a picture", "deliver the data as a table"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd", "deliver it unpacked or as .gz"),
    (b"BZh", "packed with bzip2", "deliver it unpacked or as .gz"),
    (b"\xfd7zXZ\x00", "packed with xz", "deliver it unpacked or as .gz"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it"),
    (b"Rar!\x1a\x07", "a RAR archive", "unpack it"),
    (b"\x7fELF", "a program", "deliver the data itself"),
    (b"MZ\x90\x00", "a program", "deliver the data itself"),
    (b"ARROW1", "an Arrow file", "save it as Parquet"),
    (b"Obj\x01", "an Avro file", "save it as Parquet or JSON lines"),
)


class Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


def kind_of(head: bytes) -> tuple[str, str] | None:
    """What a file is by its first bytes, and what to do; None for text and what isn't known."""
    for magic, kind, advice in _MAGIC:
        if head.startswith(magic):
            return kind, advice
    if head[257:262] == b"ustar":
        return "a tar archive", "unpack it"
    if head.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        return "an HTML page, perhaps of a failed login", "deliver the data itself"
    return None


def is_gzip(path: Path) -> bool:
    return path.name.lower().endswith(".gz")


def open_regular(path: Path) -> BufferedReader:
    """A file opened for reading. Never waits at a named pipe, never touches a device. Raises RefusedFile and OSError."""
    _refuse_unless_regular(path.stat().st_mode)
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        _refuse_unless_regular(os.fstat(handle).st_mode)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def _refuse_unless_regular(mode: int) -> None:
    if problem := irregular(mode):
        raise RefusedFile(problem)


def irregular(mode: int) -> str:
    """Why what isn't a regular file is refused; nothing for a regular one."""
    if stat.S_ISREG(mode):
        return ""
    kind = next((kind for test, kind in _KINDS.items() if test(mode)), "no regular file")
    return f"it is {kind}, not a file; deliver a file under this name"


class Content:
    """The bytes of a text file, unpacked and counted. `head` was read ahead, for a look at what the file is."""

    def __init__(self, binary: Readable, limits: Limits | None = None) -> None:
        self._binary, self._limits = binary, limits
        self.head = binary.read(HEAD_BYTES)
        self._ahead, self._size = self.head, len(self.head)

    def read(self, size: int = -1, /) -> bytes:
        if self._ahead:
            first, self._ahead = self._ahead, b""
            return first
        chunk = self._binary.read(size)
        self._size += len(chunk)
        if self._limits and self._size > self._limits.unpacked_bytes:
            most = in_words(self._limits.unpacked_bytes)
            raise RefusedFile(f"unpacked it is larger than {most}, which is read of a .gz at most; split it into several files")
        return chunk


@contextmanager
def content(path: Path, limits: Limits) -> Iterator[Content]:
    with open_regular(path) as binary:
        if not is_gzip(path):
            yield Content(binary)
            return
        head = binary.read(HEAD_BYTES)
        if not head:  # Python reads this as an empty stream, but no gzip is empty
            raise EOFError("0 bytes")
        if not head.startswith(b"\x1f\x8b") and (found := kind_of(head)):
            raise RefusedFile(f"its name ends in .gz, but it is {found[0]}: {found[1]}, or pack it with gzip")
        binary.seek(0)
        with gzip.open(binary, "rb") as unzipped:
            yield Content(cast(Readable, unzipped), limits)


@contextmanager
def unpacked(path: Path, limits: Limits) -> Iterator[tuple[Path, BinaryIO]]:
    """The path and open file itself, or those of a temporary unpacked copy for the formats that need to seek."""
    if not is_gzip(path):
        with open_regular(path) as binary:
            yield path, binary
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "unpacked"
        with content(path, limits) as packed, copy.open("wb") as out:
            shutil.copyfileobj(packed, out, 1 << 20)
        with copy.open("rb") as binary:
            yield copy, binary
