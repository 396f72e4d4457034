"""What controllers report, row by row, and what physics makes of it."""

from math import pi

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def silver_line__readings(feed_line__readings: DataFrame) -> DataFrame:
    """The mapping already says all there is to say about a reading."""
    return feed_line__readings


def physics() -> dict[str, Column]:
    """Features that told failing machines from sound ones better than raw sensors did (S. Matzka, AI4I 2020)."""
    return {
        "mechanical_power_w": F.col("torque_nm") * F.col("spindle_speed_rpm") * F.lit(2 * pi / 60),
        "temperature_difference_k": F.col("bearing_temperature_c") - F.col("ambient_temperature_c"),
        "wear_torque_min_nm": F.col("tool_wear_min") * F.col("torque_nm"),
    }


def largest_axis() -> Column:
    """ISO 20816 judges a bearing by the axis that shakes most; null only where no axis reports."""
    return F.greatest(*(F.col(f"vibration_{axis}_mm_s") for axis in "xyz"))
