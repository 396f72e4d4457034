"""Pictures of every page at two widths: `make screenshots`. They lie in artifacts/screenshots and are looked at by people."""

import argparse
from pathlib import Path

from dashboards.views import pages
from lake.settings import settings
from tests.dashboards.browser import CHECKOUT, chromium, serving, settled

WIDTHS = {"1280": (1280, 900), "390": (390, 844)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=CHECKOUT / "artifacts" / "screenshots")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    parser.add_argument("--query", default="")
    parser.add_argument("--widths", nargs="*", default=list(WIDTHS))
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    with serving(settings().lake_root) as address, chromium() as browser:
        for name in asked.widths:
            width, height = WIDTHS[name]
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=asked.theme)
            shot = context.new_page()
            for page in pages():
                if asked.only and page.path not in asked.only:
                    continue
                # Streamlit scrolls inside the page; a tall window shows all of it.
                shot.set_viewport_size({"width": width, "height": height})
                shot.goto(f"{address}/{page.path if page.rank else ''}?{asked.query}")
                settled(shot)
                tall = shot.evaluate("() => document.querySelector('[data-testid=\"stMain\"]').scrollHeight")
                shot.set_viewport_size({"width": width, "height": min(max(tall + 20, height), 9000)})
                shot.wait_for_timeout(700)
                shot.screenshot(path=str(asked.out / f"{page.path}-{name}{'-dark' if asked.theme == 'dark' else ''}.png"))
                print(page.path, name, tall)
            context.close()


if __name__ == "__main__":
    main()
