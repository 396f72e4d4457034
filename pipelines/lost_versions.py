"""Versions that other tables have read and that are there no more: somebody, or a failing disk, removed log entries."""

from lake.catalog import Catalog
from lake.contract import Table
from lake.storage import DamagedTable, Lake, MissingVersion


def remembered(catalog: Catalog, lake: Lake, table: Table) -> int:
    """The highest version of a table that other tables say they read or belong to; -1 if none does. Unreadable ones are left out."""
    names = (f"sibling:{table.name}", f"input:{table.name}")
    found = [-1]
    for other in catalog.tables.values():
        if other.name != table.name and (table.name in other.siblings or table.name in catalog.parents(other)):
            try:
                version = lake.open(other)
            except (DamagedTable, MissingVersion):
                continue
            found += [n for name in names if version and (n := version.entry(name)) is not None]
    return max(found)


def missing_versions(catalog: Catalog, lake: Lake, table: Table) -> str:
    """What is wrong where other tables have read a version that isn't there any more; empty if nothing is.

    A run must not go on from there: it would give the number again to other rows, and readers would take those for the ones they know.
    A table whose folder is gone altogether is simply built again.
    """
    seen = remembered(catalog, lake, table)  # before `newest`: another machine may publish and read meanwhile
    newest = lake.newest(table)
    if newest is None or seen <= newest:
        return ""
    return f"log entries {newest + 1} to {seen} are missing, which other tables have read"
