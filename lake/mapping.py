"""Mapping files: read, checked with one clear line per mistake, and rendered as Spark SQL over a bronze table.

    feeds: refrigeration.readings            # the feed feed_refrigeration__readings
    description: Readings of the cold rooms
    files: refrigeration/readings/*.jsonl*   # relative to landing
    format: jsonl                            # csv, jsonl, sqlite, parquet or excel
    dialect:                                 # keys of lake.source.Dialect; all may be left out
      timestamp_formats: ["yyyy-MM-dd'T'HH:mm:ssX"]
      time_zone: UTC
    where: "machine_id <> 'TEST'"            # other rows are not applicable
    select:                                  # target column: SQL expression over the source's columns, all text
      unit_id: machine_id
      measured_at: timestamp
      temperature_c: (number(`Temp (F)`) - 32) / 1.8

Functions are those of lake.functions and three more: `number(x)` reads a text by the dialect's decimal mark,
`instant(x)` and `instant(x, 'pattern')` a UTC instant, `local_date(x)` and `local_date(x, 'pattern')` a date. A target
of one of those types reads a text by itself; so do comparison and arithmetic. Nothing raises for what a row holds: it
gives null. A date or timestamp written as a literal is ISO and UTC. `_file`, `_source` and `_row` are columns too. In a
text, `\\d` and `\\\\d` both are a backslash and a d.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from lake.contract import Column, Feed
from lake.conversions import ExpressionError, as_kind, name, trimmed
from lake.expressions import Expression, compiled
from lake.mapping_file import MappingError, meant_feeds, read
from lake.source import Dialect, Source

__all__ = ["MappingError", "Rendered", "load", "meant_feeds", "parse_digest", "render", "select_digest"]

_READING = ("timestamp_formats", "date_formats", "decimal", "time_zone")
_LATER = ("header_within", "repeats_header", "comment", "explode", "explode_by")
"""Options that came after files had been taken in: unused, they leave the digest of those as it was."""
_TYPES = {"double": "DOUBLE", "long": "BIGINT"}
_LIMITS = {
    "double": ("-1.7976931348623157E308D", "1.7976931348623157E308D"),
    "date": ("DATE '0001-01-01'", "DATE '9999-12-31'"),
    "timestamp": ("TIMESTAMP '0001-01-01 00:00:00Z'", "TIMESTAMP '9999-12-31 23:59:59.999999Z'"),
}
"""What Python and Parquet readers can hold; leaves out NaN too."""


@dataclass(frozen=True)
class Rendered:
    """SQL over a bronze table, by target column. `read` never raises and gives what an expression makes of a row; of it,
    `held` keeps what Python and Parquet readers can hold (a template: `{0}` stands for what was read). `present` says
    that the source had something, so that a null value is an unreadable one (no entry where null may be meant); `raw`
    shows what it had. `where` is never null.
    """

    read: dict[str, str]
    held: dict[str, str]
    present: dict[str, str]
    raw: dict[str, str]
    where: str

    @property
    def value(self) -> dict[str, str]:
        """The value of each target column in one expression, which Spark evaluates three times where there are limits."""
        return {c: self.held[c].replace("{0}", sql) for c, sql in self.read.items()}

    @property
    def unreadable(self) -> dict[str, str]:
        """Whether the source had something but the value came out null."""
        values = self.value
        return {c: f"(({values[c]}) IS NULL AND {there})" for c, there in self.present.items()}


def load(path: Path, feeds: Mapping[str, Feed]) -> Source:
    """The source that a mapping file declares. Raises MappingError."""
    source = read(path, feeds)
    _render(source, feeds[source.feed], path.name)
    return source


def render(source: Source, feed: Feed) -> Rendered:
    """The SELECT from a source's bronze table to its feed. Raises MappingError."""
    return _render(source, feed, source.bronze)


def parse_digest(source: Source) -> str:
    """Changes when files must be parsed again: not with what only reads values, nor with an option that isn't used."""
    used = {f.name: getattr(source.dialect, f.name) for f in fields(Dialect) if f.name not in _READING}
    return _digest({k: v for k, v in used.items() if v or k not in _LATER})


def select_digest(source: Source, feed: Feed) -> str:
    """Changes when the rows that a source delivers may change."""
    return _digest(vars(render(source, feed)))


def _digest(parts: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _render(source: Source, feed: Feed, file: str) -> Rendered:
    read: dict[str, str] = {}
    held: dict[str, str] = {}
    present: dict[str, str] = {}
    raw: dict[str, str] = {}
    where, key = "true", ""
    try:
        for column in feed.columns:
            key = f"select.{column.name}"
            if column.name not in source.select:
                read[column.name] = f"CAST(NULL AS {_TYPES.get(column.type, column.type.upper())})"
                held[column.name] = "{0}"
                raw[column.name] = "CAST(NULL AS STRING)"
                continue
            expression = compiled(source.select[column.name], source.dialect)
            read[column.name], held[column.name], there = _target(column, expression, source.dialect)
            raw[column.name] = _raw(expression)
            if there:
                present[column.name] = there
        key = "where"
        if source.where.strip():
            condition = as_kind(compiled(source.where, source.dialect).value, "boolean", source.dialect)
            where = f"coalesce({condition.sql}, false)"
    except ExpressionError as error:
        raise MappingError(f"{file}: {key}: {' '.join(str(error).split())}") from error
    return Rendered(read, held, present, raw, where)


def _target(column: Column, expression: Expression, dialect: Dialect) -> tuple[str, str, str]:
    """What is read, what of it is held and, where its null means unreadable, whether the source had something."""
    kind = {"string": "text", "array<string>": "array"}.get(column.type, column.type)
    value = as_kind(expression.value, kind, dialect)
    if kind == "text":
        text = expression.value.kind == "text"
        return value.sql, f"CASE WHEN {trimmed('{0}')} <> '' THEN {{0}} END" if text else "{0}", ""
    limits = _LIMITS.get(kind)
    held = f"CASE WHEN {{0}} BETWEEN {limits[0]} AND {limits[1]} THEN {{0}} END" if limits else "{0}"
    if value.read and expression.columns:
        read = [value.read]
    elif expression.makes_null:
        read = []
    else:
        read = [name(c) for c in expression.columns]
    return value.sql, held, " AND ".join(f"coalesce({trimmed(r)}, '') <> ''" for r in read)


def _raw(expression: Expression) -> str:
    used = [name(c) for c in expression.columns]
    if not used:
        return "CAST(NULL AS STRING)"
    return used[0] if len(used) == 1 else f"concat_ws(' | ', {', '.join(used)})"
