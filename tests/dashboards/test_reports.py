"""The validation report opens from the file system with the network off, in a real browser, and shows what was planted."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from quality.reports import write_report
from tests.dashboards.axe import AXE, GRAVE, RUN
from tests.quality.test_reports import BROKEN
from tests.quality.test_reports import RUN as REPORTED


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_planted_failure_is_found_by_following_links(browser: Browser, tmp_path: Path, scheme: str) -> None:
    write_report(tmp_path, REPORTED)
    context = browser.new_context(offline=True, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url))
    page.goto((tmp_path / "index.html").as_uri())
    page.get_by_role("link", name=REPORTED.run).click()
    page.get_by_role("link", name=BROKEN.name).first.click()
    seen = page.locator("body").inner_text()
    assert "oil_c: from -20 to 150" in seen and "U-17" in seen and "451.0" in seen
    if AXE.exists():
        page.add_script_tag(content=AXE.read_text("utf-8"))
        assert not [v for v in page.evaluate(RUN) if v["impact"] in GRAVE]
    assert asked and all(u.startswith("file://") for u in asked)
    context.close()
