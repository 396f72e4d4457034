"""axe-core looks at every page, `test_pages` in the light theme and this in the dark one: no serious finding of ours."""

import pytest

from dashboards.views import pages
from tests.dashboards.axe import AXE, MISSING, findings
from tests.dashboards.conftest import Visitor
from tests.dashboards.test_pages import GROUND


def test_the_theme_follows_the_reader_and_is_legible_in_the_dark(visitor: Visitor) -> None:
    visitor.page.emulate_media(color_scheme="dark")
    visitor.open("")
    found = {}
    for page in pages()[:3]:
        drawn = visitor.walk(page.path)
        assert drawn.evaluate(GROUND) == "rgb(17, 25, 29)"
        found[page.path] = findings(drawn) if AXE.exists() else []
    visitor.page.emulate_media(color_scheme="light")
    assert not any(found.values()), found
    assert not visitor.errors
    if not AXE.exists():
        pytest.skip(MISSING)
