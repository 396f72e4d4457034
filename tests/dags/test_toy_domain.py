"""A domain added from a folder elsewhere gets everything with no edit, under the real scheduler; when it breaks the others go on."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from dags.groups import groups
from dags.tasks import run_id_of
from lake.catalog import discover
from lake.document import document
from quality.suite import expectations
from tests.conftest import CHECKOUT
from tests.dags.airflow import environment, listening, scheduler
from tests.sandbox import DAY, Sandbox, reading
from tests.toy import make


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("extra"))


def test_it_gets_tables_tasks_a_suite_and_its_section(toy: Path) -> None:
    cat = discover((toy,))
    made = {t for t in cat.tables if "_toy__" in t}
    assert made == {
        "bronze_toy__counts",
        "bronze_toy__counts__files",
        "silver_toy__counts",
        "silver_toy__counts__quarantine",
        "gold_toy__totals",
        "gold_toy__journal",
    }
    assert {"bronze_toy", "silver_toy", "gold_toy"} <= {g.name for g in groups(cat)}
    assert len(expectations(cat["gold_toy__totals"], {})) >= 3
    assert "`gold_toy__totals`" in document(cat)


def test_the_scheduler_builds_it_and_a_broken_domain_stops_no_other(toy: Path, tmp_path: Path) -> None:
    """First the real scheduler; then, as another process of the same Airflow, `python -m dags` with every DAG that needs no model."""
    lake = Sandbox(tmp_path, cat=discover((toy,)))
    s = lake.settings
    home = tmp_path / "airflow"
    env = environment(
        LAKE_EXTRA=str(toy), LAKE_ROOT=str(s.lake_root), REPORT_ROOT=str(s.report_root), LAKE_AS_OF=str(DAY),
        LAKE_STATE_ROOT=str(s.state_root), LAKE_DOMAINS="lake,toy", AIRFLOW_HOME=str(home),
        LAKE_SCHEDULE="0 0 1 1 *",
    )  # fmt: skip
    tables = [t.name for t in lake.cat.buildable if t.domain in ("lake", "toy")]
    lake.land("toy/a.csv", f"toy,pieces,who,seen\nbear,3,Ann,{DAY}\ncar,x,Ann,{DAY}\n")
    with scheduler(home, env) as api:
        addresses = listening(home)
        assert addresses and all(a.startswith("127.0.0.1:") for own in addresses.values() for a in own), addresses
        api.unpause("medallion")
        run = api.run("medallion", {"tables": tables})
        states = api.tasks("medallion", run["dag_run_id"])
        assert run["state"] == "success" and set(states.values()) == {"success"}, states
        assert api.updated(run["dag_run_id"]) == set(tables), "all of them are new"
        assert "silver_toy__counts" in api.log("medallion", run["dag_run_id"], "silver_toy"), "logs are read with no log server"
        assert lake.frame("gold_toy__totals")["total"].tolist() == [3]
        assert (s.report_root / "index.html").is_file()

        before = lake.versions()
        again = api.run("medallion", {"tables": tables})
        assert again["state"] == "success" and lake.versions() == before
        assert api.updated(again["dag_run_id"]) == set(), "nothing changed, so nobody is told"

        wrong = api.run("medallion", {"tables": ["silver_toy__nothing"]})
        assert wrong["state"] == "failed"
        assert "medallion: no table silver_toy__nothing" in api.log("medallion", wrong["dag_run_id"], "bronze_toy")

        api.unpause("simulate")
        delivered = api.run("simulate", {"scale": 0.1})
        assert delivered["state"] == "success" and api.updated(delivered["dag_run_id"]) == {"landing"}
        landed = api.ended("medallion", lambda r: r["run_type"] == "asset_triggered")
        assert landed["state"] == "success" and landed["logical_date"] is None, landed

        api.unpause("upkeep")
        old = home / "logs" / "old" / "task.log"
        old.parent.mkdir()
        old.touch()
        os.utime(old.parent / "task.log", (0, 0))
        os.utime(old.parent, (0, 0))
        assert api.run("upkeep", {})["state"] == "success"
        assert not old.exists()
    assert oct((home / "secrets.json").stat().st_mode)[-3:] == "600"
    assert oct((home / "passwords.json").stat().st_mode)[-3:] == "600"
    newest = [r for r in lake.open("gold_lake__runs").read().to_pylist() if r["run"] == run_id_of(again["dag_run_id"])]
    assert {r["outcome"] for r in newest} == {"fresh"} and {r["table"] for r in newest} >= set(tables)

    # Spark takes seconds per table: other domains, and what follows hourly, add nothing here
    cold = {
        t.name
        for t in lake.cat.buildable
        if t.domain == "refrigeration" and (t.layer != "gold" or t.name.endswith(("indicators", "hourly")))
    }
    shutil.rmtree(s.landing / "refrigeration")  # what was simulated above
    (s.state_root / "simulated.json").unlink()
    lake.land("toy/b.csv", f"toy,pieces,who,seen\nwhale,5000,Ann,{DAY}\n")
    lake.land_units()
    lake.land_readings("a", [reading(f"{DAY}T11:{m:02}:00Z") for m in range(0, 60, 2)])
    medallion = json.dumps({"tables": [*tables, *cold]})
    simulate = json.dumps({"days": 2, "scale": 0.2})
    done = subprocess.run(
        [sys.executable, "-m", "dags", f"medallion={medallion}", f"simulate={simulate}", "upkeep"],
        env={**env, "LAKE_DOMAINS": "lake,refrigeration,toy"}, cwd=CHECKOUT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "BLOCKED: gold_toy__totals" in said and "total: from 0 to 1000" in said and "5003" in said and "waive" in said
    assert "Not all went well" in said and "gold_toy failed; their logs" in said and "DAG medallion: failed" in said
    assert lake.frame("gold_toy__totals")["total"].tolist() == [3], "the last good version stays up"
    assert lake.frame("gold_refrigeration__hourly")["reading_count"].sum() == 30
    runs = {r["table"]: r["outcome"] for r in lake.open("gold_lake__runs").read().to_pylist() if r["outcome"] == "blocked"}
    assert runs == {"gold_toy__totals": "blocked"}
    assert "DAG simulate: success" in said and "DAG upkeep: success" in said
    with closing(sqlite3.connect(home / "airflow.db")) as db:
        (run_id,) = db.execute("select run_id from dag_run where dag_id = 'medallion' and conf like '%refrigeration%'").fetchone()
        held = dict(db.execute("select task_id, state from task_instance where dag_id = 'medallion' and run_id = ?", [run_id]))
        events = (
            "select a.name from asset_event e join asset a on a.id = e.asset_id where e.source_dag_id = 'medallion' and e.source_run_id = ?"
        )
        told = {name for (name,) in db.execute(events, [run_id])}
    assert {t for t, state in held.items() if state != "success"} == {"gold_toy", "watcher"}, held
    assert told == {
        r["table"] for r in lake.open("gold_lake__runs").read().to_pylist() if r["run"] == run_id_of(run_id) and r["outcome"] == "published"
    }, "tasks report to the same API as under the scheduler"
    assert list((s.landing / "refrigeration/readings").glob("readings_*.jsonl.gz"))


def test_dags_hold_what_the_catalog_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code = (
        "from dags.__main__ import local_environment; local_environment()\n"
        "from airflow.dag_processing.dagbag import DagBag; import json, os\n"
        "bag = DagBag(os.environ['AIRFLOW__CORE__DAGS_FOLDER']); assert not bag.import_errors, bag.import_errors\n"
        "m = bag.dags['medallion']\n"
        "print(json.dumps({'dags': sorted(bag.dags), 'tasks': {t.task_id: [t.owner, sorted(t.upstream_task_ids), "
        "[o.name for o in t.outlets], bool(t.doc_md)] for t in m.tasks}, 'params': sorted(m.params)}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(AIRFLOW_HOME=str(tmp_path)), cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    seen = json.loads(done.stdout.strip().splitlines()[-1])
    assert seen["dags"] == ["medallion", "retrain", "simulate", "upkeep"]
    assert seen["params"] == ["dry_run", "first_day", "last_day", "tables"]
    cat = discover()
    for group in groups(cat):
        owner, upstream, outlets, documented = seen["tasks"][group.name]
        assert owner == group.owner and upstream == list(group.upstream) and documented
        assert outlets == [t.name for t in group.tables]
    assert seen["tasks"]["watcher"][1] == ["report"]
    leaves = {n for n in seen["tasks"] if not any(n in t[1] for t in seen["tasks"].values())}
    assert leaves == {"watcher"}, "it begins when all others are done"


def test_every_task_waits_for_what_it_needs_and_no_edge_is_drawn_twice() -> None:
    cat = discover()
    above: dict[str, set[str]] = {}
    home = {t.name: g.name for g in groups(cat) for t in g.tables}
    for group in groups(cat):
        above[group.name] = set(group.upstream).union(*(above[u] for u in group.upstream))
        needed = {home[p] for t in group.tables for p in cat.waits_for(t) if p in home} - {group.name}
        assert needed <= above[group.name]
        assert not any(u in above[other] for u in group.upstream for other in group.upstream)
