"""The `retrain` DAG: every problem is trained weekly, judged, and promoted only if it wins."""

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Param, task

from dags import tasks
from dags.when import RETRAIN, at
from lake.tables.models import PROBLEMS

with DAG(
    "retrain",
    schedule=at(RETRAIN),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=2,  # a training holds up to half a gigabyte
    params={
        "problems": Param(
            [], type="array", items={"type": "string"}, title="Problems", description="Only these; all when empty", examples=list(PROBLEMS)
        ),
        "seed": Param(7, type="integer", description="The same data, code and seed give the same models"),
        "promote": Param(True, type="boolean", description="Let a winner serve; otherwise it is only recorded"),
    },
    tags=["models"],
    doc_md=(
        "Trains each problem on what the lake knows today, judges it on the newest window against the naive rule and the champion, "
        "and lets it serve if it wins. The next `medallion` run picks a new champion up. A refusal is recorded with its reasons and "
        "fails nothing."
    ),
    default_args={"owner": "maintenance", "retries": 1, "retry_delay": timedelta(seconds=30)},
) as retrain:
    for name in PROBLEMS:

        @task(task_id=f"train_{name}", doc_md=f"Trains {name}, judges it, and promotes it if it wins.", multiple_outputs=False)
        def train(problem: str, **context: Any) -> dict[str, str]:
            return tasks.retrain(problem, context["run_id"], dict(context["params"]))

        train(name)
