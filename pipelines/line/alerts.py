"""Alerts of the machines."""

from pyspark.sql import DataFrame

from lake.tables.line import RULES
from pipelines.alerts import Watch
from pipelines.line.readings import largest_axis


def gold_line__alerts(silver_line__readings: DataFrame, bronze_lake__calendar: DataFrame, gold_line__alerts: DataFrame) -> DataFrame:
    readings = silver_line__readings.withColumn("vibration_mm_s", largest_axis()).withColumnRenamed("state", "mode")
    return Watch(RULES, "machine_id").alerts(readings, bronze_lake__calendar, gold_line__alerts)
