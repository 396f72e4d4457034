"""What decides the cells of a table, as one number: what its contract fixes, the code of its step, its mappings, the time zone.

Wording counts nowhere: descriptions, meanings, owners, units, docstrings. No step is imported for it.
"""

import hashlib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import FunctionType, ModuleType
from typing import Any

from lake.catalog import CALENDAR, Catalog, CatalogError
from lake.constraints import RowPromise, TablePromise
from lake.contract import Column, Feed, Table
from lake.mapping import select_digest
from pipelines.code_graph import CodeGraph, code_graph
from pipelines.event_day import day_steps

DECLARATIONS = "lake.tables"
"""These modules hold data that the catalog imports anyway: their values count, not their text, which is full of descriptions."""
NO_CELLS = (DECLARATIONS, "lake.settings", "lake.contract", "lake.catalog", "lake.engine", "lake.storage", "lake.extra", "lake.points")
"""Modules that decide no cell of what a step makes; their code doesn't count."""
CONFORM = ("lake.spark.conform",)
"""How the engine makes what a step gives into the declared columns."""
VALIDATE = (
    "pipelines.judge.mapped", "pipelines.judge.validated", "pipelines.judge.ranked", "pipelines.judge.quarantined",
    "pipelines.pseudonym.expression",
)  # fmt: skip
"""How the engine makes the rows of a feed into a silver table and its quarantine."""


def code_digest(*names: str) -> str:
    """Digest of our code that the named functions (`package.module.name`), or whole modules, can reach. Raises LookupError."""
    return _code_digest(code_graph(), names)


@cache
def _code_digest(graph: CodeGraph, names: tuple[str, ...]) -> str:
    found = graph.reach(names, NO_CELLS)
    told = [(n, d.digest or _value(n)) for n, d in sorted(found.items())]
    return hashlib.sha256(repr(told).encode()).hexdigest()


@cache
def _value(name: str) -> str:
    """What a declaration holds, in the meaning that decides cells; nothing for other names without code of their own."""
    if not name.startswith(f"{DECLARATIONS}."):
        return ""
    module, _, symbol = name.rpartition(".")
    if name in sys.modules:
        declared = vars(sys.modules[name])
        return repr([(n, meaning(v)) for n, v in sorted(declared.items()) if n.isupper()])
    value = getattr(sys.modules.get(module), symbol, None)
    if isinstance(value, FunctionType):
        found = code_graph().reach([f"{value.__module__}.{value.__qualname__}"], NO_CELLS[1:])
        return repr(sorted((n, d.digest) for n, d in found.items()))
    return repr(meaning(value))


def meaning(value: Any) -> Any:
    """Plain data without its wording."""
    match value:
        case Table():
            return ("table", value.name, value.key, value.partition, [meaning(c) for c in value.columns])
        case Feed():
            return ("feed", value.name, [meaning(c) for c in value.columns], value.day_of, value.grain)
        case Column():
            promises = [meaning(p) for p in value.constraints if p.severity == "critical"]
            return (value.name, value.type, value.resolution, value.personal, value.pseudonymous, promises)
        case ModuleType() | FunctionType():
            return value.__name__
        case type():
            return value.__qualname__
        case _ if is_dataclass(value):
            return (type(value).__name__, [(f.name, meaning(getattr(value, f.name))) for f in fields(value)])
        case str() | bytes():
            return value
        case Mapping():
            return [(meaning(k), meaning(v)) for k, v in value.items()]
        case set() | frozenset():
            return sorted(repr(meaning(v)) for v in value)
        case Iterable():
            return [meaning(v) for v in value]
    return repr(value)


def _contract(table: Table) -> Any:
    """What a contract fixes about cells, and about what may be published."""
    reads = [(r.table, r.days_before, r.days_after, r.columns, r.only) for r in table.inputs]
    blocking: list[RowPromise | TablePromise] = [p for p in table.promises if p.severity == "critical"]
    return (
        [meaning(c) for c in table.columns], table.kind, table.key, table.partition, table.prefer, table.fans_out, table.applies,
        table.siblings, reads, [meaning(p) for p in blocking],
    )  # fmt: skip


def table_digest(catalog: Catalog, table: Table, time_zone: str) -> int:
    """A number below 2**63 that changes when what decides the table's cells does."""
    parts = [repr(_contract(table)), time_zone]
    if source := catalog.source_of(table):
        # How files are parsed isn't in it: that belongs to each file version (see landing.arrivals).
        parts = [repr([meaning(c) for c in table.columns]), time_zone, *day_steps(source, catalog.feeds[source.feed], "")]
    elif table.layer != "bronze" and table.inputs:
        feeds = [catalog.feeds[r.table] for r in table.inputs if r.table in catalog.feeds]
        step = table.step_path.replace(":", ".")
        try:
            parts.append(code_digest(step, *CONFORM, *(VALIDATE if feeds else ())))
        except LookupError as error:
            raise CatalogError(f"{table.name}: its step {table.step_path} can't be found ({error})") from error
        for feed in feeds:
            parts.append(repr(meaning(feed)))
            parts += [f"{s.name}:{select_digest(s, feed)}" for s in catalog.sources_of(feed.name)]
    elif table.name == CALENDAR:
        parts = [repr([c.name for c in table.columns]), time_zone]
    return int.from_bytes(hashlib.sha256("\n".join(parts).encode()).digest()[:8]) >> 1
