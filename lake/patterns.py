"""What Spark would refuse only once rows arrive: datetime patterns, regular expressions, time zones, calls."""

import re
from zoneinfo import ZoneInfo

UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")

_MOST = {"G": 4, "y": 6, "M": 4, "L": 4, "d": 2, "D": 3, "a": 1, "h": 2, "k": 2, "K": 2, "H": 2, "m": 2, "s": 2,
         "S": 9, "V": 2, "z": 4, "O": 4, "X": 5, "x": 5, "Z": 5}  # fmt: skip
_ONLY_WRITTEN = {"E": 4, "Q": 4, "q": 4, "F": 1}
_OFFSET = set("XxZVzO")


def check_pattern(pattern: str, parsing: bool) -> str:
    """What is wrong with a datetime pattern, or nothing. Some letters can be written but not read."""
    if pattern.count("'") % 2:
        return f"{pattern!r} is not a datetime pattern: a quote is not closed"
    bare = re.sub(r"'[^']*'", "", pattern)
    most = _MOST if parsing else _MOST | _ONLY_WRITTEN
    for run in re.finditer(r"([A-Za-z])\1*", bare):
        letter, length = run[1], len(run[0])
        if letter not in most:
            advice = "write plain letters in single quotes"
            return f"{pattern!r} is not a datetime pattern: {letter} means nothing here; {advice}"
        if length > most[letter] or (letter == "V" and length != 2) or (letter == "O" and length not in (1, 4)):
            return f"{pattern!r} is not a datetime pattern: {run[0]} has a wrong number of letters"
    if re.sub(r"[^\[\]]|\[[^\[\]]*\]", "", re.sub(r"\[[^\[\]]*\]", "", bare)) or set(bare) & set("{}#"):
        return f"{pattern!r} is not a datetime pattern: brackets don't match, or one of {{ }} # stands there"
    return "" if re.search("[A-Za-z]", bare) else f"{pattern!r} is not a datetime pattern: it has no letters"


def has_offset(pattern: str) -> bool:
    """Whether the text itself says its offset or zone."""
    return bool(_OFFSET & set(re.sub(r"'[^']*'", "", pattern)))


def _groups(regex: str) -> int:
    plain = re.sub(r"\\[pP](\{\w+\}|\w)", "x", regex)
    return re.compile(re.sub(r"\(\?<(?![=!])", "(?P<", plain)).groups


def check_regex(regex: str) -> str:
    """What is wrong with a regular expression of the common subset of Java's and Python's, or nothing."""
    try:
        _groups(regex)
    except re.error as error:
        return f"{regex!r} is not a regular expression: {error}"
    return ""


def check_zone(zone: str) -> str:
    """What is wrong with a time zone, or nothing."""
    try:
        if zone in ("localtime", "Factory", "posixrules") or zone.startswith(("posix/", "right/")):
            raise ValueError
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return f"{zone!r} is not a time zone; write one such as Europe/Paris"
    return ""


def check_call(call: str, args: list[str], literals: list[str | None]) -> str:
    """What is wrong with arguments of a call that depend on each other, or nothing. `args` are SQL."""
    if call == "trunc" and (literals[1] or "").lower() not in ("year", "quarter", "month", "week"):
        return "trunc takes 'year', 'quarter', 'month' or 'week'"
    if call == "date_trunc" and (literals[0] or "").lower() not in UNITS:
        return f"date_trunc takes one of {', '.join(UNITS)}"
    if call == "regexp_replace":
        rest = re.sub(r"\\.", "", literals[2] or "")
        asked = [int(g) for g in re.findall(r"\$(\d)", rest)]
        if any(g > _groups(literals[1] or "") for g in asked) or re.search(r"\$(?!\d)|\\", rest):
            return "regexp_replace: the replacement asks for a group that the pattern doesn't have"
    if call in ("regexp_extract", "regexp_extract_all"):
        asked_group = args[2] if len(args) > 2 else "1"
        if not asked_group.isdigit() or int(asked_group) > (have := _groups(literals[1] or "")):
            return f"{call} asks for group {asked_group}; write the pattern's group number, 0 for all of it" + (
                f" (it has {have})" if asked_group.isdigit() else ""
            )
    return ""
