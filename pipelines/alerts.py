"""Alerts with a life: one fault is one alert, and a day's rows are all that the next day needs to go on.

A reading is *active* for a rule when it is beyond the limit, or not yet back at the clear limit after one that was.
An *episode* is a run of active readings; it ends with the first inactive reading that comes `calm_minutes` or more
after the last active one. Only readings that change an episode are kept for the second half of the work.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from lake.alerts import Rule

MINUTE_US = 60_000_000
CONFIRMING_READINGS = 3
"""Active readings an alert needs before it opens, and critical ones before it worsens: one spike is no alert."""
_EVENT = (
    "struct<rule: string, value: double, is_active: boolean, is_end: boolean, is_critical: boolean, carried: struct<"
    "started_at: timestamp, last_active_at: timestamp, is_active: boolean, reading_count: bigint, critical_count: bigint>>"
)
COLUMNS = (
    "rule", "indicator", "state", "severity", "started_at", "opened_at", "worsened_at", "cleared_at", "last_active_at", "is_active",
    "worst_value", "reading_count", "critical_count",
)  # fmt: skip


@dataclass(frozen=True)
class Watch:
    """The rules of a domain; readings have `asset`, day, measured_at, every indicator, and mode where a rule excludes one."""

    rules: Sequence[Rule]
    asset: str

    def alerts(self, readings: DataFrame, calendar: DataFrame, own: DataFrame) -> DataFrame:
        """The alerts of each day of the calendar; `own` is the table itself on the day before the first."""
        alive = own.filter("state <> 'cleared'")
        events = self.turning_points(readings, alive)
        changes = self.changes_by_day(self.with_progress(self.with_episodes(events)))
        standing = self.cumulated(self.carried_over(alive).unionByName(changes))
        return self.described(self.on_each_day(standing, calendar))

    @property
    def episode(self) -> tuple[str, ...]:
        """What identifies an episode while it is being worked out."""
        return (self.asset, "rule", "episode")

    def turning_points(self, readings: DataFrame, alive: DataFrame) -> DataFrame:
        """One row per rule and reading that is active, or the first inactive one, or the one that ends an episode.

        Columns: asset, day, measured_at, rule, value, is_active, is_end, is_critical, carried (the alert as yesterday
        left it, null if there was none).
        """
        happened = F.array_compact(F.array(*(event(r) for r in self.rules)))
        return (
            self.eventful(readings, alive)
            .withColumns({f"{r.name}_applies": applies(r) for r in self.rules})
            .withColumns({f"{r.name}_active": self.is_active(r) for r in self.rules})
            .withColumns({f"{r.name}_before": self.active_before(r) for r in self.rules})
            .filter(reduce(lambda a, b: a | b, (is_event(r) for r in self.rules)))
            .select(self.asset, "day", "measured_at", F.explode(happened).alias("e"))
            .select(self.asset, "day", "measured_at", "e.*")
        )

    def eventful(self, readings: DataFrame, alive: DataFrame) -> DataFrame:
        """The readings that may change anything, with `carried` as in `by_unit`; the others are most, and every rule has a window.

        A reading is calm when each rule that looks at it finds it back at its clear limit. One says nothing new when the reading before
        it was calm too, long enough after the last that wasn't for every episode to have ended there, and looked at by the same rules.
        """
        indicators = sorted({r.indicator for r in self.rules})
        modes = ["mode"] if any(r.excluded_modes for r in self.rules) else []
        calm, seen = F.lit(True), F.lit(0)
        for n, rule in enumerate(self.rules):
            looked_at = looks_at(rule)
            calm &= ~looked_at | F.coalesce(~beyond(rule, F.col(rule.indicator), rule.clear_limit), F.lit(True))
            seen += F.when(looked_at, 2**n).otherwise(0)
        by_time = Window.partitionBy(self.asset).orderBy("measured_at")
        restless_at = F.max(F.when(~F.col("_calm"), F.col("measured_at"))).over(_up_to_now(self.asset, by="measured_at"))
        since = F.greatest(restless_at, "carried_at")
        longest = max(r.calm_minutes for r in self.rules)
        ended = since.isNull() | (_minutes(since, F.col("_before_at")) >= longest)
        says_nothing = F.col("_calm") & F.col("_before_calm") & (F.col("_before_seen") == F.col("_seen")) & ended
        return (
            readings.select(self.asset, "day", "measured_at", *modes, *indicators)
            .join(F.broadcast(self.by_unit(alive)), on=self.asset, how="left")
            .withColumns({"_calm": calm, "_seen": seen})
            .withColumns({f"_before_{n}": F.lag(c).over(by_time) for n, c in (("at", "measured_at"), ("calm", "_calm"), ("seen", "_seen"))})
            .withColumn("_says_nothing", F.coalesce(says_nothing, F.lit(False)))
            .filter(~F.col("_says_nothing"))
            .drop("_calm", "_seen", "_before_at", "_before_calm", "_before_seen", "_says_nothing")
        )

    def by_unit(self, alive: DataFrame) -> DataFrame:
        """One row per asset, `carried`: rule -> the alert that yesterday left alive; `carried_at`: the newest active reading of all."""
        facts = ("started_at", "last_active_at", "is_active", "reading_count", "critical_count")
        entry = F.struct("rule", F.struct(*facts))
        return alive.groupBy(self.asset).agg(
            F.map_from_entries(F.collect_list(entry)).alias("carried"), F.max("last_active_at").alias("carried_at")
        )

    def is_active(self, rule: Rule) -> Column:
        """Beyond the limit, or between the limits and active before; false where the rule doesn't look."""
        value, known = F.col(rule.indicator), F.col(f"{rule.name}_applies").isNotNull()
        signal = F.when(known & beyond(rule, value, rule.limit), True).when(known & ~beyond(rule, value, rule.clear_limit), False)
        # the newest instant with a signal, its last bit saying which: `last` without nulls is quadratic in DataFusion
        signalled = F.max(F.unix_micros("measured_at") * 2 + signal.cast("bigint")).over(_up_to_now(self.asset, by="measured_at"))
        latest = F.when(signalled.isNotNull(), signalled % 2 != 0)
        return known & F.coalesce(latest, carried(rule, "is_active"), F.lit(False))

    def active_before(self, rule: Rule) -> Column:
        """Instants of the latest reading looked at and of the latest active one, both before this reading."""
        looked_at, active = F.col(f"{rule.name}_applies"), F.col(f"{rule.name}_active")
        return F.struct(
            F.max(looked_at).over(self._before()).alias("looked_at"),
            F.coalesce(F.max(F.when(active, looked_at)).over(self._before()), carried(rule, "last_active_at")).alias("active_at"),
        )

    def with_episodes(self, events: DataFrame) -> DataFrame:
        """Number the episodes of an asset and rule; 0 is the one that yesterday left alive."""
        thread = Window.partitionBy(self.asset, "rule").orderBy("measured_at")
        so_far = _up_to_now(self.asset, "rule", by="measured_at")
        after_end = F.coalesce(F.lag("is_end").over(thread), F.col("carried").isNull())
        begins = (F.col("is_active") & after_end).cast("bigint")
        return events.withColumn("begins", begins).withColumn("episode", F.sum("begins").over(so_far)).drop("begins")

    def with_progress(self, events: DataFrame) -> DataFrame:
        """At each active reading: since when, after how many, and whether the alert is open and critical by then."""
        so_far = _up_to_now(*self.episode, by="measured_at")

        def from_yesterday(fact: str) -> Column:
            return F.when(F.col("episode") == 0, F.col(f"carried.{fact}"))

        def counted(flag: str, fact: str) -> Column:
            return F.sum(F.col(flag).cast("bigint")).over(so_far) + F.coalesce(from_yesterday(fact), F.lit(0))

        lasting = _minutes(F.col("started_at"), F.col("measured_at"))
        confirmed = F.col("readings") >= CONFIRMING_READINGS
        grave = (F.col("criticals") >= CONFIRMING_READINGS) | (lasting >= self._of_rule("critical_minutes"))
        return (
            events.withColumns(
                {
                    "started_at": F.coalesce(from_yesterday("started_at"), F.first("measured_at").over(so_far)),
                    "readings": counted("is_active", "reading_count"),
                    "criticals": counted("is_critical", "critical_count"),
                }
            )
            .withColumn("is_open", F.col("is_active") & confirmed & (lasting >= self._of_rule("minimum_minutes")))
            .withColumn("is_worse", F.col("is_open") & grave)
        )

    def changes_by_day(self, events: DataFrame) -> DataFrame:
        """What each day adds to each episode."""
        at = F.col("measured_at")
        return events.groupBy(*self.episode, "day").agg(
            F.min("started_at").alias("started_at"),
            F.min(F.when(F.col("is_open"), at)).alias("opened_at"),
            F.min(F.when(F.col("is_worse"), at)).alias("worsened_at"),
            F.max(F.when(F.col("is_end"), at)).alias("cleared_at"),
            F.max(F.when(F.col("is_active"), at)).alias("last_active_at"),
            F.max_by("is_active", "measured_at").alias("is_active"),
            F.max(F.when(F.col("is_active"), F.col("value") * self._sign())).alias("excess"),
            F.count_if("is_active").alias("reading_count"),
            F.count_if("is_critical").alias("critical_count"),
        )

    def carried_over(self, alive: DataFrame) -> DataFrame:
        """Yesterday's living alerts in the shape of a day's changes, as episode 0."""
        return alive.select(
            self.asset, "rule", F.lit(0).cast("bigint").alias("episode"), "day", "started_at", "opened_at", "worsened_at",
            "cleared_at", "last_active_at", "is_active", (F.col("worst_value") * self._sign()).alias("excess"),
            "reading_count", "critical_count",
        )  # fmt: skip

    def cumulated(self, changes: DataFrame) -> DataFrame:
        """Each episode as it stood at the end of each day that changed it."""
        so_far = _up_to_now(*self.episode, by="day")
        firsts = {c: F.min(c).over(so_far) for c in ("started_at", "opened_at", "worsened_at")}
        lasts = {c: F.max(c).over(so_far) for c in ("last_active_at", "excess")}
        counts = {c: F.sum(c).over(so_far) for c in ("reading_count", "critical_count")}
        return changes.withColumns(firsts | lasts | counts)

    def on_each_day(self, standing: DataFrame, calendar: DataFrame) -> DataFrame:
        """Repeat an episode on the quiet days until it changes, clears or the range ends; keep the range's days."""
        changed = F.lead("day").over(Window.partitionBy(*self.episode).orderBy("day"))
        ended = F.when(F.col("cleared_at").isNotNull(), F.col("day"))
        until = F.coalesce(F.date_sub(changed, 1), ended, F.greatest("day", "range_end"))
        range_end = calendar.agg(F.max("day").alias("range_end"))
        return (
            standing.crossJoin(F.broadcast(range_end))
            .withColumn("until", until)
            .withColumn("day", F.explode(F.sequence("day", "until")))
            .join(F.broadcast(calendar.select("day")), on="day", how="left_semi")
        )

    def described(self, standing: DataFrame) -> DataFrame:
        """Name, judge and identify; an episode that ended before it opened was no alert."""
        state = (
            F.when(F.col("cleared_at").isNotNull(), "cleared")
            .when(F.col("worsened_at").isNotNull(), "worsened")
            .when(F.col("opened_at").isNotNull(), "open")
            .otherwise("pending")
        )
        identity = F.concat_ws("|", self.asset, "rule", F.unix_micros("started_at").cast("string"))
        return (
            standing.filter("opened_at is not null or cleared_at is null")
            .withColumns(
                {
                    "alert_id": F.substring(F.sha2(identity, 256), 1, 16),
                    "indicator": self._of_rule("indicator"),
                    "state": state,
                    "severity": F.when(F.col("worsened_at").isNotNull(), "critical").otherwise("warning"),
                    "worst_value": F.col("excess") * self._sign(),
                }
            )
            .select("day", "alert_id", self.asset, *COLUMNS)
        )

    def _before(self) -> WindowSpec:
        return Window.partitionBy(self.asset).orderBy("measured_at").rowsBetween(Window.unboundedPreceding, -1)

    def _of_rule(self, attribute: str) -> Column:
        """An attribute of the row's rule."""
        return F.create_map(*(F.lit(v) for r in self.rules for v in (r.name, getattr(r, attribute))))[F.col("rule")]

    def _sign(self) -> Column:
        """1 where more is worse, -1 where less is."""
        below = [r.name for r in self.rules if r.direction == "below"]
        return F.when(F.col("rule").isin(*below), -1.0).otherwise(1.0)


def looks_at(rule: Rule) -> Column:
    """Whether the rule looks at a reading; never null."""
    looked_at = F.col(rule.indicator).isNotNull()
    if rule.excluded_modes:
        looked_at &= F.coalesce(~F.col("mode").isin(*rule.excluded_modes), F.lit(False))
    return looked_at


def applies(rule: Rule) -> Column:
    """The reading's instant where the rule looks at it, else null."""
    return F.when(looks_at(rule), F.col("measured_at"))


def is_event(rule: Rule) -> Column:
    return F.col(f"{rule.name}_active") | _falls(rule) | _ends(rule)


def event(rule: Rule) -> Column:
    value, active = F.col(rule.indicator), F.col(f"{rule.name}_active")
    row = F.struct(
        F.lit(rule.name).alias("rule"),
        value.alias("value"),
        active.alias("is_active"),
        _ends(rule).alias("is_end"),
        (active & beyond(rule, value, rule.critical_limit)).alias("is_critical"),
        F.try_element_at("carried", F.lit(rule.name)).alias("carried"),
    )
    return F.when(is_event(rule), row.cast(_EVENT))  # one type for all rules: literals and columns differ in nullability


def beyond(rule: Rule, value: Column, limit: float) -> Column:
    return value > limit if rule.direction == "above" else value < limit


def carried(rule: Rule, fact: str) -> Column:
    return F.try_element_at("carried", F.lit(rule.name))[fact]


def _falls(rule: Rule) -> Column:
    """Inactive, and the reading looked at before it was active."""
    before = F.col(f"{rule.name}_before")
    was_active = F.coalesce(before.looked_at == before.active_at, carried(rule, "is_active"), F.lit(False))
    return _is_inactive(rule) & was_active


def _ends(rule: Rule) -> Column:
    """Inactive long enough after the last active reading, and none before it was."""
    before, now = F.col(f"{rule.name}_before"), F.col(f"{rule.name}_applies")
    calm = _minutes(before.active_at, now) >= rule.calm_minutes
    already = F.coalesce(_minutes(before.active_at, before.looked_at) >= rule.calm_minutes, F.lit(False))
    return _is_inactive(rule) & F.coalesce(calm, F.lit(False)) & ~already


def _is_inactive(rule: Rule) -> Column:
    return F.col(f"{rule.name}_applies").isNotNull() & ~F.col(f"{rule.name}_active")


def _minutes(start: Column, end: Column) -> Column:
    return (F.unix_micros(end) - F.unix_micros(start)) / MINUTE_US


def _up_to_now(*within: str, by: str) -> WindowSpec:
    return Window.partitionBy(*within).orderBy(by).rowsBetween(Window.unboundedPreceding, Window.currentRow)
