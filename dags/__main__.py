"""Run DAGs in this one process: `python -m dags simulate='{"days": 90}' medallion`.

The real scheduler isn't needed; tasks run one after the other, exactly as Airflow would run them.
"""

import argparse
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent


def local_environment() -> None:
    """Settings of a local Airflow, where the environment doesn't say otherwise. Must run before Airflow is imported."""
    home = Path(os.environ.setdefault("AIRFLOW_HOME", str(CHECKOUT / ".airflow")))
    defaults = {
        "CORE__DAGS_FOLDER": str(CHECKOUT / "dags"), "CORE__LOAD_EXAMPLES": "False", "CORE__PARALLELISM": "2",
        "CORE__EXECUTOR": "LocalExecutor", "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "LOGGING__BASE_LOG_FOLDER": str(home / "logs"), "LOGGING__LOGGING_LEVEL": "WARNING", "USAGE_DATA_COLLECTION__ENABLED": "False",
        "CORE__UNIT_TEST_MODE": "False", "API__HOST": "127.0.0.1",
    }  # fmt: skip
    for key, value in defaults.items():
        os.environ.setdefault(f"AIRFLOW__{key}", value)
    paths = [str(CHECKOUT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    warnings.simplefilter("ignore")
    home.mkdir(parents=True, exist_ok=True, mode=0o700)


def require_valid_settings() -> None:
    """End with one line for each setting that can't be met, before anything is started."""
    from lake.catalog import CatalogError, catalog
    from lake.settings import SettingsError

    try:
        catalog()
    except (SettingsError, CatalogError) as error:
        raise SystemExit(str(error)) from None


def migrate() -> None:
    """Make or upgrade Airflow's own database; quick when there is nothing to do."""
    from airflow import __version__

    marker = Path(os.environ["AIRFLOW_HOME"]) / f"migrated-{__version__}"
    is_local = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].startswith("sqlite")
    if marker.exists() and is_local:
        return
    done = subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"Airflow's database could not be made:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    marker.touch()


def _named(text: str) -> tuple[str, dict[str, Any]]:
    name, _, conf = text.partition("=")
    try:
        return name, dict(json.loads(conf or "{}"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{conf!r} is not a JSON object: {error}") from None


def main(arguments: list[str] | None = None) -> int:
    """Run the DAGs in turn, print the summary of all `medallion` runs; exit 0 when all ended well."""
    parser = argparse.ArgumentParser(prog="python -m dags", description="Run DAGs in this one process.")
    parser.add_argument("dags", nargs="+", type=_named, metavar="DAG[=JSON]", help="a DAG, with its parameters as JSON")
    chosen = parser.parse_args(arguments)
    require_valid_settings()
    local_environment()
    migrate()
    from dags.inprocess import check, run

    for dag_id, conf in chosen.dags:
        check(dag_id, conf)
    bad, done = 0, []
    last = max((n for n, (name, _) in enumerate(chosen.dags) if name == "medallion"), default=-1)
    for n, (dag_id, conf) in enumerate(chosen.dags):
        print(f"DAG {dag_id} ...", file=sys.stderr, flush=True)
        run_id, state = run(dag_id, conf)
        if dag_id == "medallion":
            from dags.tasks import run_id_of
            from models.summary import told
            from pipelines.run import Runner
            from pipelines.summary import print_summary, recorded, together

            runner = Runner(run_id_of(run_id))
            done.append(recorded(runner))
            if n == last or state != "success":
                print_summary(runner, together(done), told(runner))
        print(f"DAG {dag_id}: {state}", flush=True)
        bad += state != "success"
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
