"""GMAO: from exports in the French dialect to work orders, downtime, reliability and costs."""

from pipelines.gmao.costs import (
    gold_gmao__agreement,
    gold_gmao__costs_daily,
    gold_gmao__costs_monthly,
    gold_gmao__costs_weekly,
    gold_gmao__pareto,
    gold_gmao__part_use,
)
from pipelines.gmao.exports import (
    silver_gmao__crosswalk,
    silver_gmao__interventions,
    silver_gmao__organs,
    silver_gmao__parts,
)
from pipelines.gmao.reliability import gold_gmao__downtime, gold_gmao__reliability
from pipelines.gmao.work_orders import gold_gmao__work_orders

__all__ = [
    "gold_gmao__agreement",
    "gold_gmao__costs_daily",
    "gold_gmao__costs_monthly",
    "gold_gmao__costs_weekly",
    "gold_gmao__downtime",
    "gold_gmao__pareto",
    "gold_gmao__part_use",
    "gold_gmao__reliability",
    "gold_gmao__work_orders",
    "silver_gmao__crosswalk",
    "silver_gmao__interventions",
    "silver_gmao__organs",
    "silver_gmao__parts",
]
