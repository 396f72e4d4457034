"""Reads one expression of a mapping file into a tree: Spark's grammar, in which every function stays a name with arguments."""

import re
from collections.abc import Callable
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.spark import Spark
from sqlglot.errors import SqlglotError
from sqlglot.parsers.spark import SparkParser
from sqlglot.tokenizer_core import TokenType

from lake.conversions import ExpressionError


class _Parser(SparkParser):
    FUNCTIONS: ClassVar[dict[str, Callable[..., Any]]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Callable[..., Any]]] = {k: SparkParser.FUNCTION_PARSERS[k] for k in ("CAST", "TRY_CAST", "TRIM")}
    NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}
    NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Callable[..., Any]]] = {
        k: SparkParser.NO_PAREN_FUNCTION_PARSERS[k] for k in ("CASE", "IF")
    }


class _Mapping(Spark):
    """Spark's grammar, but every function stays a name with arguments: sqlglot's own classes change some of them."""

    Parser = _Parser


_STRINGS = re.compile(r"`(?:``|[^`])*`|'(?:\\.|[^'\\])*'|\"", re.DOTALL)


def parsed(sql: str) -> exp.Expr:
    """The tree of one expression. Raises ExpressionError."""

    def text(found: re.Match[str]) -> str:
        if found[0] == '"':
            raise ExpressionError("double quotes are not used here; write `name` for a column and 'text' for text")
        if found[0][0] == "`":
            return found[0]
        return re.sub(r"\\(.)", lambda m: m[0] if m[1] in "\\'ntr" else "\\\\" + m[1], found[0], flags=re.DOTALL)

    ready = _STRINGS.sub(text, sql)
    try:
        if any(t.token_type == TokenType.SEMICOLON for t in _Mapping().tokenize(ready)):
            raise ExpressionError("a semicolon is not allowed; write one expression")
        trees = [t for t in _Mapping().parse(ready) if t is not None]
    except SqlglotError as error:
        errors = getattr(error, "errors", None)
        detail = f"{errors[0]['description']} at character {errors[0]['col']}" if errors else "unfinished text"
        raise ExpressionError(f"{short(sql)} is not a SQL expression: {detail}") from error
    if len(trees) != 1:
        raise ExpressionError("there is no expression; write one, or leave the column out")
    return trees[0]


def short(sql: str) -> str:
    """SQL as an error message shows it."""
    flat = " ".join(sql.split())
    return flat if len(flat) <= 60 else flat[:57] + "..."


FORMS: dict[type[exp.Expr], str] = {
    exp.Select: "SELECT", exp.Subquery: "a subquery", exp.Exists: "a subquery", exp.Star: "a star",
    exp.Window: "a window (OVER)", exp.Lambda: "a lambda", exp.Placeholder: "a parameter", exp.Parameter: "a parameter",
    exp.Alias: "an alias (AS)", exp.Dot: "a name with a namespace", exp.Tuple: "a list in parentheses",
    exp.Distinct: "DISTINCT", exp.Filter: "FILTER",
    exp.Concat: "two quotes in a row (write \\' for a quote inside a text)",
}  # fmt: skip
"""What an expression may not be, as a message calls it."""
