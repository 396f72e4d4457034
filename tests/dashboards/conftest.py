"""One tiny lake, one server and one browser for all tests of the dashboard in a worker process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from dashboards.texts import Texts
from dashboards.views import pages
from tests.dashboards.browser import CHROMIUM, chromium, serving, settled
from tests.dashboards.plant import LAST, tiny

PROBES = ("/_stcore/health", "/_stcore/host-config")
"""Streamlit's page asks for these below a deep link's path first, is answered 404, and goes on to the root."""

PATH = {p.path: "" if i == 0 else p.path for i, p in enumerate(pages())}
PATIENCE_MS = 90_000
"""Other workers may have both cores."""


@dataclass
class Visitor:
    """A browser page and what went wrong on it."""

    page: Page
    address: str
    errors: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(f"{self.address}/{path}")
        settled(self.page)
        return self.page

    def walk(self, path: str) -> Page:
        """By the menu, as readers do, in the language of the page before: half the work of opening an address."""
        if not self.page.url.startswith(self.address):
            return self.open(PATH[path])
        title = Texts(self.language())(f"{path}.title")
        self.page.get_by_role("link", name=title, exact=True).click()
        self.page.wait_for_function("t => document.querySelector('h1')?.innerText === t", arg=title)
        self.settle()
        return self.page

    @contextmanager
    def at(self, address: str) -> Iterator["Visitor"]:
        """At another server while it runs; a page that is left open would go on asking it."""
        home, self.address = self.address, address
        try:
            yield self
        finally:
            self.page.goto("about:blank")
            self.address = home

    def language(self) -> str:
        return "fr" if self.page.get_by_role("radio", name="Français").is_checked() else "en"

    def other_language(self) -> str:
        """Change to it."""
        self.page.get_by_role("radio", name="English" if self.language() == "fr" else "Français").click()
        self.settle()
        return self.language()

    def settle(self) -> None:
        self.page.wait_for_timeout(300)
        settled(self.page)

    def figure(self, page: str, name: str) -> str:
        return self.page.locator(f".st-key-figure-{page}-{name} [data-testid='stMetricValue']").inner_text().strip()


@pytest.fixture(scope="session")
def lake_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`DASHBOARD_LAKE` names another one, such as what `make run` made."""
    given = os.environ.get("DASHBOARD_LAKE")
    return Path(given) if given else tiny(tmp_path_factory.mktemp("dashboard") / "lake")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no Chromium at {CHROMIUM} (Debian: apt-get install chromium); CHROMIUM names another place")
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def address(lake_root: Path) -> Iterator[str]:
    settings = {} if os.environ.get("DASHBOARD_LAKE") else {"LAKE_AS_OF": LAST.isoformat()}
    with serving(lake_root, **settings) as found:
        yield found


@pytest.fixture(scope="session")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Shared, so that Streamlit's scripts are fetched once."""
    found = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    yield found
    found.close()


@pytest.fixture(scope="session")
def tab(context: BrowserContext, address: str) -> Iterator[Visitor]:
    """One for all tests: a new one takes the browser three seconds of work more to open a page."""
    found = Visitor(context.new_page(), address)
    found.page.set_default_timeout(PATIENCE_MS)
    listen(found)
    yield found
    found.page.close()


@pytest.fixture
def visitor(tab: Visitor) -> Visitor:
    """Nothing went wrong yet."""
    tab.errors.clear()
    return tab


def listen(visitor: Visitor) -> None:
    """Collect console errors, uncaught exceptions, failed requests, and any request that leaves this machine."""

    def response(r: object) -> None:
        if r.status >= 400 and not r.url.split("?")[0].endswith(PROBES):  # type: ignore[attr-defined]
            visitor.errors.append(f"{r.status} {r.url}")  # type: ignore[attr-defined]

    def request(r: object) -> None:
        url = r.url  # type: ignore[attr-defined]
        if not url.startswith((visitor.address, visitor.address.replace("http", "ws"), "data:", "blob:")):
            visitor.errors.append(f"left this machine: {url}")

    visitor.page.on("console", lambda m: visitor.errors.append(m.text) if m.type == "error" and "404 (Not Found)" not in m.text else None)
    visitor.page.on("pageerror", lambda e: visitor.errors.append(str(e)))
    visitor.page.on("response", response)
    visitor.page.on("request", request)
