"""Great Expectations renderings of a contract and its measures; each carries the name of its check as meta."""

from collections.abc import Collection, Mapping
from math import inf
from typing import Any

from great_expectations.expectations.core.expect_column_values_to_be_between import ExpectColumnValuesToBeBetween
from great_expectations.expectations.core.expect_column_values_to_be_in_set import ExpectColumnValuesToBeInSet
from great_expectations.expectations.core.expect_column_values_to_be_unique import ExpectColumnValuesToBeUnique
from great_expectations.expectations.core.expect_column_values_to_match_regex import ExpectColumnValuesToMatchRegex
from great_expectations.expectations.core.expect_column_values_to_not_be_null import ExpectColumnValuesToNotBeNull
from great_expectations.expectations.core.expect_compound_columns_to_be_unique import ExpectCompoundColumnsToBeUnique
from great_expectations.expectations.core.expect_table_columns_to_match_ordered_list import (
    ExpectTableColumnsToMatchOrderedList,
)
from great_expectations.expectations.expectation import Expectation

from lake.constraints import Between, Monotonic, NotNull, NullRateBand, OneOf, Pattern, References, RowPromise
from lake.contract import Column, Table
from quality.verdict import Measure

COLUMNS = "columns: as declared"

Referenced = Mapping[tuple[str, str], Collection[object]]


def expectations(table: Table, references: Referenced, in_python: bool = True) -> tuple[Expectation, ...]:
    """The ordered columns, the unique key and every row promise. `in_python`: patterns are matched by Python, else by an engine."""
    names = [c.name for c in table.columns]
    promised = [expectation(c, p, references, in_python) for c in table.columns for p in c.constraints]
    ordered = ExpectTableColumnsToMatchOrderedList(column_list=names, **_about(COLUMNS, "critical"))
    return ordered, unique_key(table), *promised


def columns_read(table: Table) -> list[str]:
    """The columns whose values an audit looks at, in declared order: the key, and those that a promise is about."""
    read = {*table.key, *(c.name for c in table.columns if c.constraints)}
    for promise in table.promises:
        if isinstance(promise, NullRateBand):
            read.add(promise.column)
        if isinstance(promise, Monotonic):
            read |= {promise.column, promise.order, *promise.by}
    return [c.name for c in table.columns if c.name in read]


def check_of(column: Column, promise: RowPromise) -> str:
    return f"{column.name}: {promise.sentence}"


def expectation(column: Column, promise: RowPromise, references: Referenced, in_python: bool = True) -> Expectation:
    """The rendering of one promise, by the name of the column it is about."""
    about: dict[str, Any] = {"column": column.name, **_about(check_of(column, promise), promise.severity)}
    match promise:
        case NotNull():
            return ExpectColumnValuesToNotBeNull(**about)
        case Between(low=low, high=high):
            # Spark holds NaN for the largest number: only a range closed on both sides keeps it out
            closed = column.type == "double"
            low, high = (-inf if closed and low is None else low), (inf if closed and high is None else high)
            return ExpectColumnValuesToBeBetween(min_value=low, max_value=high, **about)
        case OneOf(values=values):
            return ExpectColumnValuesToBeInSet(value_set=list(values), **about)
        case Pattern(regex=regex):
            return ExpectColumnValuesToMatchRegex(regex=whole(regex, in_python), **about)
        case References(table=other, column=theirs):
            if (other, theirs) not in references:
                raise KeyError(f"{column.name} refers to {other}.{theirs}, whose values the audit was not given")
            known = sorted((v for v in references[other, theirs] if v is not None), key=str)
            return ExpectColumnValuesToBeInSet(value_set=known, **about)
        case _:
            raise TypeError(f"no expectation for {promise!r}")


def whole(regex: str, in_python: bool = True) -> str:
    r"""A search for this matches whole values only. The very end is `\Z` in Python, and `\z` in Java and Rust.

    >>> import re
    >>> [bool(re.search(whole("A|B"), v)) for v in ("A", "AB", "B\n", "xB")]
    [True, False, False, False]
    """
    return rf"\A(?:{regex})" + (r"\Z" if in_python else r"\z")


def unique_key(table: Table) -> Expectation:
    about = _about(f"key {', '.join(table.key)}: unique", "critical")
    if len(table.key) == 1:
        return ExpectColumnValuesToBeUnique(column=table.key[0], **about)
    return ExpectCompoundColumnsToBeUnique(column_list=list(table.key), ignore_row_if="never", **about)


def of_measure(measure: Measure) -> Expectation:
    """A measure is the one value of a column that has its name."""
    low, high = (-inf if measure.low is None else measure.low), (inf if measure.high is None else measure.high)
    return ExpectColumnValuesToBeBetween(column=measure.name, min_value=low, max_value=high, **_about(measure.name, measure.severity))


def _about(check: str, severity: str) -> dict[str, Any]:
    return {"meta": {"check": check}, "severity": severity}
