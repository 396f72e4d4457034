"""The `upkeep` DAG: weekly compaction, removal of leftovers and of versions past the retention time."""

from datetime import datetime
from typing import Any

from airflow.sdk import DAG, Param, task

from dags import tasks

with DAG(
    "upkeep",
    schedule="@weekly",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    params={
        "retention_days": Param(
            None, type=["null", "integer"], minimum=1, description="Days old versions stay readable; the setting when empty"
        ),
    },
    tags=["lake"],
    doc_md="Compaction moves rows without changing them, so nothing becomes stale. It waits for tables that a run is building.",
    default_args={"owner": "data-engineering", "retries": 1},
) as upkeep:

    @task(task_id="care")
    def care(**context: Any) -> str:
        return tasks.upkeep(dict(context["params"]))

    care()
