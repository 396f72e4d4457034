"""A real browser walks every page: nothing breaks, and filters, drill-down, language, theme, downloads and links work."""

import csv
import io
import shutil
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dashboards.texts import Texts
from dashboards.views import Page, pages
from lake.arrow import arrow_schema
from lake.catalog import catalog
from lake.storage import Lake, staged_files
from pipelines.files import write_arrow
from tests.dashboards import recomputed
from tests.dashboards.axe import AXE, findings
from tests.dashboards.browser import serving
from tests.dashboards.conftest import Visitor

SHOWN = """() => Object.fromEntries([...document.querySelectorAll('[class*="st-key-figure-"]')].map(e => [
    [...e.classList].find(c => c.startsWith('st-key-figure-')).split('-').slice(4).join('-'),
    e.querySelector('[data-testid="stMetricValue"]').innerText.trim()]))"""
GROUND = """() => getComputedStyle(document.querySelector('[data-testid="stApp"]')).backgroundColor"""


@pytest.mark.parametrize("page", pages(), ids=lambda p: p.path)
def test_every_page_opens_in_both_languages_and_its_figures_agree_with_the_files(visitor: Visitor, lake_root: Path, page: Page) -> None:
    drawn = visitor.walk(page.path)
    assert drawn.evaluate(GROUND) == "rgb(255, 255, 255)"
    for is_first in (True, False):
        language = visitor.language() if is_first else visitor.other_language()
        drawn.wait_for_function("t => document.querySelector('h1')?.innerText === t", arg=Texts(language)(f"{page.path}.title"))
        assert not drawn.locator(".st-key-broken, [data-testid='stException']").count()
        if language == "en" and not drawn.locator(".st-key-first-run").count():
            _agrees(visitor, lake_root, page.path)
        if is_first and AXE.exists():  # `test_accessible` says so when it isn't there
            assert not findings(drawn)
    assert not visitor.errors


def _agrees(visitor: Visitor, lake_root: Path, name: str) -> None:
    """No figure disagrees with the Parquet files, and one planted on the page is noticed."""
    expected = recomputed.PAGES[name](lake_root)
    assert len(expected) >= 5
    assert not recomputed.disagreements(visitor.page.evaluate(SHOWN), expected)
    victim = visitor.page.locator(f".st-key-figure-{name}-{next(iter(expected))} [data-testid='stMetricValue']")
    victim.evaluate("e => { e.dataset.was = e.innerText; e.firstChild.textContent = '987654' }")
    assert len(recomputed.disagreements(visitor.page.evaluate(SHOWN), expected)) == 1


def test_a_link_opens_the_same_page_with_the_same_filters(visitor: Visitor) -> None:
    page = visitor.open("fleet")
    page.get_by_role("radio", name="7 days").click()
    visitor.settle()
    page.get_by_role("radio", name="Week").click()
    visitor.settle()
    asked = parse_qs(urlparse(page.url).query)
    assert asked["days"] == ["7"] and asked["grain"] == ["week"]
    shown = page.locator(".st-key-card-fleet-driven_by").inner_text()
    again = visitor.open(page.url.removeprefix(visitor.address + "/"))
    assert again.get_by_role("radio", name="7 days").is_checked()
    assert again.locator(".st-key-card-fleet-driven_by").inner_text() == shown


def test_one_asset_can_be_looked_into(visitor: Visitor, lake_root: Path) -> None:
    page = visitor.open("fleet")
    name = sorted(recomputed.table(lake_root, "gold_fleet__reporting")["vin"].unique())[2]
    asset = page.get_by_role("combobox", name="Vehicle")
    asset.click()
    asset.press("Control+a")
    page.keyboard.type(name)
    page.get_by_role("option", name=name).click()
    page.wait_for_url(f"**asset={name}*")
    visitor.settle()
    assert parse_qs(urlparse(page.url).query)["asset"] == [name]
    assert name in page.locator("[data-testid='stMain']").inner_text()
    visitor.open(f"fleet?asset={name}&lang=fr")
    assert page.locator(".st-key-card-fleet-sensors").get_by_text("Capteurs dans le temps").count()
    assert not visitor.errors


def test_language_changes_and_stays_from_page_to_page(visitor: Visitor) -> None:
    page = visitor.open("fleet?days=28")
    page.get_by_role("radio", name="Français").click()
    page.wait_for_function("() => document.querySelector('h1').innerText === 'Flotte'")
    visitor.settle()
    assert page.inner_text("h1") == "Flotte" and "days=28" in page.url
    page.get_by_role("link", name="Qualité").click()
    visitor.settle()
    page.wait_for_function("() => document.querySelector('h1').innerText === 'Qualité'")
    assert "lang=fr" in page.url


def test_a_figure_downloads_as_harmless_csv_and_as_parquet(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.open("lake?table=gold_amdec__ratings")
    got = {}
    for kind in ("CSV", "Parquet"):
        with page.expect_download() as waiting:
            page.locator(".st-key-foot-lake-preview").get_by_role("button", name=kind).click()
        got[kind] = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(got[kind])
    rows = list(csv.reader(io.StringIO(got["CSV"].read_text("utf-8-sig"))))
    table = pq.read_table(got["Parquet"])
    assert len(rows) - 1 == table.num_rows > 0 and rows[0] == table.column_names
    assert not [cell for row in rows for cell in row if cell.lstrip()[:1] in ("=", "@", "+")]


def test_a_card_shows_its_table_and_its_contract(visitor: Visitor) -> None:
    page = visitor.open("amdec")
    foot = page.locator(".st-key-foot-amdec-matrix")
    foot.get_by_role("button", name="Table").click()
    page.get_by_test_id("stPopoverBody").get_by_test_id("stDataFrame").first.wait_for()
    page.keyboard.press("Escape")
    foot.get_by_role("button", name="Contract").click()
    page.get_by_text("gold_amdec__ratings").first.wait_for()
    assert not visitor.errors


def test_any_table_opens_as_of_any_version(visitor: Visitor) -> None:
    page = visitor.open("lake?table=gold_fleet__status&version=0")
    assert visitor.figure("lake", "version_shown") == "0"
    assert page.locator(".st-key-card-lake-lineage").count() and page.locator(".st-key-card-lake-preview").count()


def test_an_empty_lake_says_what_to_do_and_once_filled_what_is_old_or_failed(visitor: Visitor, lake_root: Path, tmp_path: Path) -> None:
    with serving(tmp_path / "lake", LAKE_AS_OF="2099-01-01") as address, visitor.at(address):
        for page in pages():
            drawn = visitor.walk(page.path)
            assert drawn.locator(".st-key-first-run").inner_text().count("make run"), page.path
            assert not drawn.locator(".st-key-broken").count(), page.path
        shutil.copytree(lake_root, tmp_path / "lake", dirs_exist_ok=True)
        assert "make simulate medallion" in visitor.open("fleet").get_by_test_id("stAlert").inner_text()
        _fail(Lake(tmp_path / "lake"), "gold_fleet__status")
        assert "could not publish gold_fleet__status" in visitor.open("fleet").get_by_test_id("stAlert").inner_text()
    assert not visitor.errors


def _fail(lake: Lake, name: str) -> None:
    """Record a run that could not publish a table."""
    runs = catalog()["gold_lake__runs"]
    held = lake.open(runs)
    assert held is not None
    row = held.read().to_pylist()[0] | {"table": name, "outcome": "failed", "run": "later", "recorded_at": datetime(2098, 1, 1, tzinfo=UTC)}
    folder = lake.folder(runs) / "run=later"
    write_arrow(pa.Table.from_pylist([row], schema=arrow_schema(runs)), runs, folder)
    lake.publish(runs, held, staged_files(folder), None, {}, {})
