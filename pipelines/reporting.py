"""From results to the validation report of a run."""

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines import history

if TYPE_CHECKING:
    from pipelines.result import Result
    from pipelines.run import Runner
    from quality.reports import Past, Quarantined

PAST_SHOWN = 10
SAMPLES_SHOWN = 20


def write_results(folder: Path, results: Iterable["Result"]) -> None:
    """Keep Great Expectations' own results as JSON, one file a table, for whoever writes the report of the run."""
    for name, found in ((n, f) for r in results for n, f in r.results.items()):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(json.dumps(found, ensure_ascii=False, default=str), encoding="utf-8")


def write_run_report(runner: "Runner", results: Iterable["Result"]) -> Path:
    """Write the report of a run, siblings as tables of their own; return its first page."""
    from quality.reports import RunReport, TableReport, write_report

    folder, done = runner.report_page.parent, list(results)
    past = _past(runner, {n for r in done for n in (r.table, *r.verdicts)})
    pages = []
    for r in done:
        for name in (r.table, *(t for t in r.verdicts if t != r.table)):
            head = name == r.table
            audit = folder / f"{name}.json"
            pages.append(TableReport(
                runner.catalog[name], r.outcome, r.message or None if head else None, r.version if head else None,
                r.seconds if head else None, r.verdicts.get(name, ()), json.loads(audit.read_text("utf-8")) if audit.exists() else None,
                r.read if head else None, r.fates if head and r.read is not None else None,
                tuple(r.reasons.items()) if head else (), _kept_out(runner, r) if head else (), tuple(past.get(name, ())[:PAST_SHOWN]),
            ))  # fmt: skip
    own = history.of_run(runner.catalog, runner.lake, history.RUNS, runner.run_id)
    started = min((row["recorded_at"] for row in own), default=datetime.now(UTC))
    return write_report(
        runner.settings.report_root,
        RunReport(runner.run_id, started, _as_of(runner), tuple(pages), sum(p.seconds or 0.0 for p in pages)),
    )


def _as_of(runner: "Runner") -> date:
    return runner.as_of()


def _kept_out(runner: "Runner", result: "Result") -> tuple["Quarantined", ...]:
    """Sample rows of the quarantine, taken from what this run staged, or from what readers see."""
    from quality.reports import Quarantined

    rows = result.samples
    if not rows and result.fates.get("quarantined"):
        head = runner.lake.open(runner.catalog[result.table])
        for name in runner.catalog[result.table].siblings:
            version = runner.lake.open_sibling(head, runner.catalog[name])
            rows = version.read().slice(0, SAMPLES_SHOWN).to_pylist() if version else []
    return tuple(
        Quarantined(r["_file"], r["_row"], why, found)
        for r in rows[:SAMPLES_SHOWN] for why, found in zip(r["reasons"], r["found"], strict=True)
    )  # fmt: skip


def _past(runner: "Runner", tables: set[str]) -> dict[str, list["Past"]]:
    """The last earlier runs of each table that audited something, newest first."""
    from quality.reports import Past

    counts: dict[tuple[str, str], dict[str, int]] = {}
    told = ("table", "run", "outcome")
    verdicts = history.recent(runner.catalog, runner.lake, history.VERDICTS, tables, PAST_SHOWN + 1, told)
    for v in verdicts:
        of = counts.setdefault((v["table"], v["run"]), {})
        of[v["outcome"]] = of.get(v["outcome"], 0) + 1
    found: dict[str, list[Past]] = {}
    for (table, run), of in reversed(counts.items()):
        if run != runner.run_id:
            found.setdefault(table, []).append(Past(run, "", of.get("failed", 0), of.get("warned", 0)))
    since = min((v["recorded_at"].date() for v in verdicts), default=None)
    runs = history.rows(runner.catalog, runner.lake, history.RUNS, told, since=since) if since else []
    outcomes = {(r["table"], r["run"]): r["outcome"] for r in runs}
    return {t: [Past(p.run, outcomes.get((t, p.run), "published"), p.failed, p.warned) for p in ps] for t, ps in found.items()}
