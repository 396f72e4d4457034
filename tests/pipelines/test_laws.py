"""Laws of the whole lake on simulated days: rebuild equals incremental, late data, conservation, dirt and its reasons."""

import json
import os
from datetime import date, timedelta
from pathlib import Path

import pytest

from lake.document import snippet
from lake.partitions import floor
from pipelines.simulator import Dirt
from tests.sandbox import Sandbox, assert_same, days_until

READINGS = "silver_refrigeration__readings"
# A Saturday to a Monday, the first of a month: a week and a month end. `make proof` walks 30 days instead.
DAYS = int(os.environ.get("LAKE_PROOF_DAYS", "3"))
LAST = date(2026, 6, 1)


@pytest.fixture(scope="module")
def all_at_once(spark, tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """All days in one run, under eight times the usual dirt."""
    lake = Sandbox(tmp_path_factory.mktemp("once"), LAST)
    lake.simulate(DAYS, dirt=Dirt().times(8))
    results = lake.run()
    assert not [r.message for r in results.values() if r.is_bad]
    return lake


def test_day_by_day_equals_all_at_once(all_at_once: Sandbox, tmp_path: Path) -> None:
    walked = Sandbox(tmp_path)
    for day in days_until(LAST, DAYS):
        walked.as_of = day
        walked.simulate(1, dirt=Dirt().times(8))
        results = walked.run()
        assert not [r.message for r in results.values() if r.is_bad], day
    assert_same(all_at_once.gold(), walked.gold())


def test_the_rows_of_every_run_add_up(all_at_once: Sandbox) -> None:
    runs = all_at_once.open("gold_lake__runs").read().to_pylist()
    judged = [r for r in runs if r["read"] is not None and r["table"].startswith("silver")]
    assert {r["table"] for r in judged} >= {READINGS, "silver_refrigeration__units"}
    fates = ("published", "merged", "duplicate", "superseded", "not_applicable", "quarantined")
    for r in judged:
        assert r["read"] == sum(r[f] for f in fates), r
    newest = {r["table"]: r for r in judged}[READINGS]
    assert newest["read"] == sum(all_at_once.open("bronze_refrigeration__readings").rows.values())
    assert newest["published"] == sum(all_at_once.open(READINGS).rows.values())
    kept = all_at_once.lake.open_sibling(all_at_once.open(READINGS), all_at_once.cat[f"{READINGS}__quarantine"])
    assert kept is not None and newest["quarantined"] == sum(kept.rows.values()) > 0
    assert newest["duplicate"] > 0


# Kinds of dirt that always break a promise, and the reason each must get.
REASONS = {
    "broken_line": {"line: can be parsed"},
    "unreadable_timestamp": {"measured_at: readable as timestamp"},
    "unknown_mode": {"mode: one of normal, high_load, low_load, defrost, startup"},
    "unknown_unit": {"unit_id: found in silver_refrigeration__units.unit_id"},
    "future": {"day: found in bronze_lake__calendar.day"},
    "missing_required": {"unit_id: never null", "measured_at: never null"},
}
OVERLAPPING = ("fahrenheit_condenser", "stuck", "spike", "unreadable_number", "duplicate", "conflict", "out_of_order")


def test_each_kind_of_dirt_gets_its_reason(all_at_once: Sandbox) -> None:
    truth = [json.loads(line) for f in all_at_once.settings.truth.rglob("dirt_*.jsonl") for line in f.read_text().splitlines()]
    newest: dict[str, int] = {}
    for t in truth:
        newest[t["file"]] = max(newest.get(t["file"], 1), t["version"] or 1)
    current = [t for t in truth if t["row"] is not None and (t["version"] or 1) == newest[t["file"]]]
    kept = all_at_once.lake.open_sibling(all_at_once.open(READINGS), all_at_once.cat[f"{READINGS}__quarantine"])
    assert kept is not None
    found = {(r["_file"], r["_row"]): set(r["reasons"]) for r in kept.read().to_pylist()}
    for kind, reasons in REASONS.items():
        planted = {(t["file"], t["row"]) for t in current if t["kind"] == kind}
        got = {where for where, whys in found.items() if whys & reasons}
        assert planted, f"the simulator planted no {kind}"
        assert planted <= set(found), f"{kind}: recall below 1.0"
        assert all(found[p] & reasons for p in planted), f"{kind}: wrong reason"
        others = {(t["file"], t["row"]) for t in current if t["kind"] in (*OVERLAPPING, *(set(REASONS) - {kind}))}
        assert not (got - planted - others), f"{kind}: precision below 1.0"
    for kind in OVERLAPPING:
        planted = {(t["file"], t["row"]) for t in current if t["kind"] == kind}
        if planted:
            print(f"{kind}: {len(planted & set(found))} of {len(planted)} lines in quarantine (overlaps valid values, no target)")


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


def test_late_data_changes_its_days_and_nothing_else(all_at_once: Sandbox) -> None:
    late = LAST - timedelta(days=1)
    version = all_at_once.versions()
    readings = [json.dumps({
        "timestamp": f"{late}T12:{m:02}:30Z", "machine_id": "FRIGO-01", "operating_mode": "normal", "temp_evaporator": -21.0,
        "temp_condenser": 39.0, "pressure_high": 11.0, "pressure_low": 2.4, "superheat": 7.0, "subcooling": 5.0,
        "compressor_current": 7.0, "vibration": 0.02, "efficiency": 0.7,
    }) for m in range(0, 60, 7)]  # fmt: skip
    all_at_once.land("refrigeration/readings/late.jsonl", "\n".join(readings) + "\n")
    results = all_at_once.run()
    assert not [r.message for r in results.values() if r.is_bad]

    def changed(table: str) -> set[date | None]:
        now = all_at_once.open(table)
        return all_at_once.lake.changed_since(now, version[table]) or set()

    days = set(days_until(LAST, DAYS))
    assert changed(READINGS) == {late}
    for table in all_at_once.cat.buildable:
        if table.layer != "gold" or not table.partition or table.domain == "lake":
            continue
        seen = changed(table.name)
        reach = {late + timedelta(days=n) for n in range(8)} & days if table.name.endswith(("features", "status", "alerts")) else {late}
        assert seen <= {floor(d, table.partition) for d in reach}, table.name
    assert changed("gold_refrigeration__daily") == {late}
    assert changed("gold_refrigeration__weekly") == {floor(late, "week")}
    assert changed("gold_refrigeration__monthly") == {floor(late, "month")}
    assert changed("silver_refrigeration__units") == set()


def test_a_delivery_of_the_same_again_stops_at_silver(all_at_once: Sandbox) -> None:
    first = sorted((all_at_once.settings.landing / "refrigeration/readings").glob("readings_*.jsonl.gz"))[0]
    before = all_at_once.versions()
    (first.parent / "zz_again.jsonl.gz").write_bytes(first.read_bytes())
    results = all_at_once.run()
    assert results[READINGS].outcome == "unchanged"
    after = all_at_once.versions()
    assert {n for n in after if after[n] != before[n] and n.startswith("gold")} == set()
    assert all_at_once.run()[READINGS].outcome == "fresh"
