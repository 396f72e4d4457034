"""What tasks do when they run: the same functions as the command line. Heavy imports stay inside."""

import re
import sys
from datetime import date
from typing import Any


def run_id_of(airflow_run: str) -> str:
    """Airflow's run identifier as a folder name.

    >>> run_id_of("manual__2026-03-31T00:00:00+00:00")
    'manual__2026-03-31T00.00.00.00.00'
    """
    return re.sub(r"[^A-Za-z0-9_-]+", ".", airflow_run)


def say(line: str) -> None:
    """Progress: to the task's log, and to the terminal where the DAG runs in one process."""
    print(line, flush=True)
    if sys.stdout is not sys.__stdout__ and sys.__stderr__ is not None and sys.__stderr__.isatty():
        print(line, file=sys.__stderr__, flush=True)


def build(name: str, airflow_run: str, params: dict[str, Any]) -> dict[str, str]:
    """Build one group; fail without retry on a broken contract, with retry on anything else."""
    from airflow.sdk.exceptions import AirflowException, AirflowFailException

    from dags.groups import groups
    from lake.catalog import catalog

    group = next(g for g in groups(catalog()) if g.name == name)
    wanted = params.get("tables") or []
    tables = [t for t in group.tables if not wanted or t.name in wanted]
    if not tables:
        return {}
    from pipelines.run import Runner

    runner = Runner(run_id_of(airflow_run), progress=say)
    first, last = (date.fromisoformat(params[k]) if params.get(k) else None for k in ("first_day", "last_day"))
    if params.get("dry_run"):
        for table in tables:
            say(f"{table.name}: {runner.plan(table, first, last).state}")
        return {t.name: "planned" for t in tables}
    results = runner.run(tables, first, last)
    bad = [r for r in results if r.is_bad]
    if bad:
        words = "\n".join(f"{r.table} {r.outcome}: {r.message}" for r in bad)
        raise AirflowFailException(words) if all(r.is_contract_broken for r in bad) else AirflowException(words)
    return {r.table: r.outcome for r in results}


def report(airflow_run: str) -> str:
    """Write the validation report of a run from what its tasks recorded; return where it is."""
    from pipelines.reporting import write_run_report
    from pipelines.run import Runner
    from pipelines.summary import recorded

    runner = Runner(run_id_of(airflow_run), progress=say)
    page = write_run_report(runner, recorded(runner))
    say(f"report: {page.as_uri()}")
    return str(page)


def simulate(params: dict[str, Any]) -> str:
    """Let the simulated plant deliver."""
    from pipelines.run import Runner
    from pipelines.simulator import Dirt
    from pipelines.simulator import simulate as deliver

    runner = Runner(progress=say)
    s = runner.settings
    until = date.fromisoformat(params["until"]) if params.get("until") else runner.as_of()
    times = float(params["dirt"])
    made = deliver(
        s.landing, s.truth, until=until, days=int(params["days"]), scale=float(params["scale"]), seed=int(params["seed"]),
        time_zone=s.site_time_zone, dirt=Dirt().times(times) if times else Dirt.none(), progress=say,
        journal=s.state_root / "simulated.json",
    )  # fmt: skip
    return f"{len(made.files)} files, {made.readings} readings until {until}"


def retrain(problem: str, airflow_run: str, params: dict[str, Any]) -> dict[str, str]:
    """Train one problem and let the gate decide; a refusal is an outcome, not a failure."""
    from models.problem import declared
    from models.retrain import retrain as trained
    from pipelines.run import Runner

    wanted = params.get("problems") or list(declared())
    if problem not in wanted:
        return {"outcome": "not asked for"}
    done = trained(problem, Runner(run_id_of(airflow_run), progress=say), int(params["seed"]), bool(params["promote"]), say)
    outcome = "promoted" if done.is_promoted else "refused" if done.version else "not trained"
    return {"outcome": outcome, "version": str(done.version or 0), "reasons": "; ".join(done.reasons), "digest": done.digest}


def upkeep(params: dict[str, Any]) -> str:
    """Compact, remove leftovers and old versions."""
    from pipelines.run import Runner
    from pipelines.upkeep import Upkeep, total

    runner = Runner(progress=say)
    done = total(Upkeep(runner, int(params.get("retention_days") or runner.settings.retention_days)).run())
    say(done)
    return done
