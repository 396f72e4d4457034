"""The actions that are not done, and how long they should have been."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.tables.amdec import ACTIONS


def gold_amdec__actions(gold_amdec__ratings: DataFrame, bronze_lake__calendar: DataFrame) -> DataFrame:
    """A row of a sheet without an action, or without its status, is no action. Due today is not overdue."""
    today = bronze_lake__calendar.agg(F.max("day").alias("day"))
    is_open = F.col("preventive_action").isNotNull() & F.col("action_status").isin("ouverte", "en cours")
    late = F.greatest(F.datediff("day", "due_on"), F.lit(0))
    return (
        gold_amdec__ratings.filter(is_open)
        .join(F.broadcast(today), how="cross")
        .withColumns({"days_overdue": F.when(F.col("due_on").isNotNull(), late)})
        .withColumn("is_overdue", F.coalesce(F.col("days_overdue") > 0, F.lit(False)))
        .select(*(c.name for c in ACTIONS.columns))
    )
