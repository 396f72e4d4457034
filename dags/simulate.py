"""The `simulate` DAG: the simulated plant delivers a day. Switch it off (pause it) when real files come."""

import os
from datetime import datetime
from typing import Any

from airflow.sdk import DAG, Param, task

from dags import tasks
from dags.when import LANDING, SIMULATE, at

ENABLED = os.environ.get("LAKE_SIMULATE", "1") != "0"

with DAG(
    "simulate",
    schedule=at(SIMULATE) if ENABLED else None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    params={
        "days": Param(1, type="integer", minimum=1, maximum=3660, description="Days to deliver, up to and with the last one"),
        "until": Param(None, type=["null", "string"], format="date", description="Last day; yesterday when empty"),
        "scale": Param(1.0, type="number", exclusiveMinimum=0, description="Size of the plant"),
        "seed": Param(7, type="integer", description="The same seed gives the same plant"),
        "dirt": Param(1.0, type="number", minimum=0, description="Times the usual dirt"),
    },
    tags=["lake"],
    doc_md="Delivers simulated files to landing, which starts `medallion`. `LAKE_SIMULATE=0` or pausing the DAG switches it off.",
    default_args={"owner": "data-engineering", "retries": 1},
) as simulate:

    @task(task_id="deliver", outlets=[LANDING])
    def deliver(**context: Any) -> str:
        words, files = tasks.simulate(dict(context["params"]))
        if not files:
            context["task"].outlets = []
        return words

    deliver()
