"""Each vehicle as it stands at the end of a day, with what was last known of it however long it has been silent."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lake.tables.fleet import LAST_SERVICE, MEASURES, REPORTING, RISK
from pipelines.fleet.features import km_since

_NEWEST = tuple(c.name for c in MEASURES)
_KEPT = ("vin", "day", "last_reading_at", "odometer_km", *_NEWEST, *(c.name for c in LAST_SERVICE))


def gold_fleet__reporting(
    gold_fleet__features: DataFrame,
    gold_fleet__daily: DataFrame,
    gold_fleet__status: DataFrame,
    silver_fleet__vehicles: DataFrame,
    gold_maintenance__predictions: DataFrame,
    gold_fleet__reporting: DataFrame,
) -> DataFrame:
    newest = gold_fleet__daily.select("vin", "day", "last_reading_at", *(F.col(f"{c}_last").alias(c) for c in _NEWEST))
    of_day = gold_fleet__features.select("vin", "day", "odometer_km", *(c.name for c in LAST_SERVICE))
    stood = gold_fleet__status.select("vin", "day", "status", "reason")
    registry = silver_fleet__vehicles.select("vin", "model", "model_year", "commissioned_on")
    return (
        of_day.join(newest, on=["vin", "day"], how="left")
        .select(*_KEPT, F.lit(True).alias("is_described"))
        .unionByName(gold_fleet__reporting.select(*_KEPT, F.lit(False).alias("is_described")))
        .withColumns(carried_forward())
        .filter("is_described")
        .join(stood, on=["vin", "day"], how="left")
        .join(F.broadcast(registry), on="vin", how="left")
        .join(F.broadcast(risk(gold_maintenance__predictions)), on=["vin", "day"], how="left")
        .withColumns(
            {
                "age_years": F.months_between("day", "commissioned_on") / 12,
                "last_service_type": F.col("service.type"),
                "last_serviced_on": F.col("service.on"),
                "last_service_km": F.col("service.km"),
                "km_since_last_service": km_since(F.col("service.km")),
                "days_since_last_service": F.datediff("day", "service.on"),
            }
        )
        .select(*(c.name for c in REPORTING.columns))
    )


def risk(predictions: DataFrame) -> DataFrame:
    """What was said last of each vehicle and day."""
    own = predictions.filter(F.col("domain") == "fleet").withColumnRenamed("asset_id", "vin")
    said = F.struct("_made_at", *(c.name.removeprefix("risk_") for c in RISK))
    newest = own.groupBy("vin", "day").agg(F.max(said).alias("said"))
    return newest.select("vin", "day", *(F.col(f"said.{c.name.removeprefix('risk_')}").alias(c.name) for c in RISK))


def carried_forward() -> dict[str, Column]:
    """What was last known by the end of each day; `service` is the one with the highest odometer reading."""
    so_far = Window.partitionBy("vin").orderBy("day").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    latest = {c: F.last(c, ignorenulls=True).over(so_far) for c in ("last_reading_at", "odometer_km", *_NEWEST)}
    service = F.struct(
        F.col("last_service_km").alias("km"), F.col("last_service_type").alias("type"), F.col("last_serviced_on").alias("on")
    )
    return latest | {"service": F.max(F.when(F.col("last_service_km").isNotNull(), service)).over(so_far)}
