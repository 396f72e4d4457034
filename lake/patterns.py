"""What Spark would refuse only once rows arrive: datetime patterns, regular expressions, time zones, calls."""

import re
from zoneinfo import ZoneInfo

UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")

_MOST = {"y": 6, "M": 3, "d": 2, "D": 3, "a": 1, "h": 2, "k": 2, "K": 2, "H": 2, "m": 2, "s": 2, "S": 9, "X": 3, "x": 3, "Z": 3}
_ONLY_WRITTEN = {"M": 4, "E": 4, "Q": 4}
_OFFSET = set("XxZ")


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
        if length > most[letter]:
            return f"{pattern!r} is not a datetime pattern: {run[0]} has a wrong number of letters"
    if re.sub(r"[^\[\]]|\[[^\[\]]*\]", "", re.sub(r"\[[^\[\]]*\]", "", bare)) or set(bare) & set("{}#"):
        return f"{pattern!r} is not a datetime pattern: brackets don't match, or one of {{ }} # stands there"
    if parsing and "MMM" in bare and re.search("[A-Za-z]{4}", "".join(re.findall("'([^']*)'", pattern))):
        return f"{pattern!r} can't be read: with MMM, at most three plain letters stand in a row"
    return "" if re.search("[A-Za-z]", bare) else f"{pattern!r} is not a datetime pattern: it has no letters"


def has_offset(pattern: str) -> bool:
    """Whether the text itself says its offset or zone."""
    return bool(_OFFSET & set(re.sub(r"'[^']*'", "", pattern)))


_AREA = re.compile("(?:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific)/[A-Za-z_/-]+|Etc/GMT[+-][0-9]+")
_TOO_NEW = {"America/Coyhaique"}
"""Named after the time zone data that Java 17 brings."""


def check_zone(zone: str) -> str:
    """What is wrong with a time zone, or nothing."""
    try:
        if not (zone == "UTC" or _AREA.fullmatch(zone)) or zone in _TOO_NEW:
            raise ValueError
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return f"{zone!r} is not a time zone; write one such as Europe/Paris"
    return ""


def check_call(call: str, args: list[str], literals: list[str | None], groups: int = 0, matches_empty: bool = False) -> str:
    """What is wrong with arguments of a call that depend on each other, or nothing. `args` are SQL."""
    if call == "trunc" and (literals[1] or "").lower() not in ("year", "quarter", "month", "week"):
        return "trunc takes 'year', 'quarter', 'month' or 'week'"
    if call == "date_trunc" and (literals[0] or "").lower() not in UNITS:
        return f"date_trunc takes one of {', '.join(UNITS)}"
    if call in ("regexp_replace", "split", "regexp_count") and matches_empty:
        return f"{call}: the pattern matches nothing at all, too, which each engine finds at other places; write + instead of *"
    if call in ("replace", "array_join") and any(len(text or "") > 100 for text in literals[1:]):
        return f"{call} takes texts of at most 100 characters"
    if call == "replace" and literals[1] == "":
        return "replace takes a text that isn't empty"
    if call == "regexp_replace":
        rest = literals[2] or ""
        asked = [int(g) for g in re.findall(r"\$(\d)", rest)]
        if any(g > groups for g in asked) or re.search(r"\$(?!\d)", rest):
            return "regexp_replace: the replacement asks for a group that the pattern doesn't have"
        if re.search(r"\$\d\w|\\", rest):
            return "regexp_replace: a replacement holds no backslash, and no letter, digit or _ after a group; use concat"
    if call in ("regexp_extract", "regexp_extract_all"):
        asked_group, have = args[2] if len(args) > 2 else "1", groups
        if not asked_group.isdigit() or int(asked_group) > have:
            return f"{call} asks for group {asked_group}; write the pattern's group number, 0 for all of it" + (
                f" (it has {have})" if asked_group.isdigit() else ""
            )
    return ""
