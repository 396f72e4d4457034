"""Dirt rates scale together and stay rates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.simulator import Dirt
from pipelines.simulator.dirt import LINE_KINDS


@given(k=st.floats(0, 1000))
def test_dirt_scales_within_bounds(k: float) -> None:
    scaled = Dirt().times(k)
    assert sum(getattr(scaled, kind) for kind in LINE_KINDS) < 1
    assert scaled.late_file <= 0.5
    assert Dirt.none() == Dirt().times(0)
    with pytest.raises(ValueError, match="spike"):
        Dirt(spike=2)
