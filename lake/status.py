"""How an asset stands at the end of a day: the words for it, and the table that every domain with sensors has."""

from lake.columns import DAY, double, instant
from lake.constraints import EqualSums, NotNull, OneOf
from lake.contract import Column, Read, Table

STATUSES = ("OK", "SURVEILLANCE", "ALERTE", "CRITIQUE", "INCONNU")
SILENCE_H = 24

HOURS_SINCE = double("hours_since_last_reading", "From last_reading_at to the end of the day; null with it", "h", 0.01, 0)


def silent(hours: int = SILENCE_H) -> Column:
    """Silence after so many hours: an asset that rests at weekends needs more of them."""
    return Column("is_silent", "boolean", f"No reading in the last {hours} h of the day", (NotNull(),))


SILENT = silent()


def last_known(days: int) -> Column:
    """The newest reading that a look-back of `days` days finds."""
    return instant("last_reading_at", f"Newest reading in the {days} days up to the day, else null")


def status_table(domain: str, owner: str, asset: Column, features: str, alerts: str, days: int) -> Table:
    """The state of each asset by day; its step is `pipelines.status.status`. `days`: how far features look back."""
    return Table(
        "gold", domain, "status", "dated", "How each asset stood at the end of each day, and why.", owner,
        "one row per asset and day since it went into service, silent or not",
        (
            DAY, asset,
            Column("status", "string", "INCONNU: silent; CRITIQUE: a critical alert; ALERTE: an open one; SURVEILLANCE: "
                   "one pending or cleared that day; else OK", (NotNull(), OneOf("critical", STATUSES))),
            Column("reason", "string", "Why, in words", (NotNull(),)),
            last_known(days), HOURS_SINCE,
            Column("critical_alerts", "long", "Critical alerts not cleared", (NotNull(),), "alerts"),
            Column("open_alerts", "long", "Alerts not cleared, critical ones included", (NotNull(),), "alerts"),
            Column("watched_alerts", "long", "Alerts pending, or cleared that day", (NotNull(),), "alerts"),
        ),
        (asset.name, "day"), "day", (Read(features), Read(alerts)), (EqualSums("critical", "", features),),
    )  # fmt: skip
