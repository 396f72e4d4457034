"""Sums, means, spreads and slopes of doubles that come out the same however the rows are partitioned and ordered.

Adding doubles isn't associative. So a double is first counted in whole steps of its resolution; integers add up
exactly, and one division at the end brings back the unit.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F

from lake.spark import half_even


def per_unit(resolution: float) -> float:
    """How many steps of `resolution` make one unit.

    >>> per_unit(0.001)
    1000.0
    """
    return float(round(1 / resolution)) if resolution < 1 else 1 / resolution


def steps(value: Column, resolution: float) -> Column:
    """A double as a whole number of steps; null stays null, NaN is refused by Spark."""
    return half_even(value * F.lit(per_unit(resolution))).cast("bigint")


def amount(counted: Column, resolution: float) -> Column:
    """Back from steps to the unit."""
    return counted / F.lit(per_unit(resolution))


def total(value: Column, resolution: float) -> Column:
    """Aggregate: the sum, in the unit; null when there is nothing to add."""
    return amount(F.sum(steps(value, resolution)), resolution)


def square_total(value: Column, resolution: float) -> Column:
    """Aggregate: the sum of squares, in the unit squared."""
    counted = steps(value, resolution)
    return F.sum(counted * counted) / F.lit(per_unit(resolution) ** 2)


def mean(count: Column, added: Column, resolution: float) -> Column:
    """Mean in the unit, of `count` values that add up to `added` steps; null for none."""
    return F.when(count > 0, added / (count * F.lit(per_unit(resolution))))


def deviation(count: Column, added: Column, squared: Column, resolution: float) -> Column:
    """Sample standard deviation in the unit, from sums of steps and of their squares; null below two values."""
    spread = _wide(count) * _wide(squared) - _wide(added) * _wide(added)
    pairs = count.cast("double") * (count - 1)
    return F.when(count > 1, F.sqrt(spread.cast("double") / pairs) / F.lit(per_unit(resolution)))


def slope(count: Column, time: Column, time_squared: Column, added: Column, time_added: Column,
          resolution: float) -> Column:  # fmt: skip
    """Least-squares slope, in units per unit of time, from sums over (time, steps); null when all times are equal."""
    rise = _wide(count) * _wide(time_added) - _wide(time) * _wide(added)
    run = _wide(count) * _wide(time_squared) - _wide(time) * _wide(time)
    return F.when(run > 0, rise.cast("double") / run.cast("double") / F.lit(per_unit(resolution)))


def _wide(whole: Column) -> Column:
    """Room for products of sums, which outgrow 64 bits at one reading a second."""
    return whole.cast("decimal(38,0)")
