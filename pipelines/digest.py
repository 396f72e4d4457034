"""What a table was made with, as one number: its contract, the code of its step, its mappings, and settings it depends on."""

import ast
import hashlib
import importlib.util
from functools import cache
from pathlib import Path
from threading import Lock

from lake.catalog import Catalog
from lake.contract import Table
from lake.mapping import select_digest
from lake.source import Source
from pipelines.steps import extra_module, step_of

OURS = ("pipelines", "models", "lake.tables", "lake.alerts", "lake.status", "lake.summaries")
ENGINE = ("pipelines.judge", "pipelines.pseudonym")


@cache
def code_digest(module: str) -> str:
    """Digest of a module's code and of our modules that it imports; comments, docstrings and layout don't count."""
    seen: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in seen or not (read := _read(name)):
            continue
        seen[name], imported = read
        waiting += imported
    return hashlib.sha256(repr(sorted(seen.items())).encode()).hexdigest()


_PARSING = Lock()
"""Two threads that parse at once trip over one counter in CPython 3.11 (`AST constructor recursion depth mismatch`)."""


@cache
def _read(module: str) -> tuple[str, tuple[str, ...]] | None:
    """Digest of one module's own code, and what it may import of ours; None where there is no such file."""
    file = _file(module)
    if file is None:
        return None
    with _PARSING:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    digest = hashlib.sha256(ast.dump(_bare(tree)).encode()).hexdigest()
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [node.module, *(f"{node.module}.{a.name}" for a in node.names)]
    return digest, tuple(n for n in dict.fromkeys(names) if n.startswith(OURS))


def _file(module: str) -> Path | None:
    if found := extra_module(module):
        return found
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None


def _bare(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return tree


def table_digest(catalog: Catalog, table: Table, time_zone: str) -> int:
    """A number below 2**63 that changes when contract, step, mapping or time zone do."""
    parts = [repr(table), time_zone]
    if source := catalog.source_of(table):
        # How files are parsed isn't in it: that belongs to each file version (see landing.arrivals).
        parts = [repr(table.columns), time_zone, _day(catalog, source)]
    elif table.layer != "bronze" and table.inputs:
        parts.append(code_digest(step_of(table).__module__))
    for name in (r.table for r in table.inputs if r.table in catalog.feeds):
        parts += [f"{s.name}:{select_digest(s, catalog.feeds[name])}" for s in catalog.sources_of(name)]
        parts += [code_digest(m) for m in ENGINE]
    return int.from_bytes(hashlib.sha256("\n".join(parts).encode()).digest()[:8]) >> 1


def _day(catalog: Catalog, source: Source) -> str:
    from pipelines.landing import day_steps

    return "\n".join(day_steps(source, catalog.feeds[source.feed], ""))
