"""Damage to published data: found by name, and repaired."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.catalog import Catalog
from lake.damage import log_problems
from lake.storage import DamagedTable, Lake, Version
from lake.tables.lake import CALENDAR
from pipelines import history
from pipelines.lost_versions import missing_versions
from pipelines.repair import Report, repair
from pipelines.run import Runner
from tests.lake.test_retention import upkeep
from tests.lake.test_writers import CATALOG, HEAD, SIBLING, attempt, family, ledger_catalog, plan
from tests.lake.toy_lake import D1, D2, D3, TABLE, content, machine, opened, put, staged

REPAIR = r"`python -m pipelines repair \w+` repairs it$"


def entry(lake: Lake, version: int) -> Path:
    return lake.folder(TABLE) / "_delta_log" / f"{version:020d}.json"


def some_file(version: Version, day: date = D1) -> Path:
    return version.root / next(f.path for f in version.files if f.partition == day)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = machine(tmp_path)
    for n in range(3):
        put(lake, (D1, D2, D3)[n], {"a": n})
    return lake


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def garbage(path: Path) -> None:
    path.write_bytes(b"\x00\xff" * (path.stat().st_size // 2))


def cut_at_a_line(path: Path) -> None:
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join(lines[:-1]) + b"\n")


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for i in range(4, len(content) // 2):
        content[i] ^= 0x5A
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("harm", [cut, empty, garbage, cut_at_a_line])
def test_a_damaged_newest_log_entry_is_named(lake: Lake, harm: Callable[[Path], None]) -> None:
    """Delta opens a table whose newest entry is empty or was cut between two lines: rows would be missing in silence."""
    harm(entry(lake, 2))
    with pytest.raises(DamagedTable, match=rf"gold_toy__things is damaged: log entry {2:020d}\.json .*{REPAIR}") as told:
        lake.open(TABLE)
    assert len(str(told.value).splitlines()) == 1


@pytest.mark.parametrize("harm", [cut, empty, garbage, cut_at_a_line, Path.unlink])
def test_a_damaged_or_missing_entry_in_the_middle_is_named(lake: Lake, harm: Callable[[Path], None]) -> None:
    harm(entry(lake, 1))
    with pytest.raises(DamagedTable, match=rf"log entry {1:020d}\.json"):
        lake.open(TABLE)


def test_a_damaged_checkpoint_is_named(lake: Lake) -> None:
    opened(lake).delta.create_checkpoint()
    checkpoint = lake.folder(TABLE) / "_delta_log" / f"{2:020d}.checkpoint.parquet"
    cut(checkpoint)
    put_again = entry(lake, 2)
    put_again.touch()
    with pytest.raises(DamagedTable, match=r"checkpoint 0+2\.checkpoint\.parquet can't be read"):
        lake.open(TABLE)


@pytest.mark.parametrize("harm", [cut, empty, garbage, flipped, Path.unlink])
def test_a_damaged_data_file_is_named_by_whoever_reads_it(lake: Lake, harm: Callable[[Path], None]) -> None:
    version = opened(lake)
    file = some_file(version)
    harm(file)
    with pytest.raises(DamagedTable, match=f"gold_toy__things is damaged: .*{file.name}.*{REPAIR}") as told:
        version.read()
    assert len(str(told.value).splitlines()) == 1
    assert version.read(partitions=[D2, D3]).num_rows == 2, "what isn't damaged is read"


@given(at=st.floats(0, 1), version=st.integers(0, 2))
@settings(max_examples=40, deadline=None)
def test_a_log_cut_anywhere_is_damaged_and_never_another_table(tmp_path_factory: pytest.TempPathFactory, at: float, version: int) -> None:
    lake = machine(tmp_path_factory.mktemp("cut"))
    for n in range(3):
        put(lake, (D1, D2, D3)[n], {"a": n})
    path = entry(lake, version)
    whole = path.read_bytes()
    left = whole[: int(len(whole) * at)]
    path.write_bytes(left)
    if left == whole:
        assert content(opened(lake))
        return
    assert [p.version for p in log_problems(path.parent)] == [version]


def test_what_is_damaged_is_not_equal_so_a_forced_rebuild_replaces_it(lake: Lake) -> None:
    from pipelines.compare import equal_partitions

    version = opened(lake)
    same = staged(lake, {D1: {"a": 0}, D2: {"a": 1}, D3: {"a": 2}})
    folder = lake.folder(TABLE) / "x"
    assert equal_partitions(TABLE, version, folder, same, [D1, D2, D3]) == {D1, D2, D3}
    some_file(version, D1).unlink()
    flipped(some_file(version, D2))
    assert equal_partitions(TABLE, version, folder, same, [D1, D2, D3]) == {D3}
    lake.publish(TABLE, version, [f for f in same if str(D3) not in str(f)], [D1, D2], {}, {})
    assert content(opened(lake)) == {("a", D1): 0, ("a", D2): 1, ("a", D3): 2}


# --- repair -------------------------------------------------------------------------------------------------------------------


def repaired(lake: Lake, table: object, cat: Catalog) -> Report:
    return repair(Runner(cat=cat, conf=lake.settings), table)  # type: ignore[arg-type]


def waiver(who: str) -> dict[str, object]:
    return {"table": who, "check": "c", "until": datetime.now(UTC).date(), "by": "me", "why": "w"}


def recorded(lake: Lake, *names: str) -> Catalog:
    cat = ledger_catalog()
    for name in names:
        history.append(cat, lake, history.WAIVERS, [waiver(name)])
    return cat


def names_in(lake: Lake, cat: Catalog) -> list[str]:
    return sorted(r["table"] for r in history.rows(cat, lake, history.WAIVERS))


@pytest.mark.parametrize("harm", [cut, empty, garbage, cut_at_a_line, Path.unlink])
@pytest.mark.parametrize("which", [0, 1, 3])
def test_a_ledger_gets_back_every_row_of_a_damaged_log(tmp_path: Path, harm: Callable[[Path], None], which: int) -> None:
    lake = machine(tmp_path)
    cat = recorded(lake, "a", "b", "c", "d")
    harm(lake.folder(cat[history.WAIVERS]) / "_delta_log" / f"{which:020d}.json")
    if harm is Path.unlink and which == 3:
        assert names_in(lake, cat) == ["a", "b", "c"], "nobody remembers version 3 of a ledger: undetected, and said so in docs"
        return
    with pytest.raises(DamagedTable):
        history.rows(cat, lake, history.WAIVERS)
    report = repaired(lake, cat[history.WAIVERS], cat)
    assert report.is_whole and any("rows of the lost versions recovered" in line for line in report.lines)
    assert names_in(lake, cat) == ["a", "b", "c", "d"]
    assert opened(lake, cat[history.WAIVERS]).number > 3, "no number is given twice"
    history.append(cat, lake, history.WAIVERS, [waiver("e")])
    assert names_in(lake, cat) == ["a", "b", "c", "d", "e"]
    assert not repaired(lake, cat[history.WAIVERS], cat).lines, "nothing is left to repair"


def test_a_ledger_s_damaged_file_comes_back_from_before_its_compaction(tmp_path: Path) -> None:
    lake = machine(tmp_path)
    cat = recorded(lake, "a", "b")
    upkeep(lake, cat)
    (file,) = opened(lake, cat[history.WAIVERS]).uris()
    Path(file).unlink()
    report = repaired(lake, cat[history.WAIVERS], cat)
    assert report.is_whole and "row for row" in report.lines[0]
    assert names_in(lake, cat) == ["a", "b"]


def test_rows_that_nothing_gives_back_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    lake = machine(tmp_path)
    cat = recorded(lake, "a", "b")
    cut(Path(opened(lake, cat[history.WAIVERS]).uris()[0]))
    report = repaired(lake, cat[history.WAIVERS], cat)
    assert report.lost == ["gold_lake__waivers: 1 rows could not be recovered"] and not report.is_whole
    assert len(names_in(lake, cat)) == 1


def calendar(tmp_path: Path) -> tuple[Lake, Catalog]:
    cat = Catalog({t.name: t for t in (CALENDAR, *ledger_catalog().tables.values())}, {}, {})
    lake = machine(tmp_path, start=D1, as_of=D3)
    assert Runner(cat=cat, conf=lake.settings).build(CALENDAR).outcome == "published"
    return lake, cat


@pytest.mark.parametrize("harm", [cut, flipped, Path.unlink])
def test_a_table_made_from_below_is_built_again_where_a_file_is_damaged(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    lake, cat = calendar(tmp_path)
    before = opened(lake, CALENDAR).read().sort_by("day")
    harm(some_file(opened(lake, CALENDAR), max(d for d in opened(lake, CALENDAR).rows if d)))
    report = repaired(lake, CALENDAR, cat)
    assert report.is_whole, report
    assert opened(lake, CALENDAR).read().sort_by("day").equals(before)
    assert repaired(lake, CALENDAR, cat).lines == []


@pytest.mark.parametrize("harm", [empty, cut, Path.unlink])
def test_a_table_made_from_below_is_built_again_where_its_only_log_entry_is_damaged(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    lake, cat = calendar(tmp_path)
    before = opened(lake, CALENDAR).read().sort_by("day")
    harm(lake.folder(CALENDAR) / "_delta_log" / f"{0:020d}.json")
    if harm is not Path.unlink:
        assert "repair bronze_lake__calendar" in Runner(cat=cat, conf=lake.settings).build(CALENDAR).message
    assert repaired(lake, CALENDAR, cat).is_whole
    if harm is Path.unlink:
        Runner(cat=cat, conf=lake.settings).build(CALENDAR)
    assert opened(lake, CALENDAR).read().sort_by("day").equals(before)


def test_removed_log_entries_are_noticed_by_what_others_have_read_and_their_numbers_never_come_back(tmp_path: Path) -> None:
    lake = machine(tmp_path)
    for n in (1, 2, 3):
        assert attempt(lake, plan(lake, D1), {D1: {"x": n}}, {D1: {"q": n}})
    assert not missing_versions(CATALOG, lake, SIBLING)
    log = lake.folder(SIBLING) / "_delta_log"
    (log / f"{2:020d}.json").unlink()
    assert missing_versions(CATALOG, lake, SIBLING) == "log entries 2 to 2 are missing, which other tables have read"
    from lake.repair import Repaired, repair_log
    from pipelines.lost_versions import remembered
    from pipelines.repair import _agree

    done = {t.name: Repaired(t.name) for t in (SIBLING, HEAD)}
    repair_log(lake, SIBLING, remembered(CATALOG, lake, SIBLING), done[SIBLING.name])
    _agree(Runner(cat=CATALOG, conf=lake.settings), HEAD, done)
    assert family(lake) == ({("x", D1): 2}, {("q", D1): 2}), "the newest version of the family that is whole"
    assert opened(lake, SIBLING).number > 2 and opened(lake, HEAD).entry("digest") == 0
    assert lake.changed_since(opened(lake, SIBLING), 2) is None, "readers rebuild"
    assert not missing_versions(CATALOG, lake, SIBLING)
    assert attempt(lake, plan(lake, D1), {D1: {"x": 3}}, {D1: {"q": 3}})
    assert family(lake) == ({("x", D1): 3}, {("q", D1): 3})


def test_a_run_with_a_damaged_ledger_goes_on_and_says_what_it_could_not_record(tmp_path: Path) -> None:
    lake, cat = calendar(tmp_path)
    history.append(cat, lake, history.WAIVERS, [waiver("a")])
    empty(lake.folder(cat[history.WAIVERS]) / "_delta_log" / f"{0:020d}.json")
    told: list[str] = []
    runner = Runner(cat=cat, conf=machine(tmp_path, start=D1, as_of=date(2026, 3, 4)).settings, progress=told.append)
    assert runner.build(CALENDAR).outcome == "published"
    assert any("no check is waived in this run: gold_lake__waivers is damaged" in line for line in told)
