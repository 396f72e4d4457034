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


PARAMETERS = {
    "medallion": ("first_day", "last_day", "tables", "dry_run"),
    "retrain": ("problems", "seed", "promote"),
    "simulate": ("days", "until", "scale", "seed", "dirt"),
    "upkeep": ("retention_days", "airflow_days"),
}


def check(dag: str, params: dict[str, Any]) -> None:
    """Refuse parameters that can't be met. Raises CannotBeMet (a ValueError)."""
    from pipelines.selection import CannotBeMet

    if unknown := sorted(set(params) - set(PARAMETERS.get(dag, params))):
        raise CannotBeMet(f"no parameter {', '.join(unknown)}; there are {', '.join(PARAMETERS[dag])}")
    if dag == "medallion":
        _medallion_asked(params)
    if dag == "retrain":
        _problems_asked(params)


def _checked(dag: str, params: dict[str, Any]) -> None:
    """The same in a task: another try would not help."""
    from airflow.sdk.exceptions import AirflowFailException

    try:
        check(dag, params)
    except ValueError as error:
        raise AirflowFailException(f"{dag}: {error}") from None


def _medallion_asked(params: dict[str, Any]) -> tuple[set[str], date | None, date | None]:
    from lake.catalog import catalog
    from lake.settings import settings
    from pipelines.selection import as_of, days, selected

    first, last = (date.fromisoformat(params[k]) if params.get(k) else None for k in ("first_day", "last_day"))
    days(first, last, settings().start, as_of(settings()), ("first_day", "last_day"))
    return {t.name for t in selected(catalog(), params.get("tables") or [], settings().chosen_domains)}, first, last


def _problems_asked(params: dict[str, Any]) -> list[str]:
    from lake.tables.models import PROBLEMS
    from pipelines.selection import CannotBeMet

    wanted = params.get("problems") or list(PROBLEMS)
    if unknown := sorted(set(wanted) - set(PROBLEMS)):
        raise CannotBeMet(f"no problem {', '.join(unknown)}; there are {', '.join(PROBLEMS)}")
    return list(wanted)


def build(name: str, airflow_run: str, params: dict[str, Any]) -> dict[str, str]:
    """Build one group; fail without retry on a broken contract, with retry on anything else. Returns each table's outcome."""
    from airflow.sdk.exceptions import AirflowException, AirflowFailException

    from dags.groups import groups
    from lake.catalog import catalog

    _checked("medallion", params)
    wanted, first, last = _medallion_asked(params)
    group = next(g for g in groups(catalog()) if g.name == name)
    tables = [t for t in group.tables if t.name in wanted]
    if not tables:
        return {}
    from pipelines.run import Runner

    runner = Runner(run_id_of(airflow_run), progress=say)
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


def simulate(params: dict[str, Any]) -> tuple[str, int]:
    """Let the simulated plant deliver; return what it delivered in words, and how many files."""
    from pipelines.run import Runner
    from pipelines.simulator import Dirt
    from pipelines.simulator import simulate as deliver

    _checked("simulate", params)
    runner = Runner(progress=say)
    s = runner.settings
    until = date.fromisoformat(params["until"]) if params.get("until") else runner.as_of()
    times = float(params["dirt"])
    made = deliver(
        s.landing, s.truth, until=until, days=int(params["days"]), scale=float(params["scale"]), seed=int(params["seed"]),
        time_zone=s.site_time_zone, dirt=Dirt().times(times) if times else Dirt.none(), progress=say,
        journal=s.state_root / "simulated.json",
    )  # fmt: skip
    return f"{len(made.files)} files, {made.readings} readings until {until}", len(made.files)


def retrain(problem: str, airflow_run: str, params: dict[str, Any]) -> dict[str, str]:
    """Train one problem and let the gate decide; a refusal is an outcome, not a failure."""
    _checked("retrain", params)
    if problem not in _problems_asked(params):
        return {"outcome": "not asked for"}
    from models.retrain import retrain as trained
    from pipelines.run import Runner

    done = trained(problem, Runner(run_id_of(airflow_run), progress=say), int(params["seed"]), bool(params["promote"]), say)
    outcome = "promoted" if done.is_promoted else "refused" if done.version else "not trained"
    return {"outcome": outcome, "version": str(done.version or 0), "reasons": "; ".join(done.reasons), "digest": done.digest}


def upkeep(params: dict[str, Any]) -> str:
    """Compact, remove leftovers and old versions."""
    from pipelines.run import Runner
    from pipelines.upkeep import Upkeep, total

    _checked("upkeep", params)
    runner = Runner(progress=say)
    done = total(Upkeep(runner, int(params.get("retention_days") or runner.settings.retention_days)).run())
    say(done)
    return done


def airflow_upkeep(params: dict[str, Any]) -> str:
    """Remove Airflow's runs and logs that are older than asked for, or than the setting."""
    from dags.retention import clean
    from lake.settings import settings

    _checked("upkeep", params)
    done = clean(int(params.get("airflow_days") or settings().airflow_days))
    say(done)
    return done
