"""Published data that somebody damaged: a run and `doctor` name it, `repair` recovers it, and nothing is doubled."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lake.storage import DamagedTable
from tests.pipelines.test_runner import BRONZE, READINGS, UP_TO_SILVER, YESTERDAY, cli, lake, template  # noqa: F401
from tests.sandbox import DAY, Sandbox, reading

FILES, QUARANTINE = f"{BRONZE}__files", f"{READINGS}__quarantine"
Cli = Callable[..., tuple[int, str, str]]


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def shown(lake: Sandbox) -> dict[str, Any]:  # noqa: F811
    return {READINGS: lake.frame(READINGS).to_dict("records"), "quarantined": quarantined(lake)}


def quarantined(lake: Sandbox) -> list[tuple[str, int]]:  # noqa: F811
    kept = lake.lake.open_sibling(lake.open(READINGS), lake.cat[QUARANTINE])
    assert kept is not None
    return sorted((r["_file"], r["_row"]) for r in kept.read().to_pylist())


def bronze_rows(lake: Sandbox) -> list[tuple[str, int]]:  # noqa: F811
    """Rows of current file versions, as silver reads them."""
    head = lake.open(BRONZE)
    files = lake.lake.open_sibling(head, lake.cat[FILES])
    assert files is not None
    current = {r["_intake"] for r in files.read().to_pylist() if r["is_current"]}
    return sorted((r["_file"], r["_row"]) for r in head.read().to_pylist() if r["_intake"] in current)


@pytest.mark.parametrize("table", [READINGS, QUARANTINE, BRONZE, FILES])
@pytest.mark.parametrize("harm", [truncated, Path.unlink])
def test_a_damaged_file_is_named_and_repaired(lake: Sandbox, cli: Cli, table: str, harm: Callable[[Path], None]) -> None:  # noqa: F811
    before, rows = shown(lake), bronze_rows(lake)
    version = lake.open(table)
    harm(version.root / version.files[0].path)
    code, out, _ = cli("doctor")
    assert code == 1 and f"python -m pipelines repair {table}" in out and version.files[0].path.split("/")[-1] in out
    if table != FILES:  # what reads it names it; `files` is read to plan, below
        lake.land_readings("later", [reading(f"{DAY}T12:00:00Z"), reading(f"{YESTERDAY}T13:00:00Z")])
    bad = [r for r in lake.run(only=UP_TO_SILVER).values() if r.is_bad]
    assert all("is damaged" in r.message and "\n" not in r.message for r in bad if r.outcome == "failed")
    code, out, err = cli("repair", table)
    assert code == 0, out + err
    assert not [r.message for r in lake.run(only=UP_TO_SILVER).values() if r.is_bad]
    (lake.settings.landing / "refrigeration/readings/later.jsonl").unlink(missing_ok=True)
    assert [r for r in bronze_rows(lake) if "later" not in r[0]] == rows
    assert shown(lake)["quarantined"] == before["quarantined"]
    kept = [r for r in shown(lake)[READINGS] if r in before[READINGS]]
    assert kept == before[READINGS]
    assert cli("doctor")[1].count("repair") == 0
    assert {r.outcome for r in lake.run(only=UP_TO_SILVER).values()} == {"fresh"}


@pytest.mark.parametrize("table", [READINGS, QUARANTINE, BRONZE, FILES])
@pytest.mark.parametrize("harm", [truncated, Path.unlink])
def test_a_damaged_newest_log_entry_is_repaired(lake: Sandbox, cli: Cli, table: str, harm: Callable[[Path], None]) -> None:  # noqa: F811
    lake.land_readings("b", [reading(f"{DAY}T12:00:00Z"), reading(f"{DAY}T13:00:00Z", unit="NOBODY")])
    lake.run(only=UP_TO_SILVER)
    before, rows = shown(lake), bronze_rows(lake)
    version = lake.open(table)
    assert version.number > 0
    harm(version.root / "_delta_log" / f"{version.number:020d}.json")
    if harm is truncated:
        with pytest.raises(DamagedTable):
            lake.open(table)
    if not (table == READINGS and harm is Path.unlink):  # no other table has read the newest version of it: it is just built again
        code, out, _ = cli("doctor")
        assert code == 1 and f"python -m pipelines repair {table}" in out
        bad = [r for r in lake.run(only=UP_TO_SILVER).values() if r.is_bad]
        assert all("damaged" in r.message or "waits" in r.message for r in bad)
        code, out, err = cli("repair", table)
        assert code == 0, out + err
    assert not [r.message for r in lake.run(only=UP_TO_SILVER).values() if r.is_bad]
    assert bronze_rows(lake) == rows
    assert shown(lake) == before
    assert {r.outcome for r in lake.run(only=UP_TO_SILVER).values()} == {"fresh"}
    assert cli("doctor")[1].count("repair") == 0


def test_what_landing_no_longer_holds_is_named(lake: Sandbox, cli: Cli) -> None:  # noqa: F811
    shutil.rmtree(lake.settings.landing)
    version = lake.open(BRONZE)
    truncated(version.root / version.files[0].path)
    code, out, _ = cli("repair", BRONZE)
    assert code == 1 and "NOT RECOVERED refrigeration/readings/a.jsonl" in out and "deliver it again" in out
    assert lake.open(BRONZE).read().num_rows
    assert not [r.message for r in lake.run(only=UP_TO_SILVER).values() if r.is_bad]


def test_bronze_and_its_list_of_files_damaged_at_once(lake: Sandbox, cli: Cli) -> None:  # noqa: F811
    before, rows = shown(lake), bronze_rows(lake)
    for table in (BRONZE, FILES):
        version = lake.open(table)
        truncated(version.root / version.files[0].path)
    code, out, err = cli("repair", BRONZE)
    assert code == 0, out + err
    assert not [r.message for r in lake.run(only=UP_TO_SILVER).values() if r.is_bad]
    assert (bronze_rows(lake), shown(lake)) == (rows, before)


def test_a_damaged_ledger_stops_neither_status_nor_a_run(lake: Sandbox, cli: Cli) -> None:  # noqa: F811
    log = lake.lake.folder(lake.cat["gold_lake__runs"]) / "_delta_log"
    newest = max(log.glob("*.json"))
    newest.write_bytes(newest.read_bytes()[:50])
    code, out, err = cli("status")
    assert code == 1 and READINGS in out and "repair gold_lake__runs" in err and "Traceback" not in err
    code, out, err = cli("run", "--table", READINGS)
    assert code == 1 and "gold_lake__runs not recorded: gold_lake__runs is damaged" in err and "Traceback" not in err
    code, out, err = cli("upkeep")
    assert code == 1 and "repair gold_lake__runs" in out
    assert cli("repair", "gold_lake__runs")[0] == 0
    assert cli("run", "--table", READINGS)[0] == 0 and cli("status")[0] == 0
