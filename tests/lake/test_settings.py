"""Settings that can't be met are refused, by name, wherever they are read."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from lake.settings import Settings, mistakes
from tests.conftest import CHECKOUT

WRONG = [
    ({"LAKE_START": "2026-04-01", "LAKE_AS_OF": "2026-03-31"}, "LAKE_START=2026-04-01 lies after LAKE_AS_OF=2026-03-31"),
    ({"LAKE_START": "2199-01-01"}, "LAKE_START=2199-01-01 lies after today"),
    ({"LAKE_START": "0001-01-01"}, "LAKE_START=0001-01-01: must lie between 1970-01-01"),
    ({"LAKE_AS_OF": "9999-12-31"}, "LAKE_AS_OF=9999-12-31: must lie between 1970-01-01"),
    ({"LAKE_AS_OF": "yesterday"}, "LAKE_AS_OF=yesterday: "),
    ({"LAKE_SCHEDULE": "sometimes"}, "LAKE_SCHEDULE=sometimes: is neither a cron expression"),
    ({"LAKE_EXTRA": "/nowhere:/tmp"}, "LAKE_EXTRA=/nowhere:/tmp: no such folder: /nowhere"),
    ({"SPARK_REMOTE": "spark.example:15002/;token=hidden"}, "SPARK_REMOTE=spark.example:15002/: is not a Spark Connect endpoint"),
    ({"LAKE_ENGINE": "duckdb"}, "LAKE_ENGINE=duckdb: "),
    ({"LAKE_ENGINE_CORES": "0"}, "LAKE_ENGINE_CORES=0: "),
    ({"LAKE_ENGINE_MEMORY": "much"}, "LAKE_ENGINE_MEMORY=much: "),
    ({"LAKE_TIME_ZONE": "Mars"}, "LAKE_TIME_ZONE=Mars: is not a time zone"),
    ({"LAKE_LOCK_SECONDS": "-1"}, "LAKE_LOCK_SECONDS=-1: "),
    ({"LAKE_RETENTION_DAYS": "0"}, "LAKE_RETENTION_DAYS=0: "),
    ({"LAKE_AIRFLOW_DAYS": "0"}, "LAKE_AIRFLOW_DAYS=0: "),
    ({"LAKE_ROOT": str(Path(__file__))}, "is a file; name a folder"),
]


@pytest.mark.parametrize(("environment", "said"), WRONG, ids=lambda v: v if isinstance(v, str) else None)
def test_a_setting_that_cannot_be_met_is_named(environment: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as caught:
        Settings()
    (line,) = mistakes(caught.value)
    assert said in line and "hidden" not in line


def test_what_can_be_met_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for schedule in ("never", "@hourly", "0 6 * * 1-5"):
        monkeypatch.setenv("LAKE_SCHEDULE", schedule)
        assert Settings().schedule == schedule
    assert Settings(start=date(2026, 3, 31), as_of=date(2026, 3, 31)).start == date(2026, 3, 31)


@pytest.mark.parametrize(
    "command",
    [["pipelines", "status"], ["pipelines", "run"], ["models", "versions"], ["dags", "medallion"], ["dags.server", "up"]],
    ids=" ".join,
)
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LAKE_DOMAINS", "fleet,flet", "LAKE_DOMAINS names flet; the catalog has amdec, fleet"),
        ("LAKE_START", "2199-01-01", "lies after today"),
    ],
)
def test_every_entry_refuses_it_by_the_same_words(command: list[str], name: str, value: str, said: str, tmp_path: Path) -> None:
    env = {**os.environ, name: value, "LAKE_ROOT": str(tmp_path / "lake"), "AIRFLOW_HOME": str(tmp_path / "a"), "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run([sys.executable, "-m", *command], env=env, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode and said in done.stderr and not done.stdout and len(done.stderr.splitlines()) == 1, done.stderr
    assert not (tmp_path / "lake").exists() and not (tmp_path / "a").exists()
