"""The `upkeep` DAG: weekly compaction, removal of leftovers, of versions past the retention time, and of Airflow's old runs and logs."""

from datetime import datetime
from typing import Any

from airflow.sdk import DAG, Param, task

from dags import tasks
from dags.when import UPKEEP, at

with DAG(
    "upkeep",
    schedule=at(UPKEEP),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    params={
        "retention_days": Param(
            None, type=["null", "integer"], minimum=1, description="Days old versions stay readable; the setting when empty"
        ),
        "airflow_days": Param(
            None, type=["null", "integer"], minimum=1, description="Days that Airflow's runs and logs are kept; the setting when empty"
        ),
    },
    tags=["lake"],
    doc_md="Compaction moves rows without changing them, so nothing becomes stale. It waits for tables that a run is building.",
    default_args={"owner": "data-engineering", "retries": 1},
) as upkeep:

    @task(task_id="care")
    def care(**context: Any) -> str:
        return tasks.upkeep(dict(context["params"]))

    @task(task_id="airflow", doc_md="Removes Airflow's runs and logs past `LAKE_AIRFLOW_DAYS`.")
    def airflow(**context: Any) -> str:
        return tasks.airflow_upkeep(dict(context["params"]))

    care()
    airflow()
