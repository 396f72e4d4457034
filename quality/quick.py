"""Great Expectations works out the same configuration of an expectation some forty times in one validation."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import great_expectations.expectations.expectation as module
from great_expectations.expectations.expectation import Expectation

THEIRS: Any = module


@contextmanager
def configurations_kept() -> Iterator[None]:
    """While this lasts each expectation works out its configuration once. One thread at a time; nothing outlasts it.

    An expectation isn't changed while it is validated, so that its configuration stays what it was.
    """
    original, snake = Expectation.configuration, THEIRS.camel_to_snake
    held: dict[int, tuple[Expectation, Any]] = {}  # an expectation is kept with its place in memory, or another might take that

    def configuration(self: Expectation) -> Any:
        found = held.get(id(self))
        if found is None:
            found = held[id(self)] = self, original.__get__(self)
        return found[1]

    THEIRS.Expectation.configuration, THEIRS.camel_to_snake = property(configuration), cache(snake)
    try:
        yield
    finally:
        THEIRS.Expectation.configuration, THEIRS.camel_to_snake = original, snake
