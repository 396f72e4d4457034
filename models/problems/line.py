"""Machines of the line: which one stops next week, and which hours are unlike the others of their machine."""

from lake.tables.line import CONDITION, FEATURES, HOURLY, RULES
from models.problem import Anomaly, Costs, Problem

FAILURE = Problem(
    name="line_failure", domain="line", title="A machine of the line fails", features=FEATURES, asset="machine_id", windows=(1, 3, 7),
    components={"motor": "moteur", "tool": "outil", "coolant": "refroidissement", "bearing": "roulement", "transmission": "transmis"},
    naive="stop_h_90d", naive_title="hours of stop in the last 90 days", capacity=2, costs=Costs(stop_eur_h=400.0), rules=RULES,
)  # fmt: skip

_LIMITS = {r.indicator: r.limit for r in RULES}
ANOMALY = Anomaly(
    name="line_anomaly", title="A machine of the line behaves unlike itself", hourly=HOURLY, asset="machine_id",
    measures=tuple(c.name for c in CONDITION),
    limits={c.name: limit for c in CONDITION for name, limit in _LIMITS.items()
            if c.name == name or (name == "vibration_mm_s" and c.name.startswith("vibration_"))},
    judged_by=FAILURE,
)  # fmt: skip
