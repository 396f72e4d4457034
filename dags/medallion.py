"""The `medallion` DAG: landing to gold, one task per zone and domain."""

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset, Param, task
from airflow.sdk.exceptions import AirflowFailException

from dags import tasks
from dags.groups import groups
from dags.when import on_landing_or_at
from lake.catalog import catalog
from lake.settings import settings

PARAMS = {
    "first_day": Param(None, type=["null", "string"], format="date", title="From", description="Rebuild from this day on, stale or not"),
    "last_day": Param(None, type=["null", "string"], format="date", title="To", description="Rebuild up to this day"),
    "tables": Param(
        [], type="array", items={"type": "string"}, title="Tables", description="Only these tables; all when empty",
        examples=[t.name for t in catalog().buildable],
    ),
    "dry_run": Param(False, type="boolean", title="Dry run", description="Only log what would be rebuilt, and why"),
}  # fmt: skip

with DAG(
    "medallion",
    schedule=None if settings().schedule == "never" else on_landing_or_at(settings().schedule),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    params=PARAMS,
    tags=["lake"],
    doc_md=(
        "Moves what is new in landing through bronze, silver and gold. Every task computes what is stale by itself, so a run may be "
        "repeated, backfilled or skipped: the result is the same. A task that fails leaves the last good version up; the others go on "
        "with it, and the run fails."
    ),
    default_args={"retries": 1, "retry_delay": timedelta(seconds=30)},
) as medallion:

    @task(trigger_rule="all_done", task_id="report", doc_md="Writes the validation report of the run.", retries=0)
    def report(**context: Any) -> str:
        return tasks.report(context["run_id"])

    @task(trigger_rule="all_done", task_id="watcher", doc_md="Fails the run when any task failed.", retries=0)
    def watcher(**context: Any) -> None:
        # asked of Airflow: as the task below all others it would tangle the graph
        states = context["ti"].get_task_states(dag_id="medallion", run_ids=[context["run_id"]])[context["run_id"]]
        if failed := sorted(name for name, state in states.items() if state in ("failed", "upstream_failed")):
            raise AirflowFailException(f"{', '.join(failed)} failed; their logs and the validation report say why")

    built: dict[str, Any] = {}
    chosen = groups(catalog(), settings().chosen_domains)
    for group in chosen:

        @task(
            task_id=group.name,
            owner=group.owner,
            doc_md=group.doc,
            trigger_rule="all_done",
            multiple_outputs=False,
            outlets=[Asset(t.name, uri=f"lake://{t.layer}/{t.name}", group=t.domain) for t in group.tables],
        )
        def build(name: str, **context: Any) -> dict[str, str]:
            outcomes = tasks.build(name, context["run_id"], dict(context["params"]))
            # Airflow takes every outlet of a task that succeeds as updated: only what was published is
            context["task"].outlets = [o for o in context["task"].outlets if outcomes.get(o.name) == "published"]
            return outcomes

        built[group.name] = build(group.name)
        for upstream in group.upstream:
            built[upstream] >> built[group.name]
    last = report()
    [built[g.name] for g in chosen if not any(g.name in other.upstream for other in chosen)] >> last
    last >> watcher()
