"""Alerts of the vehicles, and how each stands at the end of a day."""

from pyspark.sql import DataFrame

from lake.tables.fleet import RULES, STATUS, WINDOWS
from pipelines.alerts import Watch
from pipelines.status import status


def gold_fleet__alerts(silver_fleet__telemetry: DataFrame, bronze_lake__calendar: DataFrame, gold_fleet__alerts: DataFrame) -> DataFrame:
    return Watch(RULES, "vin").alerts(silver_fleet__telemetry, bronze_lake__calendar, gold_fleet__alerts)


def gold_fleet__status(gold_fleet__features: DataFrame, gold_fleet__alerts: DataFrame) -> DataFrame:
    return status(gold_fleet__features, gold_fleet__alerts, STATUS, RULES, "vin", max(WINDOWS))
