"""Columns of tables that sum up measures by hour, day, week and month, and of features built on those sums."""

from collections.abc import Iterable

from lake.columns import count, double
from lake.contract import Column


def sums(c: Column, of: str = "readings") -> tuple[Column, ...]:
    """Count, sum and extremes of a measure: what adds up exactly from a grain to the next. `of`: which rows count."""
    r = c.resolution or 1.0
    return (
        count(f"{c.name}_count", f"{of.capitalize()} with a value: {c.name}"),
        Column(f"{c.name}_sum", "double", f"Sum over {of}: {c.name}", (), c.unit, r),
        Column(f"{c.name}_min", "double", f"Lowest of {of}: {c.name}", c.constraints, c.unit, r),
        Column(f"{c.name}_max", "double", f"Highest of {of}: {c.name}", c.constraints, c.unit, r),
    )


def squares(c: Column, of: str = "readings") -> Column:
    """The sum of squares of a measure, from which spreads follow."""
    unit, resolution = f"{c.unit}²" if c.unit else "", round((c.resolution or 1.0) ** 2, 12)
    return double(f"{c.name}_square_sum", f"Sum of squares over {of}: {c.name}", unit, resolution, 0)


def mean(c: Column, of: str = "readings") -> Column:
    """The mean of a measure, kept to its resolution."""
    return Column(f"{c.name}_mean", "double", f"Mean of {of}: {c.name}", c.constraints, c.unit, c.resolution)


def features_over(measures: Iterable[Column], days: int, of: str = "") -> tuple[Column, ...]:
    """Level, spread and trend of each measure over the last `days` days."""
    span = f"over {days} day{'s' * (days > 1)}" + (f", {of}" if of else "")
    return tuple(
        f
        for c in measures
        for f in (
            double(f"{c.name}_mean_{days}d", f"Mean of {c.name} {span}", c.unit, c.resolution or 1.0),
            double(f"{c.name}_std_{days}d", f"Standard deviation of {c.name} {span}", c.unit, 1e-6, 0),
            double(f"{c.name}_trend_{days}d", f"Least-squares slope of {c.name} {span}", f"{c.unit}/day", 1e-6),
        )
    )
