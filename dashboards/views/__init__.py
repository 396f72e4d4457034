"""One module per page, each with a `PAGE`; they are found, not listed, so a domain brings its page without an edit here.

Not named `pages`: Streamlit would serve such a folder by itself, without the frame that `app` puts around every page.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from dashboards.texts import Texts
from lake.settings import settings


@dataclass(frozen=True)
class Page:
    """A page: its place in the menu, URL path, icon, the tables it can't do without, those it also reads, and what draws it.

    Texts `<path>.title` and `<path>.question` head it.
    """

    rank: int
    path: str
    icon: str
    needs: tuple[str, ...]
    reads: tuple[str, ...]
    draw: Callable[[Texts], None]
    why_empty: str = "state.first_run_lake"


def _modules(extra: tuple[Path, ...]) -> Iterator[ModuleType]:
    for found in iter_modules(__path__):
        yield import_module(f"{__name__}.{found.name}")
    for file in (f for folder in extra for f in sorted((folder / "dashboards" / "views").glob("*.py"))):
        name = f"{__name__}.{file.stem}"
        spec = spec_from_file_location(name, file)
        if spec and spec.loader:
            module = sys.modules[name] = module_from_spec(spec)
            spec.loader.exec_module(module)
            yield module


@cache
def pages() -> tuple[Page, ...]:
    """All pages in the order of the menu."""
    return tuple(sorted((m.PAGE for m in _modules(settings().extra) if hasattr(m, "PAGE")), key=lambda p: p.rank))
