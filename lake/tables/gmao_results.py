"""What follows from the GMAO: work orders, downtime and reliability of the assets, costs, Pareto, parts, agreement of sources."""

from lake.columns import DAY, count, double, instant
from lake.constraints import Between, EqualSums, NotNull, OneOf, References
from lake.contract import Column, Read, Table
from lake.tables.gmao import ASSETS, DONE_ON, FAILURE_TYPE, INTERVENTIONS, MAX_STOP_H, MONTH, ORDER, OWNER, PARTS, STOP

CALENDAR = "bronze_lake__calendar"
HOURS = "silver_workload__interventions"
LABOUR = "silver_workload__labour"

STRAY_DAYS = 3
"""How far the end of a stop may lie from the day of its intervention."""

LOOK_DAYS = MAX_STOP_H // 24 + STRAY_DAYS + 4
"""How far a stop reaches from the month of its order, either way."""

LONG_STOP_H = 1_000
LABOUR_RATE_EUR_H = 45.0
"""Used where the export gives no total cost to tell the labour from."""

CATEGORIES = ("corrective", "preventive")
AGREEMENT = 0.9
UNKNOWN = "non renseigné"
"""Organ or cause that no export told."""

KNOWN_ASSET = Column("asset_id", "string", "Asset", (NotNull(), References("warning", ASSETS, "asset_id")))

WORK_ORDERS = Table(
    "gold", "gmao", "work_orders", "dated",
    "Everything the exports tell of an order, combined. The month is that of the intervention, of the request while open; an "
    "open order goes once an intervention with its asset, failure type and request is seen.", OWNER, "one row per work order",
    (
        MONTH, ORDER, KNOWN_ASSET,
        Column("domain", "string", "Domain of the asset; null for one that nobody registered"),
        Column("category", "string", "Whether something had failed", (NotNull(), OneOf("critical", CATEGORIES))),
        FAILURE_TYPE,
        Column("organ", "string", "Organ meant"),
        Column("cause", "string", "Cause"),
        Column("summary", "string", "What was found and done"),
        Column("is_open", "boolean", "Not yet done", (NotNull(),)),
        Column("open_until", "date", "Newest export that lists it as open, where exports tell their day"),
        instant("requested_at", "Instant of the request"),
        DONE_ON,
        instant("stop_started_at", "Beginning of the stop: the request, or as stop_basis says"),
        instant("stop_ended_at", "End of the stop; null while open"),
        Column("stop_basis", "string", "request: the stop begins with it; day: the stop ends when the asset's day of the intervention "
               f"closes, since there is no request, or it comes too late, or stop_h after it is more than {STRAY_DAYS} days off",
               (NotNull(), OneOf("critical", ("request", "day")))),
        STOP,
        Column("is_long_stop", "boolean", f"{LONG_STOP_H} h or more", (NotNull(),)),
        Column("is_request_late", "boolean", "The request is noted after the day of the intervention", (NotNull(),)),
        Column("is_cost_suspect", "boolean", "Material below zero, or at zero with parts used", (NotNull(),)),
        count("part_lines", "Different parts used", "parts"),
        double("parts_price_eur", "Sum of the prices of its parts", "EUR", 0.01),
        double("parts_cost_eur", "Cost of material as exported, else the prices of the parts", "EUR", 0.01, 0),
        double("labour_lines_h", "Sum of its technicians' hours", "h", 0.01),
        double("labour_h", "Hours of labour as exported, else of its technicians", "h", 0.01, 0),
        double("labour_cost_eur", f"What the exported total leaves beside the material, else {LABOUR_RATE_EUR_H:g} EUR an hour",
               "EUR", 0.01, 0),
        double("total_cost_eur", "Parts and labour", "EUR", 0.01, 0),
        Column("seen_in", "array<string>", "Sources that tell of it, in alphabetical order", (NotNull(),)),
    ),
    ("work_order_id",), "month",
    (Read(INTERVENTIONS.name, days_after=LOOK_DAYS), Read(PARTS.name), Read(HOURS, optional=True), Read(LABOUR, optional=True),
     Read(ASSETS, columns=("asset_id", "domain", "closes_at"), by="asset_id")),
    (EqualSums("warning", "parts_price_eur", PARTS.name, "total_price_eur", 0.005),
     EqualSums("warning", "labour_lines_h", LABOUR, "hours_h", 0.005)),
)  # fmt: skip

DOWNTIME = Table(
    "gold", "gmao", "downtime", "dated",
    "Hours that each asset should have worked, and of those the hours it stood still: the union of its stops, on its operating "
    "calendar. An open order stops its asset up to the newest export that lists it (up to the newest day, where exports tell none).",
    OWNER,
    "one row per asset and day since it went into service",
    (
        MONTH, DAY, KNOWN_ASSET,
        double("calendar_h", "Hours it should have worked", "h", 0.0001, 0, 25),
        double("downtime_h", "Of those, hours it stood still, for whatever reason", "h", 0.0001, 0, 25),
        double("failure_downtime_h", "Of those, hours it stood still for failures", "h", 0.0001, 0, 25),
        count("failures", "Corrective orders whose stop began that day", "failures"),
        count("open_orders", "Orders not yet done at the end of the day", "orders"),
    ),
    ("asset_id", "day"), "month",
    (Read(WORK_ORDERS.name, LOOK_DAYS, LOOK_DAYS),
     Read(ASSETS, columns=("asset_id", "commissioned_on", "weekdays", "opens_at", "closes_at"), since="commissioned_on"),
     Read(CALENDAR, days_before=1)),
)  # fmt: skip


def _reliability(suffix: str, span: str) -> tuple[Column, ...]:
    return (
        double(f"calendar_h{suffix}", f"Hours it should have worked {span}", "h", 0.01, 0),
        double(f"downtime_h{suffix}", f"Hours it stood still {span}", "h", 0.01, 0),
        double(f"failure_downtime_h{suffix}", f"Hours it stood still for failures {span}", "h", 0.01, 0),
        double(f"uptime_h{suffix}", f"Calendar less downtime {span}", "h", 0.01, 0),
        count(f"failures{suffix}", f"Failures {span}", "failures"),
        double(f"mtbf_h{suffix}", f"Uptime per failure {span}; null without one", "h", 0.01, 0),
        double(f"mttr_h{suffix}", f"Downtime of failures per failure {span}, on the calendar; null without one", "h", 0.01, 0),
        double(f"availability{suffix}", f"Uptime over calendar {span}, 0 to 1; null without calendar", "", 0.0001, 0, 1),
    )


RELIABILITY = Table(
    "gold", "gmao", "reliability", "dated", "MTBF, MTTR and availability of each asset.", OWNER, "one row per asset and month",
    (MONTH, KNOWN_ASSET, *_reliability("", "in the month"),
     *_reliability("_12m", "in the 12 months up to this one, or since the lake knows it")),
    ("asset_id", "month"), "month", (Read(DOWNTIME.name, days_before=337),),
)  # fmt: skip

GROUP = (
    KNOWN_ASSET,
    Column("category", "string", "Whether something had failed", (NotNull(),)),
    Column("organ", "string", f"Organ; {UNKNOWN}: not told", (NotNull(),)),
    Column("cause", "string", f"Cause; {UNKNOWN}: not told", (NotNull(),)),
)
AMOUNTS = (
    count("work_orders", "Interventions done", "orders"),
    double("parts_cost_eur", "Cost of parts", "EUR", 0.01, 0),
    double("labour_cost_eur", "Cost of labour", "EUR", 0.01, 0),
    double("total_cost_eur", "Parts and labour", "EUR", 0.01, 0),
    double("labour_h", "Hours of labour", "h", 0.01, 0),
    double("stop_h", "Hours of stop as exported; stops that overlap count each, see gold_gmao__downtime", "h", 0.01, 0),
)


def _equal_to(of: Table) -> tuple[EqualSums, ...]:
    return tuple(EqualSums("critical", c.name, of.name, c.name, 0.005) for c in AMOUNTS)


_KEY = tuple(c.name for c in GROUP)
COSTS_DAILY = Table(
    "gold", "gmao", "costs_daily", "dated", "What interventions cost, by the day they were done.", OWNER,
    "one row per day, asset, category, organ and cause", (MONTH, DAY, *GROUP, *AMOUNTS), ("day", *_KEY), "month",
    (Read(WORK_ORDERS.name),),
)  # fmt: skip
COSTS_WEEKLY = Table(
    "gold", "gmao", "costs_weekly", "dated", "What interventions cost, by week.", OWNER,
    "one row per week, asset, category, organ and cause",
    (Column("week", "date", "Monday of the week", (NotNull(),)), *GROUP, *AMOUNTS), ("week", *_KEY), "week", (Read(COSTS_DAILY.name),),
)  # fmt: skip
COSTS_MONTHLY = Table(
    "gold", "gmao", "costs_monthly", "dated", "What interventions cost, by month.", OWNER,
    "one row per month, asset, category, organ and cause", (MONTH, *GROUP, *AMOUNTS), ("month", *_KEY), "month",
    (Read(COSTS_DAILY.name),), _equal_to(COSTS_DAILY),
)  # fmt: skip

DIMENSIONS = ("asset_id", "organ", "cause")
PARETO = Table(
    "gold", "gmao", "pareto", "dated", "What costs and stops most in the 12 months up to this one: rank, share, cumulative share.",
    OWNER, "one row per month, dimension and value",
    (
        MONTH,
        Column("dimension", "string", "What is compared", (NotNull(), OneOf("critical", DIMENSIONS))),
        Column("value", "string", "The asset, organ or cause", (NotNull(),)),
        count("work_orders", "Interventions done", "orders"),
        *(c for name, unit, what in (("total_cost", "eur", "cost"), ("stop", "h", "stop")) for c in (
            double(f"{name}_{unit}", f"Sum of {what}", {"eur": "EUR"}.get(unit, unit), 0.01, 0),
            Column(f"{what}_rank", "long", f"1: most {what} of its dimension", (NotNull(), Between("critical", 1))),
            double(f"{what}_share", f"Share of the dimension's {what}; null when there is none", "", 0.0001, 0, 1),
            double(f"{what}_cumulative_share", f"Share of all up to this rank; null when there is no {what}", "", 0.0001, 0, 1),
        )),
    ),
    ("dimension", "value", "month"), "month", (Read(COSTS_MONTHLY.name, days_before=337),),
)  # fmt: skip
PART_USE = Table(
    "gold", "gmao", "part_use", "dated", "Parts used, by month.", OWNER, "one row per month and part",
    (
        MONTH,
        Column("part_reference", "string", "Reference of the part, its name where it has none", (NotNull(),)),
        Column("part_designation", "string", "What it is called"),
        count("work_orders", "Interventions that used it", "orders"),
        double("quantity", "How many were used", "pieces", 0.01),
        double("total_price_eur", "Their price", "EUR", 0.01),
    ),
    ("part_reference", "month"), "month", (Read(PARTS.name),),
    (EqualSums("critical", "quantity", PARTS.name, "quantity", 0.005),),
)  # fmt: skip
AGREEMENTS = Table(
    "gold", "gmao", "agreement", "dated",
    "Whether sources that should describe the same events do: equal asset, day, failure type and stop. A crosswalk that mixes "
    "assets up shows here; `python -m pipelines propose-crosswalk` mends it.", OWNER,
    "one row per month and pair of sources that both tell of events in it",
    (
        MONTH,
        Column("source_a", "string", "The one source", (NotNull(),)),
        Column("source_b", "string", "The other one, later in the alphabet", (NotNull(),)),
        count("events_a", "Interventions in the one", "events"),
        count("events_b", "Interventions in the other", "events"),
        count("events_both", "Interventions in both", "events"),
        count("events_either", "Interventions in either", "events"),
        Column("agreement", "double", "In both over in either, 0 to 1", (NotNull(), Between("warning", AGREEMENT, 1)), "", 0.0001),
    ),
    ("source_a", "source_b", "month"), "month", (Read(INTERVENTIONS.name), Read(HOURS, optional=True)),
)  # fmt: skip
