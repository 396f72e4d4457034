"""axe-core looks at every page, `test_pages` in the light theme and this in the dark one: no serious finding of ours."""

import pytest
from playwright.sync_api import Browser

from dashboards.views import pages
from tests.dashboards.axe import AXE, MISSING, findings
from tests.dashboards.conftest import Visitor, listen
from tests.dashboards.test_pages import GROUND, PATH


def test_the_theme_follows_the_reader_and_is_legible_in_the_dark(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    visitor = Visitor(context.new_page(), address)
    listen(visitor)
    found = {}
    for page in pages()[:3]:
        drawn = visitor.open(PATH[page.path])
        assert drawn.evaluate(GROUND) == "rgb(17, 25, 29)"
        found[page.path] = findings(drawn) if AXE.exists() else []
    context.close()
    assert not any(found.values()), found
    assert not visitor.errors
    if not AXE.exists():
        pytest.skip(MISSING)
