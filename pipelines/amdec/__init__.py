"""AMDEC: failure modes on one scale, their RPN recomputed and ranked, the actions not yet done, and what was observed of them."""

from pipelines.amdec.actions import gold_amdec__actions
from pipelines.amdec.living import gold_amdec__living
from pipelines.amdec.ratings import gold_amdec__ratings, silver_amdec__failure_modes

__all__ = ["gold_amdec__actions", "gold_amdec__living", "gold_amdec__ratings", "silver_amdec__failure_modes"]
