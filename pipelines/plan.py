"""What must be rebuilt, computed from the lake alone: contracts, versions read before, versions there now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from lake.catalog import CALENDAR, Catalog
from lake.constraints import References
from lake.contract import Read, Table
from lake.derived import UNREADABLE_DAY
from lake.partitions import Partition, floor, needed, touched
from lake.storage import Lake, Version
from pipelines.digest import table_digest

UNREADABLE = date.fromisoformat(UNREADABLE_DAY)


@dataclass(frozen=True)
class Plan:
    """The partitions to build, each with its reason, from inputs pinned at the versions planned with.

    `mistake`: what is wrong with a mapping file that means to fill the table, which isn't built until that is mended.
    `covers_all`: every partition that the inputs made stale is in it, so input versions may advance.
    """

    table: Table
    head: Version | None
    partitions: Mapping[Partition, str]
    inputs: Mapping[str, Version]
    digest: int
    whole: bool = False
    covers_all: bool = True
    pinned: bool = False
    waits_for: str = ""
    mistake: str = ""
    universe: frozenset[Partition] = field(default=frozenset())

    @property
    def is_fresh(self) -> bool:
        """Nothing to build. A table that was never published is built even when it has no partition yet."""
        return not self.partitions and self.head is not None and not self.mistake

    @property
    def rows(self) -> int:
        """How many rows of the inputs the partitions are made from, as the logs tell."""
        return sum(sum(v.rows.get(p, 0) for p in self._needed(name, v)) for name, v in self.inputs.items())

    def _needed(self, name: str, version: Version) -> Iterable[Partition]:
        if self.table.partition is None or version.table.partition is None or self.whole:
            return version.rows
        read = next((r for r in self.table.inputs if r.table == name), Read(name))
        days = [p for p in self.partitions if p is not None]
        return needed(days, self.table.partition, version.table.partition, read.days_before, read.days_after)

    @property
    def reason(self) -> str:
        """The reasons in one line, the most frequent ones first."""
        counts: dict[str, int] = {}
        for why in self.partitions.values():
            counts[why] = counts.get(why, 0) + 1
        return "never built" if not counts else "; ".join(f"{w} ({n})" for w, n in sorted(counts.items(), key=lambda i: -i[1])[:3])

    @property
    def state(self) -> str:
        """What a run would do, in words."""
        if self.mistake:
            return f"can't be built: {self.mistake}"
        if self.pinned:
            return "pinned"
        return f"waits for {self.waits_for}" if self.waits_for else "fresh" if self.is_fresh else self.reason

    @property
    def entries(self) -> dict[str, int]:
        """Transaction entries that the commit carries: what this plan read, if it covers all that was stale."""
        if not self.covers_all:
            return {"planned": (self.head.number + 1) if self.head else 0}
        return {**{f"input:{n}": v.number for n, v in self.inputs.items()}, "digest": self.digest}


def make_plan(catalog: Catalog, lake: Lake, table: Table, time_zone: str, first: date | None = None, last: date | None = None) -> Plan:
    """Plan one table. `first` and `last` force a range: those partitions are built, fresh or not, and no others."""
    head = lake.open(table)
    digest = table_digest(catalog, table, time_zone)
    inputs = {n: v for n in catalog.parents(table) if (v := lake.open(catalog[n]))}
    if mistake := catalog.mistake(table):
        return Plan(table, head, {}, inputs, digest, mistake=mistake)
    missing = _missing(catalog, table, inputs)
    if missing:
        return Plan(table, head, {}, inputs, digest, waits_for=", ".join(missing))
    if head and head.is_pinned:
        return Plan(table, head, {}, inputs, digest, pinned=True)
    held = set(head.rows if head else ())
    universe = _universe(catalog, table, inputs)
    if table.prospective:
        # Days gone by stay as they were made; with other columns they are written anew, from themselves.
        universe = {max(d for d in universe if d)} if universe else set()
        universe |= held if head and not head.has_declared_columns else set()
    else:
        universe |= held
    everything = _everything(head, digest)
    stale: dict[Partition, str] = {}
    for name, version in inputs.items():
        then = head.entry(f"input:{name}") if head else None
        changed = None if then is None else lake.changed_since(version, then)
        if head and not everything and then is None:
            everything = f"{name} is a new input"
        elif head and not everything and changed is None:
            everything = f"{name} version {then} is gone"
        for p in changed or ():
            stale |= dict.fromkeys(_reach(catalog, table, name, p, universe), f"{name} changed")
    if everything:
        stale = dict.fromkeys(universe, everything)
    elif head and table.kind == "ledger" and not table.prospective:
        stale = {p: w for p, w in stale.items() if p not in head.rows}
    chosen = stale
    reshaped = head is not None and not head.has_declared_columns
    if (first or last) and table.partition and not reshaped:
        chosen = {p: stale.get(p, "forced") for p in universe if _within(table, p, first, last)}
    return Plan(
        table, head, dict(sorted(chosen.items(), key=lambda i: i[0] or date.min)), inputs, digest,
        whole=bool(everything) and set(chosen) >= set(universe), covers_all=set(chosen) >= set(stale), universe=frozenset(universe),
    )  # fmt: skip


def _missing(catalog: Catalog, table: Table, inputs: Mapping[str, Version]) -> list[str]:
    """What a table waits for: every input that isn't optional, and of a feed at least one source."""
    optional = {r.table for r in table.inputs if r.optional}
    missing = [n for n in table.depends_on if n not in catalog.feeds and n not in inputs and n not in optional]
    for feed in (n for n in table.depends_on if n in catalog.feeds):
        sources = [s.bronze for s in catalog.sources_of(feed)]
        if not any(s in inputs for s in sources):
            missing += sources or [f"a mapping file that feeds {feed}"]
    return missing


def _everything(head: Version | None, digest: int) -> str:
    if head is None:
        return "never built"
    return "" if head.entry("digest") == digest else "contract, step or mapping changed"


def _read_of(catalog: Catalog, table: Table, name: str) -> Read | None:
    """How `table` reads an input; None for an input that is only referenced."""
    for read in table.inputs:
        if read.table == name or any(s.bronze == name for s in catalog.sources_of(read.table)):
            return read
    return None


def _universe(catalog: Catalog, table: Table, inputs: Mapping[str, Version]) -> set[Partition]:
    """Every partition the table can have now: the days of its inputs at its own grain."""
    if table.partition is None:
        return {None}
    dated = {n: v for n, v in inputs.items() if v.table.partition and _read_of(catalog, table, n)}
    if CALENDAR in dated and table.layer == "gold":
        dated = {CALENDAR: dated[CALENDAR]}
    held = {(p, v.table.partition or "day") for v in dated.values() for p in v.rows if p is not None}
    return {r for p, grain in held if table.layer != "gold" or p != UNREADABLE for r in touched(p, grain, table.partition)}


def _reach(catalog: Catalog, table: Table, name: str, changed: Partition, universe: set[Partition]) -> set[Partition]:
    source = catalog[name]
    read = _read_of(catalog, table, name)
    if table.partition is None or source.partition is None or changed is None:
        return universe
    if read is None:
        by_partition = any(
            isinstance(k, References) and k.table == name and k.column == source.partition and c.name == table.partition
            for c in table.columns for k in c.constraints
        )  # fmt: skip
        return universe & {floor(changed, table.partition)} if by_partition else universe
    return universe & touched(changed, source.partition, table.partition, read.days_before, read.days_after)


def _within(table: Table, partition: Partition, first: date | None, last: date | None) -> bool:
    if partition is None or table.partition is None:
        return True
    return (first is None or partition >= floor(first, table.partition)) and (last is None or partition <= last)
