"""The state of the cold units."""

from pyspark.sql import DataFrame

from lake.tables.refrigeration import RULES, STATUS, WINDOWS
from pipelines.status import status


def gold_refrigeration__status(gold_refrigeration__features: DataFrame, gold_refrigeration__alerts: DataFrame) -> DataFrame:
    return status(gold_refrigeration__features, gold_refrigeration__alerts, STATUS, RULES, "unit_id", max(WINDOWS))
