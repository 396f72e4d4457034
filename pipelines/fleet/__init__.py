"""Fleet: from the registry, telemetry and services to aggregates, features, alerts and the state of each vehicle."""

from pipelines.fleet.aggregates import (
    gold_fleet__daily,
    gold_fleet__monthly,
    gold_fleet__summary_daily,
    gold_fleet__summary_monthly,
    gold_fleet__summary_weekly,
    gold_fleet__weekly,
)
from pipelines.fleet.features import gold_fleet__features
from pipelines.fleet.registry import silver_fleet__vehicles
from pipelines.fleet.reporting import gold_fleet__reporting
from pipelines.fleet.state import gold_fleet__alerts, gold_fleet__status
from pipelines.fleet.telemetry import silver_fleet__services, silver_fleet__telemetry

__all__ = [
    "gold_fleet__alerts",
    "gold_fleet__daily",
    "gold_fleet__features",
    "gold_fleet__monthly",
    "gold_fleet__reporting",
    "gold_fleet__status",
    "gold_fleet__summary_daily",
    "gold_fleet__summary_monthly",
    "gold_fleet__summary_weekly",
    "gold_fleet__weekly",
    "silver_fleet__services",
    "silver_fleet__telemetry",
    "silver_fleet__vehicles",
]
