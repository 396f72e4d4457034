"""The shape of what is said about one component."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A spare part as the store's list names it: French designation (some in inches), reference, price without tax."""

    designation: str
    reference: str
    unit_price_eur: float
    quantity: int = 1


@dataclass(frozen=True)
class Rating:
    """True ratings, 1 to 10: gravity, occurrence, detection (10: nothing would notice).

    Occurrence follows from how often the plant's components fail, by `lake.fmea.OCCURRENCE_FROM_RATE`.
    """

    gravity: int
    occurrence: int
    detection: int


@dataclass(frozen=True)
class Wording:
    """`organ` is canonical, lower case; `spellings` are the other ways people write it. `causes`: the most frequent first.

    `parts`: the first one is always changed, the others sometimes. `labour_h` is the mean of a repair, over all hands.
    """

    domain: str
    component: str
    organ: str
    spellings: tuple[str, ...]
    failure_type: str
    trade: str
    causes: tuple[str, ...]
    parts: tuple[Part, ...]
    labour_h: float
    rating: Rating
    function: str
    mode: str
    effect: str
    detection: str
    preventive_action: str
    corrective_action: str
