"""Every asset of the plant under one name."""

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.tables.plant import ASSETS

ALWAYS = {"weekdays": "1-7", "opens_at": "00:00", "closes_at": "24:00"}
"""Vehicles and cold units are wanted at any time."""


def silver_plant__assets(
    silver_fleet__vehicles: DataFrame, silver_line__machines: DataFrame, silver_refrigeration__units: DataFrame
) -> DataFrame:
    always = {name: F.lit(value) for name, value in ALWAYS.items()}
    vehicle = {"asset_id": F.col("vin"), "name": F.concat_ws(" ", "model", "vin"), "kind": F.coalesce("model", F.lit("vehicle"))}
    machine = {"asset_id": F.col("machine_id"), "name": F.coalesce("name", "machine_id"), "kind": F.coalesce("kind", F.lit("machine"))}
    unit = {"asset_id": F.col("unit_id"), "name": F.coalesce("name", "unit_id"), "kind": F.lit("cold unit")}
    parts = (
        _assets(silver_fleet__vehicles, "fleet", vehicle | always),
        _assets(silver_line__machines, "line", machine),
        _assets(silver_refrigeration__units, "refrigeration", unit | always),
    )
    return reduce(DataFrame.unionByName, parts)


def _assets(registry: DataFrame, domain: str, columns: dict[str, Column]) -> DataFrame:
    return registry.withColumns({"domain": F.lit(domain), **columns}).select(*(c.name for c in ASSETS.columns))
