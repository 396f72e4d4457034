"""What models say of today, in a few lines for the summary of a run."""

from collections import Counter

from lake.status import STATUSES
from lake.tables.predictions import PREDICTIONS, PRIORITIES
from models.versions import champions_in_words
from pipelines.run import Runner

LISTED = 5


def told(runner: Runner) -> list[str]:
    """What serves, how many assets stand how, and the first lines of the list of priorities."""
    predictions, priorities = (runner.lake.open(runner.catalog[t.name]) for t in (PREDICTIONS, PRIORITIES))
    if predictions is None or not predictions.rows:
        return []
    newest = max(p for p in predictions.rows if p)
    rows = predictions.read(["problem", "asset_id", "status", "_made_at"], [newest]).to_pylist()
    last = {(r["problem"], r["asset_id"]): r["status"] for r in sorted(rows, key=lambda r: r["_made_at"])}
    lines = ["", f"Models ({newest})", *(f"- {line}" for line in champions_in_words(runner))]
    counts = Counter(last.values())
    lines.append("- predictions: " + ", ".join(f"{counts[s]} {s}" for s in STATUSES if counts[s]))
    if priorities and newest in priorities.rows:
        first = sorted(priorities.read(partitions=[newest]).to_pylist(), key=lambda r: r["rank"])[:LISTED]
        lines += ["Priorities", *(
            f"- {r['rank']}. {r['name']} ({r['status']}, {r['probability']:.0%}{', ' + r['component'] if r['component'] else ''}): "
            f"{r['expected_loss_eur']:.0f} EUR expected, {r['needed_h']:.1f} h" for r in first
        )]  # fmt: skip
    return lines
