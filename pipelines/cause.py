"""What lies behind an error of an engine or a library: a full disk, or damage to what a table reads."""

import os
from contextlib import suppress

from lake.catalog import Catalog, CatalogError
from lake.contract import Table
from lake.mapping import MappingError
from lake.storage import Busy, CannotWrite, Conflict, DamagedTable, Lake
from lake.unwritable import refusal
from pipelines.pseudonym import KeyLost


def is_unexpected(error: Exception) -> bool:
    """Whether a person needs the traceback: the message of the other kinds tells all there is to know."""
    return not isinstance(error, Conflict | CatalogError | MappingError | KeyLost | Busy | CannotWrite | DamagedTable)


def cause(catalog: Catalog, lake: Lake, table: Table, error: Exception) -> Exception:
    """The error that names the cause, or the error itself. Looks at every file of the table and its inputs, so only after a failure."""
    if not is_unexpected(error):
        return error
    if (found := refusal(error, lake.root)) and (found.is_of_the_disk or not os.access(lake.root, os.W_OK)):
        return found  # permission denied may as well concern a file in landing
    with suppress(Exception):
        for name in (table.name, *table.siblings, *catalog.parents(table)):
            version = lake.open(catalog[name])
            if version and (broken := version.damaged(footers=True)):
                return DamagedTable(name, broken.values())
    return error
