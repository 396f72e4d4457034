"""Hours on which a machine of the line behaves unlike itself."""

from lake.columns import DAY, count, double, instant
from lake.constraints import NotNull
from lake.contract import Column, Read, Table
from lake.tables.line import HOURLY, KNOWN_MACHINE, OWNER
from lake.tables.models import CHAMPIONS, VERSION, VERSIONS

PROBLEM_NAME = "line_anomaly"
"""The problem whose champion tells which hours are anomalies, as declared in models/problems."""

ANOMALIES = Table(
    "gold", "line", "anomalies", "dated",
    "Each hour of running against the usual hours of its machine: an IsolationForest, or alert limits until one serves. All days are told "
    "by the version that serves now.", OWNER,
    "one row per machine, day and UTC hour with running readings",
    (
        DAY, KNOWN_MACHINE, instant("hour", "Beginning of the hour", never_null=True), VERSION,
        count("running_count", "Running readings of the hour"),
        double("score", "How unusual: 0.5 is usual, near 1 stands alone; null of version 0, and of machines "
               "unknown in training", "", 0.0001, 0, 1),
        double("threshold", "Score from which an hour counts as an anomaly; set by the contamination; null of version 0", "", 0.0001, 0, 1),
        Column("is_anomaly", "boolean", "The score is at the threshold or above; of version 0: a mean of the hour went "
               "beyond an alert limit", (NotNull(),)),
        Column("sensors", "array<string>", "Up to three sensors that made it unusual, most first; empty for usual hours", (NotNull(),)),
        Column("sensor_effects", "array<string>", "How much the score falls with that sensor at its usual value, as text, in the order of "
               "sensors", (NotNull(),)),
        double("pc1", "First principal component of the scaled sensors", "", 0.0001),
        double("pc2", "Second principal component", "", 0.0001),
    ),
    ("machine_id", "day", "hour"), "day",
    (
        Read(HOURLY.name),
        Read(VERSIONS.name, optional=True, is_looked_up=True),
        Read(CHAMPIONS.name, optional=True, columns=("problem", "model_version", "recorded_at"), only=(("problem", PROBLEM_NAME),)),
    ),
    step="models.anomalies:gold_line__anomalies",
)  # fmt: skip
