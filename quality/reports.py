"""The validation report: a folder of plain pages for each run, readable with no network, no script and no server."""

import json
import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from lake.contract import Table
from quality.verdict import Verdict, count

RUNS_LISTED = 200
SAMPLES_SHOWN = 50
TEXT_SHOWN = 300
JSON_LIMIT = 200_000
"""Bytes of one table's results; past it they are told without samples."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ORDER = {"failed": 0, "warned": 1, "waived": 2, "passed": 3}


@dataclass(frozen=True)
class Quarantined:
    """One row kept out: where it came from, the promise it broke and what was found (personal values masked)."""

    file: str
    row: int | None
    reason: str
    found: str | None


@dataclass(frozen=True)
class Past:
    """What an earlier run found in a table."""

    run: str
    outcome: str
    failed: int
    warned: int


@dataclass(frozen=True)
class TableReport:
    """What a run did to one table. `outcome` is the word of `gold_lake__runs`: published, unchanged, blocked...

    `read` and `fates` are None where no law of conservation applies, `results` what the audit gave (None: not audited).
    """

    table: Table
    outcome: str
    message: str | None = None
    version: int | None = None
    seconds: float | None = None
    verdicts: tuple[Verdict, ...] = ()
    results: Mapping[str, Any] | None = None
    read: int | None = None
    fates: Mapping[str, int] | None = None
    reasons: tuple[tuple[str, int], ...] = ()
    quarantine: tuple[Quarantined, ...] = ()
    history: tuple[Past, ...] = ()

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def outcomes(self) -> Counter[str]:
        return Counter(v.outcome for v in self.verdicts)

    @property
    def state(self) -> str:
        """How to show it: `failed` if it blocks or broke, `warned`, `waived`, or `passed`."""
        if self.outcome in ("blocked", "failed") or self.outcomes["failed"]:
            return "failed"
        if self.outcomes["warned"] or self.outcome in ("skipped", "pinned"):
            return "warned"
        return "waived" if self.outcomes["waived"] else "passed"

    @property
    def worst_first(self) -> list[Verdict]:
        return sorted(self.verdicts, key=lambda v: _ORDER[v.outcome])

    @property
    def conservation(self) -> str | None:
        """Every term with its number, and what is missing if the sum does not come out."""
        if self.read is None or self.fates is None:
            return None
        terms = " + ".join(f"{_number(n)} {fate.replace('_', ' ')}" for fate, n in self.fates.items())
        lost = self.read - sum(self.fates.values())
        return f"{_number(self.read)} read = {terms}" + (f", off by {_number(lost)}" if lost else "")


@dataclass(frozen=True)
class RunReport:
    """A run and every table it looked at. `run` names the folder."""

    run: str
    started_at: datetime
    as_of: date | None
    tables: tuple[TableReport, ...]
    seconds: float | None = None


def write_report(root: Path, run: RunReport) -> Path:
    """Write `root/<run>/` (an index, a page and a JSON file per table) and the list of runs; return the run's index."""
    if not _PLAIN.fullmatch(run.run):
        raise ValueError(f"run {run.run!r}: letters, digits, '.', '_' and '-' only, since it names a folder")
    folder = root / run.run
    folder.mkdir(parents=True, exist_ok=True)
    for t in run.tables:
        if t.results is not None:
            _write(folder / f"{t.name}.json", _as_json(t.results))
        kept = {p.run for p in t.history if (root / p.run / f"{t.name}.html").exists()}
        samples = t.quarantine[:SAMPLES_SHOWN]
        _write(folder / f"{t.name}.html", _page("table.html", run=run, t=t, samples=samples, kept=kept))
    tables = sorted(run.tables, key=lambda t: _ORDER[t.state])
    _write(folder / "summary.json", json.dumps(_summary(run)))
    _write(folder / "index.html", _page("run.html", run=run, tables=tables, states=Counter(t.state for t in tables)))
    write_index(root)
    return folder / "index.html"


def write_index(root: Path) -> Path:
    """The list of runs, newest first, from what each run's folder says of itself."""
    summaries = [json.loads(f.read_text("utf-8")) for f in root.glob("*/summary.json")]
    newest = sorted(summaries, key=lambda s: (s["started_at"], s["run"]), reverse=True)[:RUNS_LISTED]
    _write(root / "index.html", _page("runs.html", runs=newest))
    return root / "index.html"


def _summary(run: RunReport) -> dict[str, Any]:
    states = Counter(t.state for t in run.tables)
    return {
        "run": run.run,
        "started_at": run.started_at.isoformat(),
        "as_of": run.as_of.isoformat() if run.as_of else None,
        "state": min(states, key=_ORDER.__getitem__, default="passed"),
        "tables": len(run.tables),
        "states": dict(states),
        "failed": [t.name for t in run.tables if t.state == "failed"][:20],
        "checks": sum(len(t.verdicts) for t in run.tables),
        "quarantined": sum((t.fates or {}).get("quarantined", 0) for t in run.tables),
    }


def _as_json(results: Mapping[str, Any]) -> str:
    text = json.dumps(results, indent=1, ensure_ascii=False)
    if len(text.encode()) <= JSON_LIMIT:
        return text
    slim = [{**r, "result": {k: v for k, v in r["result"].items() if k != "samples"}} for r in results["results"]]
    return json.dumps({**results, "results": slim}, ensure_ascii=False)


def _write(path: Path, text: str) -> None:
    """A reader sees the page before or the page after, never half of one."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def _page(template: str, **values: Any) -> str:
    return _templates().get_template(template).render(**values)


@cache
def _templates() -> Environment:
    env = Environment(
        loader=PackageLoader("quality"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {"number": _number, "count": count, "clip": _clip, "seconds": _seconds, "fields": _fields}
    return env


def _number(n: int | None) -> str:
    """Thousands set apart by a space that never breaks."""
    return "" if n is None else f"{n:,}".replace(",", "\N{NO-BREAK SPACE}")


def _clip(text: object) -> str:
    told = "" if text is None else str(text)
    return told if len(told) <= TEXT_SHOWN else told[:TEXT_SHOWN] + "…"


def _seconds(s: float | None) -> str:
    return "" if s is None else f"{s:.1f} s" if s < 60 else f"{s // 60:.0f} min {s % 60:.0f} s"


def _fields(samples: tuple[str, ...]) -> tuple[list[str], list[list[str]]]:
    """Samples, which are JSON objects, as a table: the columns and the rows."""
    rows = [json.loads(s) for s in samples]
    columns = list(dict.fromkeys(k for r in rows for k in r))
    return columns, [["null" if r.get(c) is None else _clip(r[c]) for c in columns] for r in rows]
