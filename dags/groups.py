"""How the catalog becomes tasks: one task per zone and domain, in an order that the declarations decide."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from lake.catalog import Catalog, CatalogError
from lake.contract import Layer, Table


@dataclass(frozen=True)
class Group:
    """The tables of one domain in one zone, in building order.

    `part` is above 0 for tables that need what another domain made of this one (a reporting table with predictions).
    `upstream` names the groups to wait for, less those that one of them waits for anyway.
    """

    layer: Layer
    domain: str
    tables: tuple[Table, ...]
    upstream: tuple[str, ...]
    part: int = 0

    @property
    def name(self) -> str:
        return _name(self.layer, self.domain, self.part)

    @property
    def owner(self) -> str:
        return ", ".join(dict.fromkeys(t.owner for t in self.tables))

    @property
    def doc(self) -> str:
        """Markdown for the task's page, from the contracts."""
        lines = [f"- `{t.name}` ({t.kind}, {t.grain}): {t.description}" for t in self.tables]
        return "\n".join([f"Builds what is stale of the {self.layer} tables of {self.domain}.", "", *lines])


def _name(layer: str, domain: str, part: int) -> str:
    return f"{layer}_{domain}" + (f"_{part + 1}" if part else "")


def groups(catalog: Catalog, domains: frozenset[str] = frozenset()) -> list[Group]:
    """Every group, of some domains or of all, upstream ones first."""
    parts = _parts(catalog)
    members: dict[str, list[Table]] = {}
    for table in (t for t in catalog.buildable if not domains or t.domain in domains):
        members.setdefault(_name(table.layer, table.domain, parts[table.name]), []).append(table)
    home = {t.name: name for name, tables in members.items() for t in tables}
    after: dict[str, set[str]] = {}
    for name, tables in members.items():
        after[name] = {home[p] for t in tables for p in catalog.waits_for(t) if p in home and home[p] != name}
    try:
        order = list(TopologicalSorter(after).static_order())
    except CycleError as error:
        raise CatalogError(f"zones of domains wait for each other in a circle: {' -> '.join(error.args[1])}") from error
    direct = _reduced(order, after)
    return [Group(t[0].layer, t[0].domain, tuple(t), tuple(sorted(direct[n])), parts[t[0].name]) for n in order if (t := members[n])]


def _reduced(order: Iterable[str], after: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The same order with the fewest edges: who waits for silver needn't be drawn as waiting for its bronze too."""
    above: dict[str, set[str]] = {}
    for name in order:
        above[name] = after[name].union(*(above[n] for n in after[name]))
    return {name: {n for n in near if not any(n in above[m] for m in near)} for name, near in after.items()}


def _parts(catalog: Catalog) -> dict[str, int]:
    """Into which part of its zone and domain each table falls: one more than what it needs of them by way of another domain."""
    deepest: dict[str, dict[tuple[str, str], int]] = {}
    found: dict[str, int] = {}
    for table in catalog.tables.values():
        own = table.layer, table.domain
        parents = [p for p in catalog.waits_for(table) if p in deepest]
        mine = found[table.name] = max(
            (deepest[p].get(own, -1) + ((catalog[p].layer, catalog[p].domain) != own) for p in parents), default=0
        )
        reached = {g: n for p in parents for g, n in deepest[p].items()}
        for p in parents:
            reached |= {g: max(n, reached[g]) for g, n in deepest[p].items()}
        deepest[table.name] = reached | {own: max(mine, reached.get(own, 0))}
    return found
