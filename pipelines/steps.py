"""Finding a table's step by its `module:function`, also in folders outside the checkout."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from lake.catalog import CatalogError
from lake.contract import Table
from lake.extra import imported
from lake.settings import CHECKOUT, settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Step = Callable[..., "DataFrame"]


def extra_module(name: str) -> Path | None:
    """The file of a module that a folder of `LAKE_EXTRA` brings; None for our own, which no folder replaces."""
    relative = Path(*name.split(".")).with_suffix(".py")
    if (CHECKOUT / relative).is_file() or (CHECKOUT / relative.with_suffix("")).is_dir():
        return None
    return next((f / relative for f in settings().extra if (f / relative).is_file()), None)


def step_of(table: Table) -> Step:
    """The pure function that makes a table."""
    module, _, function = table.step_path.partition(":")
    file = extra_module(module)
    try:
        step: Step = getattr(imported(module, file) if file else import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise CatalogError(f"{table.name}: its step {table.step_path} can't be found ({error})") from error
    return step
