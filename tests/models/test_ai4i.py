"""AI4I 2020 by the published protocol: what the lake's own features give, and what honest splits give."""

import os
from pathlib import Path

import pytest

FOLDER = os.environ.get("REAL_DATA", "")
pytestmark = pytest.mark.skipif(
    not FOLDER, reason="set REAL_DATA to the folder that holds ai4i2020/ai4i2020.csv (the README says where to get it)"
)


def test_the_published_figure_is_reached_with_our_features(spark) -> None:
    from models.ai4i import features, scores

    x, failed, tool = features(Path(FOLDER) / "ai4i2020" / "ai4i2020.csv", spark)
    assert failed.sum() == 339 and len(x) == 10_000
    assert not {"TWF", "HDF", "PWF", "OSF", "RNF", "Machine failure"} & set(x.columns), "the flags tell the label"
    found = scores(x, failed, tool)
    assert list(found) == ["stratified 80/20", "random 80/20", "grouped by tool 80/20"]
    assert found["stratified 80/20"][0] >= 0.86
    assert all(f1 > 0.75 for f1, _ in found.values())
