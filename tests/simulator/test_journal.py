"""Days that were delivered before and lie there untouched aren't worked out again; anything else is."""

import os
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines.simulator import Dirt, simulate

UNTIL = date(2026, 11, 20)
DAYS = 5


def run(root: Path, until: date = UNTIL, days: int = DAYS, seed: int = 7, journal: str = "journal.json") -> int:
    kept = root.parent / f"{root.name}.{journal}" if journal else None
    domains = ("fleet", "refrigeration")
    made = simulate(root / "landing", root / "truth", until=until, days=days, scale=0.1, seed=seed, dirt=Dirt().times(8), only=domains,
                    journal=kept)  # fmt: skip
    return made.readings


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("plain")
    run(root, journal="")
    return root


def test_the_same_bytes_as_without_a_journal_however_days_are_cut(plain: Path, tmp_path: Path) -> None:
    for until, days in ((UNTIL - timedelta(days=3), 2), (UNTIL - timedelta(days=1), 4), (UNTIL, 1)):
        run(tmp_path, until, days)
    assert tree(tmp_path) == tree(plain)
    assert run(tmp_path) == run(plain, journal="")
    assert tree(tmp_path) == tree(plain)


def test_only_untouched_days_are_passed_over(plain: Path, tmp_path: Path) -> None:
    run(tmp_path)
    newest = tmp_path / f"landing/refrigeration/readings/readings_{UNTIL}.jsonl.gz"
    stat = newest.stat()
    newest.write_bytes(b"x" * stat.st_size)
    os.utime(newest, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    run(tmp_path)
    assert newest.read_bytes() == b"x" * stat.st_size  # nobody looked: what was delivered isn't worked out to be compared
    os.utime(newest)
    next((tmp_path / "truth/refrigeration").glob("wear_*.jsonl")).unlink()
    run(tmp_path)
    assert tree(tmp_path) == tree(plain)


def test_another_plant_delivers_anew(tmp_path: Path) -> None:
    run(tmp_path, days=1)
    before = tree(tmp_path)
    run(tmp_path, days=1, seed=8)
    assert tree(tmp_path) != before
