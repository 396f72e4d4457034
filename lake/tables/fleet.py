"""Vehicles: the registry, what they send while driving, their services, what follows from it, and each vehicle's state by day."""

from lake.alerts import Rule, alerts_table
from lake.columns import DAY, LINEAGE_COLUMNS, count, double, instant
from lake.constraints import Between, EqualSums, Fresh, Monotonic, NotNull, NullRateBand, OneOf, Pattern, References, RowCountBand
from lake.contract import Column, Feed, Grain, Read, Table
from lake.status import HOURS_SINCE, STATUSES, last_known, silent, status_table
from lake.summaries import features_over, mean, squares, sums
from lake.tables.predictions import PREDICTIONS

OWNER = "fleet"
WINDOWS = (1, 7, 28)
"""Days, the described one included, that a feature looks back over."""
SILENCE_H = 72
"""A vehicle that rests from Friday evening to Monday morning is not silent."""
SERVICE_TYPES = {"Vidange": "oil", "Freins": "brake", "Pneus": "tyre", "Moteur": "engine", "Batterie": "battery"}
"""As the workshop writes them, and as columns are named after them."""

RULES = (
    Rule("engine_hot", "engine_temperature_c", "engine temperature", "°C", "above", 105, 103, 115),
    Rule("oil_pressure_low", "oil_pressure_bar", "oil pressure", "bar", "below", 2.6, 2.8, 2.0),
    Rule("voltage_low", "battery_voltage_v", "battery voltage", "V", "below", 11.8, 12.0, 11.0),
    Rule("injection_pressure_low", "injection_pressure_bar", "injection pressure", "bar", "below", 265, 272, 235),
)

VIN = Column("vin", "string", "Vehicle identification number", (NotNull(), Pattern("warning", "[A-Z0-9-]+")))
FEED_VEHICLES = Feed(
    "fleet", "vehicles", "The registry of vehicles.",
    (
        VIN,
        Column("model", "string", "Model name"),
        Column("model_year", "long", "Year of the model", (Between("warning", 1980, 2100),)),
        Column("commissioned_on", "date", "Day it went into service; it may send readings from then on", (NotNull(),)),
    ),
    OWNER,
)  # fmt: skip
VEHICLES = Table(
    "silver", "fleet", "vehicles", "snapshot", "The vehicles there are.", OWNER, "one row per vehicle",
    (*FEED_VEHICLES.columns, *LINEAGE_COLUMNS), ("vin",), inputs=(Read(FEED_VEHICLES.name),),
    promises=(RowCountBand("warning", 2.0),),
)  # fmt: skip

KNOWN_VIN = Column("vin", "string", VIN.meaning, (NotNull(), References("warning", VEHICLES.name, "vin")))
TRUE_VIN = Column("vin", "string", VIN.meaning, (NotNull(), References("critical", VEHICLES.name, "vin")))
AT = instant("measured_at", "Instant of the reading", never_null=True)
ODOMETER = double("odometer_km", "Distance driven since the vehicle was built", "km", 0.1, 0, 3_000_000)
MEASURES = (
    double("engine_temperature_c", "Temperature of the engine's coolant", "°C", 0.1, -45, 160),
    double("speed_kmh", "Speed on the road", "km/h", 0.1, 0, 250),
    double("oil_pressure_bar", "Pressure of the engine oil", "bar", 0.01, 0, 12),
    double("engine_speed_rpm", "Revolutions of the engine", "1/min", 1.0, 0, 9000),
    double("battery_voltage_v", "Voltage at the starter battery", "V", 0.01, 0, 32),
    double("acceleration_0_100_s", "Time from standstill to 100 km/h; only where the vehicle did so", "s", 0.1, 1, 90),
    double("consumption_l_per_100km", "Fuel consumption", "L/100 km", 0.1, 0, 100),
    double("injection_pressure_bar", "Pressure in the fuel rail", "bar", 0.1, 0, 3000),
)
"""What is summed up by day, week and month."""
SEEN_AT_TIMES = ("acceleration_0_100_s",)

FEED_TELEMETRY = Feed(
    "fleet", "telemetry", "What vehicles send while they drive.", (VIN, AT, ODOMETER, *MEASURES), OWNER, "measured_at",
)  # fmt: skip
SERVICE = (
    Column("service_type", "string", "What was serviced: oil, brakes, tyres, engine or battery", (
        NotNull(), OneOf("critical", tuple(SERVICE_TYPES)))),
    Column("odometer_km", "double", "What the odometer read", (NotNull(), Between("critical", 0, 3_000_000)), "km", 0.1),
    Column("serviced_on", "date", "Day of the service; null where the workshop didn't write it down"),
)  # fmt: skip
FEED_SERVICES = Feed("fleet", "services", "What the workshop did to vehicles, planned or after a failure.", (VIN, *SERVICE), OWNER)

TELEMETRY = Table(
    "silver", "fleet", "telemetry", "dated", "One clean reading per vehicle and instant.", OWNER, "one row per vehicle and instant",
    (
        TRUE_VIN, AT, ODOMETER, *MEASURES,
        Column("day", "date", "Day of the reading in the site's time zone", (
            NotNull(), References("critical", "bronze_lake__calendar", "day"))),
        *LINEAGE_COLUMNS,
    ),
    ("vin", "measured_at"), "day", (Read(FEED_TELEMETRY.name),),
    (
        Fresh("warning", 3), RowCountBand("warning", 6.0),
        Monotonic("warning", "odometer_km", ("vin",), "measured_at"),
        *(NullRateBand("warning", c.name, 0.05) for c in (ODOMETER, *MEASURES) if c.name not in SEEN_AT_TIMES),
    ),
)  # fmt: skip
SERVICES = Table(
    "silver", "fleet", "services", "snapshot", "One row per service; one that several files tell of stands here once.", OWNER,
    "one row per vehicle, type of service and odometer reading",
    (TRUE_VIN, *SERVICE, *LINEAGE_COLUMNS),
    ("vin", "service_type", "odometer_km"), inputs=(Read(FEED_SERVICES.name),), promises=(NullRateBand("warning", "serviced_on", 0.25),),
)  # fmt: skip

_READINGS = count("reading_count", "Readings received")
_DRIVEN = double("km_driven", "Between the first and the last odometer reading of each day", "km", 0.1, 0)
_LAST_KM = double("odometer_last_km", "Last odometer reading that agrees with the day's others", "km", 0.1, 0)
_LAST_READING = instant("last_reading_at", "Instant of the newest reading", never_null=True)


def _latest(c: Column) -> Column:
    return Column(f"{c.name}_last", "double", f"Newest value of the day: {c.name}", c.constraints, c.unit, c.resolution)


DAILY = Table(
    "gold", "fleet", "daily", "dated", "Readings of each vehicle summed up by day; features are built on it.", OWNER,
    "one row per vehicle and day with readings",
    (
        DAY, KNOWN_VIN, _READINGS, instant("first_reading_at", "Instant of the first reading", never_null=True), _LAST_READING,
        double("odometer_first_km", "First odometer reading that agrees with the day's others", "km", 0.1, 0), _LAST_KM, _DRIVEN,
        count("odometer_doubted_count", "Odometer readings too far from the day's others to be believed"),
        *(s for c in MEASURES for s in (*sums(c), squares(c), mean(c), _latest(c))),
    ),
    ("vin", "day"), "day", (Read(TELEMETRY.name),), (EqualSums("critical", "reading_count", TELEMETRY.name),),
)  # fmt: skip


def _summary(entity: str, grain: Grain, meaning: str) -> Table:
    return Table(
        "gold", "fleet", entity, "dated", f"Readings of each vehicle summed up by {grain}.", OWNER,
        f"one row per vehicle and {grain} with readings",
        (
            Column(grain, "date", meaning, (NotNull(),)), KNOWN_VIN, _READINGS, count("active_days", "Days with readings", "days"),
            _LAST_READING, _LAST_KM, _DRIVEN, *(s for c in MEASURES for s in (*sums(c), mean(c))),
        ),
        ("vin", grain), grain, (Read(DAILY.name),),
        tuple(EqualSums("critical", c, DAILY.name, c, 1e-3) for c in ("reading_count", "km_driven")),
    )  # fmt: skip


WEEKLY = _summary("weekly", "week", "Monday of the week")
MONTHLY = _summary("monthly", "month", "First day of the month")

SUMMARY_MEASURES = tuple(c for c in MEASURES if c.name in ("engine_temperature_c", "battery_voltage_v", "consumption_l_per_100km"))


def _by_model(grain: Grain, of: Table, when: Column) -> Table:
    entity = {"day": "summary_daily", "week": "summary_weekly", "month": "summary_monthly"}[grain]
    return Table(
        "gold", "fleet", entity, "dated", f"The fleet summed up by {grain}.", OWNER, f"one row per model and {grain} with readings",
        (
            when, Column("model", "string", "Model name, or unknown", (NotNull(),)),
            count("active_vehicles", "Vehicles with readings", "vehicles"), _READINGS, _DRIVEN,
            *(s for c in SUMMARY_MEASURES for s in (*sums(c), mean(c))),
        ),
        ("model", grain), grain, (Read(of.name), Read(VEHICLES.name, columns=("vin", "model"), by="vin")),
        (EqualSums("critical", "reading_count", of.name, "reading_count"), EqualSums("critical", "active_vehicles", of.name)),
    )  # fmt: skip


SUMMARY_DAILY = _by_model("day", DAILY, DAY)
SUMMARY_WEEKLY = _by_model("week", WEEKLY, WEEKLY.column("week"))
SUMMARY_MONTHLY = _by_model("month", MONTHLY, MONTHLY.column("month"))

LAST_SERVICE = (
    Column("last_service_type", "string", "Type of the service with the highest odometer reading so far"),
    Column("last_serviced_on", "date", "Its day; null where it wasn't written down"),
    double("last_service_km", "What the odometer read at it", "km", 0.1, 0),
)
SINCE_LAST_SERVICE = double("km_since_last_service", "Driven since then", "km", 0.1, 0)


def _since(type_: str, name: str) -> tuple[Column, ...]:
    return (
        double(f"km_since_{name}_service", f"Driven since the last service {type_}, dated or not", "km", 0.1, 0),
        Column(f"days_since_{name}_service", "long", f"Days since the last dated service {type_}", (Between("critical", 0),), "days"),
    )


FEATURES = Table(
    "gold", "fleet", "features", "dated",
    "What a model may know of a vehicle at the end of a day: levels, spread and trends of the last days, and its services.", OWNER,
    "one row per vehicle and day since it went into service, silent or not",
    (
        DAY, KNOWN_VIN, count("readings", "Readings of that day"), last_known(max(WINDOWS)), HOURS_SINCE, silent(SILENCE_H),
        double("odometer_km", f"Highest reading of the {max(WINDOWS)} days up to the day, else null", "km", 0.1, 0),
        *(double(f"km_{days}d", f"Driven over {days} day{'s' * (days > 1)}", "km", 0.1, 0) for days in WINDOWS),
        # Sums by day have no slope within a day.
        *(c for days in WINDOWS for c in features_over(MEASURES, days) if not c.name.endswith("_trend_1d")),
        *(c for type_, name in SERVICE_TYPES.items() for c in _since(type_, name)),
        *LAST_SERVICE, SINCE_LAST_SERVICE,
    ),
    ("vin", "day"), "day",
    (Read(DAILY.name, days_before=max(WINDOWS) - 1),
     Read(SERVICES.name, columns=("vin", "odometer_km", "service_type", "serviced_on"), since="serviced_on"),
     Read(VEHICLES.name, columns=("vin", "commissioned_on"), since="commissioned_on"), Read("bronze_lake__calendar")),
    (EqualSums("warning", "readings", DAILY.name, "reading_count"),),
)  # fmt: skip

ALERTS = alerts_table("fleet", OWNER, KNOWN_VIN, RULES, TELEMETRY.name)
STATUS = status_table("fleet", OWNER, KNOWN_VIN, FEATURES.name, ALERTS.name, max(WINDOWS))

RISK = tuple(
    Column(
        f"risk_{c.name}", c.type, f"As predicted at the end of the day, null where nothing was said: {c.meaning}", (), c.unit, c.resolution
    )
    for c in PREDICTIONS.columns
    if c.name in ("model_version", "status", "probability", "component") or c.name.startswith(("days_to_failure", "km_to_failure"))
)

REPORTING = Table(
    "gold", "fleet", "reporting", "stateful",
    "Each vehicle as it stood at the end of each day; the newest day is one row per vehicle.", OWNER,
    "one row per vehicle and day since it went into service",
    (
        DAY, KNOWN_VIN, VEHICLES.column("model"), Column("model_year", "long", "Year of the model"),
        double("age_years", "Since it went into service", "years", 0.1, 0),
        Column("status", "string", "As in the table status", (NotNull(), OneOf("critical", STATUSES))),
        Column("reason", "string", "Why, in words", (NotNull(),)),
        instant("last_reading_at", "Newest reading ever, null before the first"),
        double("odometer_km", "Highest reading of the last days with any", "km", 0.1, 0),
        *(Column(c.name, "double", f"Newest known: {c.meaning[0].lower()}{c.meaning[1:]}", c.constraints, c.unit, c.resolution)
          for c in MEASURES),
        *LAST_SERVICE, SINCE_LAST_SERVICE,
        Column("days_since_last_service", "long", "Days since it; null where its day is unknown", (Between("critical", 0),), "days"),
        *RISK,
    ),
    ("vin", "day"), "day",
    (Read(FEATURES.name), Read(DAILY.name), Read(STATUS.name),
     Read(VEHICLES.name, columns=("vin", "model", "model_year", "commissioned_on"), by="vin"), Read(PREDICTIONS.name, optional=True)),
    (EqualSums("critical", "", FEATURES.name),),
)  # fmt: skip
