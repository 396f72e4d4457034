"""Hours worked against the hours there are."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.spark import first_of
from lake.tables.workload import ALL
from pipelines import exact


def gold_workload__weekly(silver_workload__labour: DataFrame, silver_workload__technicians: DataFrame) -> DataFrame:
    worked = silver_workload__labour.withColumn("week", first_of("intervention_on", "week"))
    team = silver_workload__technicians.select("technician_id", F.col("weekly_h").alias("capacity_h"))
    hours = worked.groupBy("week", "technician_id").agg(
        F.collect_set("work_order_id").alias("orders"), exact.total(F.col("hours_h"), 0.01).alias("hours_h")
    )
    everyone = worked.select("week").distinct().crossJoin(F.broadcast(team))
    each = everyone.join(hours, on=["week", "technician_id"], how="full").withColumns(
        {"orders": F.coalesce("orders", F.array().cast("array<string>")), "hours_h": F.coalesce("hours_h", F.lit(0.0))}
    )
    whole = each.groupBy("week").agg(
        F.lit(ALL).alias("technician_id"),
        exact.total(F.col("capacity_h"), 0.01).alias("capacity_h"),
        F.array_distinct(F.flatten(F.collect_list("orders"))).alias("orders"),
        exact.total(F.col("hours_h"), 0.01).alias("hours_h"),
    )
    return each.unionByName(whole).withColumns(
        {"work_orders": F.size("orders"), "load": F.when(F.col("capacity_h") > 0, F.col("hours_h") / F.col("capacity_h"))}
    )
