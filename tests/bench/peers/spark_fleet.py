"""The fleet in plain PySpark; its registry by Python's sqlite3."""

import sqlite3
from pathlib import Path

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from tests.bench.peers.by_spark import (
    Lake,
    added,
    counted,
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
from tests.bench.peers.measures import MODEL_SUMMED, ODOMETER, REACH_KM, SERVICES, VEHICLE_MEASURES, VEHICLE_SUMMED, VEHICLE_WINDOWS, Task

FIELDS = ("timestamp", "vin", ODOMETER.source, *(m.source for m in VEHICLE_MEASURES))
SERVICE_FIELDS = ("vin", "date_last_revis", "type", "km_derniere_revis")


def build(task: Task) -> dict[str, int]:
    """All tables; how many rows were left out of silver, by why."""
    lake = Lake(task)
    vehicles = lake.keep("vehicles", _vehicles(lake.keep("bronze_vehicles", _registry(lake))))
    bronze_services = lake.keep("bronze_services", lake.csv("fleet/services/*.csv*", SERVICE_FIELDS))
    bronze = lake.keep("bronze_telemetry", lake.json_lines("fleet/telemetry/*.jsonl*", FIELDS))
    calendar = lake.calendar(bronze)
    known = [r[0] for r in vehicles.select("vin").collect()]
    services = lake.keep("services", _services(bronze_services, known))
    first, last = calendar.agg(F.min("day"), F.max("day")).collect()[0]
    columns = {"vin": text("vin"), "measured_at": instant("timestamp"), **{m.name: number(m) for m in (ODOMETER, *VEHICLE_MEASURES)}}
    found = typed(bronze, columns, (ODOMETER, *VEHICLE_MEASURES), F.col("vin").isin(known) & F.col("day").between(first, last))
    counts = found.agg(F.count("*"), F.count_if("is_valid")).collect()[0]
    telemetry = lake.keep("telemetry", newest(found, ("vin", "measured_at")))
    daily = lake.keep("daily", _daily(telemetry))
    weekly = lake.keep("weekly", _summed_up(daily.withColumn("week", F.trunc("day", "week")), "week"))
    monthly = lake.keep("monthly", _summed_up(daily.withColumn("month", F.trunc("day", "month")), "month"))
    lake.keep("summary_daily", _by_model(daily, vehicles, "day"))
    lake.keep("summary_weekly", _by_model(weekly, vehicles, "week"))
    lake.keep("summary_monthly", _by_model(monthly, vehicles, "month"))
    lake.keep("features", _features(daily, services, vehicles, calendar))
    published = telemetry.count()
    return {"published": published, "duplicate": counts[1] - published, "quarantined": counts[0] - counts[1]}


def _registry(lake: Lake) -> DataFrame:
    rows = []
    for file in lake.task.files("fleet/registry/*.db"):
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as registry:
            found = registry.execute("SELECT vin, modele, CAST(annee AS TEXT), rowid FROM vehicules").fetchall()
        rows += [(*row, str(Path(file).relative_to(lake.task.landing))) for row in found]
    return lake.spark.createDataFrame(rows, "vin string, modele string, annee string, _row bigint, _file string")


def _vehicles(bronze: DataFrame) -> DataFrame:
    year = F.col("annee").try_cast("bigint")
    read = bronze.select(
        "_file", "_row", text("vin").alias("vin"), F.col("modele").alias("model"), year.alias("model_year"),
        F.make_date(year.cast("int"), F.lit(1), F.lit(1)).alias("commissioned_on"),
    )  # fmt: skip
    return newest(read.withColumn("is_valid", F.col("vin").isNotNull() & F.col("commissioned_on").isNotNull()), ("vin",))


def _services(bronze: DataFrame, known: list[str]) -> DataFrame:
    day = F.try_to_timestamp(text("date_last_revis"), F.lit("yyyy-MM-dd")).cast("date")
    read = bronze.select(
        "_file", "_row", text("vin").alias("vin"), text("type").alias("service_type"), day.alias("serviced_on"),
        rounded(F.col("km_derniere_revis").try_cast("double"), ODOMETER.steps).alias("odometer_km"),
        (text("date_last_revis").isNull() | day.isNotNull()).alias("is_dated_well"),
    )  # fmt: skip
    valid = F.col("vin").isin(known) & F.col("service_type").isin(*SERVICES) & F.col("odometer_km").between(0.0, ODOMETER.high)
    return newest(
        read.withColumn("is_valid", F.coalesce(valid & F.col("is_dated_well"), F.lit(False))).drop("is_dated_well"),
        ("vin", "service_type", "odometer_km"),
    )


def _daily(telemetry: DataFrame) -> DataFrame:
    middle = telemetry.groupBy("vin", "day").agg(F.median("odometer_km").alias("median_km"))
    away = F.abs(F.col("odometer_km") - F.col("median_km"))
    rows = telemetry.join(F.broadcast(middle), ["vin", "day"]).withColumn("believed_km", F.when(away <= REACH_KM, F.col("odometer_km")))
    daily = rows.groupBy("vin", "day").agg(
        F.count("*").alias("reading_count"),
        F.min("measured_at").alias("first_reading_at"),
        F.max("measured_at").alias("last_reading_at"),
        F.min("believed_km").alias("odometer_first_km"),
        F.max("believed_km").alias("odometer_last_km"),
        (F.count("odometer_km") - F.count("believed_km")).alias("odometer_doubted_count"),
        *summed(VEHICLE_SUMMED),
        *(F.max_by(n, F.when(F.col(n).isNotNull(), F.col("measured_at"))).alias(f"{n}_last") for n, _ in VEHICLE_SUMMED),
    )
    driven = rounded(F.col("odometer_last_km") - F.col("odometer_first_km"), 10)
    return daily.withColumns({"km_driven": driven, **means(VEHICLE_SUMMED)})


def _driven() -> Column:
    return (F.sum(counted(F.col("km_driven"), 10)) / F.lit(10.0)).alias("km_driven")


def _summed_up(daily: DataFrame, grain: str) -> DataFrame:
    rows = daily.groupBy("vin", grain).agg(
        F.sum("reading_count").alias("reading_count"),
        F.count("*").alias("active_days"),
        F.max("last_reading_at").alias("last_reading_at"),
        F.max("odometer_last_km").alias("odometer_last_km"),
        _driven(),
        *added(VEHICLE_SUMMED),
    )
    return rows.withColumns(means(VEHICLE_SUMMED))


def _by_model(finer: DataFrame, vehicles: DataFrame, grain: str) -> DataFrame:
    models = vehicles.select("vin", "model")
    rows = finer.join(F.broadcast(models), "vin", "left").withColumn("model", F.coalesce("model", F.lit("unknown")))
    summed_up = rows.groupBy("model", grain).agg(
        F.count("*").alias("active_vehicles"), F.sum("reading_count").alias("reading_count"), _driven(), *added(MODEL_SUMMED)
    )
    return summed_up.withColumns(means(MODEL_SUMMED))


def _features(daily: DataFrame, services: DataFrame, vehicles: DataFrame, calendar: DataFrame) -> DataFrame:
    by_day = moments(VEHICLE_SUMMED, F.unix_date("day").cast("bigint") - 18_262)
    names = ["reading_count", "km_steps", *by_day]
    days = daily.select(
        "vin", "day", "reading_count", counted(F.col("km_driven"), 10).alias("km_steps"), F.col("last_reading_at").alias("newest_at"),
        F.col("odometer_last_km").alias("newest_km"), *(c.alias(n) for n, c in by_day.items()),
    )  # fmt: skip
    described = vehicles.join(calendar, F.col("day") >= F.col("commissioned_on")).select("vin", "day", "ends_at")
    newest_of = {"last_reading_at": "newest_at", "odometer_km": "newest_km"}
    back = looked_back(described, days, "vin", VEHICLE_WINDOWS, names, newest_of)
    found: list[Column] = []
    for w in VEHICLE_WINDOWS:
        found += [(F.col(f"km_steps_{w}") / F.lit(10.0)).alias(f"km_{w}d"), *levels(VEHICLE_SUMMED, w, 1, w > 1)]
    rows = back.select(
        "vin", "day", F.col("reading_count_1").alias("readings"), "last_reading_at", "odometer_km",
        *(c.alias(n) for n, c in silence(72).items()), *found,
    )  # fmt: skip
    return rows.join(_served(back, services), ["vin", "day"], "left").select(
        *rows.columns,
        *(_since(F.col(f"{n}_km")).alias(f"km_since_{n}_service") for n in SERVICES.values()),
        *(F.datediff("day", f"{n}_on").cast("bigint").alias(f"days_since_{n}_service") for n in SERVICES.values()),
        F.col("last.type").alias("last_service_type"),
        F.col("last.on").alias("last_serviced_on"),
        F.col("last.km").alias("last_service_km"),
        _since(F.col("last.km")).alias("km_since_last_service"),
    )


def _served(back: DataFrame, services: DataFrame) -> DataFrame:
    """Per vehicle and day, the newest of each service done by then: a dated one from its day on, any other once the odometer is there."""
    done = services.select("vin", F.col("odometer_km").alias("km"), F.col("service_type").alias("type"), F.col("serviced_on").alias("on"))
    by_then = F.coalesce(F.col("on") <= F.col("day"), F.col("km") <= F.col("odometer_km"), F.lit(False))
    known = back.select("vin", "day", "odometer_km").join(F.broadcast(done), "vin").filter(by_then)
    newest_of = []
    for type_, name in SERVICES.items():
        is_of = F.col("type") == type_
        newest_of += [F.max(F.when(is_of, F.col("km"))).alias(f"{name}_km"), F.max(F.when(is_of, F.col("on"))).alias(f"{name}_on")]
    return known.groupBy("vin", "day").agg(*newest_of, F.max(F.struct("km", "type", "on")).alias("last"))


def _since(km: Column) -> Column:
    driven = rounded(F.col("odometer_km") - km, 10)
    return F.when(driven < 0, F.lit(0.0)).otherwise(driven)
