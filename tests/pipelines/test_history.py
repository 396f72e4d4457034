"""How much of the lake's history a run reads: files counted, not seconds."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.dataset as ds
import pytest
from pyspark.sql import SparkSession

from lake import storage
from lake.contract import Table
from pipelines import history
from pipelines.reporting import write_run_report
from pipelines.result import Result
from pipelines.summary import recorded
from tests.sandbox import Sandbox, reading

NAMES = ("bronze_refrigeration__units", "bronze_refrigeration__readings", "bronze_lake__calendar", "silver_refrigeration__units")
DAYS = 40
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """A few tables, and a run of them on each of forty days; the last one of all was yesterday."""
    made = Sandbox(tmp_path_factory.mktemp("history"))
    made.land_units()
    made.land_readings("a", [reading(f"{made.as_of}T10:00:00Z")])
    made.run(only=NAMES)
    for n in range(DAYS, 0, -1):
        at = NOW - timedelta(days=n)
        run, tables = f"{at:%Y%m%d}", NAMES if n == DAYS // 2 else NAMES[:3]
        told = [{"run": run, "table": t, "check": c, "severity": "critical", "outcome": "passed"} for t in NAMES[:3] for c in "ab"]
        history.append(made.cat, made.lake, history.VERDICTS, told, at)
        history.append(
            made.cat, made.lake, history.RUNS, [{"run": run, "table": t, "outcome": "fresh", "seconds": 0.0} for t in tables], at
        )
    return made


@pytest.fixture
def files(lake: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Files read, by table; each test begins as a new process does."""
    found: Counter[str] = Counter()
    original = storage._dataset

    def counted(table: Table, root: Path, uris: list[str], texts_once: bool = False) -> ds.Dataset:
        found[table.name] += len(uris)
        return original(table, root, uris, texts_once)

    monkeypatch.setattr(storage, "_dataset", counted)
    monkeypatch.setattr(storage, "_HELD", {})
    return found


def test_the_last_record_of_each_table_is_looked_for_from_the_newest_day_back(lake: Sandbox, files: Counter[str]) -> None:
    last = history.last_runs(lake.cat, lake.lake)
    assert set(last) >= set(NAMES) and files[history.RUNS] <= 2
    old = history.newest(lake.cat, lake.lake, history.RUNS, ("gold_no__such",))
    assert set(old) == set(NAMES), "and everything is, when a table isn't found"


def test_what_one_run_recorded_is_read_of_its_days(lake: Sandbox, files: Counter[str]) -> None:
    run = f"{NOW - timedelta(days=3):%Y%m%d}"
    assert len(history.of_run(lake.cat, lake.lake, history.VERDICTS, run)) == 6
    assert files[history.VERDICTS] <= 5 and files[history.RUNS] <= 15


def test_a_report_and_a_summary_read_each_day_once_and_only_the_last_ones(lake: Sandbox, files: Counter[str]) -> None:
    runner = lake.runner()
    results = runner.run([lake.cat[n] for n in NAMES])
    assert {r.outcome for r in results} == {"fresh"}
    write_run_report(runner, results)
    assert [r.table for r in recorded(runner)]
    assert files[history.VERDICTS] <= 31 + 3 and files[history.RUNS] <= 31 + 6, "all days twice and four times before"
    before = +files
    write_run_report(runner, results)
    recorded(runner)
    assert files[history.VERDICTS] == before[history.VERDICTS] and files[history.RUNS] == before[history.RUNS], "read once"


def test_waivers_are_read_once_a_run(lake: Sandbox, files: Counter[str]) -> None:
    row = {"table": NAMES[0], "check": "x", "until": NOW.date() + timedelta(days=1), "by": "Ana", "why": "new"}
    history.append(lake.cat, lake.lake, history.WAIVERS, [row])
    runner = lake.runner()
    assert runner._publisher().waivers == runner._publisher().waivers != {}
    assert files[history.WAIVERS] == 1


def test_landing_is_listed_once_for_a_table_that_is_built(lake: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines import run

    listed: list[str] = []
    original = run.arrivals
    monkeypatch.setattr(run, "arrivals", lambda source, *rest: (listed.append(source.bronze), original(source, *rest))[1])
    lake.land_readings("b", [reading(f"{lake.as_of}T11:00:00Z")])
    (result,) = lake.runner().run([lake.cat[NAMES[1]]])
    assert isinstance(result, Result) and result.outcome == "published" and listed == [NAMES[1]]
