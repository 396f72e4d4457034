"""Modules from folders elsewhere are whole for whoever asks, or not there at all."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lake.extra import imported
from pipelines.steps import extra_module

NAME = "pipelines.made_by_a_test"


@pytest.fixture
def file(tmp_path: Path):
    yield tmp_path / "made.py"
    sys.modules.pop(NAME, None)


def test_threads_that_ask_at_once_all_get_the_whole_module(file: Path) -> None:
    file.write_text("import time\ntime.sleep(0.2)\ndef step(): return 7\n")
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: imported(NAME, file), range(8)))
    assert len({id(m) for m in found}) == 1 and found[0].step() == 7


def test_a_file_that_fails_leaves_nothing_behind_and_a_mended_one_is_read(file: Path) -> None:
    file.write_text("half = 1\nraise KeyError('gone')\n")
    with pytest.raises(KeyError, match="gone"):
        imported(NAME, file)
    assert NAME not in sys.modules
    file.write_text("half = 2\n")
    assert imported(NAME, file).half == 2
    file.write_text("half = 3333\n")
    assert imported(NAME, file).half == 2 and imported(NAME, file, anew=True).half == 3333


def test_no_folder_replaces_our_own_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pipelines").mkdir()
    for name in ("fleet.py", "simulator.py", "of_mine.py"):
        (tmp_path / "pipelines" / name).write_text("")
    monkeypatch.setenv("LAKE_EXTRA", str(tmp_path))
    from lake.settings import settings

    settings.cache_clear()
    try:
        assert extra_module("pipelines.fleet") is None and extra_module("pipelines.simulator") is None
        assert extra_module("pipelines.of_mine") == tmp_path.resolve() / "pipelines/of_mine.py"
    finally:
        settings.cache_clear()
