"""Cold units: what their controllers report, what follows from it, the alert rules, and each unit's state by day."""

from lake.alerts import Rule, alerts_table
from lake.columns import DAY, LINEAGE_COLUMNS, count, double, instant
from lake.constraints import Between, EqualSums, Fresh, NotNull, NullRateBand, OneOf, Pattern, References, RowCountBand
from lake.contract import Column, Feed, Grain, Read, Table
from lake.status import HOURS_SINCE, SILENT, last_known, status_table
from lake.summaries import features_over, mean, squares, sums

OWNER = "refrigeration"
MODES = ("normal", "high_load", "low_load", "defrost", "startup")
UNSTEADY_MODES = ("defrost", "startup")
READING_INTERVAL_MINUTES = 2
WINDOWS = (1, 3, 7)
"""Days, the described one included, that a feature looks back over."""


RULES = (
    Rule("evaporator_warm", "evaporator_temperature_c", "evaporator temperature", "°C", "above", -5, -6, 0,
         minimum_minutes=20, critical_minutes=4 * 60, excluded_modes=UNSTEADY_MODES),
    Rule("condenser_hot", "condenser_temperature_c", "condenser temperature", "°C", "above", 50, 48, 60),
    Rule("high_pressure_high", "high_pressure_bar", "high pressure", "bar", "above", 16, 15.5, 20),
    Rule("low_pressure_low", "low_pressure_bar", "low pressure", "bar", "below", 1.5, 1.6, 1),
    Rule("superheat_low", "superheat_k", "superheat", "K", "below", 3, 3.5, 1),
    Rule("superheat_high", "superheat_k", "superheat", "K", "above", 15, 14, 20),
    Rule("current_high", "current_a", "compressor current", "A", "above", 12, 11.5, 15),
    Rule("vibration_high", "vibration_g", "vibration", "g", "above", 0.05, 0.045, 0.08),
    Rule("pressure_ratio_high", "pressure_ratio", "pressure ratio", "", "above", 8, 7.6, 10),
)  # fmt: skip


UNIT = Column("unit_id", "string", "Cold unit, as labelled on the plant drawing", (NotNull(),))
KNOWN_UNIT = Column("unit_id", "string", UNIT.meaning, (NotNull(), References("warning", "silver_refrigeration__units", "unit_id")))
AT = instant("measured_at", "Instant of the reading", never_null=True)
MODE = Column("mode", "string", "Operating mode the controller was in", (NotNull(), OneOf("critical", MODES)))

SENSORS = (
    double("evaporator_temperature_c", "Evaporating temperature", "°C", 0.01, -60, 40),
    double("condenser_temperature_c", "Condensing temperature", "°C", 0.01, -20, 90),
    double("high_pressure_bar", "Pressure after the compressor", "bar", 0.001, 0, 40),
    double("low_pressure_bar", "Pressure before the compressor", "bar", 0.001, 0, 40),
    double("superheat_k", "Vapour temperature above evaporation, at the evaporator's outlet", "K", 0.01, -20, 80),
    double("subcooling_k", "Liquid temperature below condensation, at the condenser's outlet", "K", 0.01, -20, 60),
    double("current_a", "Current drawn by the compressor", "A", 0.01, 0, 200),
    double("vibration_g", "Vibration of the compressor", "g", 0.0001, 0, 10),
)
EFFICIENCY = double("efficiency", "Compressor efficiency as the controller reports it, 0 to 1", "", 0.0001, 0, 1)
COMPRESSOR_EFFICIENCY = double("compressor_efficiency", "Reported efficiency, 0 to 1; null where it reads zero", "", 0.0001, 0, 1)
COP = double("theoretical_cop", "T_evap / (T_cond - T_evap), in kelvin; null unless the condenser is the warmer", "", 0.001, 0)
RATIO = double("pressure_ratio", "High over low pressure; null unless both are above zero", "", 0.001, 0)

MEASURES = (*SENSORS, COP, RATIO, COMPRESSOR_EFFICIENCY)
"""What is summed up by hour, day, week and month, over steady readings only."""

FEED_UNITS = Feed(
    "refrigeration", "units", "The registry of cold units.",
    (
        UNIT,
        Column("name", "string", "Name people use for it"),
        Column("room", "string", "Room it cools"),
        Column("refrigerant", "string", "Refrigerant it is filled with", (Pattern("warning", "R[0-9]+[A-Za-z]*"),)),
        double("nominal_power_kw", "Nominal cooling power", "kW", 0.01, 0, 10_000),
        double("setpoint_c", "Temperature the room is kept at", "°C", 0.1, -60, 40),
        Column("commissioned_on", "date", "Day it went into service; it owes readings from then on", (NotNull(),)),
    ),
    OWNER,
)  # fmt: skip
FEED_READINGS = Feed(
    "refrigeration", "readings", "What the units' controllers report every two minutes.",
    (UNIT, AT, MODE, *SENSORS, EFFICIENCY), OWNER, "measured_at",
)  # fmt: skip

UNITS = Table(
    "silver", "refrigeration", "units", "snapshot", "The cold units there are.", OWNER, "one row per unit",
    (*FEED_UNITS.columns, *LINEAGE_COLUMNS), ("unit_id",), inputs=(Read(FEED_UNITS.name),),
    promises=(RowCountBand("warning", 2.0),),
)  # fmt: skip
READINGS = Table(
    "silver", "refrigeration", "readings", "dated", "One clean reading per unit and instant.", OWNER,
    "one row per unit and instant",
    (
        Column("unit_id", "string", UNIT.meaning, (NotNull(), References("critical", UNITS.name, "unit_id"))),
        AT, MODE, *SENSORS, EFFICIENCY,
        Column("day", "date", "Day of the reading in the site's time zone", (
            NotNull(), References("critical", "bronze_lake__calendar", "day"))),
        *LINEAGE_COLUMNS,
    ),
    ("unit_id", "measured_at"), "day", (Read(FEED_READINGS.name),),
    (Fresh("warning", 1), RowCountBand("warning", 3.0), *(NullRateBand("warning", c.name, 0.05) for c in SENSORS)),
)  # fmt: skip

INDICATORS = Table(
    "gold", "refrigeration", "indicators", "dated",
    "Every reading with what follows from it, and the values the alert rules judge.", OWNER,
    "one row per unit and instant",
    (
        DAY, UNIT, AT, MODE,
        Column("is_steady", "boolean", "Neither defrosting nor starting: values may be compared", (NotNull(),)),
        *SENSORS, COP, RATIO,
        double("temperature_difference_k", "Condensing minus evaporating temperature", "K", 0.01, -120, 160),
        COMPRESSOR_EFFICIENCY,
        double("effective_cop", "Theoretical COP times compressor efficiency", "", 0.001, 0),
    ),
    ("unit_id", "measured_at"), "day", (Read(READINGS.name),), (EqualSums("critical", "", READINGS.name),),
)  # fmt: skip

_COUNTS = (
    count("reading_count", "Readings received"),
    count("steady_count", "Readings outside defrost and startup"),
    count("running_count", "Readings outside defrost, with the compressor running"),
    *(count(f"{m}_count", f"Readings in mode {m}") for m in MODES),
    Column("defrost_starts", "long", "Defrosts begun, or under way at a day's first reading",
           (NotNull(), Between("critical", 0)), "defrosts"),
)  # fmt: skip
ADDITIVE = tuple(c.name for c in _COUNTS)
"""Columns that add up from hours to days, weeks and months."""


STEADY = "steady readings"
_LAST_READING = instant("last_reading_at", "Instant of the newest reading", never_null=True)

HOURLY = Table(
    "gold", "refrigeration", "hourly", "dated", "Readings of each unit summed up by hour; features are built on it.",
    OWNER, "one row per unit, day and UTC hour with readings",
    (
        DAY, UNIT, instant("hour", "Beginning of the hour", never_null=True), *_COUNTS, _LAST_READING,
        *(s for c in MEASURES for s in (*sums(c, STEADY), squares(c, STEADY))),
    ),
    ("unit_id", "day", "hour"), "day", (Read(INDICATORS.name),), (EqualSums("critical", "reading_count", INDICATORS.name),),
)  # fmt: skip


def _summary(entity: str, grain: Grain, of: Table, meaning: str) -> Table:
    when = Column(grain, "date", meaning, (NotNull(),))
    return Table(
        "gold", "refrigeration", entity, "dated", f"Readings of each unit summed up by {grain}.", OWNER,
        f"one row per unit and {grain} with readings",
        (
            when, KNOWN_UNIT, *_COUNTS,
            double("running_h", f"Running readings, {READING_INTERVAL_MINUTES} minutes each", "h", 0.01, 0),
            _LAST_READING, *(s for c in MEASURES for s in (*sums(c, STEADY), mean(c, STEADY))),
        ),
        ("unit_id", grain), grain, (Read(of.name),),
        tuple(EqualSums("critical", c, of.name, c) for c in ("reading_count", "steady_count", "running_count")),
    )  # fmt: skip


DAILY = _summary("daily", "day", HOURLY, DAY.meaning)
WEEKLY = _summary("weekly", "week", DAILY, "Monday of the week")
MONTHLY = _summary("monthly", "month", DAILY, "First day of the month")


def _features_over(days: int) -> tuple[Column, ...]:
    span = f"over {days} day{'s' * (days > 1)}"
    return (
        *(double(f"{m}_share_{days}d", f"Share of readings in mode {m} {span}", "", 0.0001, 0, 1) for m in MODES),
        Column(f"defrost_starts_{days}d", "long", f"Defrosts {span}", (NotNull(),), "defrosts"),
        *features_over(MEASURES, days, "steady"),
    )


FEATURES = Table(
    "gold", "refrigeration", "features", "dated",
    "What a model may know of a unit at the end of a day: levels, spread and trends of the last days.", OWNER,
    "one row per unit and day since it went into service, silent or not",
    (
        DAY, KNOWN_UNIT, count("readings", "Readings of that day"), last_known(max(WINDOWS)), HOURS_SINCE, SILENT,
        *(f for days in WINDOWS for f in _features_over(days)),
    ),
    ("unit_id", "day"), "day",
    (Read(HOURLY.name, days_before=max(WINDOWS) - 1), Read(UNITS.name, columns=("unit_id", "commissioned_on"), since="commissioned_on"),
     Read("bronze_lake__calendar")),
    (EqualSums("warning", "readings", HOURLY.name, "reading_count"),),
)  # fmt: skip

ALERTS = alerts_table("refrigeration", OWNER, KNOWN_UNIT, RULES, INDICATORS.name)
STATUS = status_table("refrigeration", OWNER, KNOWN_UNIT, FEATURES.name, ALERTS.name, max(WINDOWS))
