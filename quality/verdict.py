"""What an audit says: figures about a table, verdicts about its promises, and how values are shown."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from math import inf, isfinite, isnan
from typing import Literal, Self

from lake.constraints import Severity
from lake.contract import Table

Outcome = Literal["passed", "failed", "warned", "waived"]

MASK = "***"
SAMPLES = 5


@dataclass(frozen=True)
class Measure:
    """A figure about a whole table, judged by a range.

    An `observed` of None can't be judged yet and passes; `detail` then says why. `breaks` counts the rows or partitions
    outside the range, `detail` names the worst of them.
    """

    name: str
    sentence: str
    severity: Severity
    observed: float | None
    low: float | None
    high: float | None
    detail: str = ""
    breaks: int = 0


@dataclass(frozen=True)
class Verdict:
    """What became of one check. `samples` are JSON objects of the key columns and the value, personal ones masked."""

    check: str
    severity: Severity
    outcome: Outcome
    observed: str
    unexpected: int
    samples: tuple[str, ...] = ()
    waived_by: str = ""

    @property
    def blocks(self) -> bool:
        return self.outcome == "failed"


def outcome_of(severity: Severity, kept: bool, waived_by: str) -> Outcome:
    """A broken promise is waived if somebody waived it, else a failure or a warning by its severity."""
    if kept:
        return "passed"
    if waived_by:
        return "waived"
    return "failed" if severity == "critical" else "warned"


def count(n: int, one: str, many: str = "") -> str:
    """
    >>> count(1, "row"), count(12345, "row")
    ('1 row', '12 345 rows')
    """
    return f"{n:,} ".replace(",", " ") + (one if n == 1 else many or one + "s")


def sample(table: Table, values: Mapping[str, object]) -> str:
    """One row's key and broken value as JSON text; what a personal column holds is never shown."""
    personal = {c.name for c in table.columns if c.personal}
    types = {c.name: c.type for c in table.columns}
    shown = {k: _plain(v, types.get(k, "string"), k in personal) for k, v in values.items()}
    return json.dumps(shown, ensure_ascii=False, allow_nan=False)


def _plain(value: object, type_: str, personal: bool) -> object:
    # pandas' NaT and NA are missing values too, and NaT is a datetime
    if value is None or str(value) in ("NaT", "<NA>"):
        return None
    if personal:
        return MASK
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float):
        if not isfinite(value):
            return "NaN" if isnan(value) or isinstance(value, NotANumber) else str(value)
        return int(value) if type_ == "long" and value.is_integer() else value
    if isinstance(value, datetime):
        return value.date().isoformat() if type_ == "date" else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(v, "string", False) for v in value]
    return value if isinstance(value, str | int | bool) else str(value)


class NotANumber(float):
    """NaN as Spark knows it, for pandas, which can't tell NaN from null: present, and inside no range."""

    def __new__(cls, value: float = -inf) -> Self:
        return super().__new__(cls, value)

    def __le__(self, other: object) -> bool:
        return False

    def __ge__(self, other: object) -> bool:
        return False

    def __lt__(self, other: object) -> bool:
        return False

    def __gt__(self, other: object) -> bool:
        return False
