"""Why a file as a whole is refused, in words that are safe to print."""

import errno
import re
import unicodedata
from collections.abc import Iterable

NAME_CHARACTERS, NAMES = 80, 40
_SURROGATE = re.compile("[\ud800-\udfff]")
_SHOWN_AS_CODE = {"Cc", "Cf", "Cs", "Zl", "Zp"}

_LASTING = {errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTDIR, errno.ENXIO, errno.EFBIG}
"""Errors of the system that the same path gives again; all others may pass: gone for a moment, no right to read, too
many open files, a share that doesn't answer."""


class RefusedFile(Exception):
    """The file as a whole can't be read; the text names the defect and what to do. Nothing of it is taken in.

    `is_transient`: the same file may be readable at the next run, and is tried again then.
    """

    def __init__(self, text: str, is_transient: bool = False) -> None:
        super().__init__(escaped(text))
        self.is_transient = is_transient


def refusal_of(error: OSError) -> RefusedFile:
    """The refusal of a file that the system doesn't let us read."""
    passing = error.errno is not None and error.errno not in _LASTING
    advice = {
        errno.EACCES: "; give the user of the lake the right to read it",
        errno.EPERM: "; give the user of the lake the right to read it",
        errno.EMFILE: "; allow more open files (ulimit -n) if this stays",
        errno.ENFILE: "; allow more open files if this stays",
    }.get(error.errno or 0, "")
    again = "; it is tried again at the next run" if passing else "; deliver it again"
    return RefusedFile(f"it can't be opened or read: {error.strerror or error}{advice}{again}", is_transient=passing)


def printable(text: str) -> str:
    """Text that can be stored: each byte or half character that is not Unicode becomes the replacement character."""
    return _SURROGATE.sub("\ufffd", text)


def escaped(text: str) -> str:
    r"""Text on one line without control characters: each is written as its code.

    >>> escaped("a\x1b[2Jb\nc\u202e")
    'a\\x1b[2Jb\\x0ac\\u202e'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_code(c) if unicodedata.category(c) in _SHOWN_AS_CODE else c for c in text)


def _code(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"


def excerpt(text: str, most: int = NAME_CHARACTERS) -> str:
    """Content of a file for a message: cut, escaped, and only named where it is binary.

    >>> excerpt("Température"), excerpt("x" * 100, 5), excerpt("\\x00\\x01\\x02PK")
    ('Température', 'xxxxx…', '(binary data)')
    """
    cut = printable(text[:most])
    if is_binary(cut):
        return "(binary data)"
    return escaped(cut) + "…" * (len(text) > most)


def is_binary(text: str) -> bool:
    """Whether text has more than a few characters that no writer types: control characters and bytes that are no text."""
    odd = sum(c == "\ufffd" or (c < " " and c not in "\t\r\n") or "\x7f" <= c < "\xa0" for c in text[:4096])
    return odd > len(text[:4096]) // 5


def listed(names: Iterable[str]) -> str:
    """Names for a message, at most 40 of them, each cut."""
    names = list(names)
    shown = ", ".join(map(excerpt, names[:NAMES]))
    return (shown + f" and {len(names) - NAMES} more" if len(names) > NAMES else shown) or "none"
