"""Publishing: one commit makes rows visible, rivals are refused, and the log tells what changed."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from lake.constraints import NotNull
from lake.contract import Column, Table
from lake.storage import MOVES, Conflict, Lake, MissingVersion, Version, staged_files
from pipelines.files import spark_frame, write_arrow

D1, D2, D3 = date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)
TABLE = Table(
    "gold", "toy", "things", "dated", "Things.", "nobody", "one row per thing",
    (Column("thing", "string", "Name", (NotNull(),)), Column("count", "long", "How many", unit="pieces"),
     Column("day", "date", "Day", (NotNull(),))), ("thing", "day"), "day",
)  # fmt: skip


def staged(lake: Lake, rows: Mapping[date, Mapping[str, int]]) -> list[Path]:
    flat = [{"thing": t, "count": n, "day": d} for d, things in rows.items() for t, n in things.items()]
    folder = lake.folder(TABLE) / f"run={uuid4().hex}"
    write_arrow(pa.Table.from_pylist(flat), TABLE, folder)
    return staged_files(folder)


def opened(lake: Lake) -> Version:
    version = lake.open(TABLE)
    assert version is not None
    return version


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path)
    lake.publish(TABLE, None, staged(lake, {D1: {"a": 1}, D2: {"b": 2}}), "all", {"input:x": 0}, {})
    return lake


def test_nothing_staged_is_visible_and_one_commit_shows_it(lake: Lake) -> None:
    files = staged(lake, {D1: {"a": 5, "c": 1}})
    assert opened(lake).rows == {D1: 1, D2: 1}
    before = opened(lake)
    lake.publish(TABLE, before, files, [D1], {"input:x": 1}, {})
    assert opened(lake).rows == {D1: 2, D2: 1}
    assert before.read()["count"].to_pylist() != opened(lake).read()["count"].to_pylist()
    assert before.rows == {D1: 1, D2: 1}, "an opened version never changes"


@pytest.mark.parametrize("days", [(D3, D3), (D1, D2)], ids=["a partition that doesn't exist yet", "disjoint days"])
def test_the_second_of_two_writers_is_refused(lake: Lake, days: tuple[date, date]) -> None:
    one, other = opened(lake), opened(lake)
    lake.publish(TABLE, one, staged(lake, {days[0]: {"x": 5}}), [days[0]], {"input:x": 1}, {})
    with pytest.raises(Conflict, match="another run"):
        lake.publish(TABLE, other, staged(lake, {days[1]: {"x": 7}}), [days[1]], {"input:x": 1}, {})
    assert 7 not in opened(lake).read()["count"].to_pylist()


def test_the_second_of_two_creators_is_refused(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.publish(TABLE, None, [], "all", {"input:x": 0}, {})
    with pytest.raises(Conflict):
        lake.publish(TABLE, None, [], "all", {"input:x": 0}, {})


def test_the_log_tells_which_partitions_changed(lake: Lake) -> None:
    lake.publish(TABLE, opened(lake), staged(lake, {D3: {"z": 1}}), [D3], {"input:x": 1}, {})
    lake.publish(TABLE, opened(lake), [], [D1], {"input:x": 2}, {})
    now = opened(lake)
    assert lake.changed_since(now, 0) == {D1, D3}
    assert lake.changed_since(now, 1) == {D1}
    assert lake.changed_since(now, 2) == set()


def test_moving_rows_is_no_change_and_spark_reads_on(lake: Lake, spark: SparkSession) -> None:
    old = opened(lake)
    lake.publish(TABLE, old, staged(lake, {D1: {"a": 1}}), [D1], {"moved": 1}, {MOVES: "true"})
    now = opened(lake)
    assert lake.changed_since(now, 0) == set()
    assert spark_frame(spark, TABLE, now.uris()).count() == 2


def test_a_version_that_the_log_no_longer_tells_of_is_gone(lake: Lake) -> None:
    lake.publish(TABLE, opened(lake), [], None, {"input:x": 1}, {})
    (lake.folder(TABLE) / "_delta_log" / f"{1:020d}.json").rename(lake.root / "away")
    version = opened(lake)
    (lake.root / "away").rename(lake.folder(TABLE) / "_delta_log" / f"{1:020d}.json")
    lake.publish(TABLE, opened(lake), [], None, {"input:x": 2}, {})
    now = opened(lake)
    now.delta.create_checkpoint()
    (lake.folder(TABLE) / "_delta_log" / f"{1:020d}.json").unlink()
    assert version.number == 0
    assert lake.changed_since(opened(lake), 0) is None
    assert lake.changed_since(opened(lake), 9) is None


def test_entries_outlive_log_cleanup_and_restore(lake: Lake) -> None:
    for n in range(1, 4):
        lake.publish(TABLE, opened(lake), [], None, {"input:x": n, "digest": 2**62 + n}, {})
    opened(lake).delta.create_checkpoint()
    for number in range(3):
        (lake.folder(TABLE) / "_delta_log" / f"{number:020d}.json").unlink()
    assert (opened(lake).entry("input:x"), opened(lake).entry("digest")) == (3, 2**62 + 3)
    lake.publish(TABLE, opened(lake), [], [D1], {"input:x": 4}, {})
    lake.restore(TABLE, 3, {"pinned": 1})
    assert opened(lake).rows == {D1: 1, D2: 1}
    assert opened(lake).is_pinned and opened(lake).entry("digest") == 2**62 + 3


def test_a_version_whose_files_are_gone_is_not_restored(lake: Lake) -> None:
    lake.publish(TABLE, opened(lake), [], [D1], {"input:x": 1}, {})
    for file in lake.folder(TABLE).rglob("day=2026-03-01/*.parquet"):
        file.unlink()
    with pytest.raises(MissingVersion, match="upkeep removed 1 of its files"):
        lake.restore(TABLE, 0, {})


def test_a_table_may_get_other_columns_when_all_of_it_is_replaced(lake: Lake) -> None:
    from dataclasses import replace

    wider = replace(TABLE, columns=(*TABLE.columns, Column("colour", "string", "Colour")))
    found = lake.open(wider)
    assert found is not None and not found.has_declared_columns
    folder = lake.folder(wider) / "run=wider"
    write_arrow(pa.Table.from_pylist([{"thing": "a", "count": 1, "colour": "red", "day": D1}]), wider, folder)
    lake.publish(wider, found, staged_files(folder), "all", {"input:x": 1}, {})
    now = lake.open(wider)
    assert now is not None and now.has_declared_columns and now.rows == {D1: 1}


def test_a_row_that_belongs_to_no_partition_is_not_lost_in_silence(tmp_path: Path) -> None:
    rows = pa.table({"thing": ["a", "b"], "count": [1, 2], "day": pa.array([D1, None], pa.date32())})
    with pytest.raises(ValueError, match="gold_toy__things: 1 rows without day"):
        write_arrow(rows, TABLE, tmp_path / "run=x")
