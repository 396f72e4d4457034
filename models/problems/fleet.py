"""Vehicles: which component fails next week."""

from lake.tables.fleet import FEATURES, RULES
from models.problem import Costs, Problem

FAILURE = Problem(
    name="fleet_failure", domain="fleet", title="A vehicle breaks down", features=FEATURES, asset="vin", windows=(1, 7),
    components={"battery": "batterie", "brakes": "frein", "injector": "injecteur", "engine": "moteur", "turbo": "turbo"},
    naive="km_since_last_service", naive_title="km since the last service", capacity=6, costs=Costs(stop_eur_h=40.0), rules=RULES,
    extra=("odometer_km", "km_28d", "km_since_oil_service", "km_since_brake_service", "km_since_tyre_service", "km_since_engine_service",
           "km_since_battery_service", "km_since_last_service"),
)  # fmt: skip
