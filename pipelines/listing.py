r"""What lies in landing under a source's pattern: regular files, and what can't be taken in with the reason.

A link is followed where it leads to something inside landing (the same content then counts as a file of either name);
one that leads out is refused and never opened. A name that is not UTF-8, or holds control characters, is stored with
those bytes as codes (`caf\xe9.csv`), and `landed_path` finds the file again.
"""

import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import translate
from pathlib import Path

from pipelines.parse.opening import irregular
from pipelines.parse.refusal import RefusedFile, refusal_of

FAR_FUTURE_S = 3600.0
"""Seconds. A time further ahead is that of a wrong clock; up to here it may be a file that arrives during the run."""

_HALF_WRITTEN = re.compile(
    r"\.(part|partial|filepart|crdownload|download|opdownload|tmp|temp|swp|swx|lock|inprogress|writing|uploading|aria2|bak~)$|~$"
    r"|^(~\$|\.~|\._|\.nfs|\.goutputstream-|\.syncthing\.|#)"
    r"|^\..+\.[^.]+\.[A-Za-z0-9]{6}$",  # rsync: .name.csv.Xy12Ab
    re.IGNORECASE,
)
_CODED = re.compile(r"\\x([0-9a-f]{2})")


@dataclass(frozen=True)
class Listed:
    """A file under the pattern. `refusal` says why it can't even be opened; `stat` is None where nothing is known."""

    path: Path
    name: str
    stat: os.stat_result | None
    refusal: RefusedFile | None = None


def is_half_written(name: str) -> bool:
    """Whether a program uses such a name for a file that it is still writing, or for its own notes beside a file.

    >>> [is_half_written(n) for n in ("a.csv.filepart", "~$plan.xlsx", ".a.csv.Xy12Ab", "a.csv", ".a.sqlite", "part.csv")]
    [True, True, True, False, False, False]
    """
    return _HALF_WRITTEN.search(name) is not None


def stored_name(relative: str) -> str:
    r"""The name under which a file is recorded and shown: bytes that aren't UTF-8 and control characters as codes.

    >>> stored_name("caf\udce9.csv"), stored_name("a\nb.csv"), stored_name("été.csv"), stored_name(r"a\x41.csv")
    ('caf\\xe9.csv', 'a\\x0ab.csv', 'été.csv', 'a\\x5cx41.csv')
    """
    plain = _CODED.sub(lambda found: f"\\x5c{found[0][1:]}", relative)
    if plain.isascii() and plain.isprintable():
        return plain
    return "".join("".join(f"\\x{byte:02x}" for byte in os.fsencode(c)) if _is_odd(c) else c for c in plain)


def _is_odd(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def landed_path(landing: Path, name: str) -> Path:
    r"""The file of a recorded name.

    >>> str(landed_path(Path("/l"), r"a\x5cx41.csv"))
    '/l/a\\x41.csv'
    """
    coded = re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes.fromhex(found[1].decode()), os.fsencode(name))
    return landing / os.fsdecode(coded)


def listing(landing: Path, pattern: str) -> list[Listed]:
    """What matches a pattern relative to landing (`*`, `?`, `[...]` in a name, `**` for any folders), by name.

    Half-written files are passed over. A folder that can't be read is a refused entry of its own.
    """
    root = Path(os.path.realpath(landing))
    found: dict[str, Listed] = {}
    for path, is_linked, error in _matches(landing, pattern.split("/")):
        if error is None and is_half_written(path.name):
            continue
        name = stored_name(path.relative_to(landing).as_posix())
        found[name] = Listed(path, name, None, refusal_of(error)) if error else _looked_at(path, name, root if is_linked else None)
    return [found[name] for name in sorted(found)]


def _matches(folder: Path, parts: list[str], is_linked: bool = False) -> Iterator[tuple[Path, bool, OSError | None]]:
    """Paths that match, whether a link led there, and the error of folders that can't be read. `**` follows no links."""
    first, rest = parts[0], parts[1:]
    if first == "**" and rest:
        yield from _matches(folder, rest, is_linked)
    is_wanted = re.compile(translate(first)).match
    try:
        with os.scandir(folder) as entries:
            names = sorted((entry.name, _is_folder(entry, first != "**"), entry.is_symlink() or is_linked) for entry in entries)
    except FileNotFoundError:
        return
    except OSError as error:
        yield folder, is_linked, error
        return
    for name, is_folder, by_link in names:
        path = folder / name
        if first == "**":
            if is_folder:
                yield from _matches(path, parts, by_link)
            elif not rest:
                yield path, by_link, None
        elif not rest and is_wanted(name):
            yield path, by_link, None
        elif rest and is_folder and is_wanted(name):
            yield from _matches(path, rest, by_link)


def _is_folder(entry: os.DirEntry[str], follows: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follows)
    except OSError:  # a link that can't be followed
        return False


def _looked_at(path: Path, name: str, root: Path | None) -> Listed:
    """`root`: what a link on the way must not lead out of."""
    try:
        if root and not Path(os.path.realpath(path)).is_relative_to(root):
            reason = "it is, or lies behind, a link that leads out of landing; deliver the file itself"
            return Listed(path, name, path.lstat(), RefusedFile(reason))
        about = path.stat()
    except FileNotFoundError as error:
        if path.is_symlink():
            dangling = RefusedFile("it is a link to a file that isn't there; it is tried again at the next run", is_transient=True)
            return Listed(path, name, None, dangling)
        return Listed(path, name, None, refusal_of(error))
    except OSError as error:
        return Listed(path, name, None, refusal_of(error))
    if problem := irregular(about.st_mode):
        return Listed(path, name, about, RefusedFile(problem))
    return Listed(path, name, about)


def is_settled(about: os.stat_result, now_s: float, settle_s: float) -> bool:
    """Whether a file has been left alone for `settle_s` seconds, at `now_s` in seconds since 1970.

    A sender's clock may be ahead. Then the time at which this system last saw the file change counts, and if that is
    far ahead, too, the file is settled: nobody could say when else it would be.
    """
    if settle_s <= 0:
        return True
    for changed_s in (about.st_mtime, about.st_ctime):
        if changed_s <= now_s:
            return now_s - changed_s >= settle_s
    return min(about.st_mtime, about.st_ctime) - now_s > FAR_FUTURE_S
