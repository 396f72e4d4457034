"""Production machines: the registry with each machine's operating calendar."""

from lake.columns import LINEAGE_COLUMNS, double
from lake.constraints import NotNull, Pattern, RowCountBand
from lake.contract import Column, Feed, Read, Table

OWNER = "line"

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
MACHINES = Table(
    "silver", "line", "machines", "snapshot", "The machines there are, and when they are planned to work.", OWNER, "one row per machine",
    (*FEED_MACHINES.columns, *LINEAGE_COLUMNS), ("machine_id",), inputs=(Read(FEED_MACHINES.name),),
    promises=(RowCountBand("warning", 2.0),),
)  # fmt: skip
