"""Laws of the whole lake on simulated days: rebuild equals incremental, late data, conservation, dirt and its reasons."""

import gzip
import json
import os
import re
import shutil
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake.catalog import catalog
from lake.constraints import OneOf, References
from lake.contract import Column, Table
from lake.document import snippet
from lake.partitions import floor, touched
from lake.tables.lake import FATES
from pipelines.result import Result
from pipelines.simulator import Dirt
from pipelines.simulator.dirt import LINE_KINDS
from tests.sandbox import Sandbox, assert_same, days_until

READINGS = "silver_refrigeration__readings"
CAT = catalog()
JUDGED = [t for t in CAT.tables.values() if any(r.table in CAT.feeds for r in t.inputs)]
"""Silver tables that judge the rows of a feed."""
SENSED = [
    t for t in JUDGED
    for f in (CAT.feeds[r.table] for r in t.inputs if r.table in CAT.feeds)
    if any(c.name == f.day_of and c.type == "timestamp" for c in f.columns)
]  # fmt: skip
"""Those that hold the readings of sensors."""
# A Sunday and a Monday, the first of a month: a week and a month end. `make proof` walks 30 days instead.
DAYS = int(os.environ.get("LAKE_PROOF_DAYS", "2"))
LAST = date(2026, 6, 1)
LATE = LAST - timedelta(days=1)
MUCH = Dirt().times(8)
DIRT = replace(MUCH, **{kind: max(getattr(MUCH, kind), 0.004) for kind in LINE_KINDS})
"""Eight times the usual, and so much on lines that the smallest source has some of each kind."""
AGAIN = "zz_again_"
CAME_LATE = "zz_late_"


@pytest.fixture(scope="module")
def all_at_once(spark, tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """All days in one run, what came late among them, under much dirt."""
    lake = Sandbox(tmp_path_factory.mktemp("once"), LAST)
    lake.simulate(DAYS, dirt=DIRT)
    deliver_late(lake)
    results = lake.run()
    assert not [r.message for r in results.values() if r.is_bad]
    return lake


@dataclass
class Walk:
    """A lake that was run every day, and then once more; what the last run found before it, and what it said."""

    lake: Sandbox
    before: dict[str, int]
    results: dict[str, Result]


@pytest.fixture(scope="module")
def walked(all_at_once: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """A run per day; then every source delivers a file again, and sensors something of the day before."""
    lake = Sandbox(tmp_path_factory.mktemp("walked"))
    # The key of the pseudonyms is part of a lake: without it the same persons would have other names.
    shutil.copytree(all_at_once.settings.key_file.parent, lake.settings.key_file.parent)

    def run() -> dict[str, Result]:
        results = lake.run(only=lake.decided())
        assert not [r.message for r in results.values() if r.is_bad], lake.as_of
        return results

    for day in days_until(LAST, DAYS):
        lake.as_of = day
        lake.simulate(1, dirt=DIRT)
        run()
    before = lake.versions()
    deliver_again(lake)
    deliver_late(lake)
    return Walk(lake, before, run())


def test_day_by_day_equals_all_at_once(all_at_once: Sandbox, walked: Walk) -> None:
    """What came twice makes no difference either: only one of the two lakes was given it."""
    assert_same(all_at_once.refined(), walked.lake.refined(without=AGAIN))


def test_every_table_was_built_and_holds_something(all_at_once: Sandbox) -> None:
    empty = {t.name for t in CAT.buildable if not sum(all_at_once.open(t.name).rows.values())}
    assert empty <= {"gold_maintenance__outcomes", "gold_maintenance__outcomes_weekly"}, "two days needn't see an alert"


@pytest.mark.parametrize("table", JUDGED, ids=lambda t: t.name)
def test_the_rows_of_every_run_add_up(all_at_once: Sandbox, table: Table) -> None:
    runs = [r for r in all_at_once.open("gold_lake__runs").read().to_pylist() if r["table"] == table.name and r["read"] is not None]
    for r in runs:
        assert r["read"] == sum(r[f] for f in FATES), r
    feed = next(r.table for r in table.inputs if r.table in CAT.feeds)
    newest = runs[-1]
    assert newest["read"] == sum(sum(all_at_once.open(s.bronze).rows.values()) for s in CAT.sources_of(feed))
    assert newest["published"] == sum(all_at_once.open(table.name).rows.values())
    kept = all_at_once.lake.open_sibling(all_at_once.open(table.name), CAT[f"{table.name}__quarantine"])
    assert newest["quarantined"] == (sum(kept.rows.values()) if kept else 0)


OVERLAPPING = ("fahrenheit_condenser", "stuck", "spike", "unreadable_number", "duplicate", "conflict", "out_of_order")


def reasons_of(table: Table) -> dict[str, set[str]]:
    """Kinds of dirt that always break a promise, and the reason each must get, by the table's contract."""
    asset, time = table.key[:2]

    def told(column: Column, kind: type) -> set[str]:
        return {f"{column.name}: {p.sentence}" for p in column.constraints if isinstance(p, kind)}

    modes = {why for c in table.columns for why in told(c, OneOf)}
    return {
        "broken_line": {"line: can be parsed"},
        "unreadable_timestamp": {f"{time}: readable as timestamp"},
        "unknown_unit": told(table.column(asset), References),
        "future": told(table.column("day"), References),
        "missing_required": {f"{asset}: never null", f"{time}: never null"},
        **({"unknown_mode": modes} if modes else {}),
    }


@pytest.mark.parametrize("table", SENSED, ids=lambda t: t.name)
def test_each_kind_of_dirt_gets_its_reason(all_at_once: Sandbox, table: Table) -> None:
    folder = all_at_once.settings.truth / table.domain
    truth = [json.loads(line) for f in sorted(folder.glob("dirt_*.jsonl")) for line in f.read_text().splitlines()]
    newest: dict[str, int] = {}
    for t in truth:
        newest[t["file"]] = max(newest.get(t["file"], 1), t["version"] or 1)
    current = [t for t in truth if t["row"] is not None and (t["version"] or 1) == newest[t["file"]]]
    kept = all_at_once.lake.open_sibling(all_at_once.open(table.name), all_at_once.cat[f"{table.name}__quarantine"])
    assert kept is not None
    found = {(r["_file"], r["_row"]): set(r["reasons"]) for r in kept.read().to_pylist() if CAME_LATE not in r["_file"]}
    expected = reasons_of(table)
    for kind, reasons in expected.items():
        planted = {(t["file"], t["row"]) for t in current if t["kind"] == kind}
        got = {where for where, whys in found.items() if whys & reasons}
        assert planted, f"the simulator planted no {kind}"
        assert planted <= set(found), f"{kind}: recall below 1.0"
        assert all(found[p] & reasons for p in planted), f"{kind}: wrong reason"
        others = {(t["file"], t["row"]) for t in current if t["kind"] in (*OVERLAPPING, *(set(expected) - {kind}))}
        assert not (got - planted - others), f"{kind}: precision below 1.0"
    for kind in OVERLAPPING:
        planted = {(t["file"], t["row"]) for t in current if t["kind"] == kind}
        if planted:
            print(f"{kind}: {len(planted & set(found))} of {len(planted)} lines in quarantine (overlaps valid values, no target)")


def test_no_technician_is_named_behind_bronze(all_at_once: Sandbox) -> None:
    """Every text of silver, gold, quarantine, reports and logs, Parquet decoded."""
    truth = all_at_once.settings.truth / "gmao"
    people = [json.loads(line) for f in truth.glob("names_*.jsonl") for line in f.read_text().splitlines()]
    written = {p[part].lower() for p in people for part in ("last_name", "first_name")}
    names = written | {json.dumps(n)[1:-1] for n in written}
    assert names
    s = all_at_once.settings
    roots = (s.lake_root / "silver", s.lake_root / "gold", s.report_root, s.state_root)
    files = [f for root in roots for f in sorted(root.rglob("*")) if f.is_file()]
    assert len(files) > 100
    for file in files:
        said = _texts(file).lower()
        assert not {n for n in names if n in said}, file
    bronze = "".join(_texts(f) for f in (s.lake_root / "bronze/bronze_workload__hours").rglob("*.parquet")).lower()
    assert {n for n in written if n in bronze}, "the search finds them where they are"


def _texts(file: Path) -> str:
    if file.suffix != ".parquet":
        return file.read_bytes().decode("utf-8", "replace")
    rows = pq.read_table(file)
    return "\n".join(str(v) for name in rows.schema.names if pa.types.is_string(rows.schema.field(name).type) or
                     pa.types.is_list(rows.schema.field(name).type) for v in rows[name].to_pylist())  # fmt: skip


def test_the_page_shows_reading_code_that_runs(all_at_once: Sandbox, spark) -> None:
    import duckdb
    import polars

    name = READINGS
    rows = sum(all_at_once.open(name).rows.values())
    code = "\n".join(snippet(str(all_at_once.lake.folder(all_at_once.cat[name]))))
    seen: dict[str, object] = {"spark": spark, "duckdb": duckdb, "polars": polars}
    exec(code.replace('"select * from arrow")', '"select * from arrow").df()'), seen)
    assert len(seen["pandas_frame"]) == len(seen["duckdb_frame"]) == len(seen["polars_frame"]) == rows  # type: ignore[arg-type]
    assert seen["spark_frame"].count() == rows  # type: ignore[attr-defined]


def test_nothing_new_changes_nothing_and_starts_no_spark_job(all_at_once: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    import pipelines.stage

    def no_spark() -> None:
        raise AssertionError("a fresh lake needs no Spark")

    monkeypatch.setattr(pipelines.stage, "session", no_spark)
    before = all_at_once.versions()
    results = all_at_once.run()
    assert {r.outcome for r in results.values()} == {"fresh"}
    assert all_at_once.versions() == before


def test_late_data_changes_its_days_and_the_same_again_nothing(walked: Walk) -> None:
    """Only what came late moves anything behind bronze, and no further than the declarations say."""
    lake = walked.lake

    def changed(table: str) -> set[date | None]:
        return lake.lake.changed_since(lake.open(table), walked.before[table]) or set()

    for table in SENSED:
        assert changed(table.name) == {LATE}, table.name
    may = reach(lake, {t.name: {LATE} for t in SENSED})
    for name in lake.decided():
        if not name.startswith("bronze_") and CAT[name].domain != "lake":
            assert changed(name) <= may[name], name
            assert may[name] or walked.results[name].outcome in ("unchanged", "fresh")
    for domain in ("refrigeration", "fleet", "line"):
        assert changed(f"gold_{domain}__daily") == {LATE}
        assert changed(f"gold_{domain}__weekly") == {floor(LATE, "week")}
        assert changed(f"gold_{domain}__monthly") == {floor(LATE, "month")}
    assert {r.outcome for r in lake.run(only=lake.decided()).values()} == {"fresh"}


def deliver_again(lake: Sandbox) -> None:
    """The first file of each source once more under another name."""
    landing, again = lake.settings.landing, set()
    for source in CAT.sources.values():
        first = min(p for p in landing.glob(source.files) if "_b." not in p.name)
        copy = first.with_name(f"{AGAIN}{first.name}")
        copy.write_bytes(first.read_bytes())
        if copy in set(landing.glob(source.files)):
            again.add(source.feed)
        else:
            copy.unlink()  # a source of one file by name: that file under its own name again changes nothing, as ever
    assert {next(r.table for r in t.inputs if r.table in CAT.feeds) for t in SENSED} <= again


def deliver_late(lake: Sandbox) -> None:
    """Some readings of every sensor on that day once more, a few seconds later each, in a file of their own."""
    for source in (s for t in SENSED for r in t.inputs if r.table in CAT.feeds for s in CAT.sources_of(r.table)):
        landing = lake.settings.landing
        found = (p for p in sorted(landing.glob(source.files)) if str(LATE) in p.name and AGAIN not in p.name and "_b." not in p.name)
        file = next(found)
        text = gzip.decompress(file.read_bytes()).decode()
        lines = text.splitlines()
        header = lines[:1] if source.dialect.format == "csv" else []
        moved = [re.sub(r"T(\d\d:\d\d):\d\d", r"T\1:17", line) for line in lines if re.search(rf"{LATE}T(1\d|2[01])", line)][:100]
        assert moved, file
        name = file.relative_to(landing).with_name(f"{CAME_LATE}{LATE}{''.join(file.suffixes)}").as_posix()
        lake.land(name, "\n".join([*header, *moved]) + "\n")


def reach(lake: Sandbox, changed: dict[str, set[date | None]]) -> dict[str, set[date | None]]:
    """Partitions that may change when those change, by the declarations alone."""
    may = {n: set(p) for n, p in changed.items()}
    for name in lake.decided():
        table = CAT[name]
        if table.layer == "bronze" or name in changed:
            continue
        mine: set[date | None] = set()
        everything: set[date | None] = set(lake.open(table.name).rows)
        for read in table.inputs:
            for p in may.get(read.table, ()):
                source = CAT[read.table]
                if p is None or table.partition is None or source.partition is None:
                    mine |= everything if table.partition else {None}
                else:
                    mine |= touched(p, source.partition, table.partition, read.days_before, read.days_after)
        if table.kind == "stateful" and mine:
            mine |= {p for p in everything if p and p >= min(d for d in mine if d)}
        may[table.name] = mine
    return may
