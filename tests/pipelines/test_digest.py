"""What a digest is of: edits of a copy of the code, seen by processes of their own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lake.catalog import catalog
from lake.constraints import Between
from pipelines.code_graph import CodeGraph
from pipelines.digest import CONFORM, VALIDATE, table_digest
from tests.conftest import CHECKOUT

TELL = """
import json, sys
from lake.catalog import catalog
from pipelines.digest import table_digest
found = {t.name: table_digest(catalog(), t, "UTC") for t in catalog().buildable}
heavy = [m for m in ("pyspark", "great_expectations", "sklearn", "mlflow", "pandas") if m in sys.modules]
print(json.dumps([found, heavy]))
"""
Edit = Callable[..., set[str]]


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("code")
    for name in ("lake", "pipelines", "models", "quality"):
        left_out = shutil.ignore_patterns("__pycache__", "landing", "bronze", "silver", "gold", "reports", "simulator", "_*")
        shutil.copytree(CHECKOUT / name, folder / name, ignore=lambda d, names, f=left_out: f(d, names) - {"__init__.py", "__main__.py"})
    return folder


@pytest.fixture(scope="module")
def edit(code: Path) -> Edit:
    """Edit a file of the copy and put it back; the tables whose digest changed."""

    def digests() -> tuple[dict[str, int], list[str]]:
        env = {**os.environ, "PYTHONPATH": str(code), "LAKE_STATE_ROOT": str(code / "state"), "LAKE_EXTRA": ""}
        told = subprocess.run([sys.executable, "-c", TELL], env=env, cwd=code, capture_output=True, text=True, check=True).stdout
        found, heavy = json.loads(told)
        return found, heavy

    before, heavy = digests()
    assert not heavy, "nothing heavy is imported to plan"

    def changed(*edits: tuple[str, str, str]) -> set[str]:
        texts = {code / file: (code / file).read_text() for file, _, _ in edits}
        for file, old, new in edits:
            text = (code / file).read_text()
            assert old in text, (file, old)
            (code / file).write_text(text.replace(old, new))
        try:
            after = digests()[0]
        finally:
            for path, text in texts.items():
                path.write_text(text)
        return {t for t in before if before[t] != after[t]}

    return changed


def test_wording_makes_nothing_stale(edit: Edit) -> None:
    assert not edit(
        ("lake/tables/fleet.py", "Temperature of the engine's coolant", "How warm the coolant is"),
        ("lake/tables/line.py", 'OWNER = "', 'OWNER = "the new '),
        ("lake/tables/line.py", '"°C", 0.01, -30, 60', '"deg C", 0.01, -30, 60'),
        ("lake/spark.py", "Whether a row keeps a promise", "Whether a promise is kept by a row"),
        ("pipelines/judge.py", "# Reasons are put together", "# Put together"),
        ("lake/contract.py", "Where a silver row came from", "Whence"),
        ("lake/settings.py", "where the zones are", "the zones"),
    )


def test_an_edit_of_the_failure_mode_rules_reaches_their_readers_alone(edit: Edit) -> None:
    assert edit(("lake/fmea.py", '("high", 100)', '("high", 120)')) == {"gold_amdec__ratings"}
    assert edit(("lake/fmea.py", "(10, 12.0)", "(10, 13.0)")) == {"gold_amdec__living"}


def test_an_edit_of_casts_and_predicates_reaches_what_is_made_with_them(edit: Edit) -> None:
    made = {t.name for t in catalog().buildable if t.layer != "bronze"}
    of_feeds = {t.name for t in catalog().buildable if any(r.table in catalog().feeds for r in t.inputs)}
    assert edit(("lake/spark.py", "1.5 * 2.0**52", "1.5 * 2.0**51")) == made
    assert edit(("lake/spark.py", "value >= F.lit(low)", "value > F.lit(low)")) == of_feeds
    assert edit(("lake/constraints.py", "low: float | None = None", "low: float | None = 0.0")) >= of_feeds
    assert edit(("pipelines/judge.py", '"_rank") == 1', '"_rank") == 2')) == of_feeds


def test_an_edit_of_conversions_reaches_what_a_mapping_renders_with_them(edit: Edit) -> None:
    found = edit(("lake/conversions.py", "try_to_timestamp", "try_to_timestamp_ntz"))
    assert "silver_refrigeration__readings" in found and "bronze_refrigeration__readings" in found
    assert not {t for t in found if t.startswith("gold_")}


def test_an_edit_of_one_step_leaves_its_neighbours_alone(edit: Edit) -> None:
    assert edit(("pipelines/fleet/reporting.py", '"day", "commissioned_on") / 12', '"day", "commissioned_on") / 12.0')) == {
        "gold_fleet__reporting"
    }
    assert edit(("models/problems/refrigeration.py", "capacity=2", "capacity=3")) >= {"gold_maintenance__predictions"}


def test_a_rule_of_alerts_reaches_alerts_by_its_value(edit: Edit) -> None:
    found = edit(("lake/tables/refrigeration.py", '"above", -5, -6, 0', '"above", -4, -6, 0'))
    assert {"gold_refrigeration__alerts"} <= found and not {t for t in found if t.startswith(("silver_", "gold_fleet"))}


def test_the_contract_counts_by_what_it_decides() -> None:
    cat = catalog()
    table = cat["silver_refrigeration__readings"]

    def digest(changed: object) -> int:
        return table_digest(cat, changed, "UTC")  # type: ignore[arg-type]

    def with_column(**values: object) -> object:
        return replace(table, columns=tuple(replace(c, **values) if c.name == "superheat_k" else c for c in table.columns))  # type: ignore[arg-type]

    same = digest(table)
    warned = (*table.column("superheat_k").constraints, Between("warning", 0, 1))
    worded = (
        replace(table, description="x", owner="y", grain="z"),
        with_column(meaning="m", unit="kelvin"),
        with_column(constraints=warned),
    )
    assert {digest(t) for t in worded} == {same}
    others = (
        with_column(resolution=10.0),
        with_column(constraints=(*warned, Between("critical", 0, 1))),
        replace(table, applies="superheat_k > 0"),
        replace(table, prefer=("superheat_k",)),
        replace(table, fans_out=not table.fans_out),
    )
    assert len({digest(t) for t in (table, *others)}) == len(others) + 1


def test_the_engine_functions_named_in_the_digest_are_there() -> None:
    graph = CodeGraph((CHECKOUT,))
    graph.reach([*CONFORM, *VALIDATE])
    with pytest.raises(LookupError, match="nothing_like_that"):
        graph.reach(["pipelines.judge.nothing_like_that"])


def test_parsed_modules_are_kept_and_a_broken_file_of_them_is_passed_over(tmp_path: Path) -> None:
    kept = tmp_path / "code.json"
    first = CodeGraph((CHECKOUT,), kept).reach(CONFORM)
    assert CodeGraph((CHECKOUT,), kept).reach(CONFORM) == first
    kept.write_text("{")
    assert CodeGraph((CHECKOUT,), kept).reach(CONFORM) == first
