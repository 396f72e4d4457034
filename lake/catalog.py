"""Every declared table, found by importing each module of lake.tables and each mapping of lake/sources."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import lake.tables
from lake.contract import Feed, Table
from lake.derived import bronze_tables, quarantine_of
from lake.extra import imported
from lake.mapping import MappingError, load, meant_feeds
from lake.settings import CHECKOUT, settings
from lake.source import Source

CALENDAR = "bronze_lake__calendar"


class CatalogError(Exception):
    """The declarations don't fit together; the message names the table and what is wrong."""


@dataclass(frozen=True)
class Catalog:
    """All tables by name, inputs before the tables that read them; all feeds and all sources.

    `broken` says by feed what is wrong with a mapping file that means to fill it: nothing that reads the feed is built
    until that is mended, since building it without that source would take its rows away.
    """

    tables: Mapping[str, Table]
    feeds: Mapping[str, Feed]
    sources: Mapping[str, Source]
    broken: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Table:
        if name not in self.tables:
            raise CatalogError(f"no table {name}; `python -m pipelines status` lists them")
        return self.tables[name]

    def sources_of(self, feed: str) -> tuple[Source, ...]:
        return tuple(s for s in self.sources.values() if s.feed == feed)

    def parents(self, table: Table) -> tuple[str, ...]:
        """The tables that must be up to date before `table`, with feeds resolved to their bronze tables."""
        found: list[str] = []
        for name in table.depends_on:
            found += [s.bronze for s in self.sources_of(name)] if name in self.feeds else [name]
        return tuple(dict.fromkeys(found))

    def waits_for(self, table: Table) -> tuple[str, ...]:
        """What is built before `table`: its parents, and for the calendar all bronze, whose first day it begins with."""
        begins_with = [s.bronze for s in self.sources.values()] if table.name == CALENDAR else []
        return (*self.parents(table), *begins_with)

    def source_of(self, table: Table) -> Source | None:
        """The source of a bronze table; None for any other."""
        return next((s for s in self.sources.values() if s.bronze == table.name), None)

    def mistake(self, table: Table) -> str:
        """What is wrong with the mapping files that fill a table; empty when nothing is."""
        return "; ".join(dict.fromkeys(self.broken[r.table] for r in table.inputs if r.table in self.broken))

    @property
    def buildable(self) -> tuple[Table, ...]:
        """Tables that a run plans, in order; siblings and ledgers without inputs are made with others."""
        siblings = {s for t in self.tables.values() for s in t.siblings}
        return tuple(t for t in self.tables.values() if t.name not in siblings and not (t.kind == "ledger" and not t.inputs))

    @property
    def domains(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(t.domain for t in self.buildable))


def _modules(extra: Iterable[Path]) -> Iterator[ModuleType]:
    for found in iter_modules(lake.tables.__path__):
        yield import_module(f"lake.tables.{found.name}")
    for folder in extra:
        for file in sorted((folder / "lake" / "tables").glob("*.py")):
            yield imported(f"lake.tables.{file.stem}", file, anew=True)


def discover(extra: tuple[Path, ...] = ()) -> Catalog:
    """Read every declaration. Folders in `extra` hold more domains: lake/tables/*.py, lake/sources/*.yaml, pipelines/*.py."""
    modules = list(_modules(extra))
    feeds = {f.name: f for m in modules for f in vars(m).values() if isinstance(f, Feed)}
    declared = {t.name: t for m in modules for t in vars(m).values() if isinstance(t, Table)}
    folders = [CHECKOUT / "lake" / "sources", *(e / "lake" / "sources" for e in extra)]
    files = [f for folder in folders for f in sorted(folder.glob("*.yaml"))]
    sources: dict[str, Source] = {}
    broken: dict[str, str] = {}
    for file in files:
        try:
            source = load(file, feeds)
        except MappingError as error:
            broken |= {f: "; ".join(filter(None, (broken.get(f), str(error)))) for f in meant_feeds(file, feeds)}
            continue
        if source.bronze in {s.bronze for s in sources.values()}:
            raise CatalogError(f"two mapping files are named {source.name} in domain {source.domain}; rename one")
        sources[source.bronze] = source
    tables = dict(declared)
    for source in sources.values():
        tables |= {t.name: t for t in bronze_tables(source, feeds[source.feed])}
    for table in declared.values():
        if table.layer == "silver" and any(r.table in feeds for r in table.inputs):
            grain = next(feeds[r.table].grain for r in table.inputs if r.table in feeds)
            if table.partition not in (None, grain):
                raise CatalogError(f"{table.name} is partitioned by {table.partition}, its feed by {grain}; declare the same")
            quarantine = quarantine_of(table)
            tables[quarantine.name] = quarantine
            tables[table.name] = replace(table, siblings=(*table.siblings, quarantine.name))
    catalog = Catalog(tables, feeds, sources, broken)
    return replace(catalog, tables=_ordered(catalog))


def _ordered(catalog: Catalog) -> dict[str, Table]:
    known = {*catalog.tables, *catalog.feeds}
    for table in catalog.tables.values():
        if missing := set(table.depends_on) - known:
            raise CatalogError(f"{table.name} reads {', '.join(sorted(missing))}, which nobody declares")
    graph = {t.name: catalog.waits_for(t) for t in catalog.tables.values()}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise CatalogError(f"tables read each other in a circle: {' -> '.join(error.args[1])}") from error
    return {name: catalog.tables[name] for name in order}


@cache
def catalog() -> Catalog:
    """The catalog of this process. Raises CatalogError, also when LAKE_DOMAINS names a domain that it doesn't have."""
    found = discover(settings().extra)
    if unknown := settings().chosen_domains - set(found.domains):
        raise CatalogError(f"LAKE_DOMAINS names {', '.join(sorted(unknown))}; the catalog has {', '.join(sorted(found.domains))}")
    return found
