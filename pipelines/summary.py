"""What a run did, for a person: a table by zone and domain, what went wrong and what to do about it."""

import json
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table as Grid

from lake.contract import Layer
from pipelines import history
from pipelines.plan import UNREADABLE
from pipelines.result import Result
from pipelines.run import Runner
from quality.verdict import Verdict

LAYERS: tuple[Layer, ...] = ("bronze", "silver", "gold")
NEXT = (
    ("make status", "tables, versions, newest days, verdicts"),
    ("make quarantine", "rows kept out, by reason, with file and row"),
    ("python -m pipelines run --dry-run", "what a run would rebuild, and why"),
    ("python -m pipelines history TABLE", "the versions of a table; `restore TABLE VERSION` goes back"),
)


def recorded(runner: Runner) -> list[Result]:
    """The results of a run that several processes recorded, in the order of the catalog."""
    catalog, lake = runner.catalog, runner.lake
    newest = {r["table"]: r for r in history.of_run(catalog, lake, history.RUNS, runner.run_id)}
    verdicts: dict[str, list[Verdict]] = {}
    for v in history.of_run(catalog, lake, history.VERDICTS, runner.run_id):
        verdicts.setdefault(v["table"], []).append(Verdict(
            v["check"], v["severity"], v["outcome"], v["observed"] or "", v["unexpected"] or 0,
            tuple(json.dumps(s, ensure_ascii=False) for s in json.loads(v["samples"] or "[]")), v["waived_by"] or "",
        ))  # fmt: skip
    reasons: dict[str, dict[str, int]] = {}
    for r in history.of_run(catalog, lake, history.REASONS, runner.run_id):
        reasons.setdefault(r["table"], {})[r["reason"]] = r["row_count"]
    results = []
    for name in catalog.tables:
        if name not in newest:
            continue
        r = newest[name]
        family = (name, *catalog[name].siblings)
        fates = {f: r[f] for f in ("published", "merged", "duplicate", "superseded", "not_applicable", "quarantined") if r[f] is not None}
        result = Result(
            name, r["outcome"], r["reason"] or "", r["message"] or "", r["version"], r["partitions"] or 0,
            (None,) * (r["changed_partitions"] or 0), r["read"], fates, r["seconds"] or 0.0,
            {t: tuple(verdicts[t]) for t in family if t in verdicts}, {}, reasons.get(name, {}),
        )  # fmt: skip
        results.append(result)
    return results


def together(runs: Sequence[Sequence[Result]]) -> list[Result]:
    """What runs one after the other did: the newest's results, and where it found a table fresh, what made it so."""
    made: dict[str, Result] = {}
    for results in runs:
        made |= {r.table: r for r in results if r.outcome != "fresh" or r.table not in made or made[r.table].is_bad}
    return [made[r.table] for r in runs[-1]]


def newest_day(runner: Runner, table: str) -> str:
    """Newest partition with rows, as text; empty for a snapshot."""
    version = runner.lake.open(runner.catalog[table])
    days = [p for p in version.rows if p and UNREADABLE < p <= runner.as_of()] if version else []
    return str(max(days)) if days else ""


def as_json(runner: Runner, results: list[Result]) -> dict[str, Any]:
    """The same as one document."""
    return {
        "run": runner.run_id,
        "ok": not any(r.is_bad for r in results),
        "lake": str(runner.settings.lake_root),
        "report": str(runner.report_page),
        "tables": [{
            "table": r.table, "outcome": r.outcome, "reason": r.reason or None, "message": r.message or None, "version": r.version,
            "partitions": r.partitions, "changed_partitions": len(r.changed), "read": r.read, **r.fates,
            "newest_day": newest_day(runner, r.table) or None, "seconds": round(r.seconds, 2),
            "verdicts": _verdicts([r]), "reasons": r.reasons,
        } for r in results],
    }  # fmt: skip


def _verdicts(results: list[Result]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for v in (v for r in results for vs in r.verdicts.values() for v in vs):
        counts[v.outcome] = counts.get(v.outcome, 0) + 1
    return counts


def _n(value: int | None) -> str:
    return "-" if value is None else f"{value:,}".replace(",", " ")


def print_summary(runner: Runner, results: list[Result], more: Sequence[str] = ()) -> None:
    """Print the summary to stdout; `more` are lines of what was made of the tables."""
    console = Console(width=None if sys.stdout.isatty() else 150)
    grid = Grid(title=f"Run {runner.run_id}", title_justify="left", header_style="bold")
    for name in (
        "zone",
        "domain",
        "tables",
        "rows in",
        "published",
        "duplicates",
        "set aside",
        "quarantined",
        "newest day",
        "checks",
        "time",
    ):
        grid.add_column(name, justify="left" if name in ("zone", "domain", "tables", "newest day", "checks") else "right")
    for layer in LAYERS:
        for domain in dict.fromkeys(runner.catalog[r.table].domain for r in results):
            some = [r for r in results if (t := runner.catalog[r.table]).layer == layer and t.domain == domain]
            if some:
                grid.add_row(layer, domain, *_cells(runner, some))
    console.print(grid)
    for r in results:
        if r.is_bad and r.outcome != "skipped":
            console.print(Panel("\n".join(_trouble(r)), title=f"{r.outcome.upper()}: {r.table}", title_align="left", style="red"))
    skipped = [f"{r.table} {r.message}" for r in results if r.outcome == "skipped"]
    if skipped:
        console.print(Panel("\n".join(skipped), title="SKIPPED: what they need was never published", title_align="left", style="yellow"))
    notes = [f"- {r.table}: {r.message}" for r in results if r.message and not r.is_bad]
    notes += [f"- {t}: {v.check}: {v.observed}" + (f" (waived: {v.waived_by})" if v.waived_by else "")
              for r in results for t, vs in r.verdicts.items() for v in vs if v.outcome in ("warned", "waived")]  # fmt: skip
    if notes:
        console.print(f"[bold]Worth a look[/bold] ({len(notes)})")
        for note in notes[:12]:
            console.print(note, highlight=False, markup=False)
        if len(notes) > 12:
            console.print(f"- and {len(notes) - 12} more in the report")
    for line in more:
        console.print(line, highlight=False, markup=False)
    bad = [r.table for r in results if r.is_bad]
    fresh = sum(r.outcome == "fresh" for r in results)
    verdict = "[bold red]Not all went well[/]" if bad else "[bold green]All went well[/]"
    console.print(
        f"\n{verdict}: {len(results)} tables, {fresh} fresh, {len(bad)} not published, {sum(r.seconds for r in results):.1f} s of work."
    )
    console.print(f"Data     {runner.settings.lake_root}", highlight=False, soft_wrap=True)
    console.print(f"Report   {runner.report_page}", highlight=False, soft_wrap=True)
    console.print("Next")
    tomorrow = runner.as_of() + timedelta(days=1)
    another = (f"LAKE_AS_OF={tomorrow} make simulate medallion", "one more simulated day, through the same DAG")
    for command, what in (*NEXT, another):
        console.print(f"  {command:<46} {what}", highlight=False, markup=False)


def _cells(runner: Runner, some: list[Result]) -> list[str]:
    def total(*fates: str) -> int:
        return sum(r.fates.get(f, 0) for r in some for f in fates)

    read = [r.read for r in some if r.read is not None]
    verdicts = _verdicts(some)
    signs = {"passed": "ok", "warned": "warned", "waived": "waived", "failed": "FAILED"}
    counts = {o: sum(r.outcome == o for r in some) for o in dict.fromkeys(r.outcome for r in some)}
    return [
        ", ".join(f"{n} {o}" for o, n in counts.items()),
        _n(sum(read)) if read else "-", _n(total("published")), _n(total("duplicate", "merged")) if read else "-",
        _n(total("superseded", "not_applicable")) if read else "-", _n(total("quarantined")) if read else "-",
        max((newest_day(runner, r.table) for r in some), default="") or "-",
        ", ".join(f"{n} {signs[o]}" for o, n in sorted(verdicts.items())) or "-", f"{sum(r.seconds for r in some):.1f} s",
    ]  # fmt: skip


def _trouble(result: Result) -> list[str]:
    lines = [result.message]
    for table, vs in result.verdicts.items():
        for v in (v for v in vs if v.blocks):
            lines.append(f"{table}: {v.check}: {v.unexpected} row(s), {v.observed}")
            lines += [f"    {s}" for s in v.samples[:3]]
    return lines
