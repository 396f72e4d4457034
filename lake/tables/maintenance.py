"""Across domains: every alert of the plant in one list, one life per problem, silent assets included."""

from lake.alerts import SEVERITIES, STATES
from lake.columns import DAY, instant
from lake.constraints import NotNull, OneOf
from lake.contract import Column, Read, Table
from lake.tables.plant import ASSET, DOMAINS

OWNER = "maintenance"
SILENCE = "silence"
GRAVE_AFTER_DAYS = 3
"""A silence is critical from this day of it on."""

ALERTS = Table(
    "gold", "maintenance", "alerts", "stateful",
    "Every problem of the plant as one alert with a life: what sensors say, and assets from which nothing is heard.", OWNER,
    "one row per alert and day on which it lived or cleared, as it stood at the end of that day",
    (
        DAY,
        Column("alert_id", "string", "Identifier of the alert, the same on all its days", (NotNull(),)),
        ASSET,
        Column("domain", "string", "Domain of the asset", (NotNull(), OneOf("critical", DOMAINS))),
        Column("rule", "string", f"Rule that was broken; {SILENCE} where nothing is heard", (NotNull(),)),
        Column("title", "string", "What is wrong, in words", (NotNull(),)),
        Column("state", "string", "pending: not yet long enough; worsened: open and critical", (NotNull(), OneOf("critical", STATES))),
        Column("severity", "string", "critical once it has worsened", (NotNull(), OneOf("critical", SEVERITIES))),
        instant("started_at", "First sign of it; of a silence the newest reading before it, if any", never_null=True),
        instant("opened_at", "When it became an alert"),
        instant("worsened_at", "When it became critical"),
        instant("cleared_at", "When it ended"),
        Column("worst_value", "double", "Value furthest beyond the limit, in the indicator's unit; null of a silence", (), "", 0.0001),
    ),
    ("alert_id", "day"), "day",
    (
        *(Read(f"gold_{d}__alerts", optional=True) for d in DOMAINS),
        *(Read(f"gold_{d}__status", optional=True) for d in DOMAINS),
        Read("bronze_lake__calendar"),
    ),
)  # fmt: skip
