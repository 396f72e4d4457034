"""The state of the machines."""

from pyspark.sql import DataFrame

from lake.tables.line import RULES, STATUS, WINDOWS
from pipelines.status import status


def gold_line__status(gold_line__features: DataFrame, gold_line__alerts: DataFrame) -> DataFrame:
    return status(gold_line__features, gold_line__alerts, STATUS, RULES, "machine_id", max(WINDOWS))
