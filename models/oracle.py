"""The simulator's truth: how well anyone could do who knew the true hazard. Read for evaluation on simulated data only."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from models.scorer import Floats


def true_hazard(truth: Path, domain: str, rows: pd.DataFrame) -> Floats | None:
    """Chance of any failure on the next day of work, by row of (asset_id, day); None where nothing is simulated."""
    hazards: dict[tuple[str, str], float] = {}
    for day in sorted({str(d) for d in rows["day"]}):
        file = truth / domain / f"wear_{day}.jsonl"
        if not file.is_file():
            return None
        for line in file.read_text(encoding="utf-8").splitlines():
            told = json.loads(line)
            key = told["unit"], day
            hazards[key] = 1 - (1 - hazards.get(key, 0.0)) * (1 - told["hazard"])
    pairs = zip(rows["asset_id"], rows["day"], strict=True)
    return np.array([hazards.get((str(a), str(d)), 0.0) for a, d in pairs], dtype=float)
