"""The GMAO (maintenance management system): interventions and parts as its exports tell them, each once, and the names in them."""

from lake.columns import LINEAGE_COLUMNS, double, instant
from lake.constraints import Between, NotNull, NullRateBand, References
from lake.contract import Column, Feed, Read, Table

OWNER = "maintenance"
ASSETS = "silver_plant__assets"

MAX_STOP_H = 10_000
"""A longer stop is a typing error; an order open for longer counts as forgotten, and stops nothing any more."""

MONTH = Column("month", "date", "First day of the month", (NotNull(),))
ASSET = Column("asset_id", "string", "Asset, resolved through the crosswalk", (NotNull(),))
ORDER = Column(
    "work_order_id", "string", "Digest of asset, day, failure type and stop (of asset, failure type and request while open)", (NotNull(),)
)
FAILURE_TYPE = Column("failure_type", "string", "Type of failure as the GMAO names it, blanks and case evened out", (NotNull(),))
STOP = double("stop_h", "Hours that the asset stood still for it", "h", 0.01, 0, MAX_STOP_H)
DONE_ON = Column("intervention_on", "date", "Local day of the intervention; null while the order is open")
MATERIAL = Column(
    "material_cost_eur", "double", "Cost of material as exported; below zero is a typing error", (Between("warning", 0),), "EUR", 0.01
)

FEED_INTERVENTIONS = Feed(
    "gmao", "interventions",
    "Interventions as exported, a line per part. `asset_name` is what the source calls the asset; the crosswalk knows which one that is.",
    (
        Column("asset_name", "string", "Asset as the source names it", (NotNull(),)),
        Column("failure_type", "string", "Type of failure", (NotNull(),)),
        Column("stop_h", "double", "Hours of stop", (), "h", 0.01),
        Column("intervention_on", "date", "Day of the intervention; empty while the order is open"),
        instant("requested_at", "Instant of the request"),
        Column("reported_on", "date", "Day of the intervention, or of the request while there is none", (NotNull(),)),
        instant("day_ends_at", "Midnight that ends the day of the intervention at the site"),
        Column("exported_on", "date", "Day of the export, where its name tells: nothing in it may be dated later"),
        Column("summary", "string", "What was found and done"),
        Column("cause", "string", "Cause"),
        Column("organ_written", "string", "Organ as written"),
        MATERIAL,
        Column("part_designation", "string", "Part"),
        Column("part_reference", "string", "Reference of the part"),
        Column("part_quantity", "double", "How many", (), "pieces", 0.01),
        Column("part_total_eur", "double", "Price of all of them", (), "EUR", 0.01),
    ),
    OWNER, "reported_on", "month",
)  # fmt: skip
FEED_CROSSWALK = Feed(
    "gmao", "crosswalk", "What each source calls each asset, and when.",
    (
        Column("source", "string", "Mapping file, without its domain", (NotNull(),)),
        Column("source_name", "string", "What the source calls the asset", (NotNull(),)),
        Column("valid_from", "date", "First day; empty: always"),
        Column("valid_to", "date", "Last day; empty: until further notice"),
        Column("asset_id", "string", "Asset", (NotNull(),)),
    ),
    OWNER,
)  # fmt: skip
FEED_ORGANS = Feed(
    "gmao", "organs", "Spellings of organs.",
    (Column("spelling", "string", "As people write it", (NotNull(),)), Column("organ", "string", "What is meant", (NotNull(),))),
    OWNER,
)  # fmt: skip

CROSSWALK = Table(
    "silver", "gmao", "crosswalk", "snapshot", "What each source calls each asset, and when.", OWNER,
    "one row per source, name and beginning",
    (
        Column("source", "string", "Mapping file, without its domain", (NotNull(),)),
        Column("source_name", "string", "Name in lower case, blanks evened out", (NotNull(),)),
        Column("valid_from", "date", "First day; 1900-01-01: always", (NotNull(),)),
        Column("valid_to", "date", "Last day; null: until further notice"),
        Column("asset_id", "string", "Asset", (NotNull(), References("warning", ASSETS, "asset_id"))),
        *LINEAGE_COLUMNS,
    ),
    ("source", "source_name", "valid_from", "asset_id"), inputs=(Read(FEED_CROSSWALK.name),),
)  # fmt: skip
ORGANS = Table(
    "silver", "gmao", "organs", "snapshot", "Spellings of organs, and what is meant.", OWNER, "one row per spelling",
    (
        Column("spelling", "string", "Lower case, without accents and punctuation", (NotNull(),)),
        Column("organ", "string", "What is meant", (NotNull(),)),
        *LINEAGE_COLUMNS,
    ),
    ("spelling",), inputs=(Read(FEED_ORGANS.name),),
)  # fmt: skip
INTERVENTIONS = Table(
    "silver", "gmao", "interventions", "dated",
    "Interventions, each once, however many lines and exports tell of it; the richest one is kept. Open orders too.", OWNER,
    "one row per intervention, or order still open when exported",
    (
        MONTH, ORDER, ASSET,
        Column("asset_name", "string", "Asset as the source names it", (NotNull(),)),
        FAILURE_TYPE, STOP, DONE_ON,
        instant("requested_at", "Instant of the request"),
        instant("day_ends_at", "Midnight that ends the day of the intervention at the site"),
        Column("is_open", "boolean", "Requested and not yet done when it was exported", (NotNull(),)),
        Column("open_until", "date", "Newest export that lists it as open; null where exports don't tell their day, and once it is done"),
        Column("summary", "string", "What was found and done"),
        Column("cause", "string", "Cause"),
        Column("organ_written", "string", "Organ as written"),
        Column("organ", "string", "Organ meant; the spelling itself, evened out, where no alias is known (such are counted)",
               (References("warning", ORGANS.name, "organ"),)),
        MATERIAL,
        Column("seen_in", "array<string>", "Sources that tell of it, in alphabetical order", (NotNull(),)),
        *LINEAGE_COLUMNS,
    ),
    ("work_order_id",), "month", (Read(FEED_INTERVENTIONS.name), Read(CROSSWALK.name), Read(ORGANS.name, optional=True)),
    (NullRateBand("warning", "stop_h", 0.05),), fans_out=True, prefer=("requested_at", "cause"),
)  # fmt: skip
PARTS = Table(
    "silver", "gmao", "parts", "dated", "Parts used, each once per intervention.", OWNER, "one row per intervention and part",
    (
        MONTH, ORDER, ASSET,
        Column("part_reference", "string", "Reference of the part, its name where it has none", (NotNull(),)),
        Column("part_designation", "string", "What it is called"),
        Column("quantity", "double", "How many", (Between("warning", 0),), "pieces", 0.01),
        Column("total_price_eur", "double", "Price of all of them", (Between("warning", 0),), "EUR", 0.01),
        *LINEAGE_COLUMNS,
    ),
    ("work_order_id", "part_reference"), "month", (Read(FEED_INTERVENTIONS.name), Read(CROSSWALK.name)),
    fans_out=True, applies="part_reference is not null", prefer=("total_price_eur",),
)  # fmt: skip
