"""A mapping file, as plain data: where a source's files are, how they are written, and the SELECT to a feed."""

from dataclasses import dataclass, field
from typing import Literal

FileFormat = Literal["csv", "jsonl", "sqlite", "parquet", "excel"]


@dataclass(frozen=True)
class Dialect:
    """How a source writes its files and values. Gzip is recognised by the `.gz` at the end of a name.

    `header_row` is the 1-based line (CSV) or sheet row (Excel) that holds the column names; 0 means no header, and
    then `names` gives them. `table` is the SQLite table; `sheet` the Excel sheet (first one when empty).
    `header_within` is how many lines below `header_row` the header may be: it is the first of them that has every column
    the mapping uses. With `repeats_header`, a later line that has them all is the header again, in its old order or a new
    one, and no row. Lines of a CSV file that begin with `comment` are none either, in front of the header too.
    `explode` names a field of JSON messages, with dots for one inside another (`data.series`), that holds an array, or an
    object of arrays: each element becomes a row beside the message's other fields. A field of an element is the column
    `<explode>.<field>`, of an object of arrays `<explode>.<array>.<field>`. The arrays of an object go together by place,
    or by their field `explode_by`, which is the column `<explode>.<explode_by>`: elements that have the same one become
    one row. `_row` is then the line times 1 000 000, plus the number of the element from 1.
    `timestamp_formats` and `date_formats` are Spark datetime patterns, tried in order and never guessed.
    `time_zone` applies to timestamps whose pattern has no offset.
    """

    format: FileFormat
    encoding: str = "utf-8"
    separator: str = ","
    quote: str = '"'
    decimal: str = "."
    header_row: int = 1
    header_within: int = 0
    repeats_header: bool = False
    names: tuple[str, ...] = ()
    comment: str = ""
    table: str = ""
    sheet: str = ""
    explode: str = ""
    explode_by: str = ""
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
