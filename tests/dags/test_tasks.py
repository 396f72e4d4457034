"""What tasks refuse, when DAGs begin, and what upkeep removes of Airflow's past."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dags import tasks
from dags.retention import remove_logs
from lake.settings import settings
from tests.conftest import CHECKOUT
from tests.dags.airflow import environment


@pytest.mark.parametrize(
    ("dag", "params", "said"),
    [
        ("medallion", {"tables": ["gold_fleet__dayly"]}, "no table gold_fleet__dayly; `python -m pipelines status` lists them"),
        ("medallion", {"tables": ["silver_line__readings__quarantine"]}, "is made together with silver_line__readings; name that one"),
        ("medallion", {"tables": ["gold_lake__runs"]}, "is written by runs and commands, and never built"),
        ("medallion", {"table": ["gold_fleet__daily"]}, "no parameter table; there are first_day, last_day, tables, dry_run"),
        ("medallion", {"first_day": "2026-03-02", "last_day": "2026-03-01"}, "first_day 2026-03-02 is after last_day 2026-03-01"),
        ("medallion", {"first_day": "2199-01-01"}, "first_day 2199-01-01 is after the lake's last day"),
        ("retrain", {"problems": ["fleet"]}, "no problem fleet; there are fleet_failure"),
        ("upkeep", {"days": 3}, "no parameter days"),
        ("simulate", {"day": 3}, "no parameter day"),
    ],
)
def test_parameters_that_cannot_be_met_are_refused(dag: str, params: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        tasks.check(dag, params)


def test_a_table_that_lake_domains_leaves_out_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_DOMAINS", "fleet")
    settings.cache_clear()
    try:
        tasks.check("medallion", {"tables": ["gold_fleet__daily"]})
        with pytest.raises(ValueError, match="gold_line__daily is of domain line, which LAKE_DOMAINS leaves out"):
            tasks.check("medallion", {"tables": ["gold_line__daily"]})
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_what_can_be_met_is_not() -> None:
    tasks.check("medallion", {"tables": ["gold_fleet__daily"], "first_day": "2026-03-01", "last_day": "2026-03-01", "dry_run": True})
    tasks.check("medallion", {"first_day": None, "last_day": None, "tables": [], "dry_run": False})
    tasks.check("retrain", {"problems": [], "seed": 7, "promote": True})


def test_the_command_line_refuses_them_before_it_runs_anything(tmp_path: Path) -> None:
    for wrong in ("medallin", 'medallion={"tables": ["x"]}', 'simulate={"days": 0}'):
        done = subprocess.run(
            [sys.executable, "-m", "dags", "upkeep", wrong],
            env=environment(AIRFLOW_HOME=str(tmp_path / "home"), LAKE_ROOT=str(tmp_path / "lake")),
            cwd=CHECKOUT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and "DAG upkeep" not in done.stdout, done.stderr
    assert not (tmp_path / "lake").exists()


def test_dags_begin_apart_and_medallion_when_files_landed(tmp_path: Path) -> None:
    code = (
        "from dags.__main__ import local_environment; local_environment()\n"
        "import json, os; from airflow.dag_processing.dagbag import DagBag; from dags.tasks import PARAMETERS\n"
        "bag = DagBag(os.environ['AIRFLOW__CORE__DAGS_FOLDER']); assert not bag.import_errors, bag.import_errors\n"
        "m = bag.dags['medallion'].timetable\n"
        "times = {n: (getattr(d.timetable, 'timetable', d.timetable)) for n, d in bag.dags.items()}\n"
        "print(json.dumps({'times': {n: [t.expression, str(t.timezone)] for n, t in times.items()}, "
        "'assets': [a.uri for a in m.asset_condition.objects], "
        "'emits': [o.uri for o in bag.dags['simulate'].get_task('deliver').outlets], "
        "'params': {n: list(d.params) == list(PARAMETERS[n]) for n, d in bag.dags.items()}}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(AIRFLOW_HOME=str(tmp_path)), cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.strip().splitlines()[-1])
    begins = {n: tuple(map(int, time_of.split()[1::-1])) for n, (time_of, _) in seen["times"].items()}
    assert begins == {"simulate": (0, 5), "medallion": (0, 30), "retrain": (2, 0), "upkeep": (5, 0)}
    assert {zone for _, zone in seen["times"].values()} == {"Europe/Paris"}
    assert seen["assets"] == seen["emits"] == ["lake://landing/files"]
    assert all(seen["params"].values()), seen["params"]


def test_old_logs_go_and_new_ones_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__LOGGING__BASE_LOG_FOLDER", str(tmp_path))
    old, new = tmp_path / "a" / "b" / "old.log", tmp_path / "a" / "new.log"
    for file in (old, new):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    then = time.time() - 11 * 86_400
    for path in (old, old.parent):
        os.utime(path, (then, then))
    assert remove_logs(10) == 1
    assert new.exists() and not old.parent.exists()
