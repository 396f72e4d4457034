"""From text to numbers, instants, dates and truth, by a source's dialect: SQL that gives null where it can't."""

from dataclasses import dataclass

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
            made = f"try_cast({sql} AS {wanted.upper()})"
        elif wanted == "double":
            made = f"try_cast({_plain_number(sql, dialect.decimal)} AS DOUBLE)"
        elif wanted == "long":
            made = _whole(f"try_cast({_plain_number(sql, dialect.decimal)} AS DECIMAL(38, 18))")
        elif wanted == "boolean":
            made = f"try_element_at({_BOOLEANS}, lower({trimmed(sql)}))"
        elif wanted == "date":
            formats = patterns or dialect.date_formats
            if not formats:
                raise ExpressionError("a date is read from text; declare dialect.date_formats")
            made = _first([f"CAST(try_to_timestamp({trimmed(sql)}, {quoted(f)}) AS DATE)" for f in formats])
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
        ("timestamp", "date"): f"to_date(from_utc_timestamp({sql}, {zone}))",
    }
    if wanted == "text" and have not in ("array", "interval"):
        return Value(f"CAST({sql} AS STRING)", "text")
    if (have, wanted) not in rules:
        raise ExpressionError(f"{KINDS[wanted]} is needed where there is {KINDS[have]}")
    return Value(rules[have, wanted], wanted, read=value.read)


def _plain_number(sql: str, decimal: str) -> str:
    """A text that is a number in the dialect, with a point; else the empty text. Bounded, so never infinite."""
    if decimal == ",":
        spaces = " \u00a0\u202f\u2009"
        form = f"^([+-]?(?:[0-9]{{1,100}}|[0-9]{{1,3}}(?:[{spaces}][0-9]{{3}})+)?(?:,[0-9]*)?(?:[eE][+-]?[0-9]{{1,2}})?)$"
        return f"translate(regexp_extract({trimmed(sql)}, {quoted(form)}, 1), ',{spaces}', '.')"
    form = "^([+-]?[0-9]{0,100}(?:[.][0-9]*)?(?:[eE][+-]?[0-9]{1,2})?)$"
    return f"regexp_extract({trimmed(sql)}, {quoted(form)}, 1)"


def _whole(sql: str) -> str:
    return f"CASE WHEN {sql} % 1 = 0 THEN try_cast({sql} AS BIGINT) END"


def _instant(sql: str, pattern: str, zone: str) -> str:
    parsed = f"try_to_timestamp({sql}, {quoted(pattern)})"
    return parsed if has_offset(pattern) else _local(parsed, zone)


def _local(sql: str, zone: str) -> str:
    return sql if zone == "UTC" else f"to_utc_timestamp({sql}, {quoted(zone)})"


def text_of(value: Value) -> str:
    return value.sql if value.kind == "text" and value.literal is None else ""


def _first(options: list[str]) -> str:
    return options[0] if len(options) == 1 else f"coalesce({', '.join(options)})"
