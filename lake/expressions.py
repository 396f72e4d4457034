"""The expression language of mapping files: Spark SQL read by sqlglot, then written anew so that it can't raise.

Nothing of what a mapping writes reaches Spark as it is: each known node and function is rendered from a table, so what
isn't in the table can't slip through under another name, quoting or namespace. Every column of a source is text; text
is turned into a number, instant or date where one is needed, by the source's dialect, and gives null where it can't be.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sqlglot import exp

from lake.calls import NUMBERS, Calls, refusal
from lake.conversions import KINDS, ExpressionError, Value, name, quoted
from lake.functions import REFUSED, number, within
from lake.grammar import FORMS, parsed, short
from lake.patterns import UNITS
from lake.regex import Regex
from lake.source import Dialect

LONGEST, LONGEST_RENDERED, DEEPEST = 10_000, 60_000, 50
LINEAGE = {"_file": "text", "_source": "text", "_row": "long"}
_ARITHMETIC: dict[type[exp.Expr], str] = {
    exp.Add: "try_add", exp.Sub: "try_subtract", exp.Mul: "try_multiply", exp.Div: "try_divide", exp.Mod: "try_mod",
    exp.IntDiv: "div",
}  # fmt: skip
_SIGNS = {"try_add": "+", "try_subtract": "-", "try_multiply": "*"}
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
    if len(sql) > LONGEST:
        raise ExpressionError(f"the expression has {len(sql)} characters, more than {LONGEST}; split it")
    compiler = _Compiler(dialect)
    try:
        value = compiler.value(parsed(sql))
    except ExpressionError:
        raise
    except RecursionError as error:
        raise ExpressionError("the expression is nested too deeply; split it") from error
    except Exception as error:  # whatever else the parser stumbles on
        raise ExpressionError(f"{short(sql)} can't be read ({type(error).__name__}: {short(str(error))})") from error
    if value.kind == "interval":
        raise ExpressionError("an interval can only be added or taken away")
    return Expression(value, list(compiler.columns), compiler.makes_null)


class _Compiler(Calls):
    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.columns: dict[str, None] = {}
        self._depth = 0

    def value(self, node: exp.Expr) -> Value:
        """The rendering of a node; refuses nodes, and parts of nodes, that no rule knows."""
        node = node.args.get("query") or node
        handler, known = self._rule(node)
        extra = [k for k, v in node.args.items() if v not in (None, False, []) and k not in known]
        if handler is None or extra:
            what = FORMS.get(type(node), f"{type(node).__name__} ({short(node.sql('spark'))})")
            raise ExpressionError(f"{what} is not allowed in a mapping; write one scalar expression over one row")
        self._depth += 1
        if self._depth > DEEPEST:
            raise ExpressionError("the expression is nested too deeply; split it")
        made = handler(node)
        self._depth -= 1
        if len(made.sql) > LONGEST_RENDERED:
            raise ExpressionError("the expression is nested too deeply; split it")
        return made

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
        if not re.fullmatch(r"\d{1,400}(\.\d{0,400})?([eE][+-]?\d{1,3})?|\.\d{1,400}([eE][+-]?\d{1,3})?", node.this):
            raise ExpressionError(f"{short(node.this)} is not a number; write one such as 12, 1.5 or 1.0e3")
        if (worth := float(node.this)) == float("inf"):
            raise ExpressionError(f"{short(node.this)} is too large for a number")
        if node.this.isdigit() and int(node.this) < 2**63:
            return Value(f"{int(node.this)}L", "long")
        return Value(f"{worth!r}D", "double")

    def _paren(self, node: exp.Expr) -> Value:
        inner = self.value(node.this)
        return inner if inner.literal is not None else Value(f"({inner.sql})", inner.kind, read=inner.read)

    def _interval(self, node: exp.Expr) -> Value:
        unit = node.args.get("unit")
        if not isinstance(unit, exp.Var) or unit.name.lower().rstrip("s") not in UNITS:
            raise ExpressionError(f"an interval is written INTERVAL '1' HOUR; its unit is one of {', '.join(UNITS)}")
        if not isinstance(node.this, exp.Literal) or not re.fullmatch(r"[+-]?\d{1,5}", node.this.this):
            raise ExpressionError("an interval takes a whole number of at most five digits; use timestampadd for others")
        return Value(f"{int(node.this.this)} {unit.name.upper().rstrip('S')}", "interval")

    # Operators

    def _negative(self, node: exp.Expr) -> Value:
        inner = self.number(self.value(node.this))
        if isinstance(node.this, exp.Literal) and not node.this.args["is_string"]:
            return Value(f"-{inner.sql}" if inner.sql != "0.0D" else inner.sql, inner.kind)
        return Value(f"try_subtract(0L, {inner.sql})" if inner.kind == "long" else f"(0.0D - {inner.sql})", inner.kind)

    def _arithmetic(self, node: exp.Expr) -> Value:
        left, right, call = (self.value(node.this), self.value(node.expression), _ARITHMETIC[type(node)])
        if call == "try_add" and left.kind == "interval":
            left, right = right, left
        if "interval" in (left.kind, right.kind):
            if call not in ("try_add", "try_subtract") or right.kind != "interval" or left.kind == "interval":
                raise ExpressionError("an interval can only be added to a date or an instant, or taken away from one")
            return self._moved(left, right, -1 if call == "try_subtract" else 1)
        left, right = self.number(left), self.number(right)
        if left.kind == right.kind == "long":
            if call == "div":
                return Value(f"try_cast(try_divide({left.sql}, {right.sql}) AS BIGINT)", "long")
            if call != "try_divide":
                return Value(f"{call}({left.sql}, {right.sql})", "long")
        left, right = self.as_kind(left, "double"), self.as_kind(right, "double")
        if call in ("div", "try_divide"):
            made = number(f"({left.sql} / nullif({right.sql} + 0.0D, 0.0D))")
            return Value(made, "double") if call == "try_divide" else self.cast_to(Value(made, "double"), "bigint", "BIGINT")
        if call == "try_mod":
            return Value(number(f"({left.sql} % nullif({right.sql} + 0.0D, 0.0D))"), "double")
        return Value(number(f"({left.sql} {_SIGNS[call]} {right.sql})"), "double")

    def _moved(self, value: Value, interval: Value, sign: int) -> Value:
        """A date or an instant, so many units later."""
        count, unit = int(interval.sql.split()[0]) * sign, interval.sql.split()[1]
        if value.kind != "date" or unit in ("HOUR", "MINUTE", "SECOND"):
            moved = f"timestampadd({unit}, {count}, {self.as_kind(value, 'timestamp').sql})"
            return Value(within("timestamp", moved), "timestamp")
        days, months = {"DAY": 1, "WEEK": 7}.get(unit), {"MONTH": 1, "QUARTER": 3, "YEAR": 12}.get(unit, 0)
        moved = f"date_add({value.sql}, {count * days})" if days else f"add_months({value.sql}, {count * months})"
        return Value(within("date", moved), "date")

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
            pattern = Regex(pattern).text
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
