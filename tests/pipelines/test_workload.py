"""Hours against capacity: by week, by technician, and all together."""

from datetime import date
from typing import Any

import pytest
from pyspark.sql import SparkSession

import pipelines.workload as steps
from lake.tables.workload import ALL, TECHNICIANS, WEEKLY, WORKED
from tests.frames import Row, frame, kept

MONDAY, NEXT = date(2026, 3, 30), date(2026, 4, 6)


def worked(order: str, who: str, hours: float, on: date) -> Row:
    return {"work_order_id": order, "technician_id": who, "hours_h": hours, "intervention_on": on, "month": on.replace(day=1)}


@pytest.fixture(scope="module")
def weeks(spark: SparkSession) -> dict[tuple[date, str], tuple[Any, ...]]:
    team = [{"technician_id": "t1", "weekly_h": 35.0}, {"technician_id": "t2", "weekly_h": 17.5}]
    labour = [
        worked("o1", "t1", 20.0, MONDAY), worked("o1", "t2", 10.0, MONDAY),
        worked("o2", "t1", 22.0, date(2026, 4, 5)),  # the Sunday of the same week, in another month
        worked("o3", "t9", 4.0, NEXT),  # nobody of the team
    ]  # fmt: skip
    made = steps.gold_workload__weekly(frame(spark, WORKED, labour), frame(spark, TECHNICIANS, team))
    return {(r["week"], r["technician_id"]): (r["work_orders"], r["hours_h"], r["capacity_h"], r["load"]) for r in kept(made, WEEKLY)}


def test_each_technician_has_a_load(weeks: dict[tuple[date, str], tuple[Any, ...]]) -> None:
    assert weeks[MONDAY, "t1"] == (2, 42.0, 35.0, 1.2)
    assert weeks[MONDAY, "t2"] == (1, 10.0, 17.5, 0.5714)
    assert weeks[NEXT, "t1"] == (0, 0.0, 35.0, 0.0), "who did nothing in a week of work is shown"
    assert weeks[NEXT, "t9"] == (1, 4.0, None, None), "no load without a capacity"


def test_all_together_count_an_order_once(weeks: dict[tuple[date, str], tuple[Any, ...]]) -> None:
    assert weeks[MONDAY, ALL] == (2, 52.0, 52.5, 0.9905)
    assert weeks[NEXT, ALL] == (1, 4.0, 52.5, 0.0762)
    assert len(weeks) == 7
