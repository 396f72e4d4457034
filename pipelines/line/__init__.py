"""Line: from the readings of production machines to their use, features, alerts and the state of each machine."""

from pipelines.line.aggregates import gold_line__daily, gold_line__hourly, gold_line__monthly, gold_line__weekly
from pipelines.line.alerts import gold_line__alerts
from pipelines.line.features import gold_line__features
from pipelines.line.readings import silver_line__readings
from pipelines.line.registry import silver_line__machines
from pipelines.line.status import gold_line__status

__all__ = [
    "gold_line__alerts",
    "gold_line__daily",
    "gold_line__features",
    "gold_line__hourly",
    "gold_line__monthly",
    "gold_line__status",
    "gold_line__weekly",
    "silver_line__machines",
    "silver_line__readings",
]
