"""From text to numbers, instants, dates and truth, by a source's dialect: SQL that gives null where it can't."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lake.functions import let, zoned
from lake.patterns import has_offset
from lake.source import Dialect


class ExpressionError(Exception):
    """What is wrong with an expression and what to write instead, in one line."""


_BLANKS = " \t\r\n\u00a0\u202f\u2009\ufeff"
KINDS = {"text": "text", "long": "a whole number", "double": "a number", "boolean": "true or false", "date": "a date",
          "timestamp": "an instant", "array": "a list", "interval": "an interval", "null": "null"}  # fmt: skip
_WORDS = {True: ("true", "1", "yes", "oui", "vrai"), False: ("false", "0", "no", "non", "faux")}
_BOOLEANS = "map(" + ", ".join(f"'{w}', {str(k).lower()}" for k, words in _WORDS.items() for w in words) + ")"


@dataclass(frozen=True)
class Value:
    """SQL and its kind. `literal` is the text of a literal; `read` the text that a conversion at the top reads."""

    sql: str
    kind: str
    literal: str | None = None
    read: str = ""


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def name(column: str) -> str:
    return "`" + column.replace("`", "``") + "`"


def trimmed(sql: str) -> str:
    return f"btrim({sql}, {quoted(_BLANKS)})"


def as_kind(value: Value, wanted: str, dialect: Dialect, patterns: tuple[str, ...] = ()) -> Value:
    """The value as another kind; `read` of the result is the text that was read, to tell unreadable from absent."""
    have, sql = value.kind, value.sql
    if have == wanted:
        return value
    if have == "null":
        types = {"text": "STRING", "long": "BIGINT", "array": "ARRAY<STRING>"}
        return Value(f"CAST(NULL AS {types.get(wanted, wanted.upper())})", wanted)
    if have == "text":
        read = text_of(value)
        iso = value.literal is not None and wanted in ("date", "timestamp") and not patterns
        if iso:
            made = _literal(value.literal or "", wanted)
        elif wanted == "double":
            made = f"(try_cast({_plain_number(sql, dialect.decimal)} AS DOUBLE) + 0.0D)"
        elif wanted == "long":
            made = _whole_text(sql, dialect.decimal)
        elif wanted == "boolean":
            made = f"try_element_at({_BOOLEANS}, lower({trimmed(sql)}))"
        elif wanted == "date":
            formats = patterns or dialect.date_formats
            if not formats:
                raise ExpressionError("a date is read from text; declare dialect.date_formats")
            made = _first([f"CAST({parsed_instant(trimmed(sql), f)} AS DATE)" for f in formats])
        elif wanted == "timestamp":
            formats = patterns or dialect.timestamp_formats
            if not formats:
                raise ExpressionError("an instant is read from text; declare dialect.timestamp_formats")
            made = _first([_instant(trimmed(sql), f, dialect.time_zone) for f in formats])
        else:
            raise ExpressionError(f"{KINDS[wanted]} is needed where there is text; use split(text, pattern)")
        return Value(made, wanted, read=read)
    zone = quoted(dialect.time_zone)
    rules = {
        ("long", "double"): f"CAST({sql} AS DOUBLE)",
        ("double", "long"): _whole(sql),
        ("date", "timestamp"): _local(f"CAST({sql} AS TIMESTAMP)", dialect.time_zone),
        ("timestamp", "date"): f"to_date({sql if dialect.time_zone == 'UTC' else f'from_utc_timestamp({zoned(sql)}, {zone})'})",
    }
    if wanted == "text" and have == "double":
        return Value(_double_text(sql), "text")
    if wanted == "text" and have not in ("array", "interval"):
        return Value(f"CAST({sql} AS STRING)", "text")
    if (have, wanted) not in rules:
        raise ExpressionError(f"{KINDS[wanted]} is needed where there is {KINDS[have]}")
    return Value(rules[have, wanted], wanted, read=value.read)


def _plain_number(sql: str, decimal: str) -> str:
    """A text that is a number in the dialect, with a point; else null. Bounded, so never infinite.

    Matched and not extracted: a group of a regular expression costs twice the time.
    """
    text = trimmed(sql)
    if decimal == ",":
        spaces = " \u00a0\u202f\u2009"
        form = f"^[+-]?(?:[0-9]{{1,100}}|[0-9]{{1,3}}(?:[{spaces}][0-9]{{3}}){{1,33}})?(?:,[0-9]*)?(?:[eE][+-]?[0-9]{{1,2}})?\\z"
        return f"CASE WHEN {text} RLIKE {quoted(form)} THEN translate({text}, ',{spaces}', '.') END"
    form = "^[+-]?[0-9]{0,100}(?:[.][0-9]*)?(?:[eE][+-]?[0-9]{1,2})?\\z"
    return f"CASE WHEN {text} RLIKE {quoted(form)} THEN {text} END"


def _whole(sql: str) -> str:
    return let(sql, "CASE WHEN abs(_v) < 9.2E18D AND _v % 1 = 0 THEN try_cast(_v AS BIGINT) END")


def _whole_text(sql: str, decimal: str) -> str:
    """Digits, then zeros after the decimal mark; or a number with an exponent, of which a double holds every digit."""
    plain = _plain_number(sql, decimal)
    digits = f"try_cast(regexp_extract({plain}, '^([+-]?[0-9]+)(?:[.]0*)?\\\\z', 1) AS BIGINT)"
    short = f"regexp_extract({plain}, '^[+-]?[0-9]{{0,9}}(?:[.][0-9]{{0,6}})?[eE][+-]?[0-9]{{1,2}}\\\\z', 0)"
    return f"coalesce({digits}, {let(f'try_cast({short} AS DOUBLE)', _EXACT)})"


_EXACT = "CASE WHEN abs(_v) < 9007199254740992.0D AND _v % 1 = 0 THEN try_cast(_v AS BIGINT) END"
_SIXTHS = "CAST(sign(_v) * floor(abs(_v) * 1000000.0D + 0.5D) AS BIGINT)"
_PIECES = "concat(if(_v < 0, '-', ''), CAST(abs(_v) div 1000000L AS STRING), '.', lpad(CAST(abs(_v) % 1000000L AS STRING), 6, '0'))"


def _double_text(sql: str) -> str:
    """At most six decimals, at least one, never an exponent; from 2e9 whole."""
    small = f"regexp_replace({let(_SIXTHS, _PIECES)}, '([.][0-9]+?)0+\\\\z', '$1')"
    large = "concat(CAST(CAST(_v AS BIGINT) AS STRING), '.0')"
    return let(sql, f"CASE WHEN abs(_v) < 2.0E9D THEN {small} WHEN abs(_v) < 9.2E18D THEN {large} END")


_ISO = re.compile(
    r"\s*(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?\s*(Z|[+-]\d{2}:?\d{2})?)?\s*", re.ASCII
)


def _literal(text: str, wanted: str) -> str:
    """An ISO date or instant written in the mapping, read here; null if there is no such day."""
    found = _ISO.fullmatch(text)
    try:
        if not found:
            raise ValueError
        year, month, day, hour, minute, second = (int(g or 0) for g in found.groups()[:6])
        zone = (found[8] or "Z").replace("Z", "+0000").replace(":", "")
        away = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:])) * (-1 if zone[0] == "-" else 1)
        instant = datetime(year, month, day, hour, minute, second, int((found[7] or "0").ljust(6, "0")), tzinfo=UTC) - away
    except (ValueError, OverflowError):
        return f"CAST(NULL AS {wanted.upper()})"
    if wanted == "date":
        return f"DATE '{year:04}-{month:02}-{day:02}'"
    return f"TIMESTAMP '{instant.replace(tzinfo=None).isoformat(sep=' ', timespec='microseconds')}Z'"


def parsed_instant(sql: str, pattern: str) -> str:
    """An instant read by a pattern. Sail alone takes a sign before the year, and no small z; it doesn't tell MMM from MMMM."""
    offset = has_offset(pattern)
    if "MMM" in pattern:
        sql = f"regexp_replace({sql}, '[A-Za-z]{{4,}}', '~')"
    sql = f"translate(regexp_replace({sql}, '^[+]', '~'), 'z', 'Z')" if offset else f"translate({sql}, '+', '~')"
    return f"try_to_timestamp({sql}, {quoted(pattern)})"


def _instant(sql: str, pattern: str, zone: str) -> str:
    parsed = parsed_instant(sql, pattern)
    return parsed if has_offset(pattern) else _local(parsed, zone)


def _local(sql: str, zone: str) -> str:
    return sql if zone == "UTC" else f"to_utc_timestamp({zoned(sql)}, {quoted(zone)})"


def text_of(value: Value) -> str:
    return value.sql if value.kind == "text" and value.literal is None else ""


def _first(options: list[str]) -> str:
    return options[0] if len(options) == 1 else f"coalesce({', '.join(options)})"
