"""A mapping file, as plain data: where a source's files are, how they are written, and the SELECT to a feed."""

from dataclasses import dataclass, field
from typing import Literal

FileFormat = Literal["csv", "jsonl", "sqlite", "parquet", "excel"]


@dataclass(frozen=True)
class Dialect:
    """How a source writes its files and values. Gzip is recognised by the `.gz` at the end of a name.

    `header_row` is the 1-based line (CSV) or sheet row (Excel) that holds the column names; 0 means no header, and
    then `names` gives them. `table` is the SQLite table; `sheet` the Excel sheet (first one when empty).
    `timestamp_formats` and `date_formats` are Spark datetime patterns, tried in order and never guessed.
    `time_zone` applies to timestamps whose pattern has no offset.
    """

    format: FileFormat
    encoding: str = "utf-8"
    separator: str = ","
    quote: str = '"'
    decimal: str = "."
    header_row: int = 1
    names: tuple[str, ...] = ()
    table: str = ""
    sheet: str = ""
    null_values: tuple[str, ...] = ("",)
    timestamp_formats: tuple[str, ...] = ()
    date_formats: tuple[str, ...] = ("yyyy-MM-dd",)
    time_zone: str = "UTC"


@dataclass(frozen=True)
class Source:
    """One mapping file. `select` maps each target column of the feed to a SQL expression over the source's columns."""

    name: str
    domain: str
    feed: str
    files: str
    dialect: Dialect
    select: dict[str, str]
    where: str = ""
    description: str = ""
    columns: tuple[str, ...] = field(default=())
    """The source's columns that the expressions use, in order of first use: bronze keeps them under their own names."""

    @property
    def bronze(self) -> str:
        return f"bronze_{self.domain}__{self.name}"
