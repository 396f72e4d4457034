"""Production machines: their registry and operating calendar, what their sensors report, and how well they are used."""

from lake.alerts import Rule, alerts_table
from lake.columns import DAY, LINEAGE_COLUMNS, count, double, instant
from lake.constraints import (
    Between,
    EqualSums,
    Fresh,
    Monotonic,
    NotNull,
    NullRateBand,
    OneOf,
    Pattern,
    References,
    RowCountBand,
)
from lake.contract import Column, Feed, Grain, Read, Table
from lake.status import HOURS_SINCE, last_known, status_table
from lake.summaries import features_over, mean, squares, sums

OWNER = "line"
STATES = ("running", "idle", "off")
NOT_RUNNING = ("idle", "off")
WINDOWS = (1, 3, 7)
"""Days, the described one included, that a feature looks back over."""
SILENCE_H = 8
"""Planned hours, one shift, without a reading after which nobody knows how a machine is."""

CALM_MINUTES = 12 * 60
"""A fault that begins shows at high load only: it is over once a shift and the night after it were calm."""

RULES = (
    # ISO 20816 judges by the largest axis: 4.5 mm/s is where a machine of this size may not run for long, 7.1 where it takes damage.
    Rule("vibration_high", "vibration_mm_s", "vibration", "mm/s", "above", 4.5, 4.0, 7.1, minimum_minutes=15,
         calm_minutes=CALM_MINUTES, excluded_modes=NOT_RUNNING),
    Rule("bearing_hot", "bearing_temperature_c", "bearing temperature", "°C", "above", 62, 59, 78,
         calm_minutes=CALM_MINUTES, excluded_modes=NOT_RUNNING),
    Rule("current_high", "current_a", "motor current", "A", "above", 31, 29.5, 40,
         calm_minutes=CALM_MINUTES, excluded_modes=NOT_RUNNING),
)  # fmt: skip

MACHINE = Column("machine_id", "string", "Machine, as labelled on the line", (NotNull(),))
FEED_MACHINES = Feed(
    "line", "machines", "The registry of machines, with the hours they are planned to work.",
    (
        MACHINE,
        Column("name", "string", "Name people use for it"),
        Column("kind", "string", "Press, welding robot, paint pump, conveyor, CNC, compressor"),
        double("nominal_cycle_s", "Time of one cycle at nominal pace; null where it makes no pieces", "s", 0.01, 0.01, 100_000),
        Column("commissioned_on", "date", "Day it went into service; it owes readings from then on", (NotNull(),)),
        Column("weekdays", "string", "First and last working day of the week, 1 is Monday", (
            NotNull(), Pattern("critical", "[1-7]-[1-7]"))),
        Column("opens_at", "string", "Local time at which a working day begins", (
            NotNull(), Pattern("critical", "([01][0-9]|2[0-3]):[0-5][0-9]"))),
        Column("closes_at", "string", "Local time at which it ends, later on the same day; 24:00 is midnight", (
            NotNull(), Pattern("critical", "(([01][0-9]|2[0-3]):[0-5][0-9])|24:00"))),
    ),
    OWNER,
)  # fmt: skip
OPERATING = ("machine_id", "commissioned_on", "weekdays", "opens_at", "closes_at")
"""What of a machine its planned days follow from."""
MACHINES = Table(
    "silver", "line", "machines", "snapshot", "The machines there are, and when they are planned to work.", OWNER, "one row per machine",
    (*FEED_MACHINES.columns, *LINEAGE_COLUMNS), ("machine_id",), inputs=(Read(FEED_MACHINES.name),),
    promises=(RowCountBand("warning", 2.0),),
)  # fmt: skip

AT = instant("measured_at", "Instant of the reading", never_null=True)
STATE = Column(
    "state", "string", "What the machine was doing; it stands for the minute that follows", (NotNull(), OneOf("critical", STATES))
)
TORQUE = double("torque_nm", "Torque at the main shaft", "Nm", 0.01, 0, 5_000)
AMBIENT = double("ambient_temperature_c", "Temperature of the hall beside the machine", "°C", 0.01, -30, 60)
SENSORS = (
    *(double(f"vibration_{axis}_mm_s", f"Vibration velocity at the bearing, {axis} axis, RMS", "mm/s", 0.001, 0, 100) for axis in "xyz"),
    double("bearing_temperature_c", "Temperature of the main bearing", "°C", 0.01, -30, 150),
    double("current_a", "Current drawn by the main motor", "A", 0.01, 0, 500),
    double("voltage_v", "Voltage at the main motor", "V", 0.1, 0, 1_000),
    double("power_w", "Power drawn", "W", 1.0, 0, 300_000),
    double("spindle_speed_rpm", "Speed of the main shaft", "rpm", 0.1, 0, 60_000),
    TORQUE,
    double("tool_wear_min", "Minutes that the tool, or the part that wears in its place, has worked since it was changed", "min", 1.0,
           0, 1_000_000),
    AMBIENT,
    double("humidity_pct", "Relative humidity of the hall", "%", 0.1, 0, 100),
    double("pressure_hpa", "Air pressure in the hall", "hPa", 0.1, 800, 1_100),
)  # fmt: skip
COUNTER = Column("cycle_count", "long", "Cycles the machine has made since it was new", (Between("critical", 0, 1e12),), "cycles")

PHYSICS = (
    double("mechanical_power_w", "Power at the shaft: torque times angular speed", "W", 1.0, 0),
    double("temperature_difference_k", "Bearing minus hall temperature", "K", 0.01, -60, 180),
    double("wear_torque_min_nm", "Tool wear times torque: what a worn tool is asked to do", "min Nm", 10.0, 0),
)
MEASURES = (*SENSORS, *PHYSICS)
"""What is summed up by hour, day, week and month, over running readings only."""
SURROUNDINGS = ("voltage_v", "ambient_temperature_c", "humidity_pct", "pressure_hpa")
CONDITION = tuple(c for c in MEASURES if c.name not in SURROUNDINGS)
"""Measures that tell of the machine and not of its surroundings: features are built on them."""

FEED_READINGS = Feed(
    "line", "readings", "What the machines' controllers report every minute while the machine is planned to work.",
    (MACHINE, AT, STATE, *SENSORS, COUNTER), OWNER, "measured_at",
)  # fmt: skip
READINGS = Table(
    "silver", "line", "readings", "dated", "One clean reading per machine and instant.", OWNER, "one row per machine and instant",
    (
        Column("machine_id", "string", MACHINE.meaning, (NotNull(), References("critical", MACHINES.name, "machine_id"))),
        AT, STATE, *SENSORS, COUNTER,
        Column("day", "date", "Day of the reading in the site's time zone", (
            NotNull(), References("critical", "bronze_lake__calendar", "day"))),
        *LINEAGE_COLUMNS,
    ),
    ("machine_id", "measured_at"), "day", (Read(FEED_READINGS.name),),
    (Fresh("warning", 3), RowCountBand("warning", 4.0), Monotonic("warning", "cycle_count", ("machine_id",), "measured_at"),
     *(NullRateBand("warning", c.name, 0.05) for c in SENSORS)),
)  # fmt: skip

KNOWN_MACHINE = Column("machine_id", "string", MACHINE.meaning, (NotNull(), References("warning", MACHINES.name, "machine_id")))
_COUNTS = (count("reading_count", "Readings received"), *(count(f"{s}_count", f"Readings in state {s}") for s in STATES))
_CYCLES = Column(
    "cycles", "long",
    "Rises of the cycle counter between one reading and the machine's next one of the day, counted where the rise ends; falls and lone "
    "outliers count nothing; null where no reading has a counter", (Between("critical", 0),), "cycles",
)  # fmt: skip
RUNNING = "running readings"

HOURLY = Table(
    "gold", "line", "hourly", "dated", "Readings of each machine summed up by hour; features are built on it.", OWNER,
    "one row per machine, day and UTC hour with readings",
    (
        DAY, KNOWN_MACHINE, instant("hour", "Beginning of the hour", never_null=True), *_COUNTS, _CYCLES,
        instant("last_reading_at", "Instant of the newest reading", never_null=True),
        *(s for c in MEASURES for s in (*sums(c, RUNNING), squares(c, RUNNING))),
    ),
    ("machine_id", "day", "hour"), "day", (Read(READINGS.name),), (EqualSums("critical", "reading_count", READINGS.name),),
)  # fmt: skip

ADDITIVE = (
    *_COUNTS, _CYCLES,
    count("planned_min", "Minutes the registry's calendar plans the machine to work, on the days up to the as-of day", "min"),
    count("available_min", "Planned minutes on which it ran or waited, ready to work", "min"),
    count("counted_min", "Minutes running or waiting, planned or not, in hours with a cycle counter", "min"),
    double("ideal_s", "Time that the cycles would have taken at the nominal pace; null with either", "s", 0.01, 0),
)  # fmt: skip
"""Columns that add up from days to weeks and months."""


def _summary(entity: str, grain: Grain, inputs: tuple[Read, ...], meaning: str) -> Table:
    of = inputs[0].table
    agreeing = ("reading_count", "running_count", "idle_count", "off_count", "cycles")
    planned = ("planned_min", "available_min") if grain != "day" else ()
    return Table(
        "gold", "line", entity, "dated", f"Readings and use of each machine by {grain}.", OWNER,
        f"one row per machine and {grain} since it went into service, or with readings",
        (
            Column(grain, "date", meaning, (NotNull(),)), KNOWN_MACHINE, *ADDITIVE,
            double("planned_h", "Planned time", "h", 0.01, 0),
            double("running_h", "Time running: a minute for each reading", "h", 0.01, 0),
            double("idle_h", "Time waiting: a minute for each reading", "h", 0.01, 0),
            double("availability", "Planned time on which the machine ran or waited, over planned time; null where none was planned",
                   "", 0.0001, 0, 1),
            Column("performance", "double", "Cycles times nominal cycle, over the time running or waiting (waiting is lost pace); above 1 "
                   "where readings are missing and the counter went on", (Between("warning", 0, 1.2),), "", 0.0001),
            double("oee", "Availability times performance: quality isn't measured and counts as 1; null where either is", "", 0.0001, 0),
            instant("last_reading_at", "Instant of the newest reading"),
            *(s for c in MEASURES for s in (*sums(c, RUNNING), mean(c, RUNNING))),
        ),
        ("machine_id", grain), grain, inputs, tuple(EqualSums("critical", c, of, c) for c in (*agreeing, *planned)),
    )  # fmt: skip


DAILY = _summary(
    "daily",
    "day",
    (
        Read(HOURLY.name),
        Read(MACHINES.name, columns=(*OPERATING, "nominal_cycle_s"), since="commissioned_on", by="machine_id"),
        Read("bronze_lake__calendar", days_before=1),
    ),
    DAY.meaning,
)
WEEKLY = _summary("weekly", "week", (Read(DAILY.name),), "Monday of the week")
MONTHLY = _summary("monthly", "month", (Read(DAILY.name),), "First day of the month")


def _features_over(days: int) -> tuple[Column, ...]:
    span = f"over {days} day{'s' * (days > 1)}"
    return (
        *(double(f"{s}_share_{days}d", f"Share of readings in state {s} {span}", "", 0.0001, 0, 1) for s in STATES),
        Column(f"cycles_{days}d", "long", f"Cycles {span}", (NotNull(),), "cycles"),
        *features_over(CONDITION, days, "running"),
    )


FEATURES = Table(
    "gold", "line", "features", "dated",
    "What a model may know of a machine at the end of a day: levels, spread and trends of the last days.", OWNER,
    "one row per machine and day since it went into service, silent or not",
    (
        DAY, KNOWN_MACHINE, count("readings", "Readings of that day"), last_known(max(WINDOWS)), HOURS_SINCE,
        double("planned_h_since_last_reading", "Of these hours, those on which it was planned to work; null with them", "h", 0.01, 0),
        Column("is_silent", "boolean", f"No reading in {max(WINDOWS)} days, or in the last {SILENCE_H} h on which it was planned to work",
               (NotNull(),)),
        *(f for days in WINDOWS for f in _features_over(days)),
    ),
    ("machine_id", "day"), "day",
    (Read(HOURLY.name, days_before=max(WINDOWS) - 1), Read(MACHINES.name, columns=OPERATING, since="commissioned_on"),
     Read("bronze_lake__calendar", days_before=max(WINDOWS))),
    (EqualSums("warning", "readings", HOURLY.name, "reading_count"),),
)  # fmt: skip

ALERTS = alerts_table("line", OWNER, KNOWN_MACHINE, RULES, READINGS.name)
STATUS = status_table("line", OWNER, KNOWN_MACHINE, FEATURES.name, ALERTS.name, max(WINDOWS))
