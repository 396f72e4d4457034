"""A full disk, a read-only lake or report folder: one clear line, nothing half-visible, and the run recorded where it can be."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lake.settings import Settings
from lake.storage import CannotWrite
from lake.tables.lake import CALENDAR
from lake.unwritable import refusal, writing
from pipelines import history
from pipelines.run import Runner
from tests.lake.test_damage import calendar, waiver
from tests.lake.test_writers import ledger_catalog
from tests.lake.toy_lake import D1, D2, D3, TABLE, content, machine, opened, put, staged

ONE_LINE = r"^(no space left on|read-only file system:) /\S+[^\n]*run again$"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB of its own."""
    folder = tmp_path / "lake"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("mounting isn't allowed here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


def fill(folder: Path, leave: int) -> Path:
    """Fill the disk but for about so many bytes."""
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        disk = os.statvfs(folder)
        file.write(b"\0" * max(0, disk.f_bavail * disk.f_frsize - leave))
    return ballast


def read_only(folder: Path, yes: bool = True) -> None:
    subprocess.run(["mount", "-o", f"remount,{'ro' if yes else 'rw'}", str(folder)], check=True)


@pytest.mark.parametrize("leave", [0, 4096, 8192])
def test_publishing_on_a_full_disk_changes_nothing_and_says_no_space(tmp_path: Path, small_disk: Path, leave: int) -> None:
    lake = machine(tmp_path)
    put(lake, D1, {"a": 1})
    files = staged(lake, {D2: {"b": 2}})
    ballast = fill(small_disk, leave)
    made, message = None, ""
    try:
        made = lake.publish(TABLE, opened(lake), files, [D2], {}, {})
    except CannotWrite as error:
        message = str(error)
    if made is None:
        assert f"no space left on {lake.folder(TABLE)}" in message and len(message.splitlines()) == 1
        assert content(opened(lake)) == {("a", D1): 1}
        ballast.unlink()
        made = lake.publish(TABLE, opened(lake), files, [D2], {}, {})
    assert made == 1 and content(opened(lake)) == {("a", D1): 1, ("b", D2): 2}


def test_whatever_step_finds_the_disk_full_the_table_is_whole_before_and_after(tmp_path: Path, small_disk: Path) -> None:
    """Room for less and less: staging, the commit or a checkpoint fails; every version there is can be read."""
    lake = machine(tmp_path)
    put(lake, D1, {"a": 0})
    refused, shown = 0, 0
    for n in range(1, 40):
        ballast = fill(small_disk, leave=4096 * (n % 8))
        before = opened(lake).number
        try:
            with writing(lake.folder(TABLE)):
                assert put(lake, D1, {"a": n}) == before + 1
                shown = n
                if n % 5 == 0:
                    opened(lake).delta.create_checkpoint()
        except CannotWrite:
            refused += 1
        assert opened(lake).number == before + (shown == n)
        assert content(opened(lake)) == {("a", D1): shown}
        ballast.unlink()
    assert refused and shown


def test_a_read_only_lake_is_read_and_every_write_says_so(tmp_path: Path, small_disk: Path) -> None:
    lake = machine(tmp_path)
    put(lake, D1, {"a": 1})
    files = staged(lake, {D2: {"b": 2}})
    read_only(small_disk)
    try:
        assert content(opened(lake)) == {("a", D1): 1}
        for write in (
            lambda: lake.publish(TABLE, opened(lake), files, [D2], {}, {}),
            lambda: lake.restore(TABLE, 0, {}),
            lambda: history.append(ledger_catalog(), lake, history.WAIVERS, [waiver("a")]),
        ):
            with pytest.raises(CannotWrite, match=ONE_LINE):
                write()
    finally:
        read_only(small_disk, False)
    assert lake.publish(TABLE, opened(lake), files, [D2], {}, {}) == 1


def test_a_first_commit_on_a_full_disk_leaves_no_table(tmp_path: Path, small_disk: Path) -> None:
    lake = machine(tmp_path)
    files = staged(lake, {D1: {"a": 1}})
    ballast = fill(small_disk, 0)
    with pytest.raises(CannotWrite, match="no space left"):
        lake.publish(TABLE, None, files, "all", {}, {})
    assert lake.open(TABLE) is None
    ballast.unlink()
    assert lake.publish(TABLE, None, files, "all", {}, {}) == 0


@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_a_run_that_can_t_write_the_lake_ends_in_one_line_and_leaves_its_report(tmp_path: Path, small_disk: Path, fault: str) -> None:
    lake, cat = calendar(tmp_path)
    lines: list[str] = []
    runner = Runner(cat=cat, conf=Settings(**{**lake.settings.model_dump(), "as_of": D3.replace(day=9)}), progress=lines.append)
    ballast = fill(small_disk, 0) if fault == "full" else None
    if fault == "read-only":
        read_only(small_disk)
    try:
        (result,) = runner.run([CALENDAR])
    finally:
        if ballast is None:
            read_only(small_disk, False)
    assert result.outcome == "failed" and len(result.message.splitlines()) == 1
    assert ("no space left on" if ballast else "read-only file system") in result.message
    assert "Traceback" not in "".join(lines)
    assert any(what.startswith("gold_lake__runs not recorded: ") for what in runner.unrecorded)
    assert opened(lake, CALENDAR).number == 0


def test_a_run_that_can_t_write_reports_is_recorded_in_the_lake(tmp_path: Path) -> None:
    lake, cat = calendar(tmp_path)
    runner = Runner(cat=cat, conf=Settings(**{**lake.settings.model_dump(), "as_of": D3.replace(day=9)}))
    (tmp_path / "reports").write_text("a file where the folder should be, since the settings were read")
    (result,) = runner.run([CALENDAR])
    assert result.outcome == "published"
    assert [r["run"] for r in history.rows(cat, lake, history.RUNS)] == [runner.run_id]
    assert any("results of the audits not recorded" in what for what in runner.unrecorded)


@pytest.mark.parametrize(("text", "words"), [
    ("Generic error: No space left on device (os error 28)", "no space left on"), ("[Errno 30] Read-only file system: 'x'", "read-only"),
    ("Object store: Permission denied (os error 13)", "no permission to write in"), ("Disk quota exceeded (os error 122)", "quota"),
])  # fmt: skip
def test_what_libraries_say_of_a_disk_is_recognised(tmp_path: Path, text: str, words: str) -> None:
    found = refusal(RuntimeError(text), tmp_path / "not" / "there")
    assert found and words in str(found)
    assert refusal(RuntimeError("Parquet error"), tmp_path) is None and refusal(FileNotFoundError(2, "x"), tmp_path) is None
