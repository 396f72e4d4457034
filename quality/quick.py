"""Great Expectations works out the same configuration of an expectation some forty times in one validation, and names a metric
by the digest of a dictionary of plain values that it first looks at with numpy and pandas."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import great_expectations.expectations.expectation as module
from great_expectations.core import id_dict
from great_expectations.expectations.expectation import Expectation

THEIRS: Any = module
IDS: Any = id_dict.IDDict
PLAIN = frozenset((str, int, bool, type(None)))


@contextmanager
def configurations_kept() -> Iterator[None]:
    """While this lasts each expectation works out its configuration once, and plain metrics get the same names more quickly.

    One thread at a time; nothing outlasts it. An expectation isn't changed while it is validated, so that its configuration
    stays what it was.
    """
    original, snake, to_id = Expectation.configuration, THEIRS.camel_to_snake, IDS.to_id
    held: dict[int, tuple[Expectation, Any]] = {}  # an expectation is kept with its place in memory, or another might take that

    def configuration(self: Expectation) -> Any:
        found = held.get(id(self))
        if found is None:
            found = held[id(self)] = self, original.__get__(self)
        return found[1]

    def named(self: Any, id_keys: Any = None, id_ignore_keys: Any = None) -> Any:
        if id_keys or id_ignore_keys or self._id_ignore_keys or len(self) < 2 or any(type(v) not in PLAIN for v in self.values()):
            return to_id(self, id_keys, id_ignore_keys)
        return hashlib.md5(json.dumps(self, sort_keys=True).encode(), usedforsecurity=False).hexdigest()

    THEIRS.Expectation.configuration, THEIRS.camel_to_snake, IDS.to_id = property(configuration), cache(snake), named
    try:
        yield
    finally:
        THEIRS.Expectation.configuration, THEIRS.camel_to_snake, IDS.to_id = original, snake, to_id
