"""Spark renderings of a contract: schema, casts and row predicates that give the same cells on every engine."""

from functools import reduce

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType, StructType

from lake.constraints import Between, NotNull, OneOf, Pattern, RowPromise
from lake.contract import Column, Table


def struct(table: Table) -> StructType:
    """The Spark schema of a table, in the declared order."""
    schema = StructType()
    for c in table.columns:
        schema.add(c.name, ArrayType(StringType()) if c.type == "array<string>" else c.type, True)
    return schema


def rounded(c: Column) -> SparkColumn:
    """The column cast to its type; a double rounded to its resolution as numpy rounds, NaN and minus zero made plain."""
    value = F.col(c.name).try_cast(c.type)
    if c.type != "double":
        return value.alias(c.name)
    digits = decimals(c)
    scale = F.lit(10.0 ** abs(digits))
    near = half_even(value * scale) / scale if digits >= 0 else half_even(value / scale) * scale
    return F.when(F.coalesce(F.isnan(value), F.lit(False)), None).otherwise(near + F.lit(0.0)).alias(c.name)


def half_even(value: SparkColumn) -> SparkColumn:
    """A double as the nearest whole number, halves to the even one, by the arithmetic that IEEE 754 prescribes.

    Sail's `rint` and `bround` take halves away from zero; Spark's `round` goes through texts and BigDecimals. Doubles of 2^51 and more
    are left as they are.
    """
    shift = F.lit(1.5 * 2.0**52)  # adding it leaves a double without a fraction
    return F.when(F.abs(value) < F.lit(2.0**51), (value + shift) - shift).otherwise(value)


def first_of(day: str | SparkColumn, period: str) -> SparkColumn:
    """The first day of a day's week or month. Sail's own `trunc` raises before 1677 and after 2262."""
    day = F.col(day) if isinstance(day, str) else day
    if period == "week":
        return F.date_sub(F.next_day(day, "MO"), 7)
    return F.make_date(F.year(day), F.month(day), F.lit(1))


def hour_of(instant: str) -> SparkColumn:
    """The full hour of an instant. Sail's own `date_trunc` raises before 1677 and after 2262."""
    micros = F.unix_micros(F.col(instant))
    return F.timestamp_micros(micros - F.pmod(micros, F.lit(3_600_000_000)))


def decimals(c: Column) -> int:
    """Decimals that the resolution of a column leaves."""
    from math import floor, log10

    return -floor(log10(c.resolution or 1.0) + 1e-9)


def conform(df: DataFrame, table: Table) -> DataFrame:
    """Select exactly the declared columns, in the declared order, cast and rounded."""
    return df.select(*(rounded(c) for c in table.columns))


def holds(column: str, promise: RowPromise) -> SparkColumn:
    """Whether a row keeps a promise; never null. References are judged by the runner, which holds the other table."""
    value = F.col(column)
    match promise:
        case NotNull():
            return value.isNotNull()
        case Between(low=low, high=high):
            inside = [~F.isnan(value.cast("double"))]
            inside += [value >= F.lit(low)] if low is not None else []
            inside += [value <= F.lit(high)] if high is not None else []
            return value.isNull() | reduce(lambda a, b: a & b, inside)
        case OneOf(values=values):
            return value.isNull() | value.isin(*values)
        case Pattern(regex=regex):
            return value.isNull() | value.rlike(f"^(?:{regex})\\z")
        case _:
            raise TypeError(f"no Spark rendering for {promise!r}")
