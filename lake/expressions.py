"""The expression language of mapping files: Spark SQL read by sqlglot, then written anew so that it can't raise.

Nothing of what a mapping writes reaches Spark as it is: each known node and function is rendered from a table, so what
isn't in the table can't slip through under another name, quoting or namespace. Every column of a source is text; text
is turned into a number, instant or date where one is needed, by the source's dialect, and gives null where it can't be.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.spark import Spark
from sqlglot.errors import SqlglotError
from sqlglot.parsers.spark import SparkParser
from sqlglot.tokenizer_core import TokenType

from lake.conversions import KINDS, ExpressionError, Value, as_kind, name, quoted, text_of
from lake.functions import CASTS, FUNCTIONS, MAKE_NULL, REFUSED
from lake.patterns import UNITS, check_call, check_pattern, check_regex, check_zone
from lake.source import Dialect


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


LINEAGE = {"_file": "text", "_source": "text", "_row": "long"}
_NUMBERS = ("long", "double")
_NEEDS = {"d": "date", "s": "timestamp", "b": "boolean", "t": "text", "a": "array", "D": "double"}
_ARITHMETIC: dict[type[exp.Expr], str] = {
    exp.Add: "try_add", exp.Sub: "try_subtract", exp.Mul: "try_multiply", exp.Div: "try_divide", exp.Mod: "try_mod",
    exp.IntDiv: "div",
}  # fmt: skip
_COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<=", exp.NullSafeEQ: "<=>",
}  # fmt: skip


@dataclass
class Expression:
    """A rendered expression: its columns in order of first use, and whether null may be what its writer meant."""

    value: Value
    columns: list[str] = field(default_factory=list)
    makes_null: bool = False


def compiled(sql: str, dialect: Dialect) -> Expression:
    """The expression over text columns, never raising for what a row holds. Raises ExpressionError."""
    compiler = _Compiler(dialect)
    try:
        value = compiler.value(_parsed(sql))
    except RecursionError as error:
        raise ExpressionError("the expression is nested too deeply; split it") from error
    return Expression(value, list(compiler.columns), compiler.makes_null)


_STRINGS = re.compile(r"`(?:``|[^`])*`|'(?:\\.|[^'\\])*'|\"", re.DOTALL)


def _parsed(sql: str) -> exp.Expr:
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
        raise ExpressionError(f"{_short(sql)} is not a SQL expression: {detail}") from error
    if len(trees) != 1:
        raise ExpressionError("there is no expression; write one, or leave the column out")
    return trees[0]


def _short(sql: str) -> str:
    flat = " ".join(sql.split())
    return flat if len(flat) <= 60 else flat[:57] + "..."


class _Compiler:
    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.columns: dict[str, None] = {}
        self.makes_null = False

    def value(self, node: exp.Expr) -> Value:
        """The rendering of a node; refuses nodes, and parts of nodes, that no rule knows."""
        node = node.args.get("query") or node
        handler, known = self._rule(node)
        extra = [k for k, v in node.args.items() if v not in (None, False, []) and k not in known]
        if handler is None or extra:
            what = _FORMS.get(type(node), f"{type(node).__name__} ({_short(node.sql('spark'))})")
            raise ExpressionError(f"{what} is not allowed in a mapping; write one scalar expression over one row")
        return handler(node)

    def _rule(self, node: exp.Expr) -> tuple[Callable[[exp.Expr], Value] | None, tuple[str, ...]]:
        kind = type(node)
        if kind in _ARITHMETIC:
            return self._arithmetic, ("this", "expression", "typed", "safe")
        if kind in _COMPARISONS:
            return self._comparison, ("this", "expression")
        if kind in (exp.And, exp.Or):
            return self._connector, ("this", "expression")
        if kind in (exp.Like, exp.ILike, exp.RegexpLike):
            return self._like, ("this", "expression", "negate")
        if kind in (exp.Cast, exp.TryCast):
            return self._cast, ("this", "to", "safe")
        rules: dict[type[exp.Expr], tuple[Callable[[exp.Expr], Value], tuple[str, ...]]] = {
            exp.Column: (self._column, ("this", "table", "db", "catalog")),
            exp.Literal: (self._literal, ("this", "is_string")),
            exp.Null: (lambda n: Value("NULL", "null"), ()),
            exp.Boolean: (lambda n: Value("true" if n.this else "false", "boolean"), ("this",)),
            exp.Paren: (self._paren, ("this",)),
            exp.Neg: (self._negative, ("this",)),
            exp.Not: (lambda n: Value(f"(NOT {self.sql(n.this, 'boolean')})", "boolean"), ("this",)),
            exp.Is: (self._is, ("this", "expression")),
            exp.In: (self._in, ("this", "expressions")),
            exp.Between: (self._between, ("this", "low", "high")),
            exp.DPipe: (lambda n: self._call("concat", [n.this, n.expression]), ("this", "expression", "safe")),
            exp.Case: (self._case, ("this", "ifs", "default")),
            exp.If: (self._if, ("this", "true", "false")),
            exp.Bracket: (self._bracket, ("this", "expressions")),
            exp.Interval: (self._interval, ("this", "unit")),
            exp.Trim: (self._trim, ("this", "expression", "position")),
            exp.Anonymous: (lambda n: self._call(n.name, n.expressions), ("this", "expressions")),
        }
        return rules.get(kind, (None, ()))

    def sql(self, node: exp.Expr, kind: str) -> str:
        return self.as_kind(self.value(node), kind).sql

    # What stands alone

    def _column(self, node: exp.Expr) -> Value:
        if node.args.get("table") or not isinstance(node.this, exp.Identifier):
            raise ExpressionError(f"{node.sql('spark')} is not a column; write a name with dots or stars in backticks")
        column = node.name
        if column in LINEAGE:
            return Value(name(column), LINEAGE[column])
        if not node.this.args.get("quoted") and column.lower() in REFUSED:
            raise ExpressionError(_refusal(column))
        self.columns.setdefault(column)
        return Value(name(column), "text")

    def _literal(self, node: exp.Expr) -> Value:
        if node.args["is_string"]:
            text: str = node.this
            return Value(quoted(text), "text", literal=text)
        if float(node.this) == float("inf"):
            raise ExpressionError(f"{node.this} is too large for a number")
        whole = node.this.isdigit() and int(node.this) < 2**63
        return Value(f"{node.this}L" if whole else f"{node.this}D", "long" if whole else "double")

    def _paren(self, node: exp.Expr) -> Value:
        inner = self.value(node.this)
        return inner if inner.literal is not None else Value(f"({inner.sql})", inner.kind, read=inner.read)

    def _interval(self, node: exp.Expr) -> Value:
        unit = node.args.get("unit")
        if not isinstance(unit, exp.Var) or unit.name.lower().rstrip("s") not in UNITS:
            raise ExpressionError(f"an interval is written INTERVAL '1' HOUR; its unit is one of {', '.join(UNITS)}")
        if not isinstance(node.this, exp.Literal) or not re.fullmatch(r"[+-]?\d{1,5}", node.this.this):
            raise ExpressionError("an interval takes a whole number of at most five digits; use timestampadd for others")
        return Value(f"INTERVAL '{node.this.this}' {unit.name.upper().rstrip('S')}", "interval")

    # Operators

    def _negative(self, node: exp.Expr) -> Value:
        inner = self._number(self.value(node.this))
        if isinstance(node.this, exp.Literal):
            return Value(f"-{inner.sql}", inner.kind)
        return Value(f"try_subtract(0{'L' if inner.kind == 'long' else 'D'}, {inner.sql})", inner.kind)

    def _arithmetic(self, node: exp.Expr) -> Value:
        left, right, call = (self.value(node.this), self.value(node.expression), _ARITHMETIC[type(node)])
        if call == "try_add" and left.kind == "interval":
            left, right = right, left
        if right.kind == "interval":
            if call not in ("try_add", "try_subtract"):
                raise ExpressionError("an interval can only be added or taken away")
            by_day = left.kind == "date" and right.sql.split()[-1] not in ("HOUR", "MINUTE", "SECOND")
            left = left if by_day else self.as_kind(left, "timestamp")
            return Value(f"{call}({left.sql}, {right.sql})", left.kind)
        left, right = self._number(left), self._number(right)
        if call == "div":
            return Value(f"try_cast(try_divide({left.sql}, {right.sql}) AS BIGINT)", "long")
        whole = left.kind == right.kind == "long" and call != "try_divide"
        return Value(f"{call}({left.sql}, {right.sql})", "long" if whole else "double")

    def _comparison(self, node: exp.Expr) -> Value:
        left, right = self._comparable([self.value(node.this), self.value(node.expression)])
        return Value(f"({left.sql} {_COMPARISONS[type(node)]} {right.sql})", "boolean")

    def _comparable(self, values: list[Value]) -> list[Value]:
        """Text compared with another kind is read as that kind."""
        kinds = [v.kind for v in values if v.kind not in ("text", "null")]
        wanted = "timestamp" if "timestamp" in kinds else "double" if "double" in kinds else kinds[0] if kinds else "text"
        if wanted == "long":
            return [v if v.kind == "long" else self.as_kind(v, "double") for v in values]
        return [self.as_kind(v, wanted) for v in values]

    def _connector(self, node: exp.Expr) -> Value:
        word = "AND" if isinstance(node, exp.And) else "OR"
        return Value(f"({self.sql(node.this, 'boolean')} {word} {self.sql(node.expression, 'boolean')})", "boolean")

    def _like(self, node: exp.Expr) -> Value:
        pattern = self.value(node.expression).literal
        if pattern is None:
            raise ExpressionError("LIKE and RLIKE take a pattern written in quotes")
        word = "RLIKE" if isinstance(node, exp.RegexpLike) else type(node).__name__.upper()
        if word == "RLIKE":
            _checked(check_regex(pattern))
        elif re.search(r"\\(?![\\%_])", re.sub(r"\\\\", "", pattern)):
            raise ExpressionError(f"{pattern!r}: a backslash in LIKE stands before %, _ or another backslash")
        negate = "NOT " if node.args.get("negate") else ""
        return Value(f"({self.sql(node.this, 'text')} {negate}{word} {quoted(pattern)})", "boolean")

    def _is(self, node: exp.Expr) -> Value:
        what = node.expression
        if not isinstance(what, exp.Null | exp.Boolean):
            raise ExpressionError("IS is followed by NULL, TRUE or FALSE")
        inner = self.value(node.this)
        if isinstance(what, exp.Null):
            return Value(f"({inner.sql} IS NULL)", "boolean")
        return Value(f"({self.as_kind(inner, 'boolean').sql} <=> {str(what.this).lower()})", "boolean")

    def _in(self, node: exp.Expr) -> Value:
        if not node.expressions:
            raise ExpressionError("IN takes a list of values in parentheses")
        first, *rest = self._comparable([self.value(node.this), *(self.value(e) for e in node.expressions)])
        return Value(f"({first.sql} IN ({', '.join(v.sql for v in rest)}))", "boolean")

    def _between(self, node: exp.Expr) -> Value:
        it, low, high = self._comparable([self.value(node.this), self.value(node.args["low"]), self.value(node.args["high"])])
        return Value(f"({it.sql} BETWEEN {low.sql} AND {high.sql})", "boolean")

    # Conditionals

    def _case(self, node: exp.Expr) -> Value:
        self.makes_null = True
        subject = self.value(node.this) if node.this else None
        tests = []
        for branch in node.args["ifs"]:
            if subject is None:
                tests.append(self.sql(branch.this, "boolean"))
            else:
                left, right = self._comparable([subject, self.value(branch.this)])
                tests.append(f"{left.sql} = {right.sql}")
        default = node.args.get("default")
        results = [self.value(b.args["true"]) for b in node.args["ifs"]]
        kind, results = self._alike([*results, self.value(default) if default else Value("NULL", "null")], "CASE")
        whens = " ".join(f"WHEN {t} THEN {r.sql}" for t, r in zip(tests, results[:-1], strict=True))
        return Value(f"CASE {whens} ELSE {results[-1].sql} END", kind)

    def _if(self, node: exp.Expr) -> Value:
        self.makes_null = True
        if node.args.get("false") is None:
            raise ExpressionError("if takes a condition and two values: if(condition, then, otherwise)")
        condition = self.sql(node.this, "boolean")
        kind, (yes, no) = self._alike([self.value(node.args["true"]), self.value(node.args["false"])], "if")
        return Value(f"if({condition}, {yes.sql}, {no.sql})", kind)

    def _alike(self, values: list[Value], where: str) -> tuple[str, list[Value]]:
        kinds = {v.kind for v in values} - {"null"}
        if len(kinds) <= 1:
            return (kinds.pop() if kinds else "null"), values
        if kinds <= set(_NUMBERS):
            return "double", [self.as_kind(v, "double") for v in values]
        if kinds <= {"date", "timestamp"}:
            return "timestamp", [self.as_kind(v, "timestamp") for v in values]
        raise ExpressionError(
            f"{where} mixes {' and '.join(sorted(KINDS[k] for k in kinds))}; write number(...), instant(...), "
            "local_date(...) or cast(... as string) around one of them"
        )

    # Calls

    def as_kind(self, value: Value, wanted: str, patterns: tuple[str, ...] = ()) -> Value:
        return as_kind(value, wanted, self.dialect, patterns)

    def _number(self, value: Value) -> Value:
        return value if value.kind in _NUMBERS else self.as_kind(value, "double")

    def _trim(self, node: exp.Expr) -> Value:
        side = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position") or "").upper(), "btrim")
        chars = node.args.get("expression")
        text = self.sql(node.this, "text")
        if side == "btrim":
            return Value(f"btrim({text}, {self.sql(chars, 'text')})" if chars else f"trim({text})", "text")
        return Value(f"{side}({self.sql(chars, 'text')}, {text})" if chars else f"{side}({text})", "text")

    def _bracket(self, node: exp.Expr) -> Value:
        if len(node.expressions) != 1:
            raise ExpressionError("a list takes one index: list[0]")
        return self._call("get", [node.this, node.expressions[0]])

    def _cast(self, node: exp.Expr) -> Value:
        to = node.args["to"]
        self.makes_null |= bool(node.args.get("safe"))
        cast = self._cast_to(self.value(node.this), to.this.value.lower(), to.sql("spark").upper())
        return replace(cast, read="") if node.args.get("safe") else cast

    def _cast_to(self, value: Value, kind: str, written: str) -> Value:
        if kind == "decimal":
            if not re.fullmatch(r"DECIMAL(\(([1-9]|[12]\d|3[0-8])(, \d)?\))?", written):
                raise ExpressionError(f"a cast to {written} is not allowed; write decimal(precision, scale), at most (38, 9)")
            inner = self._number(value).sql
            return Value(f"try_cast(try_cast({inner} AS {written}) AS DOUBLE)", "double", read=text_of(value))
        if kind not in CASTS:
            raise ExpressionError(f"a cast to {written} is not allowed; cast to one of {', '.join(sorted(CASTS))}")
        wanted = CASTS[kind]
        if value.kind == wanted:
            return value
        if wanted in _NUMBERS and value.kind in (*_NUMBERS, "boolean"):
            return Value(f"try_cast({value.sql} AS {'BIGINT' if wanted == 'long' else 'DOUBLE'})", wanted)
        return self.as_kind(value, wanted)

    def _call(self, written: str, nodes: list[exp.Expr]) -> Value:
        call = written.lower()
        if call in ("timestampadd", "timestampdiff"):
            return self._timestamp_call(call, nodes)
        if call in _READERS:
            return self._reader(call, nodes)
        if call in CASTS and len(nodes) == 1:
            return self._cast_to(self.value(nodes[0]), call, call)
        if call not in FUNCTIONS:
            raise ExpressionError(_refusal(call))
        signature, result, template = FUNCTIONS[call]
        self.makes_null |= call in MAKE_NULL or call.startswith("try_")
        many = signature.endswith("*")
        wanted = signature.rstrip("*")
        needed = len(wanted.partition("?")[0]) - many
        if len(nodes) < needed or (not many and len(nodes) > len(wanted.replace("?", ""))):
            raise ExpressionError(f"{call} takes {needed or 'some'} argument(s), here it has {len(nodes)}")
        letters = wanted.replace("?", "")
        values = [self.value(n) for n in nodes]
        if "x" in letters:
            kind, values = self._alike(values, call)
            if not values:
                raise ExpressionError(f"{call} takes some arguments, here it has none")
        else:
            kind = _NEEDS.get(result, "long")
            padded = letters + letters[-1:] * (len(values) - len(letters))
            values = [self._argument(call, letter, v) for letter, v in zip(padded, values, strict=False)]
            _checked(check_call(call, [v.sql for v in values], [v.literal for v in values]))
        if call in ("isnull", "isnotnull"):
            kind = "boolean"
        args = [v.sql for v in values]
        if template:
            return Value(template.format(*args), kind)
        return Value(f"{call}({', '.join(args)})", kind)

    def _argument(self, call: str, letter: str, value: Value) -> Value:
        """An argument as its letter asks: see lake.functions."""
        if letter in _NEEDS:
            return self.as_kind(value, _NEEDS[letter])
        if letter in "ick":
            literal = re.fullmatch(r"(-?\d{1,5})L", value.sql)
            if literal and not (letter == "k" and int(literal[1]) == 0):
                return Value(literal[1], "long")
            if letter != "i":
                besides = " other than 0" if letter == "k" else ""
                raise ExpressionError(f"{call} takes a whole number{besides} here; write it as it is")
            return Value(f"try_cast(try_cast({self._number(value).sql} AS DECIMAL(5, 0)) AS INT)", "long")
        if value.literal is None:
            raise ExpressionError(f"{call} takes a text in quotes here, not {KINDS[value.kind]}")
        checks = {"r": check_regex, "f": lambda p: check_pattern(p, parsing=False), "z": check_zone}
        _checked(checks[letter](value.literal) if letter in checks else "")
        return value

    def _timestamp_call(self, call: str, nodes: list[exp.Expr]) -> Value:
        if len(nodes) != 3 or not isinstance(nodes[0], exp.Column) or nodes[0].name.lower() not in UNITS:
            raise ExpressionError(f"{call} takes a unit ({', '.join(UNITS)}) and two values")
        unit, second = nodes[0].name.upper(), self.value(nodes[1])
        last = self.sql(nodes[2], "timestamp")
        if call == "timestampdiff":
            return Value(f"timestampdiff({unit}, {self.as_kind(second, 'timestamp').sql}, {last})", "long")
        return Value(f"timestampadd({unit}, {self._argument(call, 'i', second).sql}, {last})", "timestamp")

    def _reader(self, call: str, nodes: list[exp.Expr]) -> Value:
        """number, instant, local_date and the Spark functions that mean the same."""
        wanted = _READERS[call]
        most = 1 if wanted == "double" else 2
        if not 1 <= len(nodes) <= most:
            raise ExpressionError(f"{call} takes {'one argument' if most == 1 else 'a text and, if need be, a pattern'}")
        self.makes_null |= call.startswith("try_")
        value = self.value(nodes[0])
        pattern = self.value(nodes[1]).literal if len(nodes) == 2 else ""
        if pattern is None:
            raise ExpressionError(f"{call} takes its pattern as a text in quotes")
        if pattern:
            _checked(check_pattern(pattern, parsing=True))
        result = self.as_kind(value, wanted, (pattern,) if pattern else ())
        result = replace(result, read="") if call.startswith("try_") else result
        if call in ("unix_timestamp", "to_unix_timestamp"):
            return Value(f"unix_seconds({result.sql})", "long", read=result.read)
        return result


_READERS = {"number": "double", "instant": "timestamp", "to_timestamp": "timestamp", "try_to_timestamp": "timestamp",
            "local_date": "date", "to_date": "date", "try_to_date": "date",
            "unix_timestamp": "timestamp", "to_unix_timestamp": "timestamp"}  # fmt: skip

_FORMS: dict[type[exp.Expr], str] = {
    exp.Select: "SELECT", exp.Subquery: "a subquery", exp.Exists: "a subquery", exp.Star: "a star",
    exp.Window: "a window (OVER)", exp.Lambda: "a lambda", exp.Placeholder: "a parameter", exp.Parameter: "a parameter",
    exp.Alias: "an alias (AS)", exp.Dot: "a name with a namespace", exp.Tuple: "a list in parentheses",
    exp.Distinct: "DISTINCT", exp.Filter: "FILTER",
    exp.Concat: "two quotes in a row (write \\' for a quote inside a text)",
}  # fmt: skip


def _refusal(call: str) -> str:
    if why := REFUSED.get(call.lower()):
        return f"function {call} is not allowed: {why}"
    near = get_close_matches(call.lower(), [*FUNCTIONS, *_READERS, *CASTS, "timestampadd", "timestampdiff"], 1)
    hint = f"did you mean {near[0]}?" if near else "lake/functions.py lists those that are"
    return f"function {call} is not allowed in a mapping; {hint}"


def _checked(problem: str) -> None:
    if problem:
        raise ExpressionError(problem)
