"""axe-core looks at a page as it is drawn: findings of ours that shut readers out."""

import os
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.dashboards.browser import CHECKOUT

AXE = Path(os.environ.get("AXE", CHECKOUT / ".state" / "axe" / "package" / "axe.min.js"))
MISSING = "axe-core isn't here: `make axe` fetches it with npm"
GRAVE = ("serious", "critical")
RUN = """() => axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})
    .then(r => r.violations.map(v => ({id: v.id, impact: v.impact, where: v.nodes.slice(0, 4).map(n => n.html.slice(0, 200))})))"""


def findings(page: Page) -> list[dict[str, Any]]:
    """Serious and critical ones, each with up to four places."""
    page.wait_for_timeout(1000)  # what fades in has its colours then
    page.add_script_tag(path=str(AXE))
    return [v for v in page.evaluate(RUN) if v["impact"] in GRAVE]
