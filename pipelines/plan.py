"""What must be rebuilt, computed from the lake alone: contracts, versions read before, versions there now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from lake.catalog import CALENDAR, Catalog
from lake.contract import Read, Table
from lake.derived import UNREADABLE_DAY
from lake.partitions import Partition, floor, needed, touched
from lake.storage import Lake, Version
from pipelines.digest import table_digest
from pipelines.slices import GONE, Reach, Slices

if TYPE_CHECKING:
    from pipelines.landing import Arrivals

UNREADABLE = date.fromisoformat(UNREADABLE_DAY)


@dataclass(frozen=True)
class Plan:
    """The partitions to build, each with its reason, from inputs pinned at the versions planned with.

    `mistake`: what is wrong with a mapping file that means to fill the table, which isn't built until that is mended.
    `covers_all`: every partition that the inputs made stale is in it, so input versions may advance.
    `universe`: every partition that the table can have or has; `outside`: those of it in which nothing may be any more.
    `arrived`: what landing holds that is new, for a bronze table.
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
    outside: frozenset[Partition] = field(default=frozenset())
    slices: Slices | None = field(default=None, compare=False, repr=False)
    arrived: "Arrivals | None" = field(default=None, compare=False, repr=False)

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
        found = {**{f"input:{n}": v.number for n, v in self.inputs.items()}, "digest": self.digest, "pinned": 0}
        begins = min((p for p in self.universe - self.outside if p), default=None)
        if begins and _is_bounded(self.table):
            found["begins"] = begins.toordinal()
        return found | (self.slices.entries() if self.slices else {})


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
    possible = _universe(catalog, table, inputs)
    if table.prospective:
        # Days gone by stay as they were made; with other columns they are written anew, from themselves.
        possible = {max(d for d in possible if d)} if possible else set()
        universe = possible | (held if head and not head.has_declared_columns else set())
    else:
        universe = possible | held
    slices = Slices(catalog, lake, table, head, inputs)
    everything = _everything(head, digest)
    stale: dict[Partition, str] = {}
    if head and not everything:
        reached = _reached(catalog, lake, table, head, slices, universe)
        stale = reached if isinstance(reached, dict) else {}
        everything = reached if isinstance(reached, str) else ""
        stale |= _moved(table, head, possible, held)
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
        outside=frozenset(universe - possible) if _is_bounded(table) else frozenset(), slices=slices,
    )  # fmt: skip


def _reached(
    catalog: Catalog, lake: Lake, table: Table, head: Version, slices: Slices, universe: set[Partition]
) -> dict[Partition, str] | str:
    """The partitions that changed inputs make stale, each with the reason; or why all of them are."""
    stale: dict[Partition, str] = {}
    for name, version in slices.inputs.items():
        then = head.entry(f"input:{name}")
        changed = None if then is None else lake.changed_since(version, then)
        if changed == set():
            continue
        read = _read_of(catalog, table, name)
        own = [(n, c, k) for n, (c, k) in slices.references().items() if k.table == name]
        if then is None:
            if own or (read and not (read.table == name and slices.tells_nothing(read))):
                return f"{name} is a new input"
            continue
        found: list[Reach] = [slices.of_reference(n, c, k, then, universe) for n, c, k in own]
        if read and read.table == name and version.table.partition is None:
            found.append(slices.of_input(read, then, changed, universe))
        elif read:
            found.append(_of_partitions(table, read, version, changed, universe))
        for reach in found:
            if isinstance(reach, str):
                return f"{name} version {then} is {reach}"
            stale |= dict.fromkeys(reach, f"{name} changed")
    return stale


def _of_partitions(table: Table, read: Read, version: Version, changed: set[Partition] | None, universe: set[Partition]) -> Reach:
    """Partitions that need one of an input's changed ones."""
    source, own = version.table.partition, table.partition
    if changed is None:
        return GONE
    if source is None or own is None or None in changed:
        return universe if changed else set()
    return universe & {t for p in changed if p for t in touched(p, source, own, read.days_before, read.days_after)}


def _moved(table: Table, head: Version, possible: set[Partition], held: set[Partition]) -> dict[Partition, str]:
    """Days that the table has to tell of now, or no more, because its inputs begin on another day than when it was last made."""
    begins, begun = min((p for p in possible if p), default=None), head.entry("begins")
    if not _is_bounded(table) or begins is None or begun is None:
        return {}
    sooner: set[Partition] = {p for p in possible if p and p.toordinal() < begun}
    later: set[Partition] = {p for p in held if p and p < begins}
    return dict.fromkeys(sooner, "its inputs begin earlier now") | dict.fromkeys(later, "its inputs begin later now")


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


def _is_bounded(table: Table) -> bool:
    """Whether a table tells of days of the calendar, from the first one on of which another input tells something."""
    has_calendar = any(r.table == CALENDAR for r in table.inputs)
    return has_calendar and table.layer == "gold" and table.partition is not None and not table.prospective


def _universe(catalog: Catalog, table: Table, inputs: Mapping[str, Version]) -> set[Partition]:
    """Every partition the table can have now: the days of its inputs at its own grain.

    A table that reads the calendar has a partition for each of its days, from the first one that another input reaches: silence is
    told, but not of a time before there was anything to hear.
    """
    if table.partition is None:
        return {None}
    reads = {n: r for n in inputs if inputs[n].table.partition and (r := _read_of(catalog, table, n))}
    days = {n: {p for p in inputs[n].rows if p is not None and (table.layer != "gold" or p != UNREADABLE)} for n in reads}
    begins = date.min
    if CALENDAR in days and table.layer == "gold":
        first = [min(held) - timedelta(days=reads[n].days_after) for n, held in days.items() if held and n != CALENDAR]
        begins = min(first, default=date.min if len(days) == 1 else date.max)
        days = {CALENDAR: days[CALENDAR]}
    found = {r for n, held in days.items() for p in held for r in touched(p, inputs[n].table.partition or "day", table.partition)}
    return {p for p in found if p >= floor(begins, table.partition)} if begins > date.min else set(found)


def _within(table: Table, partition: Partition, first: date | None, last: date | None) -> bool:
    if partition is None or table.partition is None:
        return True
    return (first is None or partition >= floor(first, table.partition)) and (last is None or partition <= last)
