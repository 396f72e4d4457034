"""The workshop's hands: who worked how long on which intervention, against the hours there are. Names stay in bronze."""

from lake.columns import LINEAGE_COLUMNS, count, double, instant
from lake.constraints import Between, NotNull
from lake.contract import Column, Feed, Read, Table
from lake.tables.gmao import ASSET, CROSSWALK, DONE_ON, FAILURE_TYPE, MONTH, ORDER, OWNER, STOP

ALL = "*"
"""Stands for all technicians in a week's total."""

TECHNICIAN = Column("technician_id", "string", "Technician, as a keyed pseudonym", (NotNull(),))
LABOUR = Column("labour_h", "double", "Hours of labour of the intervention, over all technicians", (Between("warning", 0),), "h", 0.01)
TOTAL = Column("total_cost_eur", "double", "Cost of the intervention, parts and labour", (Between("warning", 0),), "EUR", 0.01)

FEED_HOURS = Feed(
    "workload", "hours", "Hours worked on interventions, a line per technician.",
    (
        Column("asset_name", "string", "Asset as the source names it", (NotNull(),)),
        Column("failure_type", "string", "Type of failure", (NotNull(),)),
        Column("stop_h", "double", "Hours of stop", (), "h", 0.01),
        Column("intervention_on", "date", "Day of the intervention", (NotNull(),)),
        instant("day_ends_at", "Midnight that ends the day of the intervention at the site"),
        Column("exported_on", "date", "Day of the export, where its name tells: nothing in it may be dated later"),
        Column("category", "string", "Category of failure"),
        LABOUR, TOTAL,
        Column("technician", "string", "Who worked", personal=True, pseudonymous=True),
        Column("technician_h", "double", "Hours of this technician", (), "h", 0.01),
    ),
    OWNER, "intervention_on", "month",
)  # fmt: skip
FEED_TECHNICIANS = Feed(
    "workload", "technicians", "The workshop's technicians.",
    (
        Column("technician", "string", "Who", (NotNull(),), personal=True, pseudonymous=True),
        double("weekly_h", "Hours in a week", "h", 0.01, 0, 80),
    ),
    OWNER,
)  # fmt: skip

TECHNICIANS = Table(
    "silver", "workload", "technicians", "snapshot", "The workshop's technicians and their hours.", OWNER, "one row per technician",
    (TECHNICIAN, double("weekly_h", "Hours in a week", "h", 0.01, 0, 80), *LINEAGE_COLUMNS), ("technician_id",),
    inputs=(Read(FEED_TECHNICIANS.name),),
)  # fmt: skip
INTERVENTIONS = Table(
    "silver", "workload", "interventions", "dated", "Interventions as the workload export tells them, each once.", OWNER,
    "one row per intervention",
    (
        MONTH, ORDER, ASSET,
        Column("asset_name", "string", "Asset as the source names it", (NotNull(),)),
        FAILURE_TYPE, STOP, Column("intervention_on", "date", DONE_ON.meaning, (NotNull(),)),
        instant("day_ends_at", "Midnight that ends the day of the intervention at the site"),
        Column("category", "string", "Category of failure as exported"), LABOUR, TOTAL, *LINEAGE_COLUMNS,
    ),
    ("work_order_id",), "month", (Read(FEED_HOURS.name), Read(CROSSWALK.name)), fans_out=True,
)  # fmt: skip
WORKED = Table(
    "silver", "workload", "labour", "dated", "Hours of each technician on each intervention, each once.", OWNER,
    "one row per intervention and technician",
    (
        MONTH, ORDER, ASSET, TECHNICIAN, Column("intervention_on", "date", "Local day of the intervention", (NotNull(),)),
        double("hours_h", "Hours worked", "h", 0.01, 0, 1_000), *LINEAGE_COLUMNS,
    ),
    ("work_order_id", "technician_id"), "month", (Read(FEED_HOURS.name), Read(CROSSWALK.name)),
    fans_out=True, applies="technician_id is not null",
)  # fmt: skip
WEEKLY = Table(
    "gold", "workload", "weekly", "dated", "Hours worked against the hours there are.", OWNER,
    f"one row per week with work and technician, and one for all ({ALL})",
    (
        Column("week", "date", "Monday of the week", (NotNull(),)),
        Column("technician_id", "string", f"Technician, as a keyed pseudonym; {ALL}: all together", (NotNull(),)),
        count("work_orders", "Interventions worked on", "orders"),
        double("hours_h", "Hours worked on interventions dated in the week", "h", 0.01, 0),
        double("capacity_h", "Hours there are; null for who is not in the team", "h", 0.01, 0),
        double("load", "Hours worked over hours there are; null without the latter", "", 0.0001, 0),
    ),
    ("technician_id", "week"), "week", (Read(WORKED.name), Read(TECHNICIANS.name, optional=True, columns=("technician_id", "weekly_h"))),
)  # fmt: skip
