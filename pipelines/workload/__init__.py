"""Workload: the hours of each technician, and against them the hours there are."""

from pipelines.workload.hours import (
    silver_workload__interventions,
    silver_workload__labour,
    silver_workload__technicians,
)
from pipelines.workload.load import gold_workload__weekly

__all__ = [
    "gold_workload__weekly",
    "silver_workload__interventions",
    "silver_workload__labour",
    "silver_workload__technicians",
]
