"""Vehicles: the registry."""

from lake.columns import LINEAGE_COLUMNS
from lake.constraints import Between, NotNull, Pattern, RowCountBand
from lake.contract import Column, Feed, Read, Table

OWNER = "fleet"

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
