"""How the catalog becomes tasks: one task per zone and domain, in an order that the declarations decide."""

from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from lake.catalog import Catalog, CatalogError
from lake.contract import Layer, Table


@dataclass(frozen=True)
class Group:
    """The tables of one domain in one zone, in building order."""

    layer: Layer
    domain: str
    tables: tuple[Table, ...]
    upstream: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.layer}_{self.domain}"

    @property
    def owner(self) -> str:
        return ", ".join(dict.fromkeys(t.owner for t in self.tables))

    @property
    def doc(self) -> str:
        """Markdown for the task's page, from the contracts."""
        lines = [f"- `{t.name}` ({t.kind}, {t.grain}): {t.description}" for t in self.tables]
        return "\n".join([f"Builds what is stale of the {self.layer} tables of {self.domain}.", "", *lines])


def groups(catalog: Catalog) -> list[Group]:
    """Every group, upstream ones first."""
    members: dict[str, list[Table]] = {}
    for table in catalog.buildable:
        members.setdefault(f"{table.layer}_{table.domain}", []).append(table)
    home = {t.name: name for name, tables in members.items() for t in tables}
    after: dict[str, set[str]] = {}
    for name, tables in members.items():
        after[name] = {home[p] for t in tables for p in catalog.waits_for(t) if p in home and home[p] != name}
    try:
        order = TopologicalSorter(after).static_order()
        return [Group(t[0].layer, t[0].domain, tuple(t), tuple(sorted(after[n]))) for n in order if (t := members[n])]
    except CycleError as error:
        raise CatalogError(f"zones of domains wait for each other in a circle: {' -> '.join(error.args[1])}") from error
