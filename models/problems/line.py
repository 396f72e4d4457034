"""Machines of the line: which one stops next week."""

from lake.tables.line import FEATURES
from models.problem import Costs, Problem

FAILURE = Problem(
    name="line_failure", domain="line", title="A machine of the line fails", features=FEATURES, asset="machine_id", windows=(1, 3, 7),
    components={"motor": "moteur", "tool": "outil", "coolant": "refroidissement", "bearing": "roulement", "transmission": "transmis"},
    naive="stop_h_90d", naive_title="hours of stop in the last 90 days", capacity=2, costs=Costs(stop_eur_h=400.0),
)  # fmt: skip
