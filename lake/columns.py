"""Columns that tables of every domain declare alike."""

from lake.constraints import Between, NotNull
from lake.contract import Column


def double(name: str, meaning: str, unit: str, resolution: float, *bounds: float | None) -> Column:
    """`bounds` are the lowest and, if given, the highest value that is possible."""
    return Column(name, "double", meaning, (Between("critical", *bounds),) if bounds else (), unit, resolution)


def count(name: str, meaning: str, unit: str = "readings") -> Column:
    """How many of something there are: never null, never below zero."""
    return Column(name, "long", meaning, (NotNull(), Between("critical", 0)), unit)


def instant(name: str, meaning: str, never_null: bool = False) -> Column:
    """A moment, in UTC."""
    return Column(name, "timestamp", meaning + ", UTC", (NotNull(),) if never_null else ())


DAY = Column("day", "date", "Day in the site's time zone", (NotNull(),))
LINEAGE_COLUMNS = (
    Column("_source", "string", "Mapping file that took the row in", (NotNull(),)),
    Column("_file", "string", "File, relative to landing", (NotNull(),)),
    Column("_row", "long", "Line in the file", (NotNull(),)),
)
"""Where a silver row came from."""
