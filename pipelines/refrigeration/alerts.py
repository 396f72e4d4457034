"""Alerts with a life: one fault is one alert, and a day's rows are all that the next day needs to go on.

A reading is *active* for a rule when it is beyond the limit, or not yet back at the clear limit after one that was.
An *episode* is a run of active readings; it ends with the first inactive reading that comes `calm_minutes` or more
after the last active one. Only readings that change an episode are kept for the second half of the work.
"""

from functools import reduce

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from lake.tables.refrigeration import ALERTS, CONFIRMING_READINGS, RULES, Rule

MINUTE_US = 60_000_000
EPISODE = ("unit_id", "rule", "episode")


def gold_refrigeration__alerts(
    gold_refrigeration__indicators: DataFrame,
    bronze_lake__calendar: DataFrame,
    gold_refrigeration__alerts: DataFrame,
) -> DataFrame:
    alive = gold_refrigeration__alerts.filter("state <> 'cleared'")
    events = turning_points(gold_refrigeration__indicators, alive)
    changes = changes_by_day(with_progress(with_episodes(events)))
    standing = cumulated(carried_over(alive).unionByName(changes))
    return described(on_each_day(standing, bronze_lake__calendar))


def turning_points(readings: DataFrame, alive: DataFrame) -> DataFrame:
    """One row per rule and reading that is active, or the first inactive one, or the one that ends an episode.

    Columns: unit_id, day, measured_at, rule, value, is_active, is_end, is_critical, carried (the alert as yesterday
    left it, null if there was none).
    """
    indicators = sorted({r.indicator for r in RULES})
    happened = F.array_compact(F.array(*(event(r) for r in RULES)))
    return (
        readings.select("unit_id", "day", "measured_at", "mode", *indicators)
        .join(F.broadcast(by_unit(alive)), on="unit_id", how="left")
        .withColumns({f"{r.name}_applies": applies(r) for r in RULES})
        .withColumns({f"{r.name}_active": is_active(r) for r in RULES})
        .withColumns({f"{r.name}_before": active_before(r) for r in RULES})
        .filter(reduce(lambda a, b: a | b, (is_event(r) for r in RULES)))
        .select("unit_id", "day", "measured_at", F.explode(happened).alias("e"))
        .select("unit_id", "day", "measured_at", "e.*")
    )


def by_unit(alive: DataFrame) -> DataFrame:
    """One row per unit, `carried`: rule -> the alert that yesterday left alive."""
    facts = ("started_at", "last_active_at", "is_active", "reading_count", "critical_count")
    entry = F.struct("rule", F.struct(*facts))
    return alive.groupBy("unit_id").agg(F.map_from_entries(F.collect_list(entry)).alias("carried"))


def applies(rule: Rule) -> Column:
    """The reading's instant where the rule looks at it, else null."""
    looked_at = F.col(rule.indicator).isNotNull()
    if rule.excluded_modes:
        looked_at &= ~F.col("mode").isin(*rule.excluded_modes)
    return F.when(looked_at, F.col("measured_at"))


def is_active(rule: Rule) -> Column:
    """Beyond the limit, or between the limits and active before; false where the rule doesn't look."""
    value, known = F.col(rule.indicator), F.col(f"{rule.name}_applies").isNotNull()
    signal = F.when(known & beyond(rule, value, rule.limit), True).when(known & ~beyond(rule, value, rule.clear_limit), False)
    latest = F.last(signal, ignorenulls=True).over(_up_to_now("unit_id", by="measured_at"))
    return known & F.coalesce(latest, carried(rule, "is_active"), F.lit(False))


def active_before(rule: Rule) -> Column:
    """Instants of the latest reading looked at and of the latest active one, both before this reading."""
    looked_at, active = F.col(f"{rule.name}_applies"), F.col(f"{rule.name}_active")
    return F.struct(
        F.last(looked_at, ignorenulls=True).over(_before()).alias("looked_at"),
        F.coalesce(F.last(F.when(active, looked_at), ignorenulls=True).over(_before()), carried(rule, "last_active_at")).alias("active_at"),
    )


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
    return F.when(is_event(rule), row)


def beyond(rule: Rule, value: Column, limit: float) -> Column:
    return value > limit if rule.direction == "above" else value < limit


def carried(rule: Rule, fact: str) -> Column:
    return F.try_element_at("carried", F.lit(rule.name))[fact]


def with_episodes(events: DataFrame) -> DataFrame:
    """Number the episodes of a unit and rule; 0 is the one that yesterday left alive."""
    thread = Window.partitionBy("unit_id", "rule").orderBy("measured_at")
    so_far = _up_to_now("unit_id", "rule", by="measured_at")
    after_end = F.coalesce(F.lag("is_end").over(thread), F.col("carried").isNull())
    begins = (F.col("is_active") & after_end).cast("bigint")
    return events.withColumn("begins", begins).withColumn("episode", F.sum("begins").over(so_far)).drop("begins")


def with_progress(events: DataFrame) -> DataFrame:
    """At each active reading: since when, after how many, and whether the alert is open and critical by then."""
    so_far = _up_to_now(*EPISODE, by="measured_at")

    def from_yesterday(fact: str) -> Column:
        return F.when(F.col("episode") == 0, F.col(f"carried.{fact}"))

    def counted(flag: str, fact: str) -> Column:
        return F.sum(F.col(flag).cast("bigint")).over(so_far) + F.coalesce(from_yesterday(fact), F.lit(0))

    lasting = _minutes(F.col("started_at"), F.col("measured_at"))
    confirmed = F.col("readings") >= CONFIRMING_READINGS
    grave = (F.col("criticals") >= CONFIRMING_READINGS) | (lasting >= _of_rule("critical_minutes"))
    return (
        events.withColumns(
            {
                "started_at": F.coalesce(from_yesterday("started_at"), F.first("measured_at").over(so_far)),
                "readings": counted("is_active", "reading_count"),
                "criticals": counted("is_critical", "critical_count"),
            }
        )
        .withColumn("is_open", F.col("is_active") & confirmed & (lasting >= _of_rule("minimum_minutes")))
        .withColumn("is_worse", F.col("is_open") & grave)
    )


def changes_by_day(events: DataFrame) -> DataFrame:
    """What each day adds to each episode."""
    at = F.col("measured_at")
    return events.groupBy(*EPISODE, "day").agg(
        F.min("started_at").alias("started_at"),
        F.min(F.when(F.col("is_open"), at)).alias("opened_at"),
        F.min(F.when(F.col("is_worse"), at)).alias("worsened_at"),
        F.max(F.when(F.col("is_end"), at)).alias("cleared_at"),
        F.max(F.when(F.col("is_active"), at)).alias("last_active_at"),
        F.max_by("is_active", "measured_at").alias("is_active"),
        F.max(F.when(F.col("is_active"), F.col("value") * _sign())).alias("excess"),
        F.count_if("is_active").alias("reading_count"),
        F.count_if("is_critical").alias("critical_count"),
    )


def carried_over(alive: DataFrame) -> DataFrame:
    """Yesterday's living alerts in the shape of a day's changes, as episode 0."""
    return alive.select(
        "unit_id", "rule", F.lit(0).cast("bigint").alias("episode"), "day", "started_at", "opened_at", "worsened_at",
        "cleared_at", "last_active_at", "is_active", (F.col("worst_value") * _sign()).alias("excess"),
        "reading_count", "critical_count",
    )  # fmt: skip


def cumulated(changes: DataFrame) -> DataFrame:
    """Each episode as it stood at the end of each day that changed it."""
    so_far = _up_to_now(*EPISODE, by="day")
    firsts = {c: F.min(c).over(so_far) for c in ("started_at", "opened_at", "worsened_at")}
    lasts = {c: F.max(c).over(so_far) for c in ("last_active_at", "excess")}
    counts = {c: F.sum(c).over(so_far) for c in ("reading_count", "critical_count")}
    return changes.withColumns(firsts | lasts | counts)


def on_each_day(standing: DataFrame, calendar: DataFrame) -> DataFrame:
    """Repeat an episode on the quiet days until it changes, clears or the range ends; keep the range's days."""
    changed = F.lead("day").over(Window.partitionBy(*EPISODE).orderBy("day"))
    ended = F.when(F.col("cleared_at").isNotNull(), F.col("day"))
    until = F.coalesce(F.date_sub(changed, 1), ended, F.greatest("day", "range_end"))
    range_end = calendar.agg(F.max("day").alias("range_end"))
    return (
        standing.crossJoin(F.broadcast(range_end))
        .withColumn("until", until)
        .withColumn("day", F.explode(F.sequence("day", "until")))
        .join(F.broadcast(calendar.select("day")), on="day", how="left_semi")
    )


def described(standing: DataFrame) -> DataFrame:
    """Name, judge and identify; an episode that ended before it opened was no alert."""
    state = (
        F.when(F.col("cleared_at").isNotNull(), "cleared")
        .when(F.col("worsened_at").isNotNull(), "worsened")
        .when(F.col("opened_at").isNotNull(), "open")
        .otherwise("pending")
    )
    identity = F.concat_ws("|", "unit_id", "rule", F.unix_micros("started_at").cast("string"))
    return (
        standing.filter("opened_at is not null or cleared_at is null")
        .withColumns(
            {
                "alert_id": F.substring(F.sha2(identity, 256), 1, 16),
                "indicator": _of_rule("indicator"),
                "state": state,
                "severity": F.when(F.col("worsened_at").isNotNull(), "critical").otherwise("warning"),
                "worst_value": F.col("excess") * _sign(),
            }
        )
        .select(*(c.name for c in ALERTS.columns))
    )


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


def _before() -> WindowSpec:
    return Window.partitionBy("unit_id").orderBy("measured_at").rowsBetween(Window.unboundedPreceding, -1)


def _of_rule(attribute: str) -> Column:
    """An attribute of the row's rule."""
    return F.create_map(*(F.lit(v) for r in RULES for v in (r.name, getattr(r, attribute))))[F.col("rule")]


def _sign() -> Column:
    """1 where more is worse, -1 where less is."""
    below = [r.name for r in RULES if r.direction == "below"]
    return F.when(F.col("rule").isin(*below), -1.0).otherwise(1.0)
