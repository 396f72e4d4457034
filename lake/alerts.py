"""Alert rules, and the table that keeps each fault as one alert with a life."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lake.columns import DAY, count, instant
from lake.constraints import NotNull, OneOf
from lake.contract import Column, Read, Table

STATES = ("pending", "open", "worsened", "cleared")
SEVERITIES = ("warning", "critical")


@dataclass(frozen=True)
class Rule:
    """When an indicator means trouble.

    A reading beyond `limit` raises; from then on every reading is active until one is back at `clear_limit`
    (hysteresis). An episode opens once it has lasted `minimum_minutes`, is critical once it goes beyond
    `critical_limit` or lasts `critical_minutes`, and clears with the first inactive reading at least `calm_minutes`
    after its last active one. Readings in `excluded_modes` are not looked at.
    """

    name: str
    indicator: str
    label: str
    unit: str
    direction: Literal["above", "below"]
    limit: float
    clear_limit: float
    critical_limit: float
    minimum_minutes: int = 10
    calm_minutes: int = 30
    critical_minutes: int = 24 * 60
    excluded_modes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.label} {self.direction} {self.limit:g} {self.unit}".rstrip()


def alerts_table(domain: str, owner: str, asset: Column, rules: Sequence[Rule], reads: str) -> Table:
    """The stateful alerts of a domain, over the readings in `reads`; its step is `pipelines.alerts.Watch`."""
    return Table(
        "gold", domain, "alerts", "stateful",
        "Each fault as one alert with a life: pending, open, worsened, cleared; a flapping sensor is one alert.", owner,
        "one row per alert and day on which it lived or cleared, as it stood at the end of that day",
        (
            DAY,
            Column("alert_id", "string", "Digest of asset, rule and beginning", (NotNull(),)),
            asset,
            Column("rule", "string", "Rule that was broken", (NotNull(), OneOf("critical", tuple(r.name for r in rules)))),
            Column("indicator", "string", "Column the rule judges", (NotNull(),)),
            Column("state", "string", "pending: not yet long enough; worsened: open and critical", (NotNull(), OneOf("critical", STATES))),
            Column("severity", "string", "critical once it has worsened", (NotNull(), OneOf("critical", SEVERITIES))),
            instant("started_at", "First active reading", never_null=True),
            instant("opened_at", "Active reading that made it an alert"),
            instant("worsened_at", "Active reading that made it critical"),
            instant("cleared_at", "Calm reading that ended it"),
            instant("last_active_at", "Newest active reading", never_null=True),
            Column("is_active", "boolean", "The newest reading looked at was active (hysteresis)", (NotNull(),)),
            Column("worst_value", "double", "Value furthest beyond the limit, in the indicator's unit", (NotNull(),), "", 0.0001),
            count("reading_count", "Active readings so far"),
            count("critical_count", "Readings beyond the critical limit so far"),
        ),
        ("alert_id", "day"), "day", (Read(reads), Read("bronze_lake__calendar")),
    )  # fmt: skip
