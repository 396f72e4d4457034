"""What a table promises: its columns, key, kind, partitions, inputs, owner and constraints. Pure data."""

from dataclasses import dataclass, field
from typing import Literal

from lake.constraints import NotNull, References, RowPromise, TablePromise

Layer = Literal["bronze", "silver", "gold"]
Kind = Literal["dated", "snapshot", "stateful", "ledger"]
Grain = Literal["day", "week", "month"]
Type = Literal["string", "long", "double", "boolean", "date", "timestamp", "array<string>"]

LINEAGE = ("_source", "_file", "_row")
"""Where a silver row came from. Columns whose names begin with `_` never count when rows are compared."""


@dataclass(frozen=True)
class Column:
    """One column. `resolution` is the step a double is rounded to before it is stored (0.01: two decimals)."""

    name: str
    type: Type
    meaning: str
    constraints: tuple[RowPromise, ...] = ()
    unit: str = ""
    resolution: float | None = None
    personal: bool = False
    pseudonymous: bool = False
    """Personal, and a keyed pseudonym takes the value's place as soon as a feed is read (columns of feeds only)."""

    def __post_init__(self) -> None:
        if self.type == "double" and self.resolution is None:
            raise ValueError(f"column {self.name}: a double needs a resolution")
        if self.resolution is not None and round(1 / self.resolution, 9) % 1 and self.resolution < 1:
            raise ValueError(f"column {self.name}: resolution must be a power of ten or divide one")
        if self.pseudonymous and not (self.personal and self.type == "string"):
            raise ValueError(f"column {self.name}: what gets a pseudonym is a personal text")


@dataclass(frozen=True)
class Read:
    """An input of a table. A partition needs it from `days_before` days before its first day to `days_after` its last one.

    What comes after a partition makes it stale again, so look ahead only where the past is truly told later (a stop is
    known when it ends), and not in a stateful table. An `optional` input that was never published is empty; any other one
    makes the table wait.

    The step sees only the `columns` named here (all, if none are) and only the rows in which each column of `only` has its value;
    nothing else of the input makes the table stale. Of an input without partitions, a row that changed makes stale, where said:
    `since`: the partitions that end on the date in that column or later (all, where it is null);
    `by`: those made from partitions of another input that hold rows with the same value in that column;
    `is_looked_up`: none, since rows of the input never change and only those that another input names are used.
    """

    table: str
    days_before: int = 0
    days_after: int = 0
    optional: bool = False
    columns: tuple[str, ...] = ()
    only: tuple[tuple[str, str], ...] = ()
    since: str = ""
    by: str = ""
    is_looked_up: bool = False


@dataclass(frozen=True)
class Feed:
    """What mapping files must deliver for silver tables: target columns, typed.

    `day_of` names the column (timestamp or date) whose day in the site's time zone partitions bronze and silver. With
    grain week or month both are partitioned by the first day of it: silver's column has the grain's name, bronze's stays
    `day`. For sources that tell few rows about many days, and tell them again and again.
    """

    domain: str
    entity: str
    description: str
    columns: tuple[Column, ...]
    owner: str
    day_of: str | None = None
    grain: Grain = "day"

    @property
    def name(self) -> str:
        return f"feed_{self.domain}__{self.entity}"


@dataclass(frozen=True)
class Table:
    """A declared table. Its name is computed and is the same string everywhere.

    `partition` is the name of the date column that partitions it (the first day of the week or month for those grains).
    `step` is `module:function`; by default `pipelines.<domain>:<name>`. Silver tables read one feed; the engine counts
    every row of it as published, merged (same key, same file, when `fans_out`), duplicate (same key, otherwise),
    superseded, not applicable or quarantined. `applies` is a SQL predicate: rows of the feed that this table is about.
    Of several sound rows with one key, one in which the first column of `prefer` is filled wins, then the second, and so
    on; only then the newest file: the same event in a poorer and a richer export.
    A `prospective` table is made for the newest day of the calendar only, as a forecast is; days gone by stay as they were
    made. Where it is a ledger, the rows of that day stay too, and only keys that it doesn't hold are added.
    """

    layer: Layer
    domain: str
    entity: str
    kind: Kind
    description: str
    owner: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition: Grain | None = None
    inputs: tuple[Read, ...] = ()
    promises: tuple[TablePromise, ...] = ()
    siblings: tuple[str, ...] = ()
    fans_out: bool = False
    applies: str = ""
    prefer: tuple[str, ...] = ()
    step: str = field(default="")
    prospective: bool = field(default=False, repr=False)  # decides what is planned, not what a partition holds: no part of the digest

    @property
    def name(self) -> str:
        return f"{self.layer}_{self.domain}__{self.entity}"

    @property
    def reads(self) -> tuple[str, ...]:
        """The parameters of the table's step, in order; a stateful table also reads its own previous day."""
        own = (self.name,) if self.kind == "stateful" else ()
        return tuple(r.table for r in self.inputs) + own

    @property
    def depends_on(self) -> tuple[str, ...]:
        """Every table or feed that must be up to date first: inputs and referenced tables."""
        referenced = (k.table for c in self.columns for k in c.constraints if isinstance(k, References))
        return tuple(dict.fromkeys([*(r.table for r in self.inputs), *referenced]))

    @property
    def step_path(self) -> str:
        return self.step or f"pipelines.{self.domain}:{self.name}"

    def column(self, name: str) -> Column:
        for c in self.columns:
            if c.name == name:
                return c
        raise KeyError(f"{self.name} has no column {name}")

    def __post_init__(self) -> None:
        names = [c.name for c in self.columns]
        if len(names) != len(set(names)):
            raise ValueError(f"{self.name}: repeated column")
        wanted = set(self.key) | ({self.partition} if self.partition else set()) | set(self.prefer)
        if missing := wanted - set(names):
            raise ValueError(f"{self.name}: key, partition or preferred column is not a column: {sorted(missing)}")
        if self.partition and self.column(self.partition).type != "date":
            raise ValueError(f"{self.name}: partition column {self.partition} must be a date")
        if self.kind in ("dated", "stateful") and not self.partition:
            raise ValueError(f"{self.name}: a {self.kind} table needs a partition")
        if self.kind == "snapshot" and self.partition:
            raise ValueError(f"{self.name}: a snapshot has no partition")
        if self.prospective and (self.partition != "day" or self.kind not in ("dated", "ledger")):
            raise ValueError(f"{self.name}: what is made for the newest day only is dated or a ledger, partitioned by day")
        if self.kind == "stateful" and any(r.days_after for r in self.inputs):
            raise ValueError(f"{self.name}: a stateful table builds on its past and can't look ahead")
        if self.layer == "silver":
            loose = [k for k in self.key if not any(isinstance(p, NotNull) for p in self.column(k).constraints)]
            if loose and not self.entity.endswith("__quarantine"):
                raise ValueError(f"{self.name}: key columns must be declared never null: {loose}")
