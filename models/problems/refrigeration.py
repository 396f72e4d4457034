"""Cold units: which one fails next week. A logistic regression and a RandomForest side by side, the better one published."""

from lake.tables.refrigeration import FEATURES, RULES
from models.problem import Costs, Problem

FAILURE = Problem(
    name="refrigeration_failure", domain="refrigeration", title="A cold unit fails", features=FEATURES, asset="unit_id", windows=(1, 3, 7),
    components={"compressor": "compresseur", "condenser": "condenseur", "evaporator": "vaporateur", "fan": "ventil",
                "circuit": "circuit frigorifique"},
    naive="stop_h_90d", naive_title="hours of stop in the last 90 days", capacity=2, costs=Costs(stop_eur_h=150.0), rules=RULES,
    estimators=("forest", "logistic"),
)  # fmt: skip
