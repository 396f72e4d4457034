"""What the domains share: every asset under one name, with the calendar on which it is planned to work."""

from lake.constraints import NotNull, OneOf
from lake.contract import Column, Read, Table

DOMAINS = ("fleet", "line", "refrigeration")

ASSET = Column("asset_id", "string", "Vehicle, machine or cold unit, as its own registry names it", (NotNull(),))
ASSETS = Table(
    "silver", "plant", "assets", "snapshot",
    "Every vehicle, machine and cold unit of the registries that there are, with its operating calendar.", "maintenance",
    "one row per asset",
    (
        ASSET,
        Column("domain", "string", "Domain whose registry it stands in", (NotNull(), OneOf("critical", DOMAINS))),
        Column("name", "string", "Name people use for it", (NotNull(),)),
        Column("kind", "string", "Model, kind of machine, or cold unit", (NotNull(),)),
        Column("commissioned_on", "date", "Day it went into service", (NotNull(),)),
        Column("weekdays", "string", "First and last working day of the week, 1 is Monday", (NotNull(),)),
        Column("opens_at", "string", "Local time at which a working day begins", (NotNull(),)),
        Column("closes_at", "string", "Local time at which it ends, later on the same day; 24:00 is midnight", (NotNull(),)),
    ),
    ("asset_id",),
    inputs=tuple(
        Read(t, optional=True) for t in ("silver_fleet__vehicles", "silver_line__machines", "silver_refrigeration__units")
    ),
)  # fmt: skip
