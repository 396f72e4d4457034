"""The names of a header: each unique, those of nameless columns given by place, misread ones corrected where asked for."""

from collections.abc import Sequence
from contextlib import suppress

from pipelines.parse.limits import Limits
from pipelines.parse.refusal import RefusedFile, is_binary, listed, printable

Cells = Sequence[str | None]


def header_names(cells: Cells) -> list[str]:
    """Names without blanks around them. A column without a name is called after its place, `column_3`; a name that
    comes again gets its number, `name_2`."""
    names = [_bare(cell) for cell in cells]
    return distinct([name or f"column_{place}" for place, name in enumerate(names, 1)])


def nameless_at_end(cells: Cells) -> int:
    """How many of the last cells are no names: what a separator at the end of the header makes."""
    count = 0
    while count < len(cells) and not _bare(cells[-1 - count]):
        count += 1
    return count


def _bare(cell: str | None) -> str:
    return printable(cell or "").strip().strip("\ufeff").strip()


def distinct(names: Sequence[str]) -> list[str]:
    """The names, each once: the second `name` becomes `name_2`, or the next number that no other column has.

    >>> distinct(["a", "b", "a", "a", "a_2"])
    ['a', 'b', 'a_3', 'a_4', 'a_2']
    """
    own, given, numbers = set(names), set[str](), dict[str, int]()
    unique: list[str] = []
    for name in names:
        given_name = name
        while given_name in given or (given_name in own and given_name != name):
            number = numbers.get(name, 2)
            numbers[name], given_name = number + 1, f"{name}_{number}"
        given.add(given_name)
        unique.append(given_name)
    return unique


def as_asked(header: Sequence[str], columns: tuple[str, ...]) -> list[str]:
    """The names, or those they had before they were encoded twice, where the mapping asks for that: `[Â°C]` is `[°C]`."""
    wanted, own = set(columns), set(header)
    return distinct([_meant(name, wanted - own) for name in header]) if wanted - own else list(header)


def _meant(name: str, missing: set[str]) -> str:
    for taken_for in ("latin-1", "cp1252") if not name.isascii() else ():
        with suppress(UnicodeError):
            if (meant := name.encode(taken_for).decode("utf-8")) in missing:
                return meant
    return name


def check_header(header: Sequence[str], columns: tuple[str, ...], limits: Limits, hint: str = "") -> None:
    """Raises RefusedFile: too many names, or one that the mapping uses isn't there. `hint`: what may explain that."""
    if len(header) > limits.columns:
        raise RefusedFile(
            f"its header has {len(header)} columns and at most {limits.columns} are read; "
            "export the columns that are needed, or one line per value"
        )
    own = set(header)
    missing = [name for name in columns if name not in own]
    if missing and is_binary("".join(header[:100])):
        raise RefusedFile(
            f"its header lacks {listed(missing)}: it holds binary data, not text{hint}; deliver it in the format of its mapping"
        )
    if missing:
        raise RefusedFile(
            f"its header lacks {listed(missing)}; it has {listed(header)}{hint}: fix the file, or the mapping if the source has changed"
        )
