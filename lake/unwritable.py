"""Writes that the machine refuses: disk full, read-only folder, missing permission. One clear line instead of a traceback."""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_WHY = {
    errno.ENOSPC: "no space left on",
    errno.EDQUOT: "the disk quota is used up on",
    errno.EROFS: "read-only file system:",
    errno.EACCES: "no permission to write in",
    errno.EPERM: "no permission to write in",
    errno.ENOTDIR: "a file is where a folder is needed:",
    errno.EIO: "the disk fails (input/output error) at",
}
_TEXTS = {
    "No space left on device": errno.ENOSPC, "Disk quota exceeded": errno.EDQUOT,
    "Read-only file system": errno.EROFS, "Permission denied": errno.EACCES, "Operation not permitted": errno.EPERM,
}  # fmt: skip
_ADVICE = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EROFS: "make it writable",
    errno.ENOTDIR: "move it away",
    errno.EIO: "check the disk",
}


class CannotWrite(Exception):
    """The file system refuses a write; the message names the folder, the reason and what to do. Nothing was published.

    `is_of_the_disk`: the disk is full or read-only, whatever the file; otherwise permission is missing.
    """

    def __init__(self, message: str, is_of_the_disk: bool = True) -> None:
        super().__init__(message)
        self.is_of_the_disk = is_of_the_disk


def refusal(error: BaseException, folder: Path) -> CannotWrite | None:
    """What an error says about writing in a folder: an OSError, or a library's text that holds one. None for any other error."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, CannotWrite):
            return seen
        code = _code(seen)
        if code is not None:
            return CannotWrite(_message(code, folder), code not in (errno.EACCES, errno.EPERM, errno.ENOTDIR))
        seen = seen.__cause__ or seen.__context__
    return None


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Raise CannotWrite where the block fails because `folder` can't be written; any other error passes through."""
    try:
        yield
    except Exception as error:
        found = refusal(error, folder)
        if found is None or found is error:
            raise
        raise found from error


def _code(error: BaseException) -> int | None:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno if error.errno in _WHY else None
    text = str(error)
    found = re.search(r"os error (\d+)|errno (\d+)|\[Errno (\d+)\]", text)
    if found:
        code = int(next(g for g in found.groups() if g))
        return code if code in _WHY else None
    return next((code for words, code in _TEXTS.items() if words in text), None)


def _message(code: int, folder: Path) -> str:
    there = next((p for p in (folder, *folder.parents) if p.exists()), folder)
    try:
        free = f" ({shutil.disk_usage(there).free / 2**20:,.0f} MiB free)".replace(",", " ") if code == errno.ENOSPC else ""
    except OSError:
        free = ""
    advice = _ADVICE.get(code, f"give user {os.getuid()} the right to write there")
    return f"{_WHY[code]} {folder}{free}; {advice}, then run again"
