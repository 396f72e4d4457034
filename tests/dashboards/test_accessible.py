"""axe-core looks at every page, in both themes: no serious finding of ours."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from dashboards.views import pages
from tests.dashboards.browser import CHECKOUT
from tests.dashboards.conftest import Visitor
from tests.dashboards.test_pages import PATH

AXE = Path(os.environ.get("AXE", CHECKOUT / ".state" / "axe" / "package" / "axe.min.js"))
GRAVE = ("serious", "critical")
RUN = """() => axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})
    .then(r => r.violations.map(v => ({id: v.id, impact: v.impact, where: v.nodes.slice(0, 4).map(n => n.html.slice(0, 200))})))"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_finding(browser: Browser, address: str, scheme: str) -> None:
    if not AXE.exists():
        pytest.skip("axe-core isn't here: `make axe` fetches it with npm")
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    visitor = Visitor(context.new_page(), address)
    found = {}
    for page in pages() if scheme == "light" else pages()[:3]:
        drawn = visitor.open(PATH[page.path])
        drawn.wait_for_timeout(1000)
        drawn.add_script_tag(path=str(AXE))
        grave = [v for v in drawn.evaluate(RUN) if v["impact"] in GRAVE]
        if grave:
            found[page.path] = grave
    context.close()
    assert not found, found
