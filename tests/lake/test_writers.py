"""Two writers of one table, on one machine or two: one is refused, nothing is lost or doubled, and each knows its own version."""

import subprocess
import sys
import threading
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from lake.catalog import Catalog
from lake.commit import committing
from lake.contract import Table
from lake.points import at
from lake.storage import Busy, Conflict, Lake
from pipelines import history
from pipelines.plan import Plan
from pipelines.publish import Published, Publisher
from pipelines.restoring import restore, unpin
from pipelines.stage import Staged
from tests.conftest import CHECKOUT
from tests.lake.toy_lake import D1, D2, D3, TABLE, content, machine, opened, put, staged

SIBLING = replace(TABLE, entity="things__quarantine")
HEAD = replace(TABLE, siblings=(SIBLING.name,))
LEDGER = replace(TABLE, entity="diary", kind="ledger")
CATALOG = Catalog({HEAD.name: HEAD, SIBLING.name: SIBLING, LEDGER.name: LEDGER}, {}, {})


@pytest.mark.parametrize("replaced", [D1, D3], ids=["the same day", "a day that doesn't exist yet"])
@pytest.mark.parametrize("entries", [{"input:x": 1}, {"planned": 1}, {}], ids=["a normal run", "a forced range", "no entry"])
def test_a_second_writer_is_refused_whatever_entries_it_carries(tmp_path: Path, replaced: date, entries: dict[str, int]) -> None:
    lake = machine(tmp_path)
    put(lake, D1, {"a": 1})
    one, other = opened(lake), opened(lake)
    assert lake.publish(TABLE, one, staged(lake, {replaced: {"x": 5}}), [replaced], {"input:x": 1}, {}) == 1
    for replace_days in ([replaced], [D2], None, "all"):
        with pytest.raises(Conflict, match="version 1 is there, 0 was planned from"):
            lake.publish(TABLE, other, staged(lake, {replaced: {"x": 7}}), replace_days, entries, {})  # type: ignore[arg-type]
    assert opened(lake).number == 1 and 7 not in content(opened(lake)).values()


def race(lake: Lake, writers: int, base_is_shared: bool, day_of: dict[int, date]) -> list[object]:
    """All writers plan from the same version, and commit at once."""
    base = lake.open(TABLE) if base_is_shared else None
    files = [staged(lake, {day_of[i]: {f"w{i}": i}}) for i in range(writers)]
    gate, outcomes = threading.Barrier(writers), [None] * writers  # type: list[object]

    def write(i: int) -> None:
        gate.wait()
        try:
            outcomes[i] = lake.publish(TABLE, base, files[i], [day_of[i]], {}, {})
        except Conflict:
            outcomes[i] = Conflict

    threads = [threading.Thread(target=write, args=(i,)) for i in range(writers)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return outcomes


@pytest.mark.parametrize("exists", [False, True], ids=["first commit", "later commit"])
@pytest.mark.parametrize("apart", [False, True], ids=["one day", "disjoint days"])
def test_of_writers_that_commit_at_once_exactly_one_wins(tmp_path: Path, exists: bool, apart: bool) -> None:
    for n in range(15):
        lake = machine(tmp_path / str(n))
        if exists:
            put(lake, D3, {"before": 1})
        days = {i: D1 + timedelta(days=10 + i if apart else 0) for i in range(4)}
        outcomes = race(lake, 4, exists, days)
        won = [i for i, o in enumerate(outcomes) if o is not Conflict]
        assert len(won) == 1 and outcomes[won[0]] == int(exists) == opened(lake).number
        assert content(opened(lake)) == {(f"w{won[0]}", days[won[0]]): won[0], **({("before", D3): 1} if exists else {})}


def test_a_race_that_the_look_at_the_log_misses_is_decided_by_delta(tmp_path: Path) -> None:
    """The rival commits after the newest version was looked at, and before delta-rs writes the entry."""
    lake = machine(tmp_path)
    put(lake, D1, {"a": 1})
    base, rival = opened(lake), opened(machine(tmp_path, "two"))

    def commit_late() -> None:
        with committing(TABLE.name, base.root, base.number) as commit:
            put(machine(tmp_path, "two"), D2, {"b": 2})
            base.delta.create_write_transaction([], "append", rival.delta.schema(), commit_properties=commit.properties({}, {}))

    with pytest.raises(Conflict):
        commit_late()
    assert content(opened(lake)) == {("a", D1): 1, ("b", D2): 2}


def test_publish_returns_its_own_version_and_says_so_in_the_log(tmp_path: Path) -> None:
    one, two = machine(tmp_path), machine(tmp_path, "two")
    made = [put(lake, D1, {"a": n}) for n, lake in enumerate((one, two, one, two))]
    assert made == [0, 1, 2, 3]
    assert [one.at(opened(one), v).entry("commit") for v in made] == made
    assert [content(one.at(opened(one), v))["a", D1] for v in made] == [0, 1, 2, 3]


def test_a_commit_that_was_made_counts_whatever_fails_after_it(tmp_path: Path) -> None:
    lake = machine(tmp_path)
    put(lake, D1, {"a": 1})
    base = opened(lake)
    with committing(TABLE.name, base.root, 0) as commit:
        properties = commit.properties({}, {})
        base.delta.create_write_transaction([], "append", base.delta.schema(), commit_properties=properties)
        raise OSError(28, "No space left on device")  # as a checkpoint after the commit does
    assert opened(lake).number == 1


# --- ledgers ------------------------------------------------------------------------------------------------------------------

WRITE_TEN = """
import sys
from pathlib import Path
from datetime import datetime, UTC
from pipelines import history
from tests.lake.test_writers import ledger_catalog, machine
lake = machine(Path(sys.argv[1]), sys.argv[2])
today = datetime.now(UTC).date()
for n in range(10):
    row = dict(table=sys.argv[3], check=str(n), until=today, by="me", why="w")
    history.append(ledger_catalog(), lake, history.WAIVERS, [row])
"""


def ledger_catalog() -> Catalog:
    from lake.tables.lake import REASONS, RUNS, VERDICTS, WAIVERS

    return Catalog({t.name: t for t in (WAIVERS, RUNS, VERDICTS, REASONS)}, {}, {})


def test_processes_on_two_machines_append_to_one_ledger_and_every_row_is_there_once(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITE_TEN, str(tmp_path), f"machine{i % 2}", f"t{i}"], cwd=CHECKOUT) for i in range(2)
    ]
    assert [w.wait(300) for w in writers] == [0] * 2
    rows = history.rows(ledger_catalog(), machine(tmp_path), history.WAIVERS)
    assert Counter(r["table"] for r in rows) == {f"t{i}": 10 for i in range(2)}


def test_an_append_survives_many_conflicts_in_a_row(tmp_path: Path) -> None:
    cat, lake = ledger_catalog(), machine(tmp_path)
    row = {"table": "t", "check": "c", "until": D1, "by": "me", "why": "w"}
    history.append(cat, lake, history.WAIVERS, [row])
    table, stop = cat[history.WAIVERS], threading.Event()

    def rival() -> None:
        other = machine(tmp_path, "two")
        while not stop.is_set():
            history.append(cat, other, history.WAIVERS, [{**row, "table": "rival"}])

    busy = threading.Thread(target=rival)
    busy.start()
    try:
        for _ in range(15):
            history.append(cat, lake, history.WAIVERS, [row])
    finally:
        stop.set()
        busy.join()
    counts = Counter(r["table"] for r in history.rows(cat, lake, history.WAIVERS))
    assert counts["t"] == 16 and counts["rival"] + 16 == opened(lake, table).number + 1


def test_who_waits_too_long_for_a_lock_hears_for_how_long(tmp_path: Path) -> None:
    lake, same = machine(tmp_path), machine(tmp_path, lock_seconds=0.1)
    with lake.lock(TABLE), pytest.raises(Busy, match=r"gold_toy__things: another process has held it for 0\.1 s"), same.lock(TABLE):
        pass
    with lake.lock(TABLE), machine(tmp_path, "two").lock(TABLE):
        pass  # no lock reaches another machine


# --- a head and its sibling, published from two machines ---------------------------------------------------------------------


def plan(lake: Lake, *days: date) -> Plan:
    return Plan(HEAD, lake.open(HEAD), dict.fromkeys(days, "test"), {}, digest=1)


def attempt(lake: Lake, made: Plan, head: dict[date, dict[str, int]], sibling: dict[date, dict[str, int]]) -> Published | None:
    """What the runner does after planning: stage, publish, and put away what was staged when another run was first."""
    from lake.retention import discard

    parts = {t.name: staged(lake, rows, t) for t, rows in ((HEAD, head), (SIBLING, sibling))}
    folders = {n: files[0].parents[1] for n, files in parts.items()}
    try:
        return Publisher(CATALOG, lake, 1000).publish(made, Staged(folders), {})
    except Conflict:
        for name, folder in folders.items():
            discard(lake.folder(CATALOG[name]), folder)
        return None


def family(lake: Lake) -> tuple[dict[tuple[str, date], int], dict[tuple[str, date], int]]:
    head = lake.open(HEAD)
    kept = lake.open_sibling(head, SIBLING)
    assert head and kept
    return content(head), content(kept)


def all_versions_are_readable(lake: Lake, table: Table) -> None:
    newest = opened(lake, table)
    for number in range(newest.number + 1):
        content(lake.at(newest, number))


@pytest.mark.parametrize("exists", [True, False], ids=["published before", "never published"])
@pytest.mark.parametrize("point", ["between siblings", "before commit"])
def test_a_refused_machine_takes_no_file_from_any_published_sibling(tmp_path: Path, exists: bool, point: str) -> None:
    one, two = machine(tmp_path), machine(tmp_path, "two")
    if exists:
        assert attempt(one, plan(one, D1), {D1: {"a": 1}}, {D1: {"q": 1}})
    mine, theirs = plan(one, D1), plan(two, D1)
    outcome: list[Published | None] = []
    with at(point, lambda: outcome.append(attempt(two, theirs, {D1: {"two": 2}}, {D1: {"q2": 2}}))):
        mine_done = attempt(one, mine, {D1: {"one": 1}}, {D1: {"q1": 1}})
    assert sorted([bool(mine_done), bool(outcome[0])]) == [False, True]
    winner = ("one", "q1", 1) if mine_done else ("two", "q2", 2)
    assert family(one) == ({(winner[0], D1): winner[2]}, {(winner[1], D1): winner[2]})
    for table in (HEAD, SIBLING):
        all_versions_are_readable(one, table)
    # The one that was refused plans again, and the family is whole.
    assert attempt(two, plan(two, D1, D2), {D1: {"new": 3}}, {D2: {"q3": 3}})
    assert family(one) == ({("new", D1): 3}, {("q3", D2): 3})
    for table in (HEAD, SIBLING):
        all_versions_are_readable(one, table)


def test_machines_that_publish_a_family_over_and_over_never_mix_or_lose_one(tmp_path: Path) -> None:
    lakes = [machine(tmp_path, f"m{i}") for i in range(3)]
    attempt(lakes[0], plan(lakes[0], D1), {D1: {"x": 0}}, {D1: {"x": 0}})
    won: list[int] = []
    problems: list[str] = []

    def work(i: int) -> None:
        for n in range(12):
            value = 100 * (i + 1) + n
            if attempt(lakes[i], plan(lakes[i], D1), {D1: {"x": value}}, {D1: {"x": value}}):
                won.append(value)

    def read() -> None:
        lake = machine(tmp_path, "reader")
        while any(t.is_alive() for t in threads):
            head, kept = family(lake)
            if head != kept:
                problems.append(f"{head} beside {kept}")

    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    reader = threading.Thread(target=read)
    for t in (*threads, reader):
        t.start()
    for t in (*threads, reader):
        t.join()
    newest = opened(lakes[0], HEAD)
    assert not problems and newest.number == len(won)
    for number in range(newest.number + 1):
        head = lakes[0].at(newest, number)
        kept = lakes[0].open_sibling(head, SIBLING)
        assert kept and content(head) == content(kept)


# --- restore and unpin --------------------------------------------------------------------------------------------------------

RESTORE = """
import os
import sys
from pathlib import Path
from pipelines.restoring import restore
from tests.lake.test_writers import CATALOG, HEAD, machine
os.environ["LAKE_KILL_AT"] = sys.argv[2]
restore(CATALOG, machine(Path(sys.argv[1])), HEAD, 0)
"""


def two_versions(lake: Lake) -> None:
    assert attempt(lake, plan(lake, D1), {D1: {"a": 1}}, {D1: {"q": 1}})
    assert attempt(lake, plan(lake, D1), {D1: {"a": 2}}, {D1: {"q": 2}})


@pytest.mark.parametrize("point", ["before restore", "sibling restored", "restored"])
def test_a_killed_restore_has_happened_with_its_pin_or_not_at_all(tmp_path: Path, point: str) -> None:
    lake = machine(tmp_path)
    two_versions(lake)
    code = subprocess.run([sys.executable, "-c", RESTORE, str(tmp_path), point], cwd=CHECKOUT, check=False)
    assert code.returncode == -9
    done = point == "restored"
    assert opened(lake, HEAD).is_pinned == done
    assert family(lake) == (({("a", D1): 1}, {("q", D1): 1}) if done else ({("a", D1): 2}, {("q", D1): 2}))
    if not done:
        assert restore(CATALOG, lake, HEAD, 0) and family(lake) == ({("a", D1): 1}, {("q", D1): 1})


def test_restore_is_one_commit_of_the_head_and_unpin_makes_all_of_it_stale(tmp_path: Path) -> None:
    lake = machine(tmp_path)
    two_versions(lake)
    assert restore(CATALOG, lake, HEAD, 0) == 2 == opened(lake, HEAD).number
    assert opened(lake, HEAD).is_pinned
    assert unpin(lake, HEAD) and not unpin(lake, HEAD)
    assert (opened(lake, HEAD).entry("pinned"), opened(lake, HEAD).entry("digest")) == (0, 0)


def test_a_restore_between_another_machine_s_plan_and_commit_wins(tmp_path: Path) -> None:
    one, two = machine(tmp_path), machine(tmp_path, "two")
    two_versions(one)
    with at("before commit", lambda: restore(CATALOG, two, HEAD, 0)):
        assert attempt(one, plan(one, D1), {D1: {"a": 3}}, {D1: {"q": 3}}) is None
    assert opened(one, HEAD).is_pinned and family(one) == ({("a", D1): 1}, {("q", D1): 1})


def test_a_restore_waits_for_a_run_of_the_table(tmp_path: Path) -> None:
    lake = machine(tmp_path)
    two_versions(lake)
    with lake.lock(HEAD), pytest.raises(Busy):
        restore(CATALOG, machine(tmp_path, lock_seconds=0.1), HEAD, 0)
    with lake.lock(HEAD), pytest.raises(Busy):
        unpin(machine(tmp_path, lock_seconds=0.1), HEAD)
