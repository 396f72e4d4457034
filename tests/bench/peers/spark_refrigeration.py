"""Refrigeration in plain PySpark."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from tests.bench.peers.by_spark import (
    Lake,
    added,
    instant,
    levels,
    looked_back,
    means,
    moments,
    newest,
    number,
    rounded,
    silence,
    summed,
    text,
    typed,
)
from tests.bench.peers.measures import MODES, UNIT_MEASURES, UNIT_SUMMED, UNIT_WINDOWS, Task

FIELDS = ("timestamp", "machine_id", "operating_mode", *(m.source for m in UNIT_MEASURES))
REGISTRY = ("machine_id", "name", "room", "refrigerant", "nominal_power_kw", "setpoint_c", "commissioned_on")
COUNTS = ("reading_count", "steady_count", "running_count", *(f"{m}_count" for m in MODES), "defrost_starts")


def build(task: Task) -> dict[str, int]:
    """All tables; how many rows were left out of silver, by why."""
    lake = Lake(task)
    bronze_units = lake.keep("bronze_units", lake.csv("refrigeration/units/units.csv*", REGISTRY))
    bronze = lake.keep("bronze_readings", lake.json_lines("refrigeration/readings/*.jsonl*", FIELDS))
    calendar = lake.calendar(bronze)
    units = lake.keep("units", _units(bronze_units))
    found = _typed(bronze, units, calendar)
    counts = found.agg(F.count("*"), F.count_if("is_valid")).collect()[0]
    readings = lake.keep("readings", newest(found, ("unit_id", "measured_at")))
    indicators = lake.keep("indicators", _indicators(readings))
    hourly = lake.keep("hourly", _hourly(indicators))
    daily = lake.keep("daily", _summed_up(hourly, "day"))
    lake.keep("weekly", _summed_up(daily.withColumn("week", F.trunc("day", "week")), "week"))
    lake.keep("monthly", _summed_up(daily.withColumn("month", F.trunc("day", "month")), "month"))
    lake.keep("features", _features(hourly, units, calendar))
    published = readings.count()
    return {"published": published, "duplicate": counts[1] - published, "quarantined": counts[0] - counts[1]}


def _units(bronze: DataFrame) -> DataFrame:
    day = F.to_date(F.try_to_timestamp(F.col("commissioned_on"), F.lit("yyyy-MM-dd")))
    read = bronze.select(
        "_file", "_row", text("machine_id").alias("unit_id"), "name", "room", "refrigerant", day.alias("commissioned_on"),
        rounded(F.col("nominal_power_kw").try_cast("double"), 100).alias("nominal_power_kw"),
        rounded(F.col("setpoint_c").try_cast("double"), 10).alias("setpoint_c"),
    )  # fmt: skip
    return newest(read.withColumn("is_valid", F.col("unit_id").isNotNull() & F.col("commissioned_on").isNotNull()), ("unit_id",))


def _typed(bronze: DataFrame, units: DataFrame, calendar: DataFrame) -> DataFrame:
    columns = {
        "unit_id": text("machine_id"), "measured_at": instant("timestamp"), "mode": text("operating_mode"),
        **{m.name: number(m) for m in UNIT_MEASURES},
    }  # fmt: skip
    known = [r[0] for r in units.select("unit_id").collect()]
    first, last = calendar.agg(F.min("day"), F.max("day")).collect()[0]
    valid = F.col("unit_id").isin(known) & F.col("day").between(first, last) & F.col("mode").isin(*MODES)
    return typed(bronze, columns, UNIT_MEASURES, valid)


def _indicators(readings: DataFrame) -> DataFrame:
    warm, cold = F.col("condenser_temperature_c"), F.col("evaporator_temperature_c")
    high, low = F.col("high_pressure_bar"), F.col("low_pressure_bar")
    lift = warm - cold
    cop = F.when(lift > 0, (cold + 273.15) / lift)
    efficiency = F.when(F.col("efficiency") > 0, F.col("efficiency"))
    return readings.select(
        "day", "unit_id", "measured_at", "mode", (~F.col("mode").isin("defrost", "startup")).alias("is_steady"),
        *(m.name for m in UNIT_MEASURES[:-1]),
        rounded(cop, 1000).alias("theoretical_cop"),
        rounded(F.when((high > 0) & (low > 0), high / low), 1000).alias("pressure_ratio"),
        rounded(lift, 100).alias("temperature_difference_k"),
        rounded(efficiency, 10_000).alias("compressor_efficiency"),
        rounded(cop * efficiency, 1000).alias("effective_cop"),
    )  # fmt: skip


def _hourly(indicators: DataFrame) -> DataFrame:
    earlier = F.lag("mode").over(Window.partitionBy("unit_id", "day").orderBy("measured_at"))
    begins = (F.col("mode") == "defrost") & (F.coalesce(earlier, F.lit("")) != "defrost")
    rows = indicators.withColumns({"hour": F.date_trunc("hour", "measured_at"), "begins": begins})
    return rows.groupBy("unit_id", "day", "hour").agg(
        F.count("*").alias("reading_count"),
        F.count_if("is_steady").alias("steady_count"),
        F.count_if(F.col("mode") != "defrost").alias("running_count"),
        *(F.count_if(F.col("mode") == m).alias(f"{m}_count") for m in MODES),
        F.count_if("begins").alias("defrost_starts"),
        F.max("measured_at").alias("last_reading_at"),
        *summed(UNIT_SUMMED, F.col("is_steady")),
    )


def _summed_up(finer: DataFrame, grain: str) -> DataFrame:
    rows = finer.groupBy("unit_id", grain).agg(
        *(F.sum(c).alias(c) for c in COUNTS), F.max("last_reading_at").alias("last_reading_at"), *added(UNIT_SUMMED)
    )
    return rows.withColumns({"running_h": rounded(F.col("running_count") * 2 / 60, 100), **means(UNIT_SUMMED)})


def _features(hourly: DataFrame, units: DataFrame, calendar: DataFrame) -> DataFrame:
    counts = ["reading_count", "defrost_starts", *(f"{m}_count" for m in MODES)]
    by_hour = moments(UNIT_SUMMED, F.floor(F.unix_seconds("hour") / 3600) - 438_288)
    names = [*counts, *by_hour]
    days = hourly.select("unit_id", "day", "last_reading_at", *counts, *(c.alias(n) for n, c in by_hour.items()))
    days = days.groupBy("unit_id", "day").agg(*(F.sum(n).alias(n) for n in names), F.max("last_reading_at").alias("newest_at"))
    described = units.join(calendar, F.col("day") >= F.col("commissioned_on")).select("unit_id", "day", "ends_at")
    back = looked_back(described, days, "unit_id", UNIT_WINDOWS, names, {"last_reading_at": "newest_at"})
    found: list[Column] = []
    for w in UNIT_WINDOWS:
        readings = F.nullif(F.col(f"reading_count_{w}"), F.lit(0))
        found += [F.col(f"defrost_starts_{w}").alias(f"defrost_starts_{w}d"), *levels(UNIT_SUMMED, w, 24)]
        found += [rounded(F.col(f"{m}_count_{w}") / readings, 10_000).alias(f"{m}_share_{w}d") for m in MODES]
    return back.select(
        "unit_id",
        "day",
        F.col("reading_count_1").alias("readings"),
        "last_reading_at",
        *(c.alias(n) for n, c in silence(24).items()),
        *found,
    )
