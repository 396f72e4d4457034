"""Finding a table's step by its `module:function`, also in folders outside the checkout."""

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from pyspark.sql import DataFrame

from lake.catalog import CatalogError
from lake.contract import Table
from lake.settings import settings

Step = Callable[..., DataFrame]


def extra_module(name: str) -> Path | None:
    """The file of a module that a folder of `LAKE_EXTRA` brings; None for our own."""
    relative = Path(*name.split(".")).with_suffix(".py")
    return next((f / relative for f in settings().extra if (f / relative).is_file()), None)


def step_of(table: Table) -> Step:
    """The pure function that makes a table."""
    module, _, function = table.step_path.partition(":")
    if (file := extra_module(module)) and module not in sys.modules:
        spec = spec_from_file_location(module, file)
        if spec is None or spec.loader is None:
            raise CatalogError(f"{file}: can't be imported")
        loaded = sys.modules[module] = module_from_spec(spec)
        spec.loader.exec_module(loaded)
    try:
        step: Step = getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise CatalogError(f"{table.name}: its step {table.step_path} can't be found ({error})") from error
    return step
