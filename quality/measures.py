"""Figures about whole tables, each with the range that its promise allows; Great Expectations judges them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from math import inf, isnan, log
from statistics import median
from typing import TYPE_CHECKING

import pandas as pd

from lake.constraints import EqualSums, Fresh, Monotonic, NullRateBand, RowCountBand, TablePromise
from lake.contract import Table
from quality.frames import Prepared
from quality.verdict import MASK, Measure, count

if TYPE_CHECKING:
    from pyspark.sql import Column as SparkColumn
    from pyspark.sql import DataFrame as SparkFrame

ENOUGH = 14
"""Publications after which a table has a history to be measured against; until then bands only warn."""

SHOWN = 3


@dataclass(frozen=True)
class Context:
    """What the runner knows about a table beyond the staged rows. Partitions are None for a snapshot.

    `staged_rows` and `visible_rows` count rows per partition being published and per partition that readers see now;
    `sums` gives, by the name of an `EqualSums`, this table's and the other's sum per partition; `read` and `fates` say
    where the rows went that the step judged (None where no law of conservation applies).
    """

    as_of: date | None = None
    staged_rows: Mapping[date | None, int] = field(default_factory=dict)
    visible_rows: Mapping[date | None, int] = field(default_factory=dict)
    publications: int = 0
    sums: Mapping[str, Mapping[date | None, tuple[float, float]]] = field(default_factory=dict)
    read: int | None = None
    fates: Mapping[str, int] | None = None


def measures(table: Table, frame: Prepared, context: Context) -> tuple[Measure, ...]:
    """One measure per table promise, and the conservation of rows where it is known."""
    found = _counted(table, frame)
    result = [_measure(table, promise, found, context) for promise in table.promises]
    if context.publications < ENOUGH:
        bands = {p.name for p in table.promises if isinstance(p, RowCountBand | NullRateBand)}
        result = [replace(m, severity="warning") if m.name in bands else m for m in result]
    if context.read is not None and context.fates is not None:
        result.append(conservation(context.read, context.fates))
    return tuple(result)


def conservation(read: int, fates: Mapping[str, int]) -> Measure:
    """The law of every step: each row read has exactly one fate."""
    lost = read - sum(fates.values())
    terms = " + ".join(f"{name} {n}" for name, n in fates.items())
    missing = "" if not lost else f"; {abs(lost)} {'unaccounted for' if lost > 0 else 'counted twice'}"
    return Measure(
        "conservation",
        "read = " + " + ".join(fates),
        "critical",
        lost,
        0,
        0,
        f"read {read} = {terms}{missing}",
        abs(lost),
    )


def _measure(table: Table, promise: TablePromise, found: "_Counts", context: Context) -> Measure:
    match promise:
        case Monotonic(column=column, by=by):
            falls, where = found.falls[promise.name]
            personal = {c.name for c in table.columns if c.personal}
            keys = [", ".join(MASK if b in personal else str(k) for b, k in zip(by, key, strict=True)) for key in where]
            detail = count(falls, "fall") + (f" of {column}, in {'; '.join(keys)}" if falls else "")
            return _of(promise, falls, None, 0, detail, falls)
        case EqualSums():
            return _equal_sums(promise, context.sums.get(promise.name, {}))
        case Fresh(days=days):
            return _fresh(promise, days, context)
        case RowCountBand(factor=factor):
            return _row_count_band(promise, factor, context)
        case NullRateBand(column=column, high=high):
            rate = found.nulls[column] / found.rows if found.rows else None
            detail = f"{rate:.1%} of {count(found.rows, 'row')} null" if rate is not None else "no rows"
            return _of(promise, rate, 0, high, detail, int(rate is not None and rate > high))
        case _:
            raise TypeError(f"no measure for {promise!r}")


def _of(promise: TablePromise, observed: float | None, low: float | None, high: float | None, detail: str, breaks: int = 0) -> Measure:
    return Measure(promise.name, promise.sentence, promise.severity, observed, low, high, detail, breaks)


def _fresh(promise: TablePromise, days: int, context: Context) -> Measure:
    if context.as_of is None:
        return _of(promise, None, None, days, "no as-of day")
    counted = [*context.visible_rows.items(), *context.staged_rows.items()]
    newest = max((day for day, n in counted if day is not None and n), default=None)
    if newest is None:
        return _of(promise, inf, None, days, "no partition has rows", 1)
    age = (context.as_of - newest).days
    detail = f"newest {newest}, {count(age, 'day')} before {context.as_of}"
    return _of(promise, age, None, days, detail, int(age > days))


def _row_count_band(promise: TablePromise, factor: float, context: Context) -> Measure:
    usual = median([n for n in context.visible_rows.values() if n] or [0])
    if not usual or not context.staged_rows:
        return _of(promise, None, 1 / factor, factor, "nothing to compare")
    ratios = {day: n / usual for day, n in context.staged_rows.items()}
    outside = sum(not 1 / factor <= r <= factor for r in ratios.values())
    worst = max(ratios, key=lambda day: (abs(log(ratios[day])) if ratios[day] else inf, str(day)))
    seen = count(context.staged_rows[worst], "row")
    detail = f"{_day(worst)} has {seen}, {ratios[worst]:.3g} times the median of {usual:g}"
    return _of(promise, ratios[worst], 1 / factor, factor, detail, outside)


def _equal_sums(promise: EqualSums, sums: Mapping[date | None, tuple[float, float]]) -> Measure:
    if not sums:
        return _of(promise, None, None, promise.tolerance, "nothing to compare")
    apart = {day: inf if isnan(mine - theirs) else abs(mine - theirs) for day, (mine, theirs) in sums.items()}
    worst = max(apart, key=lambda day: (apart[day], str(day)))
    mine, theirs = sums[worst]
    outside = sum(d > promise.tolerance for d in apart.values())
    detail = f"{count(len(sums), 'partition')}; widest apart {_day(worst)}: {mine:.10g} here, {theirs:.10g} there"
    return _of(promise, apart[worst], 0, promise.tolerance, detail, outside)


def _day(day: date | None) -> str:
    return "the table" if day is None else day.isoformat()


@dataclass(frozen=True)
class _Counts:
    """What needs the rows themselves: nulls per column, and falls per promise with the first keys they happened in."""

    rows: int
    nulls: Mapping[str, int]
    falls: Mapping[str, tuple[int, list[tuple[object, ...]]]]


def _counted(table: Table, frame: Prepared) -> _Counts:
    columns = set(frame.columns)
    nulls = [p.column for p in table.promises if isinstance(p, NullRateBand)]
    counters = [p for p in table.promises if isinstance(p, Monotonic)]
    if missing := {*nulls, *(c for p in counters for c in (p.column, p.order, *p.by))} - columns:
        raise ValueError(f"{table.name}: promises about columns that the staged rows lack: {', '.join(sorted(missing))}")
    if isinstance(frame, pd.DataFrame):
        return _in_pandas(frame, nulls, counters)
    return _in_spark(frame, nulls, counters) if nulls or counters else _Counts(0, {}, {})


def _in_pandas(frame: pd.DataFrame, nulls: Iterable[str], counters: Iterable[Monotonic]) -> _Counts:
    falls: dict[str, tuple[int, list[tuple[object, ...]]]] = {}
    for p in counters:
        value = pd.to_numeric(frame[p.column]).replace([inf, -inf], float("nan"))
        order = frame[p.order].astype(object) if isinstance(frame[p.order].dtype, pd.CategoricalDtype) else frame[p.order]
        known = frame[[*p.by]].assign(**{p.order: order, p.column: value}).dropna(subset=[p.order, p.column])
        ordered = known.sort_values([*p.by, p.order, p.column])
        before = ordered.groupby(list(p.by), dropna=False, sort=False, observed=True)[p.column].shift()
        where = ordered[ordered[p.column] < before]
        keys = where[list(p.by)].drop_duplicates().head(SHOWN).itertuples(index=False, name=None)
        falls[p.name] = len(where), [tuple(k) for k in keys]
    return _Counts(len(frame), {c: int(frame[c].isna().sum()) for c in nulls}, falls)


def _in_spark(frame: "SparkFrame", nulls: Iterable[str], counters: Iterable[Monotonic]) -> _Counts:
    """One job for all figures; another one per broken counter names where."""
    from pyspark.sql import functions as F

    flagged = frame.select("*", *(_falls(frame, p).alias(f"__{p.name}") for p in counters))
    figures = flagged.agg(
        F.count(F.lit(1)).alias("rows"),
        *(F.count_if(F.col(c).isNull()).alias(f"null {c}") for c in nulls),
        *(F.count_if(F.col(f"`__{p.name}`")).alias(f"falls {p.name}") for p in counters),
    ).collect()[0]
    falls: dict[str, tuple[int, list[tuple[object, ...]]]] = {}
    for p in counters:
        n = int(figures[f"falls {p.name}"])
        broken = flagged.where(F.col(f"`__{p.name}`")).select(*p.by).distinct().orderBy(*p.by).limit(SHOWN)
        falls[p.name] = n, [tuple(row) for row in broken.collect()] if n else []
    return _Counts(int(figures["rows"]), {c: int(figures[f"null {c}"]) for c in nulls}, falls)


def _falls(frame: "SparkFrame", promise: Monotonic) -> "SparkColumn":
    """Whether a row's counter is below the last known one; nulls and what is not a number are passed over."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    value = F.col(promise.column)
    known = value.isNotNull() & F.col(promise.order).isNotNull()
    if dict(frame.dtypes)[promise.column] == "double":
        known = known & ~F.isnan(value) & (F.abs(value) < F.lit(inf))
    counter = F.when(known, value)
    earlier = Window.partitionBy(*promise.by).orderBy(promise.order, promise.column).rowsBetween(Window.unboundedPreceding, -1)
    return counter < F.last(counter, ignorenulls=True).over(earlier)
