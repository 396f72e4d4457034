"""What a change reaches, and what it leaves alone: mappings, contracts, ledgers, personal values, broken mapping files."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from lake.catalog import Catalog, discover
from lake.constraints import Between, Severity
from lake.contract import Table
from lake.derived import bronze_tables
from lake.settings import settings
from lake.source import Source
from pipelines.plan import make_plan
from tests import toy
from tests.sandbox import DAY, UNIT, Sandbox, reading

READINGS, BRONZE, UNITS = "silver_refrigeration__readings", "bronze_refrigeration__readings", "silver_refrigeration__units"
INDICATORS, HOURLY = "gold_refrigeration__indicators", "gold_refrigeration__hourly"
YESTERDAY = DAY - timedelta(days=1)
BUILT = (BRONZE, "bronze_refrigeration__units", "bronze_lake__calendar", UNITS, READINGS, INDICATORS, HOURLY)


@pytest.fixture(scope="module")
def template(spark, tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """Two days; the controllers were updated on the second and call the superheat otherwise."""
    made = Sandbox(tmp_path_factory.mktemp("changes"))
    made.land_units()
    made.land_readings("a", [reading(f"{YESTERDAY}T10:00:00Z")])
    renamed = {**reading(f"{DAY}T10:00:00Z"), "sh_k": 8.5}
    del renamed["superheat"]
    made.land_readings("b", [renamed, reading(f"{DAY}T10:02:00Z", unit="NOBODY")])
    made.run(only=BUILT)
    return made


@pytest.fixture
def lake(template: Sandbox, tmp_path: Path) -> Sandbox:
    shutil.copytree(template.root, tmp_path / "copy")
    return Sandbox(tmp_path / "copy")


def with_source(cat: Catalog, mended: Source) -> Catalog:
    head, files = bronze_tables(mended, cat.feeds[mended.feed])
    return replace(cat, tables={**cat.tables, head.name: head, files.name: files}, sources={**cat.sources, head.name: mended})


def with_table(cat: Catalog, table: Table) -> Catalog:
    return replace(cat, tables={**cat.tables, table.name: table})


def test_a_mended_mapping_fetches_a_column_that_bronze_kept_aside(lake: Sandbox) -> None:
    """No file is read again: what no mapping asked for is in `_rescued`, and comes back from there."""
    assert lake.frame(READINGS)["superheat_k"].isna().tolist() == [False, True]
    before = {n: lake.open(n).number for n in BUILT}
    source = lake.cat.sources[BRONZE]
    select = {**source.select, "superheat_k": "coalesce(superheat, sh_k)"}
    lake.cat = with_source(lake.cat, replace(source, select=select, columns=(*source.columns, "sh_k")))
    shutil.rmtree(lake.settings.landing)
    results = lake.run(only=BUILT)
    assert not [r.message for r in results.values() if r.is_bad]
    assert sum(lake.open(BRONZE).rows.values()) == 3 and results[READINGS].read == 3
    assert lake.frame(READINGS)["superheat_k"].tolist() == [7.0, 8.5]
    assert [r["_rescued"] for r in lake.open(BRONZE).read(["_rescued"]).to_pylist()] == [None] * 3
    for table in (READINGS, INDICATORS):
        assert lake.lake.changed_since(lake.open(table), before[table]) == {DAY}, "the day that lacked nothing stays as it was"
    assert lake.lake.changed_since(lake.open(UNITS), before[UNITS]) == set()
    assert {r.outcome for r in lake.run(only=BUILT).values()} == {"fresh"}


def test_a_changed_contract_rebuilds_and_publishes_only_what_came_out_otherwise(lake: Sandbox) -> None:
    before = lake.open(INDICATORS)
    table = lake.cat[INDICATORS]

    def with_promise(severity: Severity) -> Table:
        promised = {"theoretical_cop": (*table.column("theoretical_cop").constraints, Between(severity, 0, 1_000))}
        columns = tuple(replace(c, constraints=promised.get(c.name, c.constraints)) for c in table.columns)
        return replace(table, columns=columns)

    lake.cat = with_table(lake.cat, with_promise("warning"))
    assert lake.run(only=BUILT)[INDICATORS].outcome == "fresh", "what only warns decides no cell"
    lake.cat = with_table(lake.cat, with_promise("critical"))
    results = lake.run(only=BUILT)
    assert results[INDICATORS].outcome == "unchanged" and "contract" in results[INDICATORS].reason
    assert lake.lake.changed_since(lake.open(INDICATORS), before.number) == set()
    assert results[HOURLY].outcome == "fresh", "nothing downstream moves for a promise that was kept"
    coarser = tuple(replace(c, resolution=1.0) if c.name == "superheat_k" else c for c in lake.cat[READINGS].columns)
    lake.cat = with_table(lake.cat, replace(lake.cat[READINGS], columns=coarser))
    results = lake.run(only=BUILT)
    assert results[READINGS].outcome == "unchanged" and results[INDICATORS].outcome == "fresh", "7.0 is 7 at any resolution"


def test_a_mapping_file_that_breaks_takes_no_rows_away(lake: Sandbox, tmp_path: Path) -> None:
    """Its feed's tables wait for it to be mended, with its mistake as message; all others go on."""
    before = lake.versions()
    extra = tmp_path / "extra"
    for name, text in (
        ("refrigeration_more.yaml", "{feeds: refrigeration.readings, files: 'x/*', format: csv, select: {unit_ident: x}}"),
        ("refrigeration_units2.yaml", "feeds: [what\n"),
    ):
        (extra / "lake/sources").mkdir(parents=True, exist_ok=True)
        (extra / "lake/sources" / name).write_text(text)
        lake.cat = discover((extra,))
        lake.land_units({**UNIT, "machine_id": "FRIGO-02"})
        results = lake.run(only=BUILT)
        assert results[READINGS].outcome == "failed" and name in results[READINGS].message, results[READINGS]
        assert results[READINGS].is_contract_broken, "trying again would not help"
        assert results[INDICATORS].outcome in ("fresh", "published")
    assert lake.open(READINGS).number == before[READINGS]
    assert results[UNITS].outcome == "failed", "a file that names no feed may mean any feed of its domain"
    assert "can't be built" in make_plan(lake.cat, lake.lake, lake.cat[READINGS], "Europe/Paris").state


TALLY = """
from lake.constraints import NotNull
from lake.contract import Column, Read, Table

RUNNING = Table("gold", "tally", "running", "stateful", "Toys so far, while there are fewer than ten.", "toys", "one row per day",
                (Column("day", "date", "Day", (NotNull(),)), Column("so_far", "long", "Toys so far")), ("day",), "day",
                (Read("gold_toy__totals"),))
"""
TALLY_STEP = """
from pyspark.sql import DataFrame, Window, functions as F

def gold_tally__running(gold_toy__totals: DataFrame, gold_tally__running: DataFrame) -> DataFrame:
    so_far = Window.orderBy("day").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    counted = gold_toy__totals.select("day", "total").unionByName(gold_tally__running.selectExpr("day", "so_far as total"))
    return counted.select("day", F.sum("total").over(so_far).alias("so_far")).filter("so_far < 10")
"""


@pytest.fixture(scope="module")
def extra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = toy.make(tmp_path_factory.mktemp("toy"))
    (folder / "lake/tables/tally.py").write_text(TALLY)
    (folder / "pipelines/tally.py").write_text(TALLY_STEP)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKE_EXTRA", str(folder))
        settings.cache_clear()
        yield folder
    settings.cache_clear()


@pytest.fixture
def toys(spark, extra: Path, tmp_path: Path) -> Sandbox:
    made = Sandbox(tmp_path, cat=discover((extra,)))
    made.land("toy/a.csv", f"toy,pieces,who,seen\nbear,3,Ann Marlow,{DAY}\ncar,x,Ann Marlow,{DAY}\nowl,1,,{DAY}\nfox,2,Ben Ode,nowhen\n")
    made.only = tuple(t.name for t in made.cat.buildable if t.domain == "toy")  # type: ignore[attr-defined]
    results = made.run(only=made.only)  # type: ignore[attr-defined]
    assert not [r.message for r in results.values() if r.is_bad]
    return made


def test_a_ledger_never_restates_and_personal_values_stay_in_bronze(toys: Sandbox) -> None:
    only = toys.only  # type: ignore[attr-defined]
    tomorrow = DAY + timedelta(days=1)
    toys.land("toy/b.csv", f"toy,pieces,who,seen\nwolf,5,Ann Marlow,{DAY}\nwolf,7,Ann Marlow,{tomorrow}\n")
    version = toys.open("gold_toy__journal").number
    toys.run(only=only)
    assert toys.frame("gold_toy__totals")["total"].tolist() == [9, 7]
    assert toys.frame("gold_toy__journal")["total"].tolist() == [4, 7], "a day once told is never told otherwise"
    assert toys.lake.changed_since(toys.open("gold_toy__journal"), version) == {tomorrow}

    kept = toys.lake.open_sibling(toys.open("silver_toy__counts"), toys.cat["silver_toy__counts__quarantine"])
    assert kept is not None
    rows = {r["_row"]: r for r in kept.read().to_pylist()}
    assert {n: r["reasons"] for n, r in rows.items()} == {  # by line, the header is the first
        3: ["count: readable as long"],
        5: ["on_day: readable as date"],
    }
    assert json.loads(rows[3]["content"])["who"] == "***"
    lake, reports = toys.settings.lake_root, toys.settings.report_root
    for folder in (lake / "silver", lake / "gold", reports):
        for file in (f for f in folder.rglob("*") if f.is_file()):
            assert b"Marlow" not in file.read_bytes(), file


def test_late_data_restates_a_stateful_table_to_the_end_though_later_days_had_nothing_new(toys: Sandbox) -> None:
    tomorrow, then = (DAY + timedelta(days=n) for n in (1, 2))
    wanted = [*toys.only, "gold_tally__running"]  # type: ignore[attr-defined]
    toys.land("toy/b.csv", f"toy,pieces,who,seen\nwolf,1,Ann,{tomorrow}\nwolf,2,Ann,{then}\n")
    toys.run(only=wanted)
    assert toys.frame("gold_tally__running")["so_far"].tolist() == [4, 5, 7]
    toys.land("toy/c.csv", f"toy,pieces,who,seen\nhen,3,Ann,{DAY}\n")
    toys.run(only=wanted)
    told = toys.frame("gold_tally__running")
    assert (told["day"].tolist(), told["so_far"].tolist()) == ([DAY, tomorrow], [7, 8]), "ten are reached on the last day: no row"


def test_audits_on_spark_decide_as_those_in_pandas_do(toys: Sandbox) -> None:
    only = toys.only  # type: ignore[attr-defined]
    toys.options["audit_rows_in_pandas"] = 0
    toys.land("toy/c.csv", f"toy,pieces,who,seen\nwhale,5000,Ann,{DAY}\n")
    results = toys.run(only=only)
    assert results["silver_toy__counts"].outcome == "published", results["silver_toy__counts"].message
    blocked = results["gold_toy__totals"]
    assert blocked.outcome == "blocked" and "total: from 0 to 1000" in blocked.message and "5004" in blocked.message
    assert toys.frame("gold_toy__totals")["total"].tolist() == [4]


def test_the_calendar_says_when_a_day_ends_and_follows_the_time_zone(lake: Sandbox) -> None:
    calendar = "bronze_lake__calendar"
    ends = lake.frame(calendar).set_index("day")["ends_at"]
    assert str(ends[DAY]) == "2026-03-31 22:00:00+00:00", "midnight in Paris, in summer"
    assert lake.run(only=[calendar])[calendar].outcome == "fresh"
    lake.options["site_time_zone"] = "UTC"
    assert lake.run(only=[calendar])[calendar].outcome == "published"
    assert str(lake.frame(calendar).set_index("day")["ends_at"][DAY]) == "2026-04-01 00:00:00+00:00"
