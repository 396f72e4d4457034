"""What models cost: training the declared problems on a lake that exists, and scoring a million rows of its features."""

import shutil
import time
from datetime import timedelta
from math import ceil
from pathlib import Path
from typing import Any

ROWS = 1_000_000


def of_models(given: str) -> dict[str, Any]:
    """Works on a copy: the lake and the registry beside it are only read."""
    from lake.catalog import catalog
    from lake.settings import settings
    from lake.storage import Lake
    from lake.tables.predictions import CALENDAR
    from models.problem import declared, problems
    from models.retrain import retrain
    from pipelines.run import Runner

    s, root = settings(), Path(given).resolve()
    shutil.copytree(root, s.lake_root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("landing"))
    shutil.copytree(root.parent / ".models", s.model_root, dirs_exist_ok=True)
    calendar = Lake(s.lake_root).open(catalog()[CALENDAR])
    assert calendar is not None, f"{root} holds no lake; `make run` makes one"
    days = sorted(d for d in calendar.rows if d)
    took: dict[str, float] = {}
    for name in declared():
        began = time.monotonic()
        retrain(name, Runner(), promote=False, say=lambda line: None)
        took[name] = round(time.monotonic() - began, 1)
    scored = {name: scoring(name, Runner()) for name in problems()}
    return {
        "days": (days[-1] - days[0] + timedelta(1)).days, "training_s": took, "training_all_s": round(sum(took.values()), 1),
        "scored_rows": ROWS, "scoring_s": scored,
    }  # fmt: skip


def scoring(name: str, runner: Any) -> float:
    """Seconds to read a million rows of features and to score them on all cores, by what serves; reasons aren't asked for."""
    from pyspark.sql import functions as F

    from lake.engine import session
    from lake.tables.plant import ASSETS
    from lake.tables.predictions import CALENDAR, WORK_ORDERS
    from models.dataset import known, orders_known
    from models.problem import problems
    from models.score import predicted
    from models.serving import serving
    from pipelines.files import spark_frame

    spark, problem, s = session(), problems()[name], runner.settings

    def frame(table: str) -> Any:
        opened = runner.lake.open(runner.catalog[table])
        return spark_frame(spark, runner.catalog[table], opened.root, opened.uris())

    told = {t: frame(f"gold_maintenance__{t}").toPandas().to_dict("records") for t in ("model_versions", "champions")}
    rows = known(problem, frame(problem.features.name), orders_known(frame(WORK_ORDERS), frame(CALENDAR)), frame(ASSETS.name))
    folder = str(s.state_root / f"rows_{name}")
    times = spark.range(ceil(ROWS / rows.count())).select(F.col("id").alias("_again"))
    rows.crossJoin(times).drop("_again").limit(ROWS).repartition(8).write.parquet(folder)
    by = serving(s.model_root, problem, told["model_versions"], told["champions"])
    assert by.files, f"{name}: no model serves in this lake; `make run` ends with one"
    began = time.monotonic()
    predicted(problem, spark.read.parquet(folder), by).agg(F.count("*"), F.sum("probability"), F.max("days_to_failure")).collect()
    return round(time.monotonic() - began, 1)
