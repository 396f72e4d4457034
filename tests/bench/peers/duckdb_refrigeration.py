"""Refrigeration in DuckDB SQL."""

from tests.bench.peers.by_duckdb import (
    Lake,
    added,
    instant,
    is_valid,
    levels,
    looked_back,
    moments,
    number,
    rounded,
    summed,
)
from tests.bench.peers.measures import MODES, SITE, UNIT_MEASURES, UNIT_SUMMED, UNIT_WINDOWS, Task

FIELDS = ("timestamp", "machine_id", "operating_mode", *(m.source for m in UNIT_MEASURES))
COUNTS = ("reading_count", "steady_count", "running_count", *(f"{m}_count" for m in MODES), "defrost_starts")


def build(task: Task) -> dict[str, int]:
    """All tables; how many rows were left out of silver, by why."""
    lake = Lake(task)
    lake.keep("bronze_units", lake.csv("refrigeration/units/units.csv*"))
    lake.keep("bronze_readings", lake.json_lines("refrigeration/readings/*.jsonl*", FIELDS))
    lake.calendar("bronze_readings")
    _units(lake)
    counts = _readings(lake)
    lake.keep("indicators", _indicators())
    lake.keep("hourly", _hourly())
    lake.keep("daily", _summed_up("hourly", "day"))
    lake.keep("weekly", _summed_up("(SELECT *, CAST(date_trunc('week', day) AS DATE) AS week FROM daily)", "week"))
    lake.keep("monthly", _summed_up("(SELECT *, CAST(date_trunc('month', day) AS DATE) AS month FROM daily)", "month"))
    lake.keep("features", _features())
    return counts


def _units(lake: Lake) -> None:
    lake.keep("units", f"""
        SELECT _file, trim(machine_id) AS unit_id, name, room, refrigerant,
            {rounded("TRY_CAST(nominal_power_kw AS DOUBLE)", 100)} AS nominal_power_kw,
            {rounded("TRY_CAST(setpoint_c AS DOUBLE)", 10)} AS setpoint_c, TRY_CAST(commissioned_on AS DATE) AS commissioned_on
        FROM bronze_units WHERE trim(machine_id) <> '' AND TRY_CAST(commissioned_on AS DATE) IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY trim(machine_id) ORDER BY n DESC) = 1""")  # fmt: skip


def _readings(lake: Lake) -> dict[str, int]:
    valid = " AND ".join((
        "unit_id IN (SELECT unit_id FROM units)", "day IN (SELECT day FROM calendar)", "measured_at IS NOT NULL",
        f"mode IN {MODES}", *map(is_valid, UNIT_MEASURES),
    ))  # fmt: skip
    lake.db.execute(f"""
        CREATE TABLE typed AS
        WITH read AS (
            SELECT n, _file, nullif(trim(machine_id), '') AS unit_id,
                {instant("timestamp")} AS measured_at, nullif(trim(operating_mode), '') AS mode, {", ".join(map(number, UNIT_MEASURES))}
            FROM bronze_readings),
        dated AS (SELECT *, CAST(measured_at AT TIME ZONE 'UTC' AT TIME ZONE '{SITE}' AS DATE) AS day FROM read)
        SELECT n, _file, unit_id, measured_at, mode, {", ".join(m.name for m in UNIT_MEASURES)}, day,
            coalesce({valid}, false) AS is_valid
        FROM dated""")  # fmt: skip
    lake.keep("readings", """
        SELECT * EXCLUDE (n, is_valid) FROM typed
        WHERE n IN (SELECT max(n) FROM typed WHERE is_valid GROUP BY unit_id, measured_at)""")  # fmt: skip
    read, valid_rows = lake.db.sql("SELECT count(*), count(*) FILTER (is_valid) FROM typed").fetchall()[0]
    published = lake.db.sql("SELECT count(*) FROM readings").fetchall()[0][0]
    lake.db.execute("DROP TABLE typed")
    return {"published": published, "duplicate": valid_rows - published, "quarantined": read - valid_rows}


def _indicators() -> str:
    lift = "(condenser_temperature_c - evaporator_temperature_c)"
    cop = f"CASE WHEN {lift} > 0 THEN (evaporator_temperature_c + 273.15) / {lift} END"
    efficiency = "CASE WHEN efficiency > 0 THEN efficiency END"
    ratio = "CASE WHEN high_pressure_bar > 0 AND low_pressure_bar > 0 THEN high_pressure_bar / low_pressure_bar END"
    return f"""
        SELECT day, unit_id, measured_at, mode, mode NOT IN ('defrost', 'startup') AS is_steady,
            {", ".join(m.name for m in UNIT_MEASURES[:-1])}, {rounded(cop, 1000)} AS theoretical_cop,
            {rounded(ratio, 1000)} AS pressure_ratio,
            {rounded(lift, 100)} AS temperature_difference_k, {rounded(efficiency, 10_000)} AS compressor_efficiency,
            {rounded(f"{cop} * {efficiency}", 1000)} AS effective_cop
        FROM readings"""


def _hourly() -> str:
    return f"""
        SELECT unit_id, day, date_trunc('hour', measured_at) AS hour, count(*) AS reading_count,
            count(*) FILTER (is_steady) AS steady_count, count(*) FILTER (mode <> 'defrost') AS running_count,
            {", ".join(f"count(*) FILTER (mode = '{m}') AS {m}_count" for m in MODES)},
            count(*) FILTER (mode = 'defrost' AND coalesce(earlier, '') <> 'defrost') AS defrost_starts,
            max(measured_at) AS last_reading_at, {summed(UNIT_SUMMED, "is_steady")}
        FROM (SELECT *, lag(mode) OVER (PARTITION BY unit_id, day ORDER BY measured_at) AS earlier FROM indicators)
        GROUP BY ALL"""


def _summed_up(finer: str, grain: str) -> str:
    return f"""
        SELECT unit_id, {grain}, {", ".join(f"CAST(sum({c}) AS BIGINT) AS {c}" for c in COUNTS)}, max(last_reading_at) AS last_reading_at,
            {rounded("sum(running_count) * 2 / 60", 100)} AS running_h, {added(UNIT_SUMMED)}
        FROM {finer} GROUP BY unit_id, {grain}"""


def _features() -> str:
    counts = ("reading_count", "defrost_starts", *(f"{m}_count" for m in MODES))
    back = ", ".join(
        f"CAST(coalesce(sum(d.{c}) FILTER (d.day > s.day - {days}), 0) AS BIGINT) AS {c}_{days}" for days in UNIT_WINDOWS for c in counts
    )
    found = ", ".join(
        f"defrost_starts_{days} AS defrost_starts_{days}d, {_shares(days)}, {levels(UNIT_SUMMED, days, 24)}" for days in UNIT_WINDOWS
    )
    silence_s = "(epoch(ends_at) - epoch(last_reading_at))"
    hour = "(epoch(hour)::BIGINT // 3600 - 438288)"
    return f"""
        WITH days AS (
            SELECT unit_id, day, {", ".join(f"sum({c}) AS {c}" for c in counts)}, max(last_reading_at) AS newest_at,
                {moments(UNIT_SUMMED, hour)}
            FROM hourly GROUP BY ALL),
        described AS (SELECT unit_id, day, ends_at FROM units JOIN calendar ON day >= commissioned_on),
        back AS (
            SELECT s.unit_id, s.day, s.ends_at, max(d.newest_at) AS last_reading_at, {back},
                {", ".join(looked_back(UNIT_SUMMED, days) for days in UNIT_WINDOWS)}
            FROM described s LEFT JOIN days d ON d.unit_id = s.unit_id AND d.day BETWEEN s.day - {max(UNIT_WINDOWS) - 1} AND s.day
            GROUP BY s.unit_id, s.day, s.ends_at)
        SELECT unit_id, day, reading_count_1 AS readings, last_reading_at,
            {rounded(f"{silence_s} / 3600", 100)} AS hours_since_last_reading,
            coalesce({silence_s} > 24 * 3600, true) AS is_silent, {found}
        FROM back"""


def _shares(days: int) -> str:
    share = f"{{m}}_count_{days} / nullif(reading_count_{days}, 0)"
    return ", ".join(f"{rounded(share.format(m=m), 10_000)} AS {m}_share_{days}d" for m in MODES)
