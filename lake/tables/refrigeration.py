"""Cold units: what their controllers report, what follows from it, the alert rules, and each unit's state by day."""

from dataclasses import dataclass
from typing import Literal

from lake.constraints import Between, EqualSums, Fresh, NotNull, NullRateBand, OneOf, Pattern, References, RowCountBand
from lake.contract import Column, Feed, Read, Table

OWNER = "refrigeration"
MODES = ("normal", "high_load", "low_load", "defrost", "startup")
UNSTEADY_MODES = ("defrost", "startup")
READING_INTERVAL_MINUTES = 2
STATUSES = ("OK", "SURVEILLANCE", "ALERTE", "CRITIQUE", "INCONNU")
STATES = ("pending", "open", "worsened", "cleared")
WINDOWS = (1, 3, 7)
"""Days, the described one included, that a feature looks back over."""


@dataclass(frozen=True)
class Rule:
    """When an indicator means trouble.

    A reading beyond `limit` raises; from then on every reading is active until one is back at `clear_limit`
    (hysteresis). An episode opens once it has lasted `minimum_minutes`, is critical once it goes beyond
    `critical_limit` or lasts `critical_minutes`, and clears with the first inactive reading at least `calm_minutes`
    after its last active one. Readings in `excluded_modes` are not looked at.
    """

    name: str
    indicator: str
    label: str
    unit: str
    direction: Literal["above", "below"]
    limit: float
    clear_limit: float
    critical_limit: float
    minimum_minutes: int = 10
    calm_minutes: int = 30
    critical_minutes: int = 24 * 60
    excluded_modes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.label} {self.direction} {self.limit:g} {self.unit}".rstrip()


CONFIRMING_READINGS = 3
"""Active readings an alert needs before it opens, and critical ones before it worsens: one spike is no alert."""

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


def _double(name: str, meaning: str, unit: str, resolution: float, *bounds: float) -> Column:
    """`bounds` are the lowest and, if given, the highest value that is possible."""
    return Column(name, "double", meaning, (Between("critical", *bounds),) if bounds else (), unit, resolution)


def _count(name: str, meaning: str) -> Column:
    return Column(name, "long", meaning, (NotNull(), Between("critical", 0)), "readings")


def _instant(name: str, meaning: str, never_null: bool = False) -> Column:
    return Column(name, "timestamp", meaning + ", UTC", (NotNull(),) if never_null else ())


UNIT = Column("unit_id", "string", "Cold unit, as labelled on the plant drawing", (NotNull(),))
KNOWN_UNIT = Column("unit_id", "string", UNIT.meaning, (NotNull(), References("warning", "silver_refrigeration__units", "unit_id")))
AT = _instant("measured_at", "Instant of the reading", never_null=True)
DAY = Column("day", "date", "Day in the site's time zone", (NotNull(),))
MODE = Column("mode", "string", "Operating mode the controller was in", (NotNull(), OneOf("critical", MODES)))

SENSORS = (
    _double("evaporator_temperature_c", "Evaporating temperature", "°C", 0.01, -60, 40),
    _double("condenser_temperature_c", "Condensing temperature", "°C", 0.01, -20, 90),
    _double("high_pressure_bar", "Pressure after the compressor", "bar", 0.001, 0, 40),
    _double("low_pressure_bar", "Pressure before the compressor", "bar", 0.001, 0, 40),
    _double("superheat_k", "Vapour temperature above evaporation, at the evaporator's outlet", "K", 0.01, -20, 80),
    _double("subcooling_k", "Liquid temperature below condensation, at the condenser's outlet", "K", 0.01, -20, 60),
    _double("current_a", "Current drawn by the compressor", "A", 0.01, 0, 200),
    _double("vibration_g", "Vibration of the compressor", "g", 0.0001, 0, 10),
)
EFFICIENCY = _double("efficiency", "Compressor efficiency as the controller reports it, 0 to 1", "", 0.0001, 0, 1)
COMPRESSOR_EFFICIENCY = _double("compressor_efficiency", "Reported efficiency, 0 to 1; null where it reads zero", "", 0.0001, 0, 1)
COP = _double("theoretical_cop", "T_evap / (T_cond - T_evap), in kelvin; null unless the condenser is the warmer", "", 0.001, 0)
RATIO = _double("pressure_ratio", "High over low pressure; null unless both are above zero", "", 0.001, 0)

MEASURES = (*SENSORS, COP, RATIO, COMPRESSOR_EFFICIENCY)
"""What is summed up by hour, day, week and month, over steady readings only."""

FEED_UNITS = Feed(
    "refrigeration", "units", "The registry of cold units.",
    (
        UNIT,
        Column("name", "string", "Name people use for it"),
        Column("room", "string", "Room it cools"),
        Column("refrigerant", "string", "Refrigerant it is filled with", (Pattern("warning", "R[0-9]+[A-Za-z]*"),)),
        _double("nominal_power_kw", "Nominal cooling power", "kW", 0.01, 0, 10_000),
        _double("setpoint_c", "Temperature the room is kept at", "°C", 0.1, -60, 40),
        Column("commissioned_on", "date", "Day it went into service; it owes readings from then on", (NotNull(),)),
    ),
    OWNER,
)  # fmt: skip
FEED_READINGS = Feed(
    "refrigeration", "readings", "What the units' controllers report every two minutes.",
    (UNIT, AT, MODE, *SENSORS, EFFICIENCY), OWNER, "measured_at",
)  # fmt: skip

LINEAGE_COLUMNS = (
    Column("_source", "string", "Mapping file that took the row in", (NotNull(),)),
    Column("_file", "string", "File, relative to landing", (NotNull(),)),
    Column("_row", "long", "Line in the file", (NotNull(),)),
)

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
        _double("temperature_difference_k", "Condensing minus evaporating temperature", "K", 0.01, -120, 160),
        COMPRESSOR_EFFICIENCY,
        _double("effective_cop", "Theoretical COP times compressor efficiency", "", 0.001, 0),
    ),
    ("unit_id", "measured_at"), "day", (Read(READINGS.name),), (EqualSums("critical", "", READINGS.name),),
)  # fmt: skip

_COUNTS = (
    _count("reading_count", "Readings received"),
    _count("steady_count", "Readings outside defrost and startup"),
    _count("running_count", "Readings outside defrost, with the compressor running"),
    *(_count(f"{m}_count", f"Readings in mode {m}") for m in MODES),
    Column("defrost_starts", "long", "Defrosts begun, or under way at a day's first reading",
           (NotNull(), Between("critical", 0)), "defrosts"),
)  # fmt: skip
ADDITIVE = tuple(c.name for c in _COUNTS)
"""Columns that add up from hours to days, weeks and months."""


def _sums(c: Column) -> tuple[Column, ...]:
    """Count, sum and extremes of a measure: what adds up exactly from a grain to the next."""
    r = c.resolution or 1.0
    return (
        _count(f"{c.name}_count", f"Steady readings with a value: {c.name}"),
        Column(f"{c.name}_sum", "double", f"Sum over steady readings: {c.name}", (), c.unit, r),
        Column(f"{c.name}_min", "double", f"Lowest steady reading: {c.name}", c.constraints, c.unit, r),
        Column(f"{c.name}_max", "double", f"Highest steady reading: {c.name}", c.constraints, c.unit, r),
    )


def _squares(c: Column) -> Column:
    unit, resolution = f"{c.unit}²" if c.unit else "", round((c.resolution or 1.0) ** 2, 12)
    return _double(f"{c.name}_square_sum", f"Sum of squares over steady readings: {c.name}", unit, resolution, 0)


def _mean(c: Column) -> Column:
    return Column(f"{c.name}_mean", "double", f"Mean of steady readings: {c.name}", c.constraints, c.unit, c.resolution)


_LAST_READING = _instant("last_reading_at", "Instant of the newest reading", never_null=True)

HOURLY = Table(
    "gold", "refrigeration", "hourly", "dated", "Readings of each unit summed up by hour; features are built on it.",
    OWNER, "one row per unit, day and UTC hour with readings",
    (
        DAY, UNIT, _instant("hour", "Beginning of the hour", never_null=True), *_COUNTS, _LAST_READING,
        *(s for c in MEASURES for s in (*_sums(c), _squares(c))),
    ),
    ("unit_id", "day", "hour"), "day", (Read(INDICATORS.name),), (EqualSums("critical", "reading_count", INDICATORS.name),),
)  # fmt: skip


def _summary(entity: str, grain: Literal["day", "week", "month"], of: Table, meaning: str) -> Table:
    when = Column(grain, "date", meaning, (NotNull(),))
    return Table(
        "gold", "refrigeration", entity, "dated", f"Readings of each unit summed up by {grain}.", OWNER,
        f"one row per unit and {grain} with readings",
        (
            when, KNOWN_UNIT, *_COUNTS,
            _double("running_h", f"Running readings, {READING_INTERVAL_MINUTES} minutes each", "h", 0.01, 0),
            _LAST_READING, *(s for c in MEASURES for s in (*_sums(c), _mean(c))),
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
        *(_double(f"{m}_share_{days}d", f"Share of readings in mode {m} {span}", "", 0.0001, 0, 1) for m in MODES),
        Column(f"defrost_starts_{days}d", "long", f"Defrosts {span}", (NotNull(),), "defrosts"),
        *(
            f
            for c in MEASURES
            for f in (
                _double(f"{c.name}_mean_{days}d", f"Mean of {c.name} {span}, steady", c.unit, c.resolution or 1.0),
                _double(f"{c.name}_std_{days}d", f"Standard deviation of {c.name} {span}, steady", c.unit, 1e-6, 0),
                _double(f"{c.name}_trend_{days}d", f"Least-squares slope of {c.name} {span}, steady", f"{c.unit}/day", 1e-6),
            )
        ),
    )  # fmt: skip


SILENCE_H = 24
HOURS_SINCE = _double("hours_since_last_reading", "From last_reading_at to the end of the day; null with it", "h", 0.01, 0)
LAST_KNOWN = _instant("last_reading_at", f"Newest reading in the {max(WINDOWS)} days up to the day, else null")
SILENT = Column("is_silent", "boolean", f"No reading in the last {SILENCE_H} h of the day", (NotNull(),))

FEATURES = Table(
    "gold", "refrigeration", "features", "dated",
    "What a model may know of a unit at the end of a day: levels, spread and trends of the last days.", OWNER,
    "one row per unit and day since it went into service, silent or not",
    (
        DAY, KNOWN_UNIT, _count("readings", "Readings of that day"), LAST_KNOWN, HOURS_SINCE, SILENT,
        *(f for days in WINDOWS for f in _features_over(days)),
    ),
    ("unit_id", "day"), "day",
    (Read(HOURLY.name, days_before=max(WINDOWS) - 1), Read(UNITS.name), Read("bronze_lake__calendar")),
    (EqualSums("warning", "readings", HOURLY.name, "reading_count"),),
)  # fmt: skip

ALERTS = Table(
    "gold", "refrigeration", "alerts", "stateful",
    "Each fault as one alert with a life: pending, open, worsened, cleared; a flapping sensor is one alert.", OWNER,
    "one row per alert and day on which it lived or cleared, as it stood at the end of that day",
    (
        DAY,
        Column("alert_id", "string", "Digest of unit, rule and beginning", (NotNull(),)),
        KNOWN_UNIT,
        Column("rule", "string", "Rule that was broken", (NotNull(), OneOf("critical", tuple(r.name for r in RULES)))),
        Column("indicator", "string", "Column the rule judges", (NotNull(),)),
        Column("state", "string", "pending: not yet for long enough; worsened: open and critical", (NotNull(), OneOf("critical", STATES))),
        Column("severity", "string", "critical once it has worsened", (NotNull(), OneOf("critical", ("warning", "critical")))),
        _instant("started_at", "First active reading", never_null=True),
        _instant("opened_at", "Active reading that made it an alert"),
        _instant("worsened_at", "Active reading that made it critical"),
        _instant("cleared_at", "Calm reading that ended it"),
        _instant("last_active_at", "Newest active reading", never_null=True),
        Column("is_active", "boolean", "The newest reading looked at was active (hysteresis)", (NotNull(),)),
        Column("worst_value", "double", "Value furthest beyond the limit, in the indicator's unit", (NotNull(),), "", 0.0001),
        _count("reading_count", "Active readings so far"),
        _count("critical_count", "Readings beyond the critical limit so far"),
    ),
    ("alert_id", "day"), "day", (Read(INDICATORS.name), Read("bronze_lake__calendar")),
)  # fmt: skip

STATUS = Table(
    "gold", "refrigeration", "status", "dated", "How each unit stood at the end of each day, and why.", OWNER,
    "one row per unit and day since it went into service, silent or not",
    (
        DAY, KNOWN_UNIT,
        Column("status", "string", "INCONNU: silent; CRITIQUE: a critical alert; ALERTE: an open one; SURVEILLANCE: "
               "one pending or cleared that day; else OK", (NotNull(), OneOf("critical", STATUSES))),
        Column("reason", "string", "Why, in words", (NotNull(),)),
        LAST_KNOWN, HOURS_SINCE,
        Column("critical_alerts", "long", "Critical alerts not cleared", (NotNull(),), "alerts"),
        Column("open_alerts", "long", "Alerts not cleared, critical ones included", (NotNull(),), "alerts"),
        Column("watched_alerts", "long", "Alerts pending, or cleared that day", (NotNull(),), "alerts"),
    ),
    ("unit_id", "day"), "day", (Read(FEATURES.name), Read(ALERTS.name)),
    (EqualSums("critical", "", FEATURES.name),),
)  # fmt: skip
