"""Function calls and casts of mapping files: what each takes, what it makes of a value that isn't right, and what is refused."""

import re
from abc import ABC, abstractmethod
from dataclasses import replace
from difflib import get_close_matches

from sqlglot import exp

from lake.conversions import KINDS, ExpressionError, Value, as_kind, quoted, text_of
from lake.functions import CASTS, FUNCTIONS, GROW, MAKE_NULL, MOST_TEXT, REFUSED, TRUNCATED, let, rounding, within
from lake.patterns import UNITS, check_call, check_pattern, check_zone
from lake.regex import Regex
from lake.source import Dialect

NUMBERS = ("long", "double")
_NEEDS = {"d": "date", "s": "timestamp", "b": "boolean", "t": "text", "a": "array", "D": "double"}
_READERS = {"number": "double", "instant": "timestamp", "to_timestamp": "timestamp", "try_to_timestamp": "timestamp",
            "local_date": "date", "to_date": "date", "try_to_date": "date",
            "unix_timestamp": "timestamp", "to_unix_timestamp": "timestamp"}  # fmt: skip


_WHOLES = {
    "i": (-99999, 99999, " of at most five digits"), "n": (0, 99999, " from 0 to 99999"), "c": (-9, 99, " from -9 to 99"),
    "k": (-99999, 99999, " other than 0"), "m": (0, 1000, " from 0 to 1000"), "w": (0, 64, " from 0 to 64"),
}  # fmt: skip
_MICROS = {"WEEK": 604800000000, "DAY": 86400000000, "HOUR": 3600000000, "MINUTE": 60000000, "SECOND": 1000000}
_GROWS = re.compile(rf"\b(?:{'|'.join(GROW)})\(")


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
            precision, scale = (int(n) for n in re.findall(r"\d+", written + "(10, 0)" if "(" not in written else written + ", 0")[:2])
            if scale > precision:
                raise ExpressionError(f"a cast to {written} is not allowed; its scale is at most its precision")
            near = rounding(scale).format(self.as_kind(value, "double").sql)
            return Value(let(near, f"CASE WHEN abs(_v) < 1.0E{precision - scale}D THEN _v END"), "double", read=text_of(value))
        if kind not in CASTS:
            raise ExpressionError(f"a cast to {written} is not allowed; cast to one of {', '.join(sorted(CASTS))}")
        wanted = CASTS[kind]
        if value.kind == wanted:
            return value
        if wanted in NUMBERS and value.kind in (*NUMBERS, "boolean"):
            if value.kind == "double":  # towards zero
                return Value(let(value.sql, "CASE WHEN abs(_v) < 9.2E18D THEN try_cast(_v AS BIGINT) END"), "long")
            return Value(f"CAST({value.sql} AS {'BIGINT' if wanted == 'long' else 'DOUBLE'})", wanted)
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
            regex = Regex(values[1].literal or "") if letters[1:2] == "r" else None
            groups, empty = (regex.groups, regex.matches_empty) if regex else (0, False)
            checked(check_call(call, [v.sql for v in values], [v.literal for v in values], groups, empty))
            if regex:
                values[1] = Value(quoted(regex.text), "text", regex.text)
        if call in ("isnull", "isnotnull"):
            kind = "boolean"
        args = [v.sql for v in values]
        if call in GROW:
            args = [f"left({v.sql}, {MOST_TEXT})" if v.kind == "text" and _GROWS.search(v.sql) else v.sql for v in values]
        if call in ("trunc", "date_trunc"):
            return Value(_truncated(call, args, values), kind)
        if call == "round":
            return Value(rounding(int(args[1]) if len(args) > 1 else 0).format(args[0]), kind)
        if call in ("substring", "substr"):  # Sail takes a null position for the beginning
            return Value(f"CASE WHEN {' AND '.join(f'{a} IS NOT NULL' for a in args[1:])} THEN {call}({', '.join(args)}) END", kind)
        made = template.format(*args) if template else f"{call}({', '.join(args)})"
        return Value(f"CAST({made} AS BIGINT)" if result == "l" else made, kind)

    def _argument(self, call: str, letter: str, value: Value) -> Value:
        """An argument as its letter asks: see lake.functions."""
        if letter in _NEEDS:
            return self.as_kind(value, _NEEDS[letter])
        if letter in _WHOLES:
            least, most, besides = _WHOLES[letter]
            literal = re.fullmatch(r"(-?\d{1,5})L", value.sql)
            if literal and least <= int(literal[1]) <= most and not (letter == "k" and int(literal[1]) == 0):
                return Value(literal[1], "long")
            if literal or letter in "ckw":
                raise ExpressionError(f"{call} takes a whole number{besides} here; write it as it is")
            inside = f"CASE WHEN _v BETWEEN {least} AND {most} THEN CAST(_v AS INT) END"
            return Value(let(rounding(0).format(self.as_kind(value, "double").sql), inside), "long")
        if value.literal is None:
            raise ExpressionError(f"{call} takes a text in quotes here, not {KINDS[value.kind]}")
        checks = {"f": lambda p: check_pattern(p, parsing=False), "z": check_zone}
        checked(checks[letter](value.literal) if letter in checks else "")
        return value

    def _timestamp_call(self, call: str, nodes: list[exp.Expr]) -> Value:
        if len(nodes) != 3 or not isinstance(nodes[0], exp.Column) or nodes[0].name.lower() not in UNITS:
            raise ExpressionError(f"{call} takes a unit ({', '.join(UNITS)}) and two values")
        unit, second = nodes[0].name.upper(), self.value(nodes[1])
        last = self.sql(nodes[2], "timestamp")
        if call == "timestampdiff":
            first = self.as_kind(second, "timestamp").sql
            if micros := _MICROS.get(unit):
                return Value(f"((unix_micros({last}) - unix_micros({first})) div {micros}L)", "long")
            return Value(f"CAST(timestampdiff({unit}, {first}, {last}) AS BIGINT)", "long")
        return Value(within("timestamp", f"timestampadd({unit}, {self._argument(call, 'i', second).sql}, {last})"), "timestamp")

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
            return Value(f"unix_seconds(date_trunc('second', {result.sql}))", "long", read=result.read)
        return result


def _truncated(call: str, args: list[str], values: list[Value]) -> str:
    """`trunc` and `date_trunc` of all days from year 1 to 9999."""
    if call == "trunc":
        return TRUNCATED[(values[1].literal or "").lower()].format(args[0])
    unit, day = (values[0].literal or "").lower(), f"CAST({args[1]} AS DATE)"
    if unit in ("minute", "second"):
        return f"date_trunc('{unit}', {args[1]})"
    if unit == "hour":
        return let(f"unix_micros({args[1]})", "timestamp_micros(_v - pmod(_v, 3600000000L))")
    return f"CAST({TRUNCATED[unit].format(day) if unit in TRUNCATED else day} AS TIMESTAMP)"


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
