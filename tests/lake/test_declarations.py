"""What every declared table keeps, and what a declaration may not say."""

import inspect
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.arrow import arrow_schema
from lake.catalog import CatalogError, catalog, discover
from lake.constraints import Between, EqualSums, Fresh, Monotonic, NotNull, NullRateBand, OneOf, Pattern, References, RowCountBand
from lake.contract import Column, Grain, Read, Table
from lake.document import document
from lake.partitions import days_between, floor, last_day, needed, touched
from pipelines.steps import step_of
from tests import toy
from tests.conftest import CHECKOUT

TABLES = catalog().tables
MADE_BY_STEPS = [t for t in TABLES.values() if t.inputs]


@pytest.mark.parametrize("table", MADE_BY_STEPS, ids=lambda t: t.name)
def test_a_step_takes_what_its_table_reads(table: Table) -> None:
    assert tuple(inspect.signature(step_of(table)).parameters) == table.reads


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda t: t.name)
def test_every_declaration_is_complete(table: Table) -> None:
    assert table.description and table.owner and table.grain
    for c in table.columns:
        assert c.meaning, f"{table.name}.{c.name} says nothing of its meaning"
        if c.name.rsplit("_", 1)[-1] in {"c", "k", "bar", "a", "g", "kw", "h"} and c.type == "double":
            assert c.unit, f"{table.name}.{c.name} needs its unit"
    for promise in (k for c in table.columns for k in c.constraints if isinstance(k, References)):
        assert TABLES[promise.table].column(promise.column)
    for promise in (k for k in table.promises if isinstance(k, EqualSums)):
        assert promise.other in (*catalog().parents(table), *table.siblings), "only inputs can be compared with"


def test_inputs_come_before_their_readers() -> None:
    order = list(TABLES)
    assert all(order.index(p) < order.index(t.name) for t in TABLES.values() for p in catalog().waits_for(t))


def test_the_catalog_page_is_up_to_date() -> None:
    assert (CHECKOUT / "data_catalog.md").read_text("utf-8") == document(catalog()), "run `make catalog` and commit it"


def test_the_catalog_page_tells_all_of_every_table() -> None:
    page = document(catalog())
    for table in TABLES.values():
        section = page.split(f'<a id="{table.name}">')[1].split("\n## ")[0]
        for word in (
            "**Owner**",
            "**Grain**",
            "**Kind**",
            "**Key**",
            "**Partitions**",
            "**Reads**",
            "DeltaTable",
            "duckdb",
            "polars",
            "spark",
        ):
            assert word in section, (table.name, word)
        assert all(f"`{c.name}`" in section for c in table.columns)


def test_the_declarations_import_nothing_heavy() -> None:
    code = (
        "import sys, lake.catalog; lake.catalog.catalog(); "
        "print([m for m in ('pyspark', 'pandas', 'great_expectations') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=CHECKOUT)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"key": ("missing",)}, "not a column"),
        ({"partition": "week"}, "not a column"),
        ({"kind": "dated"}, "needs a partition"),
        ({"columns": (Column("a", "string", "A"), Column("a", "string", "A"))}, "repeated"),
        ({"layer": "silver"}, "never null"),
        ({"prefer": ("missing",)}, "not a column"),
        (
            {
                "kind": "stateful",
                "partition": "day",
                "columns": (Column("a", "string", "A"), Column("day", "date", "D")),
                "inputs": (Read("t", days_after=1),),
            },
            "can't look ahead",
        ),
    ],
)
def test_a_wrong_declaration_is_refused_where_it_stands(wrong: dict[str, object], said: str) -> None:
    sound = {"layer": "gold", "domain": "d", "entity": "e", "kind": "snapshot", "description": "D.", "owner": "o", "grain": "g",
             "columns": (Column("a", "string", "A"),), "key": ("a",)}  # fmt: skip
    Table(**sound)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=said):
        Table(**{**sound, **wrong})  # type: ignore[arg-type]


def test_a_silver_table_has_the_partitions_of_its_feed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toy, "TABLES", toy.TABLES.replace('day_of="on_day")', 'day_of="on_day", grain="month")'))
    with pytest.raises(CatalogError, match="silver_toy__counts is partitioned by day, its feed by month; declare the same"):
        discover((toy.make(tmp_path),))


def test_promises_say_what_they_are() -> None:
    said = [
        p.sentence
        for p in (NotNull(), Between(low=-1, high=2), Between(low=0), Between(high=5), OneOf(values=("a", "b")), Pattern(regex="x+"))
    ]
    assert said == ["never null", "from -1 to 2", "at least 0", "at most 5", "one of a, b", "matches x+"]
    named = [p.name for p in (Fresh(), RowCountBand(), NullRateBand(column="c"), Monotonic(column="n"), EqualSums(column="", other="t"))]
    assert named == ["freshness", "row-count band", "null rate of c", "n never falls", "rows agrees with t"]


@pytest.mark.parametrize(("value", "kept"), [(None, True), (1, True), (0.99, False), (float("nan"), False), ("x", False)])
def test_between(value: object, kept: bool) -> None:
    assert Between(low=1, high=2).holds(value) is kept


GRAINS: list[Grain] = ["day", "week", "month"]
DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31))


@given(DAYS, st.sampled_from(GRAINS))
def test_a_partition_holds_its_own_days(day: date, grain: Grain) -> None:
    first = floor(day, grain)
    assert first <= day <= last_day(first, grain)
    assert {floor(d, grain) for d in days_between(first, last_day(first, grain))} == {first}


@given(DAYS, st.sampled_from(GRAINS), st.integers(0, 9), st.integers(0, 40), st.sampled_from(GRAINS))
def test_what_a_change_touches_is_what_needs_it(day: date, grain: Grain, back: int, ahead: int, reader: Grain) -> None:
    changed = floor(day, grain)
    reached = touched(changed, grain, reader, back, ahead)
    for p in reached:
        assert changed in needed([p], reader, grain, back, ahead)
    around = {floor(changed + timedelta(days=n), reader) for n in range(-90, 91)}
    assert all(changed not in needed([p], reader, grain, back, ahead) for p in around - reached)


def test_columns_render_to_arrow() -> None:
    for table in TABLES.values():
        assert arrow_schema(table).names == [c.name for c in table.columns]
