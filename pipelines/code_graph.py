"""Which of our code a function can reach, found in the source text: nothing is imported, comments, docstrings and layout don't count.

The unit is a definition at the top of a module (a function, class or constant) with the names that it uses. Parsed modules are kept in
a file by path, size and modification time, so that an unchanged module is parsed once per machine.
"""

import ast
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

from lake.settings import CHECKOUT, settings

OURS = ("pipelines", "models", "lake", "quality")
FORMAT = 1
_PARSING = Lock()
"""Two threads that parse at once trip over one counter in CPython 3.11 (`AST constructor recursion depth mismatch`)."""


@dataclass(frozen=True)
class Definition:
    """A digest of one definition's own code, and the dotted names of ours that it uses."""

    digest: str
    uses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Module:
    """The definitions of a module, what it imports under which name, and what runs on import beside definitions."""

    definitions: dict[str, Definition] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    always: Definition = Definition("")


class CodeGraph:
    """The modules of the checkout, and of folders in `LAKE_EXTRA`, by name."""

    def __init__(self, roots: Iterable[Path], kept: Path | None = None) -> None:
        self.roots, self.kept = tuple(roots), kept
        self._modules: dict[str, Module | None] = {}
        self._stored, self._has_news = _load(kept), False
        self._files: dict[str, Path | None] = {}
        self._splits: dict[str, tuple[str, str]] = {}

    def reach(self, names: Iterable[str], leave_out: tuple[str, ...] = ()) -> dict[str, Definition]:
        """Definitions that the named ones (`package.module.name`; a module stands for all of it) use, themselves included.

        Modules below `leave_out` aren't entered: a definition of theirs stands with an empty digest. Raises LookupError for one that
        isn't there.
        """
        names = list(names)
        if missing := [n for n in names if not any(True for _ in self._resolved(n, ()))]:
            raise LookupError(f"no {', '.join(missing)} in our code")
        found: dict[str, Definition] = {}
        waiting = names
        while waiting:
            name = waiting.pop()
            for full, definition in self._resolved(name, leave_out):
                if full not in found:
                    found[full] = definition
                    waiting += definition.uses
        self._store()
        return found

    def _resolved(self, name: str, leave_out: tuple[str, ...]) -> Iterator[tuple[str, Definition]]:
        if name not in self._splits:
            self._splits[name] = self._split(name)
        module, symbol = self._splits[name]
        if not module:
            return
        if module.startswith(leave_out):
            yield f"{module}.{symbol}" if symbol else module, Definition("")
            return
        parsed = self.module(module)
        if parsed is None:
            return
        known = ("__path__", "", *parsed.definitions, *parsed.imports)
        if symbol in known:
            yield f"{module}.*", parsed.always
        if symbol == "__path__":  # a package that is walked: every module in it, wherever it lies
            for inner in self._inside(module):
                yield f"{inner}.__all__", Definition("", (inner,))
        elif not symbol:
            for each, definition in parsed.definitions.items():
                yield f"{module}.{each}", definition
            yield f"{module}.__imports__", Definition("", tuple(parsed.imports.values()))
        elif symbol in parsed.definitions:
            yield f"{module}.{symbol}", parsed.definitions[symbol]
        elif symbol in parsed.imports:
            yield f"{module}.{symbol}", Definition("", (parsed.imports[symbol],))

    def _split(self, name: str) -> tuple[str, str]:
        """The longest module in a dotted name, and the name in it that follows."""
        parts = name.split(".")
        for n in range(len(parts), 0, -1):
            if self._file(".".join(parts[:n])):
                return ".".join(parts[:n]), parts[n] if n < len(parts) else ""
        return "", ""

    def _file(self, module: str) -> Path | None:
        if module not in self._files:
            relative = Path(*module.split("."))
            tried = (root / f for root in self.roots for f in (relative.with_suffix(".py"), relative / "__init__.py"))
            self._files[module] = next((f for f in tried if f.is_file()), None) if module.startswith(OURS) else None
        return self._files[module]

    def _inside(self, package: str) -> list[str]:
        folders = [root.joinpath(*package.split(".")) for root in self.roots]
        return sorted({f"{package}.{f.stem}" for folder in folders for f in folder.glob("*.py") if f.stem != "__init__"})

    def module(self, name: str) -> Module | None:
        """A module's definitions; None where there is no such file."""
        if name not in self._modules:
            file = self._file(name)
            self._modules[name] = self._parsed(name, file) if file else None
        return self._modules[name]

    def _parsed(self, name: str, file: Path) -> Module:
        key = _key(name, file)
        if key in self._stored:
            definitions, imports, always = self._stored[key]
            return Module(
                {n: Definition(d, tuple(u)) for n, (d, u) in definitions.items()}, imports, Definition(always[0], tuple(always[1]))
            )
        with _PARSING:
            tree = ast.parse(file.read_text(encoding="utf-8"))
        made = _module(tree, name, file.stem == "__init__")
        definitions = {n: [d.digest, d.uses] for n, d in made.definitions.items()}
        self._stored[key] = [definitions, made.imports, [made.always.digest, made.always.uses]]
        self._has_news = True
        return made

    def _store(self) -> None:
        """Keep what was parsed; of processes that write at once the last one wins, and each writes a whole file."""
        if self.kept is None or not self._has_news:
            return
        known = {k: v for k, v in list(self._stored.items()) if _is_still_so(k)}  # a copy: another thread may be parsing
        self._has_news = False
        part = self.kept.with_name(f"{self.kept.name}.{uuid4().hex[:8]}")
        try:
            self.kept.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps({"format": FORMAT, "modules": known}))
            os.replace(part, self.kept)
        except OSError:  # a folder that can't be written: parsed again next time
            with suppress(OSError):
                part.unlink()


def _key(name: str, file: Path) -> str:
    stat = file.stat()
    return f"{name} {file} {stat.st_size} {stat.st_mtime_ns}"


def _is_still_so(key: str) -> bool:
    name, _, rest = key.partition(" ")
    file = Path(rest.rsplit(" ", 2)[0])
    return file.is_file() and _key(name, file) == key


def _load(kept: Path | None) -> dict[str, Any]:
    try:
        found = json.loads(kept.read_text()) if kept else {}
    except (OSError, ValueError):
        return {}
    return dict(found["modules"]) if found.get("format") == FORMAT else {}


def code_graph() -> CodeGraph:
    """Our code as this process sees it."""
    return _graph((CHECKOUT, *settings().extra), settings().state_root / "code.json")


@cache
def _graph(roots: tuple[Path, ...], kept: Path) -> CodeGraph:
    return CodeGraph(roots, kept)


def _module(tree: ast.Module, name: str, is_package: bool) -> Module:
    imports = dict(_imports(tree, name if is_package else name.rpartition(".")[0]))
    bound = {n for statement in tree.body for n in _binds(statement)}
    parts: dict[str, list[ast.stmt]] = {}
    loose: list[ast.stmt] = []
    for statement in tree.body:
        names = list(_binds(statement))
        for n in names:
            parts.setdefault(n, []).append(statement)
        if not names and not isinstance(statement, ast.Import | ast.ImportFrom) and not _is_text(statement) and not _is_typing(statement):
            loose.append(statement)
    definitions = {n: _definition(some, name, bound, imports) for n, some in parts.items()}
    return Module(definitions, imports, _definition(loose, name, bound, imports))


def _definition(statements: list[ast.stmt], module: str, bound: set[str], imports: dict[str, str]) -> Definition:
    told = [_plain(s) for s in statements]
    uses = {u for s in statements for u in _uses(s, module, bound, imports)}
    return Definition(hashlib.sha256(repr(told).encode()).hexdigest()[:16], tuple(sorted(uses)))


def _binds(statement: ast.stmt) -> Iterator[str]:
    """Names that a statement at the top of a module defines, those in its branches included."""
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield statement.name
        case ast.Assign(targets=targets):
            yield from (n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.AugAssign(target=ast.Name(id=name)):
            yield name
        case ast.If() | ast.For() | ast.Try() | ast.With():
            inner = (s for s in ast.iter_child_nodes(statement) if isinstance(s, ast.stmt | ast.ExceptHandler))
            for s in inner:
                yield from (n for b in (s.body if isinstance(s, ast.ExceptHandler) else [s]) for n in _binds(b))


def _imports(tree: ast.Module, package: str) -> Iterator[tuple[str, str]]:
    """Local names, wherever in the module they are imported, and what of ours they stand for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for a in node.names:
                if a.name.split(".")[0] in OURS:
                    yield (a.asname, a.name) if a.asname else (a.name.split(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *filter(None, [node.module])])
            if source.split(".")[0] in OURS:
                yield from ((a.asname or a.name, f"{source}.{a.name}") for a in node.names)


def _uses(statement: ast.stmt, module: str, bound: set[str], imports: dict[str, str]) -> Iterator[str]:
    waiting: list[Any] = [statement]
    while waiting:
        node = waiting.pop()
        dotted, inner = _dotted(node)
        root = dotted.partition(".")[0]
        if root in imports:
            yield imports[root] + dotted[len(root) :]
        elif root in bound:
            yield f"{module}.{root}"
        waiting += inner


def _dotted(node: ast.AST) -> tuple[str, list[ast.AST]]:
    """A name with its attributes as text, and what else is to be looked at."""
    if isinstance(node, ast.Name):
        return node.id, []
    if isinstance(node, ast.Attribute):
        text, inner = _dotted(node.value)
        return (f"{text}.{node.attr}", []) if text else ("", inner or [node.value])
    return "", [c for _, c in _fields(node)]


def _fields(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """What decides what a node does: no annotations, no docstrings, no texts that stand alone."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "type_comment", "ctx"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_text(child) and not _is_typing(child):
                yield name, child


def _plain(node: ast.AST) -> Any:
    """A node as nested tuples, without what is empty: the same on every version of Python."""
    told: list[Any] = [type(node).__name__]
    for name, value in ast.iter_fields(node):
        held = value if isinstance(value, list) else [] if value is None else [value]
        told += [(name, repr(v)) for v in held if not isinstance(v, ast.AST) and name not in ("type_comment", "kind")]
    return (*told, *((name, _plain(child)) for name, child in _fields(node)))


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_typing(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
