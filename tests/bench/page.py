"""The tables of docs/measurements.md, from docs/bench.json: `python -m tests.bench.page`."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.bench.peers.__main__ import CONTENDERS

PAGE, RESULTS = Path("docs/measurements.md"), Path("docs/bench.json")
BEGIN, END = "<!-- from docs/bench.json -->", "<!-- end -->"


def page(text: str, found: dict[str, Any]) -> str:
    """The page with its tables made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    parts = (_sizes(found), _histories(found), _models(found), _peers(found))
    return f"{before}{BEGIN}\n\n" + "\n\n".join(p for p in parts if p) + f"\n\n{END}{after}"


def _table(title: str, command: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [" | ".join(map(str, r)) for r in (head, ["---"] * len(head), *rows)]
    return f"## {title}\n\n`{command}`\n\n" + "\n".join(f"| {line} |" for line in lines)


def _memory(peaks: dict[str, int]) -> str:
    return " + ".join(f"{n} {mb} MB" for n, mb in peaks.items())


def _sizes(found: dict[str, Any]) -> str:
    sizes = found.get("size", {})
    rows = [
        (f"{s['readings'] / 1e6:.1f}", s["days"], s["seconds"], s.get("cpu_s", ""), s["readings_per_s"], f"{s['audit_share']:.0%}",
         s["nothing_new_s"], _memory(s["peak_mb"]))
        for s in sizes.values()
    ]  # fmt: skip
    head = ("million readings", "days", "wall s", "CPU s", "readings/s", "audits", "nothing new, s", "peak memory")
    return _table("Landing to gold, all domains", "make bench", head, rows) if rows else ""


def _histories(found: dict[str, Any]) -> str:
    rows = [
        (
            h["days_before"],
            h["domains"] if isinstance(h["domains"], str) else ", ".join(h["domains"]),
            h["new_day_s"],
            h.get("new_day_cpu_s", ""),
        )
        for h in found.get("history", {}).values()
        if "domains" in h
    ]
    head = ("days before", "domains", "one more day, wall s (median of seven)", "CPU s")
    return _table("One more day", "make bench", head, rows) if rows else ""


def _models(found: dict[str, Any]) -> str:
    rows = [
        (
            m["days"],
            m["training_all_s"],
            f"{m['scored_rows']:,}".replace(",", " "),
            ", ".join(f"{n} {s} s" for n, s in m["scoring_s"].items()),
        )
        for m in found.get("models", {}).values()
    ]
    head = ("days", "training of all problems, s", "rows scored", "scoring")
    return _table("Models", "make bench", head, rows) if rows else ""


def _peers(found: dict[str, Any]) -> str:
    rows = []
    for chain, runs in found.get("peers", {}).get("chains", {}).items():
        base = runs["duckdb"]
        for contender, label in CONTENDERS.items():
            if r := runs.get(contender):
                equal = runs["equal"].get(contender)
                held = f"{equal['equal_tables']} of {equal['tables']} tables, {equal['cells'] / 1e6:.1f} million cells" if equal else ""
                times = [f"{r[n]} ({r[n] / base[n]:.1f} ×)" for n in ("cpu_s", "wall_s")]
                rows.append((chain, label, *times, round(r["peak_mb"]) if "peak_mb" in r else "", held, runs["commit"]))
    head = ("chain", "who", "CPU s", "wall s", "peak MB", "equal to ours", "commit")
    return _table("Against hand-written chains", "make bench-peers", head, rows) if rows else ""


def main() -> None:
    PAGE.write_text(page(PAGE.read_text(), json.loads(RESULTS.read_text())))


if __name__ == "__main__":
    main()
