"""The registry of vehicles."""

from pyspark.sql import DataFrame


def silver_fleet__vehicles(feed_fleet__vehicles: DataFrame) -> DataFrame:
    """The mapping already says all there is to say about a vehicle."""
    return feed_fleet__vehicles
