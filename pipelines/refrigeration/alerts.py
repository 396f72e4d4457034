"""Alerts of the cold units."""

from pyspark.sql import DataFrame

from lake.tables.refrigeration import RULES
from pipelines.alerts import Watch


def gold_refrigeration__alerts(
    gold_refrigeration__indicators: DataFrame,
    bronze_lake__calendar: DataFrame,
    gold_refrigeration__alerts: DataFrame,
) -> DataFrame:
    return Watch(RULES, "unit_id").alerts(gold_refrigeration__indicators, bronze_lake__calendar, gold_refrigeration__alerts)
