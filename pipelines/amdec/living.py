"""What the sheets rate against what the GMAO saw, by organ and cause."""

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.fmea import GRAVITY_FROM_STOP, OCCURRENCE_FROM_RATE
from lake.tables.amdec import DOMAINS
from lake.tables.amdec_living import LIVING, NOT_TOLD
from pipelines import exact
from pipelines.texts import plain

DAYS_A_YEAR = 365.25
_PLACE = ["domain", "_organ", "_cause"]


def gold_amdec__living(
    gold_amdec__ratings: DataFrame,
    gold_gmao__work_orders: DataFrame,
    silver_plant__assets: DataFrame,
    bronze_lake__calendar: DataFrame,
) -> DataFrame:
    today = bronze_lake__calendar.agg(F.max("day").alias("today"))
    failures = _failures(gold_gmao__work_orders, today)
    rated = _rated(gold_amdec__ratings)
    organs = rated.select("domain", "_organ").distinct().withColumn("is_organ_rated", F.lit(True))
    return (
        rated.join(_seen(failures), on=_PLACE, how="full")
        .join(organs, on=["domain", "_organ"], how="left")
        .join(F.broadcast(_exposure(silver_plant__assets, failures, today)), on="domain", how="left")
        .withColumns(
            {
                "organ": F.coalesce("organ", "_organ_seen"),
                "cause": F.coalesce("cause", "_cause_seen"),
                "kind": kind(),
                "is_organ_rated": F.coalesce("is_organ_rated", F.lit(False)),
                "occurrences": F.coalesce("occurrences", F.lit(0)),
                "asset_years": F.col("asset_days") / DAYS_A_YEAR,
                "mean_stop_h": exact.mean(F.col("stops"), exact.steps(F.col("stop_h"), 0.01), 0.01),
            }
        )
        .withColumn("occurrences_per_asset_year", F.when(F.col("asset_days") > 0, F.col("occurrences") / F.col("asset_years")))
        .withColumns(
            {
                "occurrence_observed": banded(F.col("occurrences_per_asset_year"), OCCURRENCE_FROM_RATE),
                "gravity_observed": banded(F.col("mean_stop_h"), GRAVITY_FROM_STOP),
            }
        )
        .withColumns({f"{r}_difference": F.col(f"{r}_observed") - F.col(f"{r}_rating") for r in ("occurrence", "gravity")})
        .select(*(c.name for c in LIVING.columns))
    )


def kind() -> Column:
    """Before a row's nulls are filled: `modes` only sheets have, `occurrences` only the GMAO."""
    is_told = (F.col("_organ") != _key(F.lit(None))) & (F.col("_cause") != _key(F.lit(None)))
    return (
        F.when(F.col("occurrences").isNull(), "rated_never_seen")
        .when(F.col("modes").isNotNull(), "rated_and_seen")
        .when(is_told, "seen_not_in_sheet")
        .otherwise("not_told")
    )


def banded(value: Column, bands: tuple[tuple[int, float], ...]) -> Column:
    """The rating whose band a value is in; null for none."""
    return reduce(lambda chosen, band: chosen.when(value >= band[1], band[0]), bands, F.when(value.isNull(), F.lit(None).cast("long")))


def _failures(work_orders: DataFrame, today: DataFrame) -> DataFrame:
    is_done = (F.col("category") == "corrective") & ~F.col("is_open") & F.col("domain").isin(*DOMAINS)
    return (
        work_orders.filter(is_done)
        .join(F.broadcast(today), on=F.col("intervention_on") <= F.col("today"), how="inner")
        .select("domain", "organ", "cause", "intervention_on", "stop_h", "total_cost_eur")
    )


def _rated(ratings: DataFrame) -> DataFrame:
    return ratings.groupBy("domain", _key(F.col("organ")).alias("_organ"), _key(F.col("cause")).alias("_cause")).agg(
        F.min("organ").alias("organ"),
        F.min("cause").alias("cause"),
        F.array_join(F.array_sort(F.collect_set("mode")), ", ").alias("modes"),
        *(F.max(c).alias(c) for c in ("gravity_rating", "occurrence_rating", "rpn_normalised")),
    )


def _seen(failures: DataFrame) -> DataFrame:
    return failures.groupBy("domain", _key(F.col("organ")).alias("_organ"), _key(F.col("cause")).alias("_cause")).agg(
        F.coalesce(F.min("organ"), F.lit(NOT_TOLD)).alias("_organ_seen"),
        F.coalesce(F.min("cause"), F.lit(NOT_TOLD)).alias("_cause_seen"),
        F.count_if(F.lit(True)).alias("occurrences"),
        F.count("stop_h").alias("stops"),
        exact.total(F.col("stop_h"), 0.01).alias("stop_h"),
        exact.total(F.col("total_cost_eur"), 0.01).alias("total_cost_eur"),
        F.min("intervention_on").alias("first_seen_on"),
        F.max("intervention_on").alias("last_seen_on"),
    )


def _exposure(assets: DataFrame, failures: DataFrame, today: DataFrame) -> DataFrame:
    """Days in service of each domain's assets, from the first failure that the GMAO tells of to today; null without any."""
    watched = failures.agg(F.min("intervention_on").alias("since")).join(today, how="cross")
    days = F.datediff("today", F.greatest("commissioned_on", "since")) + 1
    return (
        assets.join(F.broadcast(watched), how="cross")
        .groupBy("domain")
        .agg(F.sum(F.when(F.col("since").isNotNull(), F.greatest(days, F.lit(0)))).alias("asset_days"))
    )


def _key(text: Column) -> Column:
    """How organs and causes are compared: letters and digits, without case, accents and punctuation."""
    return F.coalesce(plain(text), plain(F.lit(NOT_TOLD)))
