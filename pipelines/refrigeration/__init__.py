"""Refrigeration: from controller readings to indicators, aggregates, features, alerts and the state of each unit."""

from pipelines.refrigeration.aggregates import (
    gold_refrigeration__daily,
    gold_refrigeration__hourly,
    gold_refrigeration__monthly,
    gold_refrigeration__weekly,
)
from pipelines.refrigeration.alerts import gold_refrigeration__alerts
from pipelines.refrigeration.features import gold_refrigeration__features
from pipelines.refrigeration.readings import (
    gold_refrigeration__indicators,
    silver_refrigeration__readings,
    silver_refrigeration__units,
)
from pipelines.refrigeration.status import gold_refrigeration__status

__all__ = [
    "gold_refrigeration__alerts",
    "gold_refrigeration__daily",
    "gold_refrigeration__features",
    "gold_refrigeration__hourly",
    "gold_refrigeration__indicators",
    "gold_refrigeration__monthly",
    "gold_refrigeration__status",
    "gold_refrigeration__weekly",
    "silver_refrigeration__readings",
    "silver_refrigeration__units",
]
