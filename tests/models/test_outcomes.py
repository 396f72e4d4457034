"""Outcomes come out of the predictions that can matter as of all of them."""

import random
from datetime import date, timedelta

import pandas as pd
from pyspark.sql import SparkSession

from models.matching import matched
from models.outcomes import that_matter

DAY = date(2026, 1, 1)


def test_outcomes_of_the_predictions_that_matter_are_those_of_all(spark: SparkSession) -> None:
    """Of 60 assets and 120 days most predictions are OK and far from any failure: before, all 7 200 went into pandas."""
    draw = random.Random(7)
    said = [
        ("fleet_failure", "fleet", f"V{a:02}", DAY + timedelta(days=n), "ALERTE" if draw.random() < 0.03 else "OK", "engine", 1, 7)
        for a in range(60) for n in range(120)
    ]  # fmt: skip
    columns = (
        "problem string, domain string, asset_id string, day date, status string, component string, model_version long, horizon_days long"
    )
    broke = pd.DataFrame([
        {"domain": "fleet", "asset_id": f"V{draw.randrange(60):02}", "failed_on": DAY + timedelta(days=draw.randrange(130)),
         "work_order_id": f"W{n}", "organ": "moteur", "component": "engine"} for n in range(40)
    ])  # fmt: skip
    frame = spark.createDataFrame(said, columns)
    kept = that_matter(frame, broke).toPandas()
    as_of = DAY + timedelta(days=125)
    assert matched(kept, broke, as_of) == matched(frame.toPandas(), broke, as_of)
    assert len(kept) < len(said) / 8
    nothing = that_matter(frame, broke.head(0)).toPandas()
    assert matched(nothing, broke.head(0), as_of) == matched(frame.toPandas(), broke.head(0), as_of)
