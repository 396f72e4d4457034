"""The workload export to silver: each intervention once, each technician's hours on it once."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.gmao.names import part_of_sound, told
from pipelines.texts import even


def silver_workload__interventions(feed_workload__hours: DataFrame, silver_gmao__crosswalk: DataFrame) -> DataFrame:
    return told(feed_workload__hours, silver_gmao__crosswalk).withColumn("category", even(F.col("category")))


def silver_workload__labour(feed_workload__hours: DataFrame, silver_gmao__crosswalk: DataFrame) -> DataFrame:
    return part_of_sound(told(feed_workload__hours, silver_gmao__crosswalk)).withColumns(
        {"technician_id": F.col("technician"), "hours_h": F.col("technician_h")}
    )


def silver_workload__technicians(feed_workload__technicians: DataFrame) -> DataFrame:
    return feed_workload__technicians.withColumn("technician_id", F.col("technician"))
