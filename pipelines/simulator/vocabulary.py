"""What the plant's people call its components, and what they write when one fails: the words of the GMAO and of the AMDEC sheets.

Spellings of an organ are unique over all domains once case, accents and dots are gone: a spelling names one organ.
"""

from __future__ import annotations

from pipelines.simulator.wording import Part, Rating, Wording
from pipelines.simulator.words_fleet import FLEET
from pipelines.simulator.words_line import LINE
from pipelines.simulator.words_refrigeration import REFRIGERATION

__all__ = ["FAILURE_TYPES", "TRADES", "WORDINGS", "Part", "Rating", "Wording", "wording_of", "wordings_of"]

WORDINGS: tuple[Wording, ...] = (*REFRIGERATION, *FLEET, *LINE)
FAILURE_TYPES = tuple(sorted({w.failure_type for w in WORDINGS}))
TRADES = tuple(sorted({w.trade for w in WORDINGS}))

_BY_COMPONENT = {(w.domain, w.component): w for w in WORDINGS}


def wording_of(domain: str, component: str) -> Wording:
    """The words for a component. Raises KeyError naming what there is."""
    try:
        return _BY_COMPONENT[domain, component]
    except KeyError:
        known = ", ".join(f"{d}.{c}" for d, c in _BY_COMPONENT)
        raise KeyError(f"no words for {domain}.{component}; there are {known}") from None


def wordings_of(domain: str) -> tuple[Wording, ...]:
    return tuple(w for w in WORDINGS if w.domain == domain)
