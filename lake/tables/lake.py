"""The lake's own tables: the calendar that steps read, and the history of runs, verdicts, quarantine and waivers."""

from lake.constraints import NotNull, OneOf
from lake.contract import Column, Table

OWNER = "data-engineering"

RUN = Column("run", "string", "Identifier of the run", (NotNull(),))
TABLE = Column("table", "string", "Name of the table", (NotNull(),))
DAY = Column("day", "date", "UTC day on which it was recorded", (NotNull(),))
AT = Column("recorded_at", "timestamp", "Instant of the record, UTC", (NotNull(),))

FATES = ("published", "merged", "duplicate", "superseded", "not_applicable", "quarantined")
_FATE_MEANING = {
    "published": "Rows made visible",
    "merged": "Rows folded into a published row (same key, same file)",
    "duplicate": "Rows whose key another row already carries",
    "superseded": "Rows of a file version that a newer one replaced",
    "not_applicable": "Rows that the table is not about",
    "quarantined": "Rows that broke a blocking promise",
}

CALENDAR = Table(
    "bronze", "lake", "calendar", "dated",
    "The days the lake knows, up to the as-of day. Steps that judge freshness read it instead of a clock.", OWNER,
    "one row per day",
    (
        Column("day", "date", "A day in the site's time zone, up to and with the as-of day", (NotNull(),)),
        Column("ends_at", "timestamp", "Instant at which the day ends at the site, UTC", (NotNull(),)),
    ),
    ("day",), "day",
)  # fmt: skip

RUNS = Table(
    "gold", "lake", "runs", "ledger",
    "What each run did to each table it looked at, and where every row it read went.", OWNER,
    "one row per run and table",
    (
        RUN, TABLE,
        Column("outcome", "string", "What became of the table", (
            NotNull(), OneOf("critical", ("fresh", "published", "unchanged", "blocked", "failed", "skipped", "pinned")))),
        Column("reason", "string", "Why it was planned or left alone"),
        Column("message", "string", "What went wrong and what to do; null when all went well"),
        Column("version", "long", "Delta version readers see afterwards"),
        Column("partitions", "long", "Partitions built", unit="partitions"),
        Column("changed_partitions", "long", "Partitions whose rows changed and were published", unit="partitions"),
        Column("read", "long", "Rows read by the step that judges rows", unit="rows"),
        *(Column(f, "long", _FATE_MEANING[f], unit="rows") for f in FATES),
        Column("seconds", "double", "Time it took", unit="s", resolution=0.01),
        AT, DAY,
    ),
    ("run", "table"), "day",
)  # fmt: skip

VERDICTS = Table(
    "gold", "lake", "verdicts", "ledger",
    "Every promise audited by every run, with what was seen.", OWNER,
    "one row per run, table and check",
    (
        RUN, TABLE,
        Column("check", "string", "Column and promise, or the name of the table promise", (NotNull(),)),
        Column("severity", "string", "critical blocks publishing, warning is reported", (
            NotNull(), OneOf("critical", ("critical", "warning")))),
        Column("outcome", "string", "What the audit found", (
            NotNull(), OneOf("critical", ("passed", "failed", "warned", "waived")))),
        Column("observed", "string", "What was seen"),
        Column("unexpected", "long", "Rows or partitions that break it", unit="rows"),
        Column("samples", "string", "Up to five of them, as a JSON array; personal values masked"),
        Column("waived_by", "string", "Who waived it, until when and why"),
        AT, DAY,
    ),
    ("run", "table", "check"), "day",
)  # fmt: skip

REASONS = Table(
    "gold", "lake", "quarantine_reasons", "ledger",
    "How many rows each run put into quarantine, by reason.", OWNER,
    "one row per run, table and reason",
    (
        RUN, TABLE,
        Column("reason", "string", "Column and broken promise", (NotNull(),)),
        Column("row_count", "long", "Rows with that reason (a row may have several)", (NotNull(),), unit="rows"),
        AT, DAY,
    ),
    ("run", "table", "reason"), "day",
)  # fmt: skip

WAIVERS = Table(
    "gold", "lake", "waivers", "ledger",
    "Checks that a person has waived for a time.", OWNER,
    "one row per waiver given",
    (
        TABLE,
        Column("check", "string", "The check waived, as verdicts name it", (NotNull(),)),
        Column("until", "date", "Last day of the waiver", (NotNull(),)),
        Column("by", "string", "Who gave it", (NotNull(),)),
        Column("why", "string", "Their reason", (NotNull(),)),
        AT, DAY,
    ),
    ("table", "check", "recorded_at"), "day",
)  # fmt: skip
