"""The fleet in DuckDB SQL; its registry by Python's sqlite3, since DuckDB's reader of SQLite is an extension to download."""

import sqlite3
from pathlib import Path

from tests.bench.peers.by_duckdb import (
    Lake,
    added,
    counted,
    instant,
    is_valid,
    levels,
    looked_back,
    moments,
    number,
    rounded,
    summed,
)
from tests.bench.peers.measures import (
    MODEL_SUMMED,
    ODOMETER,
    REACH_KM,
    SERVICES,
    SITE,
    VEHICLE_MEASURES,
    VEHICLE_SUMMED,
    VEHICLE_WINDOWS,
    Task,
)

FIELDS = ("timestamp", "vin", ODOMETER.source, *(m.source for m in VEHICLE_MEASURES))
KM = f"sum({counted('km_driven', 10)})"


def build(task: Task) -> dict[str, int]:
    """All tables; how many rows were left out of silver, by why."""
    lake = Lake(task)
    _vehicles(lake)
    lake.keep("bronze_services", lake.csv("fleet/services/*.csv*"))
    lake.keep("bronze_telemetry", lake.json_lines("fleet/telemetry/*.jsonl*", FIELDS))
    lake.calendar("bronze_telemetry")
    _services(lake)
    counts = _telemetry(lake)
    lake.keep("daily", _daily())
    lake.keep("weekly", _summed_up("week"))
    lake.keep("monthly", _summed_up("month"))
    lake.keep("summary_daily", _by_model("daily", "day"))
    lake.keep("summary_weekly", _by_model("weekly", "week"))
    lake.keep("summary_monthly", _by_model("monthly", "month"))
    lake.keep("features", _features())
    return counts


def _vehicles(lake: Lake) -> None:
    rows = []
    for file in lake.task.files("fleet/registry/*.db"):
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as registry:
            found = registry.execute("SELECT vin, modele, annee FROM vehicules").fetchall()
        rows += [(*row, str(Path(file).relative_to(lake.task.landing))) for row in found]
    lake.db.execute("CREATE TABLE registry (vin VARCHAR, modele VARCHAR, annee VARCHAR, _file VARCHAR)")
    lake.db.executemany("INSERT INTO registry VALUES (?, ?, ?, ?)", rows)
    lake.keep("bronze_vehicles", "SELECT rowid AS n, * FROM registry")
    year = "TRY_CAST(annee AS BIGINT)"
    lake.keep("vehicles", f"""
        SELECT _file, trim(vin) AS vin, modele AS model, {year} AS model_year, make_date({year}, 1, 1) AS commissioned_on
        FROM bronze_vehicles WHERE trim(vin) <> '' AND {year} IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY trim(vin) ORDER BY n DESC) = 1""")  # fmt: skip


def _services(lake: Lake) -> None:
    valid = f"vin IN (SELECT vin FROM vehicles) AND service_type IN {tuple(SERVICES)} AND odometer_km BETWEEN 0 AND {ODOMETER.high}"
    lake.keep("services", f"""
        WITH read AS (
            SELECT n, _file, trim(vin) AS vin, trim(type) AS service_type,
                {rounded("TRY_CAST(km_derniere_revis AS DOUBLE)", 10)} AS odometer_km, TRY_CAST(date_last_revis AS DATE) AS serviced_on,
                trim(coalesce(date_last_revis, '')) <> '' AS is_dated
            FROM bronze_services)
        SELECT * EXCLUDE (n, is_dated) FROM read WHERE {valid} AND (serviced_on IS NOT NULL OR NOT is_dated)
        QUALIFY row_number() OVER (PARTITION BY vin, service_type, odometer_km ORDER BY n DESC) = 1""")  # fmt: skip


def _telemetry(lake: Lake) -> dict[str, int]:
    numbers = (ODOMETER, *VEHICLE_MEASURES)
    valid = " AND ".join((
        "vin IN (SELECT vin FROM vehicles)", "day IN (SELECT day FROM calendar)", "measured_at IS NOT NULL", *map(is_valid, numbers),
    ))  # fmt: skip
    lake.db.execute(f"""
        CREATE TABLE typed AS
        WITH read AS (
            SELECT n, _file, nullif(trim(vin), '') AS vin,
                {instant("timestamp")} AS measured_at, {", ".join(map(number, numbers))}
            FROM bronze_telemetry),
        dated AS (SELECT *, CAST(measured_at AT TIME ZONE 'UTC' AT TIME ZONE '{SITE}' AS DATE) AS day FROM read)
        SELECT n, _file, vin, measured_at, {", ".join(m.name for m in numbers)}, day, coalesce({valid}, false) AS is_valid
        FROM dated""")  # fmt: skip
    lake.keep("telemetry", """
        SELECT * EXCLUDE (n, is_valid) FROM typed
        WHERE n IN (SELECT max(n) FROM typed WHERE is_valid GROUP BY vin, measured_at)""")  # fmt: skip
    read, valid_rows = lake.db.sql("SELECT count(*), count(*) FILTER (is_valid) FROM typed").fetchall()[0]
    published = lake.db.sql("SELECT count(*) FROM telemetry").fetchall()[0][0]
    lake.db.execute("DROP TABLE typed")
    return {"published": published, "duplicate": valid_rows - published, "quarantined": read - valid_rows}


def _daily() -> str:
    newest = ", ".join(f"arg_max({m.name}, measured_at) AS {m.name}_last" for m in VEHICLE_MEASURES)
    means = ", ".join(f"{_mean(n, s)} AS {n}_mean" for n, s in VEHICLE_SUMMED)
    return f"""
        WITH middle AS (SELECT vin, day, median(odometer_km) AS median_km FROM telemetry GROUP BY vin, day),
        believed AS (
            SELECT t.*, CASE WHEN abs(odometer_km - median_km) <= {REACH_KM} THEN odometer_km END AS believed_km
            FROM telemetry t JOIN middle USING (vin, day)),
        summed AS (
            SELECT vin, day, count(*) AS reading_count, min(measured_at) AS first_reading_at, max(measured_at) AS last_reading_at,
                min(believed_km) AS odometer_first_km, max(believed_km) AS odometer_last_km,
                count(odometer_km) - count(believed_km) AS odometer_doubted_count, {summed(VEHICLE_SUMMED)}, {newest}
            FROM believed GROUP BY vin, day)
        SELECT *, {rounded("odometer_last_km - odometer_first_km", 10)} AS km_driven, {means} FROM summed"""


def _summed_up(grain: str) -> str:
    return f"""
        SELECT vin, CAST(date_trunc('{grain}', day) AS DATE) AS {grain}, CAST(sum(reading_count) AS BIGINT) AS reading_count,
            count(*) AS active_days, max(last_reading_at) AS last_reading_at, max(odometer_last_km) AS odometer_last_km,
            {KM} / 10 AS km_driven, {added(VEHICLE_SUMMED)}
        FROM daily GROUP BY ALL"""


def _by_model(finer: str, grain: str) -> str:
    return f"""
        SELECT coalesce(model, 'unknown') AS model, {grain}, count(*) AS active_vehicles,
            CAST(sum(reading_count) AS BIGINT) AS reading_count, {KM} / 10 AS km_driven, {added(MODEL_SUMMED)}
        FROM {finer} LEFT JOIN vehicles USING (vin) GROUP BY coalesce(model, 'unknown'), {grain}"""


def _features() -> str:
    back = ", ".join(
        f"CAST(coalesce(sum(d.{c}) FILTER (d.day > s.day - {days}), 0) AS BIGINT) AS {c}_{days}"
        for days in VEHICLE_WINDOWS
        for c in ("reading_count", "km_steps")
    )
    found = ", ".join(f"km_steps_{days} / 10 AS km_{days}d, {levels(VEHICLE_SUMMED, days, 1, days > 1)}" for days in VEHICLE_WINDOWS)
    since = ", ".join(
        f"{_km_since(f'{name}_km')} AS km_since_{name}_service, day - {name}_on AS days_since_{name}_service" for name in SERVICES.values()
    )
    by_type = ", ".join(
        f"max(v.odometer_km) FILTER (service_type = '{type_}') AS {name}_km, "
        f"max(serviced_on) FILTER (service_type = '{type_}') AS {name}_on"
        for type_, name in SERVICES.items()
    )
    silence_s = "(epoch(ends_at) - epoch(last_reading_at))"
    last = "max({'km': v.odometer_km, 'type': service_type, 'on': serviced_on})"
    return f"""
        WITH days AS (
            SELECT vin, day, reading_count, {counted("km_driven", 10)} AS km_steps, last_reading_at AS newest_at,
                odometer_last_km AS newest_km, {moments(VEHICLE_SUMMED, "(day - DATE '2020-01-01')").replace("sum(", "(")}
            FROM daily),
        described AS (SELECT vin, day, ends_at FROM vehicles JOIN calendar ON day >= commissioned_on),
        back AS (
            SELECT s.vin, s.day, s.ends_at, max(d.newest_at) AS last_reading_at, max(d.newest_km) AS odometer_km, {back},
                {", ".join(looked_back(VEHICLE_SUMMED, days) for days in VEHICLE_WINDOWS)}
            FROM described s LEFT JOIN days d ON d.vin = s.vin AND d.day BETWEEN s.day - {max(VEHICLE_WINDOWS) - 1} AND s.day
            GROUP BY s.vin, s.day, s.ends_at),
        served AS (
            SELECT b.vin, b.day, {by_type}, {last} AS last
            FROM back b JOIN services v ON v.vin = b.vin AND coalesce(v.serviced_on <= b.day, v.odometer_km <= b.odometer_km, false)
            GROUP BY b.vin, b.day)
        SELECT vin, day, reading_count_1 AS readings, last_reading_at, {rounded(f"{silence_s} / 3600", 100)} AS hours_since_last_reading,
            coalesce({silence_s} > 72 * 3600, true) AS is_silent, odometer_km, {found}, {since},
            last.type AS last_service_type, last.on AS last_serviced_on, last.km AS last_service_km,
            {_km_since("last.km")} AS km_since_last_service
        FROM back LEFT JOIN served USING (vin, day)"""


def _km_since(km: str) -> str:
    return f"CASE WHEN odometer_km < {km} THEN 0 ELSE {rounded(f'odometer_km - {km}', 10)} END"


def _mean(name: str, steps: int) -> str:
    total = counted(f"{name}_sum", steps)
    return rounded(f"{total} / (nullif({name}_count, 0) * {steps})", steps)
