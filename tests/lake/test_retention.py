"""Upkeep removes nothing that somebody may still need: files of kept versions, and whatever is young."""

import os
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import mkdtemp

import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lake.points import at
from lake.storage import Lake, MissingVersion
from pipelines import history
from pipelines.restoring import restore
from pipelines.run import Runner
from pipelines.upkeep import MaintenanceResult, Upkeep, total
from tests.lake.test_writers import CATALOG, HEAD, SIBLING, attempt, family, ledger_catalog, plan
from tests.lake.toy_lake import D1, D2, D3, TABLE, aged, content, hours_old, machine, opened, put, staged

RETENTION = 30


def upkeep(lake: Lake, cat: object = CATALOG) -> dict[str, MaintenanceResult]:
    runner = Runner(cat=cat, conf=lake.settings)  # type: ignore[arg-type]
    return {r.table: r for r in Upkeep(runner, RETENTION).run()}


def publish(lake: Lake, n: int, day: date = D1) -> None:
    assert attempt(lake, plan(lake, day), {day: {"x": n}}, {day: {"q": n}})


def files_of(lake: Lake) -> set[Path]:
    return set(lake.folder(HEAD).rglob("*.parquet")) - set((lake.folder(HEAD) / "_delta_log").rglob("*"))


def test_a_version_of_29_days_ago_is_restored_after_weekly_upkeep_and_one_of_40_days_is_gone(tmp_path: Path) -> None:
    """Delta's own defaults lose it after 7 to 14 days: a checkpoint drops tombstones of more than a week."""
    lake = machine(tmp_path)
    for week in range(8):  # one version a week, the first superseded 49 days ago
        publish(lake, week)
        upkeep(lake)
        for table in (HEAD, SIBLING):
            aged(lake.folder(table), 7)
    publish(lake, 8)
    done = upkeep(lake)
    assert not [r.message for r in done.values() if r.message] and done[HEAD.name].vacuumed
    by_content = {}
    newest = opened(lake, HEAD)
    for number in range(newest.number + 1):
        try:
            by_content[content(lake.at(newest, number))["x", D1]] = number
        except MissingVersion:
            continue
    # Weeks 0 to 2 were superseded 49, 42 and 35 days ago; all later ones were newest within 30 days.
    assert set(by_content) == {3, 4, 5, 6, 7, 8}
    for n in (3, 6, 4):
        restore(CATALOG, lake, HEAD, by_content[n])
        assert family(lake) == ({("x", D1): n}, {("q", D1): n})
        upkeep(lake)
        assert family(lake) == ({("x", D1): n}, {("q", D1): n})


def test_tables_carry_their_retention_from_the_first_commit_and_older_ones_get_it_from_upkeep(tmp_path: Path) -> None:
    wanted = {"delta.deletedFileRetentionDuration": "interval 30 days", "delta.logRetentionDuration": "interval 30 days"}
    lake = machine(tmp_path)
    publish(lake, 1)
    assert opened(lake, HEAD).delta.metadata().configuration == wanted == opened(lake, SIBLING).delta.metadata().configuration
    longer = machine(tmp_path, retention_days=90)
    upkeep(longer)
    for table in (HEAD, SIBLING):
        assert opened(longer, table).delta.metadata().configuration["delta.logRetentionDuration"] == "interval 90 days"
    before = opened(longer, HEAD).number
    upkeep(longer)
    assert opened(longer, HEAD).number == before, "the second time there is nothing to do"
    assert family(longer) == ({("x", D1): 1}, {("q", D1): 1})


def test_nothing_young_is_removed_whoever_made_it(tmp_path: Path) -> None:
    lake = machine(tmp_path)
    publish(lake, 1)
    young, old = staged(lake, {D2: {"staged": 1}}, HEAD), staged(lake, {D3: {"killed": 1}}, HEAD)
    for f in old:
        hours_old(f, 7)
    for f in young:
        hours_old(f, 5)
    empty = lake.folder(HEAD) / "run=begun"
    empty.mkdir()
    assert upkeep(lake)[HEAD.name].leftovers == len(old)
    assert all(f.exists() for f in young) and not any(f.exists() for f in old) and empty.exists()
    assert lake.publish(HEAD, opened(lake, HEAD), young, [D2], {}, {}) and ("staged", D2) in content(opened(lake, HEAD))


def test_what_another_machine_publishes_while_upkeep_runs_stays(tmp_path: Path) -> None:
    """The files were staged seven hours before: publishing makes them young again."""
    one, two = machine(tmp_path), machine(tmp_path, "two")
    publish(one, 1)
    slow = staged(two, {D2: {"slow": 1}}, HEAD)
    for f in slow:
        hours_old(f, 7)
    with at("before upkeep removes", lambda: two.publish(HEAD, opened(two, HEAD), slow, [D2], {}, {})):
        done = upkeep(one)
    assert not done[HEAD.name].leftovers and ("slow", D2) in content(opened(one, HEAD))


def test_an_old_version_that_another_machine_restores_while_upkeep_runs_stays(tmp_path: Path) -> None:
    one, two = machine(tmp_path), machine(tmp_path, "two")
    publish(one, 1)
    publish(one, 2)
    for table in (HEAD, SIBLING):
        aged(one.folder(table), 40)
    publish(one, 3)
    for table in (HEAD, SIBLING):
        aged(one.folder(table), 31)  # versions 0 and 1 may go now
    publish(one, 4)
    with at("before upkeep removes", lambda: restore(CATALOG, two, HEAD, 0)):
        upkeep(one)
    assert family(two) == ({("x", D1): 1}, {("q", D1): 1})


def test_a_sibling_version_that_a_kept_head_names_stays_however_old(tmp_path: Path) -> None:
    """A refused machine left newer versions of the sibling behind; the head goes on naming the older one."""
    lake = machine(tmp_path)
    publish(lake, 1)
    named = opened(lake, SIBLING).number
    for n in (7, 8):
        put(lake, D1, {"refused": n}, SIBLING)
    for table in (HEAD, SIBLING):
        aged(lake.folder(table), 100)
    head = opened(lake, HEAD)
    upkeep(lake)
    kept = lake.open_sibling(head, SIBLING)
    assert kept and kept.number == named and content(kept) == {("q", D1): 1}, "who opened the head before still reads it"
    assert family(lake) == ({("x", D1): 1}, {("q", D1): 1})


def test_a_checkpoint_after_it_doesn_t_take_a_named_sibling_version_away(tmp_path: Path) -> None:
    lake = machine(tmp_path)
    publish(lake, 1)
    before = opened(lake, HEAD)
    put(lake, D1, {"refused": 7}, SIBLING)
    opened(lake, SIBLING).delta.create_checkpoint()
    for table in (HEAD, SIBLING):
        aged(lake.folder(table), 50)
    publish(lake, 2)  # only now is the head's first version superseded; the sibling's was 50 days ago
    upkeep(lake)
    head = lake.at(opened(lake, HEAD), before.number)
    kept = lake.open_sibling(head, SIBLING)
    assert kept and (content(head), content(kept)) == ({("x", D1): 1}, {("q", D1): 1})


def test_two_processes_one_recording_and_one_in_upkeep(tmp_path: Path) -> None:
    """As it was: `gold_lake__runs` was unreadable on the second upkeep."""
    cat, machines = ledger_catalog(), [machine(tmp_path, "one"), machine(tmp_path, "one"), machine(tmp_path, "two")]
    row = {"table": "t", "check": "c", "until": datetime.now(UTC).date(), "by": "me", "why": "w"}
    history.append(cat, machines[0], history.WAIVERS, [row])
    appended = [1]

    def record(lake: Lake) -> None:
        for _ in range(12):
            history.append(cat, lake, history.WAIVERS, [row])
            appended.append(1)

    writers = [threading.Thread(target=record, args=(m,)) for m in machines[1:]]
    for w in writers:
        w.start()
    rounds = 0
    while any(w.is_alive() for w in writers) or rounds < 3:
        assert not [m for r in upkeep(machines[0], cat).values() if r.is_damaged for m in [r.message]]
        history.rows(cat, machines[0], history.WAIVERS)
        rounds += 1
    assert len(history.rows(cat, machines[0], history.WAIVERS)) == sum(appended)
    newest = opened(machines[0], cat[history.WAIVERS])
    for number in range(newest.number + 1):
        machines[0].at(newest, number).read()


def test_upkeep_leaves_a_damaged_table_alone_and_names_it(tmp_path: Path) -> None:
    lake = machine(tmp_path)
    publish(lake, 1)
    publish(lake, 2)
    for table in (HEAD, SIBLING):
        aged(lake.folder(table), 40)
    (lake.folder(HEAD) / "_delta_log" / f"{1:020d}.json").write_bytes(b"{")
    before = files_of(lake)
    done = upkeep(lake)[HEAD.name]
    assert done.is_damaged and f"{HEAD.name} is damaged: log entry {1:020d}.json" in done.message and done.message in total([done])
    assert files_of(lake) == before


def test_the_log_is_shortened_and_what_is_left_opens_in_any_delta_reader(tmp_path: Path) -> None:
    lake = machine(tmp_path)
    for n in range(6):
        publish(lake, n)
        upkeep(lake)
        for table in (HEAD, SIBLING):
            aged(lake.folder(table), 20)
    log = lake.folder(HEAD) / "_delta_log"
    assert not (log / f"{0:020d}.json").exists()
    assert DeltaTable(str(lake.folder(HEAD))).to_pyarrow_table().num_rows == 1
    assert family(lake) == ({("x", D1): 5}, {("q", D1): 5})


@dataclass
class Was:
    """One version of the head: what it showed, and how many days ago another one took its place (None: not yet)."""

    number: int
    head: Mapping[tuple[str, date], int]
    sibling: Mapping[tuple[str, date], int]
    superseded_days_ago: float | None = None


class AnyOrder(RuleBasedStateMachine):
    """Publishing, upkeep, restoring, refused and killed attempts and time, in any order and on two machines: what is within the
    retention stays readable, head and sibling together, and can be restored."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(mkdtemp(prefix="any-order-"))
        self.machines = [machine(self.root, "one"), machine(self.root, "two")]
        self.versions: list[Was] = []
        self.n = 0

    def teardown(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)

    def note(self) -> None:
        lake = self.machines[0]
        newest = opened(lake, HEAD)
        known = self.versions[-1].number if self.versions else -1
        if newest.number == known:
            return
        for w in self.versions:
            w.superseded_days_ago = 0 if w.superseded_days_ago is None else w.superseded_days_ago
        for number in range(known + 1, newest.number + 1):
            head = lake.at(newest, number)
            kept = lake.open_sibling(head, SIBLING)
            assert kept
            self.versions.append(Was(number, content(head), content(kept), None if number == newest.number else 0))

    @initialize()
    def begin(self) -> None:
        self.publish(0, D1)

    @rule(who=st.integers(0, 1), day=st.sampled_from([D1, D2, D3]))
    def publish(self, who: int, day: date) -> None:
        self.n += 1
        publish(self.machines[who], self.n, day)
        self.note()

    @rule(who=st.integers(0, 1))
    def a_sibling_without_its_head(self, who: int) -> None:
        self.n += 1
        put(self.machines[who], D1, {"orphan": self.n}, SIBLING)

    @rule()
    def a_killed_run(self) -> None:
        staged(self.machines[0], {D2: {"killed": 1}}, HEAD)

    @rule(who=st.integers(0, 1))
    def keep_up(self, who: int) -> None:
        assert not [r.message for r in upkeep(self.machines[who]).values() if r.message]
        self.note()

    @rule(days=st.sampled_from([0.1, 1, 8, 20]))
    def time_passes(self, days: float) -> None:
        for table in (HEAD, SIBLING):
            aged(self.machines[0].folder(table), days)
        for w in self.versions:
            if w.superseded_days_ago is not None:
                w.superseded_days_ago += days

    @rule(who=st.integers(0, 1), which=st.integers(0, 10**6))
    def go_back(self, who: int, which: int) -> None:
        within = [w for w in self.versions[:-1] if (w.superseded_days_ago or 0) < RETENTION - 0.01]
        if within:
            wanted = within[which % len(within)]
            restore(CATALOG, self.machines[who], HEAD, wanted.number)
            self.note()
            assert (self.versions[-1].head, self.versions[-1].sibling) == (wanted.head, wanted.sibling)

    @invariant()
    def all_within_retention_is_readable(self) -> None:
        if not self.versions:
            return
        lake = self.machines[1]
        newest = opened(lake, HEAD)
        for w in self.versions:
            if (w.superseded_days_ago or 0) < RETENTION - 0.01:
                head = lake.at(newest, w.number)
                kept = lake.open_sibling(head, SIBLING)
                assert kept and (content(head), content(kept)) == (w.head, w.sibling)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=int(os.environ.get("STORAGE_EXAMPLES", "12")), stateful_step_count=14, deadline=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def test_a_staged_file_that_is_gone_is_a_conflict_that_says_why(tmp_path: Path) -> None:
    from lake.storage import Conflict

    lake = machine(tmp_path)
    files = staged(lake, {D1: {"a": 1}})
    files[0].unlink()
    with pytest.raises(Conflict, match="raise it"):
        lake.publish(TABLE, None, files, "all", {}, {})
