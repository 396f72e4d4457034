"""From the ratings a sheet gives, on its own scale, to RPN, level and action priority on the 1-10 scale."""

from functools import reduce
from operator import mul

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.fmea import (
    ACTION_PRIORITY,
    DETECTION_BANDS,
    GRAVITY_BANDS,
    HIGHEST,
    LEVELS,
    LOWEST,
    OCCURRENCE_BANDS,
    SCALES,
)
from lake.tables.amdec import OTHER_ROLE, RATED, RATED_MODES, ROLES
from pipelines.judge import with_problems
from pipelines.texts import comparable, even

_PRIORITIES = "".join("".join(rows) for rows in ACTION_PRIORITY)


def silver_amdec__failure_modes(feed_amdec__failure_modes: DataFrame) -> DataFrame:
    """Ratings beside themselves on the 1-10 scale; one beyond its scale sends the row to quarantine.

    Whoever is named responsible becomes a role, or none in particular.
    """
    role, scale = comparable(F.col("responsible_role")), F.col("scale")
    rows = feed_amdec__failure_modes.withColumns(
        {
            "organ": comparable(F.col("organ")),
            "mode": even(F.col("mode")),
            "cause": even(F.col("cause")),
            "action_status": comparable(F.col("action_status")),
            "responsible_role": F.when(role.isin(*ROLES), role).when(role.isNotNull(), OTHER_ROLE),
            **{f"{r}_normalised": normalised(F.col(f"{r}_given"), scale) for r in RATED},
        }
    )
    beyond = {r: F.coalesce(~F.col(f"{r}_normalised").between(LOWEST, HIGHEST), F.lit(False)) for r in RATED}
    told = with_problems(
        rows,
        *((is_beyond, f"{r}_given: within the scale of its sheet", _told(f"{r}_given")) for r, is_beyond in beyond.items()),
    )
    return told.withColumns({f"{r}_normalised": F.when(~is_beyond, F.col(f"{r}_normalised")) for r, is_beyond in beyond.items()})


def gold_amdec__ratings(silver_amdec__failure_modes: DataFrame) -> DataFrame:
    computed = reduce(mul, (F.col(f"{r}_given") for r in RATED))
    return (
        silver_amdec__failure_modes.withColumns({f"{r}_rating": whole(F.col(f"{r}_normalised")) for r in RATED})
        .withColumns({"rpn_computed": computed, "rpn_normalised": reduce(mul, (F.col(f"{r}_rating") for r in RATED))})
        .withColumns(
            {
                "rpn_difference": F.round(F.col("rpn_given") - F.col("rpn_computed"), 2),
                "level": level(F.col("rpn_normalised")),
                "action_priority": action_priority(*(F.col(f"{r}_rating") for r in RATED)),
            }
        )
        .withColumn("rpn_state", rpn_state())
        .select(*(c.name for c in RATED_MODES.columns))
    )


def normalised(rating: Column, scale: Column) -> Column:
    """A straight line on which the ends of the scale meet 1 and 10 (`lake.fmea.normalised`); null on an unknown scale."""
    lines = (
        (name, LOWEST + (rating - low) * (HIGHEST - LOWEST) / (high - low)) for name, (low, high) in SCALES.items()
    )  # fmt: skip
    return reduce(lambda chosen, line: chosen.when(scale == line[0], line[1]), lines, F.when(F.lit(False), F.lit(None).cast("double")))


def whole(rating: Column) -> Column:
    return F.floor(rating + 0.5)


def level(rpn: Column) -> Column:
    return reduce(lambda chosen, at: chosen.when(rpn >= at[1], at[0]), LEVELS, F.when(rpn.isNull(), F.lit(None).cast("string")))


def action_priority(gravity: Column, occurrence: Column, detection: Column) -> Column:
    """The cell of the AIAG-VDA table; null unless all three are rated."""
    row = _band(gravity, GRAVITY_BANDS) * len(OCCURRENCE_BANDS) + _band(occurrence, OCCURRENCE_BANDS)
    place = row * len(DETECTION_BANDS) + _band(detection, DETECTION_BANDS)
    return F.when(place.isNotNull(), F.substr(F.lit(_PRIORITIES), place + 1, F.lit(1)))


def rpn_state() -> Column:
    return (
        F.when(F.col("rpn_computed").isNull(), "not_computable")
        .when(F.col("rpn_given").isNull(), "missing")
        .when(F.col("rpn_difference") == 0, "right")
        .otherwise("wrong")
    )


def _told(name: str) -> Column:
    """A rating with its scale: `12 on 1-10`."""
    return F.concat(F.regexp_replace(F.col(name).cast("string"), r"\.0$", ""), F.lit(" on "), "scale")


def _band(rating: Column, bands: tuple[int, ...]) -> Column:
    """Place of the band that a rating is in; null for none."""
    places = enumerate(bands)
    return reduce(lambda chosen, at: chosen.when(rating >= at[1], at[0]), places, F.when(rating.isNull(), F.lit(None).cast("int")))
