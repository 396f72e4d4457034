"""Function calls and casts of mapping files: what each takes, what it makes of a value that isn't right, and what is refused."""

import re
from abc import ABC, abstractmethod
from dataclasses import replace
from difflib import get_close_matches

from sqlglot import exp

from lake.conversions import KINDS, ExpressionError, Value, as_kind, text_of
from lake.functions import CASTS, FUNCTIONS, MAKE_NULL, REFUSED
from lake.patterns import UNITS, check_call, check_pattern, check_regex, check_zone
from lake.source import Dialect

NUMBERS = ("long", "double")
_NEEDS = {"d": "date", "s": "timestamp", "b": "boolean", "t": "text", "a": "array", "D": "double"}
_READERS = {"number": "double", "instant": "timestamp", "to_timestamp": "timestamp", "try_to_timestamp": "timestamp",
            "local_date": "date", "to_date": "date", "try_to_date": "date",
            "unix_timestamp": "timestamp", "to_unix_timestamp": "timestamp"}  # fmt: skip


class Calls(ABC):
    """Renders calls; a compiler of whole expressions adds how their arguments are rendered."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.makes_null = False

    @abstractmethod
    def value(self, node: exp.Expr) -> Value:
        """The rendering of a node."""

    @abstractmethod
    def alike(self, values: list[Value], where: str) -> tuple[str, list[Value]]:
        """Values made one kind, and that kind."""

    def sql(self, node: exp.Expr, kind: str) -> str:
        """A node rendered as a kind."""
        return self.as_kind(self.value(node), kind).sql

    def as_kind(self, value: Value, wanted: str, patterns: tuple[str, ...] = ()) -> Value:
        """A value made another kind, by the source's dialect."""
        return as_kind(value, wanted, self.dialect, patterns)

    def number(self, value: Value) -> Value:
        """A value made a number, if it isn't one."""
        return value if value.kind in NUMBERS else self.as_kind(value, "double")

    def cast_to(self, value: Value, kind: str, written: str) -> Value:
        if kind == "decimal":
            if not re.fullmatch(r"DECIMAL(\(([1-9]|[12]\d|3[0-8])(, \d)?\))?", written):
                raise ExpressionError(f"a cast to {written} is not allowed; write decimal(precision, scale), at most (38, 9)")
            inner = self.number(value).sql
            return Value(f"try_cast(try_cast({inner} AS {written}) AS DOUBLE)", "double", read=text_of(value))
        if kind not in CASTS:
            raise ExpressionError(f"a cast to {written} is not allowed; cast to one of {', '.join(sorted(CASTS))}")
        wanted = CASTS[kind]
        if value.kind == wanted:
            return value
        if wanted in NUMBERS and value.kind in (*NUMBERS, "boolean"):
            return Value(f"try_cast({value.sql} AS {'BIGINT' if wanted == 'long' else 'DOUBLE'})", wanted)
        return self.as_kind(value, wanted)

    def call(self, written: str, nodes: list[exp.Expr]) -> Value:
        call = written.lower()
        if call in ("timestampadd", "timestampdiff"):
            return self._timestamp_call(call, nodes)
        if call in _READERS:
            return self._reader(call, nodes)
        if call in CASTS and len(nodes) == 1:
            return self.cast_to(self.value(nodes[0]), call, call)
        if call not in FUNCTIONS:
            raise ExpressionError(refusal(call))
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
            kind, values = self.alike(values, call)
            if not values:
                raise ExpressionError(f"{call} takes some arguments, here it has none")
        else:
            kind = _NEEDS.get(result, "long")
            padded = letters + letters[-1:] * (len(values) - len(letters))
            values = [self._argument(call, letter, v) for letter, v in zip(padded, values, strict=False)]
            checked(check_call(call, [v.sql for v in values], [v.literal for v in values]))
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
            return Value(f"try_cast(try_cast({self.number(value).sql} AS DECIMAL(5, 0)) AS INT)", "long")
        if value.literal is None:
            raise ExpressionError(f"{call} takes a text in quotes here, not {KINDS[value.kind]}")
        checks = {"r": check_regex, "f": lambda p: check_pattern(p, parsing=False), "z": check_zone}
        checked(checks[letter](value.literal) if letter in checks else "")
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
            checked(check_pattern(pattern, parsing=True))
        result = self.as_kind(value, wanted, (pattern,) if pattern else ())
        result = replace(result, read="") if call.startswith("try_") else result
        if call in ("unix_timestamp", "to_unix_timestamp"):
            return Value(f"unix_seconds({result.sql})", "long", read=result.read)
        return result


def refusal(call: str) -> str:
    """Why a function can't be called, and what to write instead."""
    if why := REFUSED.get(call.lower()):
        return f"function {call} is not allowed: {why}"
    near = get_close_matches(call.lower(), [*FUNCTIONS, *_READERS, *CASTS, "timestampadd", "timestampdiff"], 1)
    hint = f"did you mean {near[0]}?" if near else "lake/functions.py lists those that are"
    return f"function {call} is not allowed in a mapping; {hint}"


def checked(problem: str) -> None:
    """Raise ExpressionError if there is a problem."""
    if problem:
        raise ExpressionError(problem)
