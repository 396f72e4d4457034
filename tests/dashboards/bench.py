"""`make bench-dashboard`: seconds to the first screen of each page, warm, and the server's memory.

On the lake as it is (LAKE_ROOT), and on one made from the declarations with 365 days of 2 000 assets. Single readings, which a
page shows for seven days at most, are made for the newest eight days there, hourly values for the newest 92.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from pathlib import Path

from dashboards.views import pages
from lake.settings import settings
from tests.dashboards.browser import CHECKOUT, chromium, serving, settled
from tests.dashboards.plant import LAST, Plant

BIG = {"fleet": 1600, "line": 200, "refrigeration": 200}
DAYS = 365
RECENT = {"gold_refrigeration__indicators": 8, "gold_line__hourly": 92, "gold_line__anomalies": 92, "gold_maintenance__reasons": 8}
UNREAD = ("features", "gold_refrigeration__hourly", "gold_maintenance__backtest", "gold_gmao__downtime")
"""Tables that no page reads, but for a preview."""
ROUNDS = 2


def made(root: Path) -> Path:
    plant = Plant(BIG, DAYS)
    wanted = [n for n in plant.cat.tables if not any(u in n for u in UNREAD)]
    plant.fill(root, only=wanted, recent=RECENT)
    return root


def measured(root: Path, **options: str) -> dict[str, object]:
    seconds: dict[str, dict[str, float]] = {}
    with serving(root, **options) as address, chromium() as browser:
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        for number, p in enumerate(pages()):
            path = p.path if number else ""
            told = []
            for _ in range(ROUNDS + 1):
                began = time.perf_counter()
                page.goto(f"{address}/{path}")
                settled(page, 120)
                told.append(round(time.perf_counter() - began, 2))
            seconds[p.path] = {"first": told[0], "warm": min(told[1:])}
        memory = max(_memory_mb(pid) for pid in _servers(address))
    return {"seconds": seconds, "server_mb": memory}


def _servers(address: str) -> list[int]:
    port = address.rsplit(":", 1)[1]
    return [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and port in _command(p)]


def _command(process: Path) -> str:
    try:
        return (process / "cmdline").read_text() if "streamlit" in (process / "cmdline").read_text() else ""
    except OSError:
        return ""


def _memory_mb(pid: int) -> int:
    """Highest resident memory so far."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=CHECKOUT / "artifacts" / "bench-dashboard.json")
    parser.add_argument("--skip-big", action="store_true")
    parser.add_argument("--big", type=Path, help="a folder to keep the big lake in, or with one made before")
    asked = parser.parse_args()
    told = f"load {os.getloadavg()[0]:.1f} at the beginning"
    found: dict[str, object] = {
        "machine": f"{os.cpu_count()} cores, {platform.processor() or platform.machine()}, {told}",
        "as_it_is": measured(settings().lake_root),
    }
    if not asked.skip_big:
        with tempfile.TemporaryDirectory() as scratch:
            root = asked.big or Path(scratch)
            if not (root / "gold").exists():
                made(root)
            found["365_days_2000_assets"] = measured(root, LAKE_AS_OF=LAST.isoformat())
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(found, indent=1))
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
