"""Going back to an older version by hand: restored and pinned in one commit, and unpinned again."""

from lake.catalog import Catalog
from lake.contract import Table
from lake.points import reached
from lake.storage import Lake, MissingVersion


def restore(catalog: Catalog, lake: Lake, table: Table, to: int) -> int:
    """Make version `to` of a table and the siblings that it names the newest ones, and pin the table; return its new version.

    Siblings come first, each in a commit of its own that no head names yet; the head's one commit shows all of it, pinned. Killed
    in between, readers see the family as it was. Raises ValueError where that can't be, MissingVersion where upkeep removed
    the version, Conflict where another machine publishes meanwhile, Busy.
    """
    if table.layer == "bronze":
        raise ValueError(f"{table.name}: bronze is reloaded from landing, never restored")
    if any(table.name in t.siblings for t in catalog.tables.values()):
        raise ValueError(f"{table.name} is published together with another table; restore that one")
    with lake.lock(table):
        now = lake.open(table)
        if now is None:
            raise ValueError(f"{table.name} was never published")
        if not 0 <= to < now.number:
            raise ValueError(f"{table.name} has versions 0 to {now.number}; version {to} can't be restored")
        then = lake.at(now, to)
        if then.damaged():
            raise MissingVersion(f"{table.name} version {to} can't be restored: upkeep removed {len(then.damaged())} of its files")
        reached("before restore", table.name)
        entries = {"pinned": 1}
        for name in table.siblings:
            wanted, newest = lake.open_sibling(then, catalog[name]), lake.open(catalog[name])
            if wanted and newest:
                same = newest.number == wanted.number
                entries[f"sibling:{name}"] = wanted.number if same else lake.restore(catalog[name], wanted.number, {})
                reached("sibling restored", table.name)
        made = lake.restore(table, to, entries)
        reached("restored", table.name)
        return made


def unpin(lake: Lake, table: Table) -> bool:
    """Let runs build a restored table again: all of it is stale then. False where it wasn't pinned. Raises Busy, Conflict."""
    with lake.lock(table):
        now = lake.open(table)
        if now is None or not now.is_pinned:
            return False
        lake.publish(table, now, [], None, {"pinned": 0, "digest": 0}, {"reason": "unpin"})
        return True
