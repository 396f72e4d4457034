"""What vehicles and the workshop report."""

from pyspark.sql import DataFrame


def silver_fleet__telemetry(feed_fleet__telemetry: DataFrame) -> DataFrame:
    """The mapping already says all there is to say about a reading."""
    return feed_fleet__telemetry


def silver_fleet__services(feed_fleet__services: DataFrame) -> DataFrame:
    """The mapping already says all there is to say about a service."""
    return feed_fleet__services
