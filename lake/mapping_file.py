"""Reads a mapping file into a Source. Its format stands in lake.mapping; each mistake is one line."""

import codecs
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn, get_args

import yaml

from lake.constraints import NotNull
from lake.contract import Feed
from lake.conversions import ExpressionError
from lake.expressions import compiled
from lake.patterns import check_pattern, check_zone
from lake.source import Dialect, FileFormat, Source

_NUMBERS = {
    "header_row": "the line with the names, 0 for none",
    "header_within": "lines below header_row in which the header may be, 0 for none",
}
_KEYS = ("feeds", "description", "files", "format", "dialect", "where", "select")


class MappingError(Exception):
    """A mistake in a mapping file: `<file>: <key>: what is wrong; what to do`."""


def read(path: Path, feeds: Mapping[str, Feed]) -> Source:
    """The source that a mapping file declares; its expressions parse, but aren't yet held to the types of the feed.

    Raises MappingError, and nothing else, whatever the file holds.
    """
    try:
        return _read(path, feeds)
    except MappingError:
        raise
    except Exception as error:
        problem = f"{type(error).__name__}: {' '.join(str(error).split())[:100]}"
        raise MappingError(f"{path.name}: file: can't be understood ({problem}); write it as lake/sources/*.yaml are") from error


def _read(path: Path, feeds: Mapping[str, Feed]) -> Source:
    top = _Part(path.name, "", _yaml(path), _KEYS)
    wanted = top.text("feeds")
    known = {f"{f.domain}.{f.entity}": f for f in feeds.values()}
    if wanted not in known:
        top.fail("feeds", f"there is no feed {wanted!r}; write one of {', '.join(sorted(known)) or '(none declared)'}")
    feed = known[wanted]
    name = path.stem.removeprefix(f"{feed.domain}_")
    if not re.fullmatch("[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        top.fail("file", f"{name!r} can't name a table; rename it with small letters, digits and single underscores")
    files = top.text("files")
    if files.startswith(("/", "~")) or "\\" in files or ":" in files or ".." in files.split("/"):
        top.fail("files", f"{files!r} leaves landing; write a pattern relative to landing, with / and without ..")
    dialect = _dialect(top)
    select = _select(top, feed)
    where = top.text("where", "")
    columns = _columns(top, dialect, {f"select.{k}": v for k, v in select.items()} | {"where": where})
    description = top.text("description", "")
    return Source(name, feed.domain, feed.name, files, dialect, select, where, description, columns)


def meant_feeds(path: Path, feeds: Mapping[str, Feed]) -> list[str]:
    """The feeds that a broken mapping file may mean to fill: the one it names, else all of the domain its name begins with, else all."""
    with suppress(Exception):  # `read` says what is wrong with it
        named = yaml.safe_load(path.read_text(encoding="utf-8")).get("feeds")
        if found := [n for n, f in feeds.items() if f"{f.domain}.{f.entity}" == named]:
            return found
    return [n for n, f in feeds.items() if path.stem.startswith(f"{f.domain}_")] or list(feeds)


@dataclass(frozen=True)
class _Part:
    """One level of a mapping file, read key by key."""

    file: str
    prefix: str
    content: Any
    keys: tuple[str, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.content, dict):
            self.fail("", f"is {_shown(self.content)}; write keys and values: {', '.join(self.keys)}")
        for key in self.content:
            if key not in self.keys:
                self.fail(str(key), f"unknown key; {_meant(str(key), self.keys)}")

    def fail(self, key: str, problem: str) -> NoReturn:
        where = ".".join(p for p in (self.prefix, key) if p) or "file"
        raise MappingError(f"{self.file}: {where}: {' '.join(problem.split())}")

    def text(self, key: str, default: str | None = None) -> str:
        value = self.content.get(key, default)
        if key not in self.content and default is None:
            self.fail(key, f"missing; add the line `{key}: ...`")
        if not isinstance(value, str) or (default is None and not value.strip()):
            self.fail(key, f"is {_shown(value)}; write a text, in quotes if it looks like something else")
        return value

    def number(self, key: str, default: int) -> int:
        value = self.content.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            self.fail(key, f"is {_shown(value)}; write the number of {_NUMBERS.get(key, key)}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self.content.get(key, default)
        if not isinstance(value, bool):
            self.fail(key, f"is {_shown(value)}; write true or false")
        return value

    def texts(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = self.content.get(key, default)
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            self.fail(key, 'is not a list of texts; write one, in quotes: ["a", "b"]')
        return tuple(value)


def _shown(value: object) -> str:
    return {dict: "a set of keys", list: "a list", type(None): "empty"}.get(type(value), repr(value))


def _meant(key: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(key, known, 1)
    return f"did you mean {near[0]}?" if near else f"write one of {', '.join(known)}"


def _dialect(top: _Part) -> Dialect:
    form = top.text("format")
    if form not in get_args(FileFormat):
        top.fail("format", f"unknown format {form!r}; write one of {', '.join(get_args(FileFormat))}")
    known = tuple(f.name for f in fields(Dialect) if f.name != "format")
    part = _Part(top.file, "dialect", top.content.get("dialect", {}), known)
    plain = Dialect(form)  # type: ignore[arg-type]
    written: dict[str, Any] = {}
    for key in known:
        default = getattr(plain, key)
        if isinstance(default, tuple):
            written[key] = part.texts(key, default)
        elif isinstance(default, str):
            written[key] = part.text(key, default)
        elif isinstance(default, bool):
            written[key] = part.flag(key, default)
        else:
            written[key] = part.number(key, default)
    dialect = Dialect(form, **written)  # type: ignore[arg-type]
    row = dialect.header_row
    for key, wrong, advice in (
        ("separator", len(dialect.separator) != 1, "write one character"),
        ("quote", len(dialect.quote) > 1, "write one character, or nothing"),
        ("decimal", dialect.decimal not in (".", ","), "write . or ,"),
        ("encoding", not _is_encoding(dialect.encoding), "write one that Python knows, such as utf-8 or cp1252"),
        ("names", len(set(dialect.names)) != len(dialect.names), "write each name once"),
        ("header_within", bool(dialect.header_within) and not row, "write header_row, too, the first line that may be the header"),
        ("comment", bool(dialect.comment) and form != "csv", "only CSV files have comments"),
        ("explode", bool(dialect.explode) and form != "jsonl", "only fields of JSON messages hold arrays"),
        ("explode", not all(dialect.explode.split(".")) and bool(dialect.explode), "write names with a dot between them"),
        ("explode_by", bool(dialect.explode_by) and not dialect.explode, "write explode, too, the field that holds the arrays"),
    ):
        if wrong:
            part.fail(key, f"{getattr(dialect, key)!r} can't be used; {advice}")
    if bool(dialect.names) != (row == 0):
        part.fail("names", "names and header_row: 0 go together; write both, or neither")
    if form == "sqlite" and not dialect.table:
        part.fail("table", "missing; name the table of the SQLite file to read")
    if problem := check_zone(dialect.time_zone):
        part.fail("time_zone", problem)
    for key in ("timestamp_formats", "date_formats"):
        for problem in filter(None, (check_pattern(p, parsing=True) for p in getattr(dialect, key))):
            part.fail(key, problem)
    return dialect


def _is_encoding(encoding: str) -> bool:
    """Whether Python can decode text by it: `hex` and `zip` are codecs, too."""
    try:
        codecs.lookup(encoding)
        return bool("a".encode(encoding))
    except (LookupError, ValueError):
        return False


def _select(top: _Part, feed: Feed) -> dict[str, str]:
    known = tuple(c.name for c in feed.columns)
    if "select" not in top.content:
        top.fail("select", "missing; write a SQL expression for each target column")
    content = top.content["select"]
    for key in content if isinstance(content, dict) else ():
        if key not in known:
            top.fail(f"select.{key}", f"{feed.name} has no such column; {_meant(str(key), known)}")
    part = _Part(top.file, "select", content, known)
    for column in feed.columns:
        if column.name not in part.content and any(isinstance(p, NotNull) for p in column.constraints):
            part.fail(column.name, f"missing, but {feed.name} promises it is never null; write an expression for it")
    return {key: part.text(key) for key in part.content}


def _columns(top: _Part, dialect: Dialect, expressions: Mapping[str, str]) -> tuple[str, ...]:
    """The source's columns in order of first use."""
    columns: dict[str, str] = {}
    for key, sql in expressions.items():
        try:
            used = compiled(sql, dialect).columns if sql.strip() else []
        except ExpressionError as error:
            top.fail(key, str(error))
        for column in used:
            if column.startswith("_") or column.lower() == "day":
                top.fail(key, f"column {column} has a name that bronze keeps for its own; have the source rename it")
            if (other := columns.setdefault(column.lower(), column)) != column:
                top.fail(key, f"columns {other} and {column} differ in case only; write the name as the files do")
    if unknown := [c for c in columns.values() if dialect.names and c not in dialect.names]:
        top.fail("select", f"column {unknown[0]} is not in dialect.names; {_meant(unknown[0], dialect.names)}")
    return tuple(columns.values())


class _Unique(yaml.SafeLoader):
    """YAML in which a key may stand once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key, _ in node.value:
            if str(key.value) in seen:
                raise yaml.MarkedYAMLError(problem=f"key {key.value} stands twice", problem_mark=key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def _yaml(path: Path) -> object:
    try:
        return _Unique(path.read_text(encoding="utf-8")).get_single_data()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise MappingError(f"{path.name}: line {line}: not YAML: {error.problem}; mind indents and quotes") from error
    except RecursionError as error:
        raise MappingError(f"{path.name}: file: lists or keys are nested too deeply; a mapping file has two levels") from error
    except Exception as error:  # whatever else YAML's tags raise
        problem = " ".join(str(error).split()) if isinstance(error, OSError | ValueError) else "a tag (!!...) doesn't fit its value"
        raise MappingError(f"{path.name}: file: can't be read: {problem}; save it as UTF-8 YAML") from error
