"""A DAG run in this one process, without what it costs Airflow to be ready for many DAGs and many versions of its API.

Tasks report to Airflow's own Execution API as they do under the scheduler, so its database holds the same runs, task states and asset
events. What is replaced here belongs to Airflow 3.3, which `requirements.lock` pins. Of 27 s of CPU for a `medallion` run with nothing
to do, 7 s built the routes of eight older versions of that API, and 3 s parsed and stored DAGs that were not run.
"""

import os
from copy import deepcopy
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from dags import tasks


def check(dag_id: str, conf: dict[str, Any]) -> None:
    """End with a message when there is no such DAG, or its parameters can't be met."""
    from airflow.sdk.exceptions import ParamValidationError

    params = deepcopy(_parsed(dag_id).dags[dag_id].params)
    try:
        tasks.check(dag_id, conf)
        params.update(conf)
        params.validate()
    except (ValueError, ParamValidationError) as error:
        raise SystemExit(f"{dag_id}: {str(error).splitlines()[0]}") from None


def run(dag_id: str, conf: dict[str, Any]) -> tuple[str, str]:
    """Run one DAG with `dag.test()`; return its run id and final state."""
    _prepare()
    bag = _parsed(dag_id)
    with patch("airflow.dag_processing.dagbag.BundleDagBag", lambda **_: bag):
        done = bag.dags[dag_id].test(run_conf=conf, logical_date=datetime.now(UTC))
    return str(done.run_id), str(getattr(done.state, "value", done.state))


@cache
def _parsed(dag_id: str) -> Any:
    """The file of a DAG, parsed once for all its runs in this process."""
    bag = _bag(f"{dag_id}.py")
    if bag.import_errors:
        raise SystemExit("\n".join(f"{f}: {e}" for f, e in bag.import_errors.items()))
    if dag_id not in bag.dags:
        raise SystemExit(f"no DAG {dag_id}; there are {', '.join(sorted(_bag('').dags))}")
    return bag


def _bag(file: str) -> Any:
    from airflow.dag_processing.dagbag import BundleDagBag

    folder = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    return BundleDagBag(dag_folder=str(folder / file), bundle_path=folder, bundle_name="dags-folder")


@cache
def _prepare() -> None:
    """Build the Execution API for one version; read each DAG from the database once for all its tasks, and store it once."""
    import airflow.api_fastapi.execution_api.app as execution_api
    from airflow.dag_processing import dagbag
    from airflow.sdk.execution_time.supervisor import InProcessTestSupervisor

    dagbag.sync_bag_to_db = cache(dagbag.sync_bag_to_db)  # type: ignore[assignment]
    execution_api.create_task_execution_api_app = _newest_version_only  # type: ignore[assignment]
    InProcessTestSupervisor._api_client = staticmethod(cache(InProcessTestSupervisor._api_client))  # type: ignore[method-assign]


def _newest_version_only(lifespan: Any) -> Any:
    """The Execution API as its newest clients see it; Airflow's own makes a copy of every route for each older version."""
    from airflow.api_fastapi.common.exceptions import init_error_handlers
    from airflow.api_fastapi.execution_api.routes import execution_api_router
    from fastapi import FastAPI

    app = FastAPI(lifespan=lifespan, openapi_url=None)
    app.include_router(execution_api_router)
    init_error_handlers(app)
    return app
