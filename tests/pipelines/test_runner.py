"""The runner on hand-written files: corrections, refusals, blocked tables, restored ones, waivers, forced ranges, upkeep."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lake.constraints import Between
from pipelines import commands
from pipelines.__main__ import main
from pipelines.run import Runner
from pipelines.upkeep import Upkeep, total
from tests.conftest import CHECKOUT
from tests.sandbox import DAY, Sandbox, reading

READINGS, BRONZE = "silver_refrigeration__readings", "bronze_refrigeration__readings"
YESTERDAY = DAY - timedelta(days=1)
UP_TO_SILVER = (BRONZE, "bronze_refrigeration__units", "bronze_lake__calendar", "silver_refrigeration__units", READINGS)


@pytest.fixture(scope="module")
def template(spark, tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """Two sound readings and one of a unit that nobody knows, up to silver."""
    made = Sandbox(tmp_path_factory.mktemp("template"))
    made.land_units()
    made.land_readings("a", [reading(f"{YESTERDAY}T10:00:00Z"), reading(f"{DAY}T10:00:00Z"), reading(f"{DAY}T11:00:00Z", unit="NOBODY")])
    made.run(only=UP_TO_SILVER)
    return made


@pytest.fixture
def lake(template: Sandbox, tmp_path: Path) -> Sandbox:
    """A copy of the template: a lake holds no absolute path."""
    shutil.copytree(template.root, tmp_path / "copy")
    return Sandbox(tmp_path / "copy")


@pytest.fixture
def cli(lake: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """The command line on the lake: exit status, stdout, stderr."""
    from lake.settings import settings

    s = lake.settings
    for name, value in (
        ("LAKE_ROOT", s.lake_root),
        ("REPORT_ROOT", s.report_root),
        ("LAKE_STATE_ROOT", s.state_root),
        ("LAKE_AS_OF", s.as_of),
    ):
        monkeypatch.setenv(name, str(value))
    settings.cache_clear()

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(list(arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    yield call
    monkeypatch.undo()
    settings.cache_clear()


def test_rows_are_published_or_kept_out_with_their_reason(lake: Sandbox) -> None:
    assert lake.open(READINGS).rows == {YESTERDAY: 1, DAY: 1}
    kept = lake.lake.open_sibling(lake.open(READINGS), lake.cat[f"{READINGS}__quarantine"])
    assert kept is not None
    (row,) = kept.read().to_pylist()
    assert (row["_file"], row["_row"]) == ("refrigeration/readings/a.jsonl", 3)
    assert row["reasons"] == ["unit_id: found in silver_refrigeration__units.unit_id"] and row["found"] == ["NOBODY"]
    assert json.loads(row["content"])["machine_id"] == "NOBODY"


def test_a_corrected_file_replaces_its_rows_and_touches_only_its_days(lake: Sandbox) -> None:
    before = lake.open(READINGS).number
    lake.land_readings("a", [reading(f"{DAY}T10:00:00Z", temp_evaporator=-11.0)])
    results = lake.run(only=UP_TO_SILVER)
    assert lake.open(READINGS).rows == {DAY: 1}, "the new version no longer has the row of the day before"
    assert lake.frame(READINGS)["evaporator_temperature_c"].tolist() == [-11.0]
    assert results[READINGS].fates["superseded"] == 3
    assert lake.lake.changed_since(lake.open(READINGS), before) == {YESTERDAY, DAY}


def test_a_file_that_cannot_be_read_is_refused_by_name_and_a_mended_one_taken(lake: Sandbox) -> None:
    lake.land("refrigeration/readings/b.jsonl.gz", "")
    path = lake.settings.landing / "refrigeration/readings/b.jsonl.gz"
    path.write_bytes(b"this is no gzip")
    lake.land_readings("c", [reading(f"{DAY}T12:00:00Z")])
    result = lake.run(only=UP_TO_SILVER)[BRONZE]
    assert result.outcome == "published" and "b.jsonl.gz" in result.message
    assert [v.outcome for v in result.verdicts[BRONZE] if v.check == "files: readable"] == ["warned"]
    assert sum(lake.open(READINGS).rows.values()) == 3
    assert lake.run(only=[BRONZE])[BRONZE].outcome == "fresh"
    lake.land("refrigeration/readings/b.jsonl.gz", json.dumps(reading(f"{DAY}T13:00:00Z")) + "\n")
    lake.run(only=UP_TO_SILVER)
    assert sum(lake.open(READINGS).rows.values()) == 4


def test_a_file_still_being_written_waits(lake: Sandbox) -> None:
    (lake.settings.landing / "refrigeration/readings/d.jsonl.part").write_text("{}")
    lake.options["settle_seconds"] = 3600.0
    lake.land_readings("e", [reading(f"{DAY}T14:00:00Z")])
    assert lake.run(only=[BRONZE])[BRONZE].outcome == "fresh"
    lake.options.clear()
    assert lake.run(only=[BRONZE])[BRONZE].outcome == "published"


def test_a_broken_critical_promise_keeps_the_last_good_version_up(lake: Sandbox, cli: Callable[..., tuple[int, str, str]]) -> None:
    table = lake.cat["gold_refrigeration__indicators"]
    lake.run(only=[table.name])
    before = lake.open(table.name).number
    columns = tuple(replace(c, constraints=(Between(low=0, high=1),)) if c.name == "evaporator_temperature_c" else c for c in table.columns)
    cat = replace(lake.cat, tables={**lake.cat.tables, table.name: replace(table, columns=columns)})
    broken = Sandbox(lake.root, cat=cat)
    result = broken.run(only=[table.name])[table.name]
    assert result.outcome == "blocked" and result.is_contract_broken
    assert "evaporator_temperature_c: from 0 to 1" in result.message and "waive" in result.message and "-20.0" in result.message
    assert lake.open(table.name).number == before
    check = "evaporator_temperature_c: from 0 to 1"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(commands, "catalog", lambda: cat)
        code, _, said = cli("waive", table.name, check, "--until", "2099-01-01", "--by", "Ana", "--why", "new sensor")
        assert code == 0, said
    waived = broken.run(only=[table.name])[table.name]
    assert waived.outcome in ("published", "unchanged")
    assert [v.waived_by for v in waived.verdicts[table.name] if v.check == check] == ["Ana until 2099-01-01: new sensor"]


def test_restore_pins_until_unpin(lake: Sandbox, cli: Callable[..., tuple[int, str, str]]) -> None:
    lake.land_readings("f", [reading(f"{DAY}T15:00:00Z")])
    lake.run(only=UP_TO_SILVER)
    assert cli("restore", READINGS, "0")[0] == 0
    assert lake.open(READINGS).rows == {YESTERDAY: 1, DAY: 1}
    assert lake.run(only=[READINGS])[READINGS].outcome == "pinned"
    assert "pinned" in cli("status")[1]
    assert cli("unpin", READINGS)[0] == 0
    assert lake.run(only=[READINGS])[READINGS].outcome == "published"
    assert lake.open(READINGS).rows == {YESTERDAY: 1, DAY: 2}
    for wrong, said in ((("restore", BRONZE, "0"), "never restored"), (("restore", READINGS, "99"), "has versions 0 to"),
                        (("restore", f"{READINGS}__quarantine", "0"), "together"), (("restore", "nothing", "0"), "no table")):  # fmt: skip
        code, _, error = cli(*wrong)
        assert code == 2 and said in error


def test_the_command_line_shows_the_lake(cli: Callable[..., tuple[int, str, str]], lake: Sandbox) -> None:
    status = json.loads(cli("status", "--json")[1])
    assert {t["table"]: t["rows"] for t in status["tables"]}[READINGS] == 2
    history = json.loads(cli("history", READINGS, "--json")[1])
    assert history["versions"][0]["version"] == 0 and history["versions"][0]["run"]
    found = json.loads(cli("quarantine", READINGS, "--json")[1])["tables"][0]
    assert found["rows"] == 1 and found["samples"][0]["_row"] == 3
    assert "NOBODY" in cli("quarantine")[1]
    plan = json.loads(cli("run", "--dry-run", "--json")[1])
    assert {t["table"] for t in plan["tables"] if t["fresh"]} >= set(UP_TO_SILVER)
    assert "never built" in cli("run", "--dry-run", "--table", "gold_refrigeration__indicators")[1]
    assert cli("history", READINGS)[0] == 0 and cli("history", "gold_refrigeration__daily")[0] == 0


def test_run_prints_one_json_document_and_a_summary(cli: Callable[..., tuple[int, str, str]], lake: Sandbox) -> None:
    only = ("--table", "gold_refrigeration__indicators", "--from", str(DAY), "--to", str(DAY))
    code, out, _ = cli("run", "--json", *only)
    (table,) = json.loads(out)["tables"]
    assert code == 0 and table["outcome"] == "published" and table["partitions"] == 1
    assert lake.open("gold_refrigeration__indicators").rows == {DAY: 1}, "only the forced day"
    assert cli("run", "--table", "gold_refrigeration__indicators")[0] == 0
    assert lake.open("gold_refrigeration__indicators").rows == {YESTERDAY: 1, DAY: 1}, "the forced range hid nothing"
    code, out, _ = cli("summary")
    assert code == 0 and "All went well" in out and "index.html" in out
    assert (lake.settings.report_root / "index.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "--table", "nothing"), "no table nothing"),
        (("run", "--from", "2026-02-02", "--to", "2026-01-01"), "is after"),
        (("quarantine", "nothing"), "has no quarantine"),
        (("waive", READINGS, "no such check", "--until", "2099-01-01", "--by", "me", "--why", "x"), "has no check"),
        (("waive", READINGS, "x", "--until", "2020-01-01", "--by", "me", "--why", "x"), "has passed"),
        (("summary", "no-such-run"), "no run"),
    ],
)
def test_a_mistaken_call_is_one_clear_line(cli: Callable[..., tuple[int, str, str]], arguments: tuple[str, ...], said: str) -> None:
    code, out, error = cli(*arguments)
    assert code == 2 and said in error and not out and len(error.splitlines()) == 1


def test_a_mistaken_setting_is_named(cli: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    from lake.settings import settings

    monkeypatch.setenv("LAKE_TIME_ZONE", "Mars/Olympus")
    settings.cache_clear()
    code, _, error = cli("status")
    assert code == 2 and "LAKE_TIME_ZONE" in error and "Mars/Olympus" in error
    code, out, _ = cli("doctor", "--json")
    assert code == 1 and "Mars/Olympus" in out


def test_doctor(cli: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = cli("doctor")
    assert code == 0 and "Sail in this process" in out and "needs no Java" in out and out.rstrip().endswith("Ready.")


def test_check_source_shows_what_would_come_out(cli: Callable[..., tuple[int, str, str]], lake: Sandbox) -> None:
    file = lake.land_readings(
        "g", [reading(f"{DAY}T10:00:00Z", firmware="2.1"), reading("yesterday"), reading(f"{DAY}T11:00:00Z", superheat="x")]
    )
    mapping = str(CHECKOUT / "lake/sources/refrigeration_readings.yaml")
    code, out, _ = cli("check-source", mapping, str(file), "--json")
    found = json.loads(out)
    assert code == 1 and found["rows"] == 3 and found["fates"] == {"published": 1, "quarantined": 2}
    assert found["unmapped_columns"] == ["firmware"]
    assert set(found["reasons"]) == {"measured_at: readable as timestamp", "superheat_k: readable as double"}
    assert "rejected row 2" in cli("check-source", mapping, str(file))[1]
    assert cli("check-source", mapping, str(file.parent / "none"))[0] == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"machine_id": "java_method('java.lang.Runtime', 'x')"}, "java_method"),
        ({"machine_id": "reflect('java.lang.System', 'exit', 1)"}, "reflect"),
        ({"unit_id:": "unit_ident:"}, "unit_ident"),
        ({"temp_evaporator": "temp_evaporator + )"}, "evaporator_temperature_c"),
        ({"format: jsonl": "format: word"}, "word"),
    ],
)
def test_a_mistaken_mapping_is_one_clear_line(
    cli: Callable[..., tuple[int, str, str]], tmp_path: Path, change: dict[str, str], said: str
) -> None:
    text = (CHECKOUT / "lake/sources/refrigeration_readings.yaml").read_text()
    for old, new in change.items():
        text = text.replace(old, new, 1)
    mapping = tmp_path / "refrigeration_readings.yaml"
    mapping.write_text(text)
    code, _, error = cli("check-source", str(mapping), str(mapping))
    assert code == 2 and said in error and len(error.splitlines()) == 1 and "refrigeration_readings.yaml" in error


def test_upkeep_compacts_and_clears_without_making_anything_stale(lake: Sandbox) -> None:
    lake.land_readings("h", [reading(f"{DAY}T16:00:00Z")])
    lake.run(only=UP_TO_SILVER)
    left = lake.lake.folder(lake.cat[READINGS]) / "run=killed" / f"day={DAY}"
    left.mkdir(parents=True)
    some = Path(lake.open(READINGS).uris()[0])
    (left / "part-0.parquet").write_bytes(some.read_bytes())
    os.utime(left / "part-0.parquet", (time.time() - 7 * 3600,) * 2)  # what is younger than LAKE_GRACE_HOURS stays
    before = {n: lake.frame(n).to_dict() for n in UP_TO_SILVER}
    runner = Runner(cat=lake.cat, conf=lake.settings)
    done = Upkeep(runner, retention_days=1).run()
    assert "partitions compacted" in total(done)
    assert {c.table: c.compacted for c in done}[BRONZE] > 0 and not (left / "part-0.parquet").exists()
    assert {n: lake.frame(n).to_dict() for n in UP_TO_SILVER} == before
    assert {r.outcome for r in lake.run(only=UP_TO_SILVER).values()} == {"fresh"}


def test_two_runs_at_once_double_nothing(lake: Sandbox) -> None:
    lake.land_readings("i", [reading(f"{DAY}T{h:02}:30:00Z") for h in range(10, 20)])
    outcomes: list[str] = []
    both = [threading.Thread(target=lambda: outcomes.append(lake.run(only=[BRONZE])[BRONZE].outcome)) for _ in range(2)]
    for t in both:
        t.start()
    for t in both:
        t.join()
    assert sorted(outcomes) == ["fresh", "published"]
    assert sum(lake.open(BRONZE).rows.values()) == 13


def test_without_the_lock_the_second_run_plans_again(lake: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a lock on another machine wouldn't stop, Delta does."""
    lake.land_readings("j", [reading(f"{DAY}T18:00:00Z")])
    slow, quick = lake.runner(), lake.runner()
    original = Runner._stage
    said: list[str] = []
    slow.progress = said.append

    def stage(self: Runner, plan: Any) -> Any:
        staged = original(self, plan)
        if self is slow and not said.count("rival"):
            said.append("rival")
            quick._attempt(lake.cat[BRONZE], None, None)
        return staged

    monkeypatch.setattr(Runner, "_stage", stage)
    assert slow._attempt(lake.cat[BRONZE], None, None).outcome == "fresh"
    assert any("planning again" in line for line in said)
    assert sum(lake.open(BRONZE).rows.values()) == 4


def test_a_mended_mapping_replays_what_landed(lake: Sandbox) -> None:
    lake.land_readings("k", [reading(f"{DAY}T19:00:00Z", superheat="7,5")])
    assert lake.run(only=UP_TO_SILVER)[READINGS].fates["quarantined"] == 2
    source = lake.cat.sources[BRONZE]
    mended = replace(source, select={**source.select, "superheat_k": "number(replace(superheat, ',', '.'))"})
    lake.cat = replace(lake.cat, sources={**lake.cat.sources, BRONZE: mended})
    result = lake.run(only=UP_TO_SILVER)[READINGS]
    assert result.fates["quarantined"] == 1 and 7.5 in lake.frame(READINGS)["superheat_k"].tolist()


def test_the_process_says_with_its_exit_status_how_it_went(lake: Sandbox) -> None:
    s = lake.settings
    env = {**os.environ, "LAKE_ROOT": str(s.lake_root), "LAKE_STATE_ROOT": str(s.state_root), "LAKE_AS_OF": str(s.as_of)}
    done = subprocess.run(
        [sys.executable, "-m", "pipelines", "history", "nothing"], env=env, cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "no table nothing" in done.stderr
