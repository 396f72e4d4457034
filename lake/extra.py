"""Modules of domains that lie in folders outside the checkout (`LAKE_EXTRA`)."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from threading import RLock
from types import ModuleType

_LOCK = RLock()


def imported(name: str, file: Path, anew: bool = False) -> ModuleType:
    """Import `file` as `name`, once unless `anew`. Whoever asks while it is being read waits; a file that fails leaves nothing behind."""
    with _LOCK:
        before = sys.modules.get(name)
        if before is not None and before.__file__ == str(file) and not anew:
            return before
        spec = spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            raise ImportError(f"{file}: can't be imported")
        module = sys.modules[name] = module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException:
            if before is None:
                del sys.modules[name]
            else:
                sys.modules[name] = before
            raise
        return module
