"""The living AMDEC: what the sheets rate against what the GMAO saw."""

from lake.columns import count, double
from lake.constraints import Between, NotNull, OneOf
from lake.contract import Column, Read, Table
from lake.tables.amdec import DOMAIN, OWNER, RATED_MODES

WORK_ORDERS, ASSETS, CALENDAR = "gold_gmao__work_orders", "silver_plant__assets", "bronze_lake__calendar"

NOT_TOLD = "non renseigné"
"""Organ or cause that a sheet or a work order doesn't tell."""

KINDS = ("rated_and_seen", "rated_never_seen", "seen_not_in_sheet", "not_told")

_RATING = Between("critical", 1, 10)

LIVING = Table(
    "gold", "amdec", "living", "snapshot",
    "Each organ and cause: how the sheets rate it and how often the GMAO saw it, up to the newest day. Corrective work orders "
    "that are done and whose asset is registered; how a failure was detected is nowhere recorded.", OWNER,
    "one row per domain, organ and cause that a sheet rates or a work order tells",
    (
        DOMAIN,
        Column("organ", "string", f"Organ, as the sheet names it, else as the GMAO does; `{NOT_TOLD}`: not told", (NotNull(),)),
        Column("cause", "string", f"Cause, as the sheet names it, else as the GMAO does; `{NOT_TOLD}`: not told", (NotNull(),)),
        Column("kind", "string", "not_told: the work orders name no organ or no cause, so whether a sheet has it can't be said",
               (NotNull(), OneOf("critical", KINDS))),
        Column("is_organ_rated", "boolean", "A sheet rates the organ, for this cause or another", (NotNull(),)),
        Column("modes", "string", "Failure modes that the sheet rates for it, in alphabetical order"),
        Column("gravity_rating", "long", "Gravity on the 1-10 scale; the highest of several modes", (_RATING,)),
        Column("occurrence_rating", "long", "Occurrence on the 1-10 scale; the highest of several modes", (_RATING,)),
        Column("rpn_normalised", "long", "RPN on the 1-10 scale; the highest of several modes", (Between("critical", 1, 1000),)),
        count("occurrences", "Corrective work orders done", "orders"),
        double("stop_h", "Their hours of stop; stops that overlap count each", "h", 0.01, 0),
        double("mean_stop_h", "Mean stop of those that tell one", "h", 0.01, 0),
        double("total_cost_eur", "Their parts and labour", "EUR", 0.01, 0),
        Column("first_seen_on", "date", "Day of the first one"),
        Column("last_seen_on", "date", "Day of the newest one"),
        double("asset_years", "Years in service of the domain's assets, since the GMAO's first work order; few years say little", "years",
               0.0001, 0),
        double("occurrences_per_asset_year", "occurrences over asset_years; null without any", "", 0.0001, 0),
        Column("occurrence_observed", "long", "Occurrence that follows from that rate (lake.fmea.OCCURRENCE_FROM_RATE)", (_RATING,)),
        Column("gravity_observed", "long", "Gravity that follows from the mean stop (lake.fmea.GRAVITY_FROM_STOP); null if never seen",
               (_RATING,)),
        Column("occurrence_difference", "long", "Observed minus rated; above 0: it happens more often than the sheet says"),
        Column("gravity_difference", "long", "Observed minus rated; below 0 may be right where gravity stands for safety"),
    ),
    ("domain", "organ", "cause"),
    inputs=(Read(RATED_MODES.name), Read(WORK_ORDERS), Read(ASSETS), Read(CALENDAR)),
)  # fmt: skip
