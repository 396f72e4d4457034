"""The expression language of mapping files: Spark SQL read by sqlglot, then written anew so that it can't raise.

Nothing of what a mapping writes reaches Spark as it is: each known node and function is rendered from a table, so what
isn't in the table can't slip through under another name, quoting or namespace. Every column of a source is text; text
is turned into a number, instant or date where one is needed, by the source's dialect, and gives null where it can't be.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sqlglot import exp

from lake.calls import NUMBERS, Calls, checked, refusal
from lake.conversions import KINDS, ExpressionError, Value, name, quoted
from lake.functions import REFUSED
from lake.grammar import parsed, short
from lake.patterns import UNITS, check_regex
from lake.source import Dialect

LINEAGE = {"_file": "text", "_source": "text", "_row": "long"}
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
        value = compiler.value(parsed(sql))
    except RecursionError as error:
        raise ExpressionError("the expression is nested too deeply; split it") from error
    return Expression(value, list(compiler.columns), compiler.makes_null)


class _Compiler(Calls):
    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.columns: dict[str, None] = {}

    def value(self, node: exp.Expr) -> Value:
        """The rendering of a node; refuses nodes, and parts of nodes, that no rule knows."""
        node = node.args.get("query") or node
        handler, known = self._rule(node)
        extra = [k for k, v in node.args.items() if v not in (None, False, []) and k not in known]
        if handler is None or extra:
            what = _FORMS.get(type(node), f"{type(node).__name__} ({short(node.sql('spark'))})")
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
            exp.DPipe: (lambda n: self.call("concat", [n.this, n.expression]), ("this", "expression", "safe")),
            exp.Case: (self._case, ("this", "ifs", "default")),
            exp.If: (self._if, ("this", "true", "false")),
            exp.Bracket: (self._bracket, ("this", "expressions")),
            exp.Interval: (self._interval, ("this", "unit")),
            exp.Trim: (self._trim, ("this", "expression", "position")),
            exp.Anonymous: (lambda n: self.call(n.name, n.expressions), ("this", "expressions")),
        }
        return rules.get(kind, (None, ()))

    # What stands alone

    def _column(self, node: exp.Expr) -> Value:
        if node.args.get("table") or not isinstance(node.this, exp.Identifier):
            raise ExpressionError(f"{node.sql('spark')} is not a column; write a name with dots or stars in backticks")
        column = node.name
        if column in LINEAGE:
            return Value(name(column), LINEAGE[column])
        if not node.this.args.get("quoted") and column.lower() in REFUSED:
            raise ExpressionError(refusal(column))
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
        inner = self.number(self.value(node.this))
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
        left, right = self.number(left), self.number(right)
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
            checked(check_regex(pattern))
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
        kind, results = self.alike([*results, self.value(default) if default else Value("NULL", "null")], "CASE")
        whens = " ".join(f"WHEN {t} THEN {r.sql}" for t, r in zip(tests, results[:-1], strict=True))
        return Value(f"CASE {whens} ELSE {results[-1].sql} END", kind)

    def _if(self, node: exp.Expr) -> Value:
        self.makes_null = True
        if node.args.get("false") is None:
            raise ExpressionError("if takes a condition and two values: if(condition, then, otherwise)")
        condition = self.sql(node.this, "boolean")
        kind, (yes, no) = self.alike([self.value(node.args["true"]), self.value(node.args["false"])], "if")
        return Value(f"if({condition}, {yes.sql}, {no.sql})", kind)

    def alike(self, values: list[Value], where: str) -> tuple[str, list[Value]]:
        kinds = {v.kind for v in values} - {"null"}
        if len(kinds) <= 1:
            return (kinds.pop() if kinds else "null"), values
        if kinds <= set(NUMBERS):
            return "double", [self.as_kind(v, "double") for v in values]
        if kinds <= {"date", "timestamp"}:
            return "timestamp", [self.as_kind(v, "timestamp") for v in values]
        raise ExpressionError(
            f"{where} mixes {' and '.join(sorted(KINDS[k] for k in kinds))}; write number(...), instant(...), "
            "local_date(...) or cast(... as string) around one of them"
        )

    # Calls

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
        return self.call("get", [node.this, node.expressions[0]])

    def _cast(self, node: exp.Expr) -> Value:
        to = node.args["to"]
        self.makes_null |= bool(node.args.get("safe"))
        cast = self.cast_to(self.value(node.this), to.this.value.lower(), to.sql("spark").upper())
        return replace(cast, read="") if node.args.get("safe") else cast


_FORMS: dict[type[exp.Expr], str] = {
    exp.Select: "SELECT", exp.Subquery: "a subquery", exp.Exists: "a subquery", exp.Star: "a star",
    exp.Window: "a window (OVER)", exp.Lambda: "a lambda", exp.Placeholder: "a parameter", exp.Parameter: "a parameter",
    exp.Alias: "an alias (AS)", exp.Dot: "a name with a namespace", exp.Tuple: "a list in parentheses",
    exp.Distinct: "DISTINCT", exp.Filter: "FILTER",
    exp.Concat: "two quotes in a row (write \\' for a quote inside a text)",
}  # fmt: skip
