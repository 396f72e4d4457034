"""From what controllers report to indicators, row by row."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.tables.refrigeration import INDICATORS, UNSTEADY_MODES

ZERO_CELSIUS_K = 273.15


def silver_refrigeration__units(feed_refrigeration__units: DataFrame) -> DataFrame:
    """The mapping already says all there is to say about a unit."""
    return feed_refrigeration__units


def silver_refrigeration__readings(feed_refrigeration__readings: DataFrame) -> DataFrame:
    """The mapping already says all there is to say about a reading."""
    return feed_refrigeration__readings


def gold_refrigeration__indicators(silver_refrigeration__readings: DataFrame) -> DataFrame:
    cop = theoretical_cop(F.col("evaporator_temperature_c"), F.col("condenser_temperature_c"))
    efficiency = F.when(F.col("efficiency") > 0, F.col("efficiency"))
    return silver_refrigeration__readings.withColumns(
        {
            "is_steady": ~F.col("mode").isin(*UNSTEADY_MODES),
            "theoretical_cop": cop,
            "pressure_ratio": pressure_ratio(F.col("high_pressure_bar"), F.col("low_pressure_bar")),
            "temperature_difference_k": F.col("condenser_temperature_c") - F.col("evaporator_temperature_c"),
            "compressor_efficiency": efficiency,
            "effective_cop": cop * efficiency,
        }
    ).select(*(c.name for c in INDICATORS.columns))


def theoretical_cop(evaporator_c: Column, condenser_c: Column) -> Column:
    """Carnot: T_evap / (T_cond - T_evap), in kelvin; null unless the condenser is the warmer."""
    lift = condenser_c - evaporator_c
    return F.when(lift > 0, (evaporator_c + ZERO_CELSIUS_K) / lift)


def pressure_ratio(high_bar: Column, low_bar: Column) -> Column:
    """High over low pressure; null unless both are above zero."""
    return F.when((high_bar > 0) & (low_bar > 0), high_bar / low_bar)
