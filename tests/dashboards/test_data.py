"""Reads are pruned, cached by version, and say how healthy a table is."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from dashboards import data, health
from lake.catalog import catalog
from lake.settings import settings
from lake.storage import Lake
from tests.dashboards.plant import LAST, TINY, Plant

STATUS = "gold_fleet__status"
RUNS = "gold_lake__runs"


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path))
    monkeypatch.setenv("LAKE_AS_OF", LAST.isoformat())
    settings.cache_clear()
    Plant(TINY, 5).fill(tmp_path, only=(STATUS, "gold_amdec__ratings"))
    yield Lake(tmp_path)
    monkeypatch.undo()
    settings.cache_clear()


def test_a_range_reads_only_its_partitions_and_columns(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = data.opened(STATUS)
    assert opened is not None
    for file in opened.files:  # a file outside the range that is gone is never missed
        if file.partition != LAST:
            (opened.root / file.path).unlink()
    found = data.rows(STATUS, ("vin", "status"), LAST, LAST)
    assert list(found) == ["vin", "status"] and len(found) == TINY["fleet"]
    assert data.newest_day(STATUS) == LAST


def test_only_keeps_rows_with_one_of_the_values(lake: Lake) -> None:
    found = data.rows(STATUS, ("vin", "day"), only={"vin": ["VIN-750001", "VIN-750003"]})
    assert set(found["vin"]) == {"VIN-750001", "VIN-750003"} and len(found) == 10


def test_a_new_version_is_seen_and_an_old_one_can_be_asked_for(lake: Lake, tmp_path: Path) -> None:
    assert len(data.rows(STATUS)) == 5 * TINY["fleet"]
    table = catalog()[STATUS]
    lake.publish(table, lake.open(table), [], {LAST}, {"gone": 1}, {})
    assert len(data.rows(STATUS)) == 4 * TINY["fleet"]
    assert len(data.rows(STATUS, version=0)) == 5 * TINY["fleet"]


def test_who_changes_a_frame_changes_nobody_elses(lake: Lake) -> None:
    mine = data.rows(STATUS, ("vin", "status"))
    mine["status"] = "?"
    mine.loc[0, "vin"] = "?"
    assert "?" not in set(data.rows(STATUS, ("vin", "status")).to_numpy().ravel())


def test_a_table_never_published_or_never_declared_is_empty(lake: Lake) -> None:
    assert list(data.rows("gold_line__status")) == [c.name for c in catalog()["gold_line__status"].columns]
    assert data.rows("gold_line__status").empty and data.rows("gold_nobody__knows", ("a",)).empty
    assert health.of("gold_line__status").state == "missing"


def test_health_tells_late_failed_and_good(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert health.of(STATUS).state == "good"
    monkeypatch.setenv("LAKE_AS_OF", (LAST + timedelta(days=3)).isoformat())
    settings.cache_clear()
    late = health.of(STATUS)
    assert (late.state, late.lag_days, late.day) == ("stale", 3, LAST)
    Plant(TINY, 5).fill(tmp_path, only=(RUNS,))
    assert health.last_runs().loc[STATUS, "outcome"] == health.of(STATUS).outcome == "published"


def test_a_day_that_cannot_be_read_is_no_day(lake: Lake) -> None:
    assert date(1900, 1, 1) == data.UNREADABLE
    assert data.UNREADABLE not in data.partitions(STATUS)
