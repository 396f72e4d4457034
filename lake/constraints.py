"""The promises a table makes, as plain data. Every rendering (Spark, Great Expectations, words) is derived.

A *row promise* is about one row and its column; it can be judged alone. In silver a row that breaks a critical
one goes to quarantine. A *table promise* needs more than one row: other rows, another table, or history.
"""

import re
from dataclasses import dataclass
from typing import Literal

Severity = Literal["critical", "warning"]


@dataclass(frozen=True)
class RowPromise:
    """One promise about the values of one column. Null keeps every promise but `NotNull`."""

    severity: Severity = "critical"

    @property
    def sentence(self) -> str:
        """The promise in words, to stand behind a column's name."""
        raise NotImplementedError

    def holds(self, value: object) -> bool:
        """The reference rendering: whether `value` keeps the promise."""
        raise NotImplementedError


@dataclass(frozen=True)
class NotNull(RowPromise):
    @property
    def sentence(self) -> str:
        return "never null"

    def holds(self, value: object) -> bool:
        return value is not None


@dataclass(frozen=True)
class Between(RowPromise):
    """Both bounds belong to the range; a missing bound is open. NaN is never between."""

    low: float | None = None
    high: float | None = None

    @property
    def sentence(self) -> str:
        if self.high is None:
            return f"at least {self.low:g}"
        if self.low is None:
            return f"at most {self.high:g}"
        return f"from {self.low:g} to {self.high:g}"

    def holds(self, value: object) -> bool:
        if value is None:
            return True
        if not isinstance(value, int | float) or value != value:
            return False
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


@dataclass(frozen=True)
class OneOf(RowPromise):
    values: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        return "one of " + ", ".join(self.values)

    def holds(self, value: object) -> bool:
        return value is None or value in self.values


@dataclass(frozen=True)
class Pattern(RowPromise):
    """The whole value matches a regular expression (the common subset of Python's and Java's)."""

    regex: str = ""

    @property
    def sentence(self) -> str:
        return f"matches {self.regex}"

    def holds(self, value: object) -> bool:
        return value is None or re.fullmatch(self.regex, str(value)) is not None


@dataclass(frozen=True)
class References(RowPromise):
    """The value stands in another table's column. Judged against the rows of that table."""

    table: str = ""
    column: str = ""

    @property
    def sentence(self) -> str:
        return f"found in {self.table}.{self.column}"


@dataclass(frozen=True)
class TablePromise:
    """A promise about a whole table (or the partitions being published). `name` is what `waive` takes."""

    severity: Severity = "warning"

    @property
    def name(self) -> str:
        raise NotImplementedError

    @property
    def sentence(self) -> str:
        raise NotImplementedError


@dataclass(frozen=True)
class Fresh(TablePromise):
    """The newest partition with rows is at most `days` before the as-of day."""

    days: int = 1

    @property
    def name(self) -> str:
        return "freshness"

    @property
    def sentence(self) -> str:
        return f"newest day at most {self.days} day{'s' * (self.days != 1)} before the as-of day"


@dataclass(frozen=True)
class RowCountBand(TablePromise):
    """Rows per partition stay within `factor` of the median of the table's own partitions (only warns until 14 publications exist)."""

    factor: float = 3.0

    @property
    def name(self) -> str:
        return "row-count band"

    @property
    def sentence(self) -> str:
        return f"rows per partition within a factor of {self.factor:g} of the table's own median"


@dataclass(frozen=True)
class NullRateBand(TablePromise):
    """Share of nulls in a column, over the partitions being published, at most `high` (0 to 1)."""

    column: str = ""
    high: float = 0.05

    @property
    def name(self) -> str:
        return f"null rate of {self.column}"

    @property
    def sentence(self) -> str:
        return f"at most {self.high:.0%} of `{self.column}` null"


@dataclass(frozen=True)
class Monotonic(TablePromise):
    """Within each `by`, ordered by `order`, the counter `column` never falls."""

    column: str = ""
    by: tuple[str, ...] = ()
    order: str = ""

    @property
    def name(self) -> str:
        return f"{self.column} never falls"

    @property
    def sentence(self) -> str:
        return f"`{self.column}` never falls by {self.order} within {', '.join(self.by)}"


@dataclass(frozen=True)
class EqualSums(TablePromise):
    """Per partition, sum of `column` here equals the sum of `other_column` in table `other`.

    An empty column name counts rows. `other` must be an input of the table, or one of its siblings. Partitions are
    compared at this table's grain, over those being published.
    """

    column: str = ""
    other: str = ""
    other_column: str = ""
    tolerance: float = 1e-6

    @property
    def name(self) -> str:
        return f"{self.column or 'rows'} agrees with {self.other}"

    @property
    def sentence(self) -> str:
        mine = f"sum of `{self.column}`" if self.column else "number of rows"
        theirs = f"sum of `{self.other_column}`" if self.other_column else "number of rows"
        return f"{mine} equals the {theirs} in `{self.other}`"
