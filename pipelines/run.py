"""The runner: plan, stage, audit, publish, record; two tables at once where neither needs the other. Only it reads a clock."""

import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pyarrow.compute as pc

from lake.catalog import CALENDAR, Catalog, CatalogError, catalog
from lake.contract import Table
from lake.derived import UNREADABLE_DAY
from lake.mapping import MappingError
from lake.partitions import Partition, days_between
from lake.points import reached
from lake.retention import discard
from lake.settings import Settings, settings
from lake.storage import Busy, CannotWrite, Conflict, DamagedTable, Lake, read_files
from lake.unwritable import writing
from pipelines import history
from pipelines.cause import cause, is_unexpected
from pipelines.landing import Arrivals, arrivals
from pipelines.lost_versions import missing_versions
from pipelines.plan import Plan, make_plan
from pipelines.pseudonym import KeyLost
from pipelines.reporting import write_results
from pipelines.result import Result, blocked_message, explain, line_of, with_files
from pipelines.selection import as_of

if TYPE_CHECKING:
    from pipelines.publish import Publisher
    from pipelines.stage import Staged, Stager

Progress = Callable[[str], None]


def new_run_id(now: datetime | None = None) -> str:
    """An identifier that sorts by time and is never given twice."""
    return f"{now or datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:6]}"


class Runner:
    """Builds tables. One runner is one run; `run_id` may be given so that several processes record one run together."""

    def __init__(
        self, run_id: str | None = None, progress: Progress = lambda line: None, cat: Catalog | None = None, conf: Settings | None = None
    ) -> None:
        self.settings = conf or settings()
        self.catalog = cat or catalog()
        self.lake = Lake(self.settings.lake_root, self.settings)
        self.run_id = run_id or new_run_id()
        self.progress = progress
        self.unrecorded: list[str] = []

    def run(self, tables: Iterable[Table], first: date | None = None, last: date | None = None) -> list[Result]:
        """Build tables, inputs first, some at the same time; one that fails doesn't stop those that don't need it."""
        chosen = {t.name: t for t in tables}
        results: dict[str, Result] = {}

        def build(name: str) -> str:
            results[name] = self.build(chosen[name], first, last)
            self.progress(line_of(results[name]))
            return name

        order = TopologicalSorter(self._after(chosen))
        order.prepare()
        with ThreadPoolExecutor(self.settings.parallel_tables) as pool:
            under_way: set[Future[str]] = set()
            while order.is_active():
                under_way |= {pool.submit(build, name) for name in order.get_ready()}
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                order.done(*(f.result() for f in done))
        built = [results[name] for name in chosen]
        self.record(built)
        return built

    def _after(self, chosen: Mapping[str, Table]) -> dict[str, set[str]]:
        """What each table waits for: its inputs, siblings made by their heads; and the calendar, which tells audits the day."""
        made_by = {name: t.name for t in chosen.values() for name in (t.name, *t.siblings)}
        after: dict[str, set[str]] = {}
        for table in chosen.values():
            needs = (*self.catalog.waits_for(table), *(() if table.layer == "bronze" else (CALENDAR,)))
            after[table.name] = {made_by[n] for n in needs if n in made_by} - {table.name}
        return after

    def plan(self, table: Table, first: date | None = None, last: date | None = None) -> Plan:
        """What a run would build now."""
        plan = make_plan(self.catalog, self.lake, table, self.settings.site_time_zone, first, last)
        if self.catalog.source_of(table):
            if plan.head is None or plan.head.entry("digest") == plan.digest or not plan.partitions:
                arrived = self._arrived(plan)
                news = f"{len(arrived.new)} new file version(s)" + (f", {len(arrived.refused)} refused" if arrived.refused else "")
                days: dict[Partition, str] = {None: news} if arrived.has_news else {}
                plan = replace(_with(plan, days, whole=False), arrived=arrived)
            return plan
        if table.name == CALENDAR:
            held = set(plan.head.rows) if plan.head and plan.head.entry("digest") == plan.digest else set()
            return _with(plan, {d: "day reached" for d in self._days(plan) if d not in held}, whole=False)
        return plan

    def _arrived(self, plan: Plan) -> Arrivals:
        """What landing holds that a bronze table doesn't; listed once a plan."""
        source, s = self.catalog.sources[plan.table.name], self.settings
        files = self.lake.open_sibling(plan.head, self.catalog[plan.table.siblings[0]])
        return arrivals(source, s.landing, files, s.settle_seconds, datetime.now(UTC))

    def build(self, table: Table, first: date | None = None, last: date | None = None) -> Result:
        """Plan, stage, audit and publish one table; whatever goes wrong becomes a result that says what to do."""
        started = time.monotonic()
        try:
            with self.lake.lock(table):
                result = self._attempt(table, first, last)
        except Exception as caught:
            error = cause(self.catalog, self.lake, table, caught)
            result = Result(
                table.name, "failed", message=explain(error), is_contract_broken=isinstance(error, CatalogError | MappingError | KeyLost)
            )
            if is_unexpected(error):  # nothing that the message tells in full
                self.progress(traceback.format_exc())
        result.seconds = time.monotonic() - started
        return result

    def _attempt(self, table: Table, first: date | None, last: date | None) -> Result:
        if lost := missing_versions(self.catalog, self.lake, table):
            raise DamagedTable(table.name, [lost])
        for attempt in (1, 2):
            plan = self.plan(table, first, last)
            if plan.mistake:
                raise MappingError(plan.mistake)
            if plan.pinned:
                told = f"restored by hand; `python -m pipelines unpin {table.name}` lets runs build it"
                return Result(table.name, "pinned", message=told, version=plan.head.number if plan.head else None)
            if plan.waits_for:
                return Result(table.name, "skipped", message=f"waits for {plan.waits_for}, which was never published")
            if plan.is_fresh:
                fresh = Result(table.name, "fresh", version=plan.head.number if plan.head else None)
                if plan.arrived:  # what can't be opened just now is tried again, and named, at every run
                    with_files(fresh, {f.file: f.refusal for f in plan.arrived.refused}, {}, plan.arrived.unsettled)
                return fresh
            try:
                result = self._build(plan)
                if plan.whole and plan.head and self.catalog.source_of(table) and not self.plan(table).is_fresh:
                    continue  # bronze was reloaded from itself; now the files that arrived
                return result
            except Conflict:
                if attempt == 2:
                    raise
                self.progress(f"{table.name}: another run published it meanwhile; planning again")
        raise AssertionError("unreachable")

    def _build(self, plan: Plan) -> Result:
        table = plan.table
        self.progress(f"{table.name}: {plan.reason}")
        staged = self._stage(plan)
        if staged.restated:
            after: dict[Partition, str] = dict.fromkeys(sorted(staged.restated), "what came before changed")
            plan = replace(plan, partitions={**after, **plan.partitions})
        try:
            reached("staged", table.name)
            result = Result(table.name, "published", plan.reason, partitions=len(plan.partitions), read=staged.read, fates=staged.fates)
            began = time.monotonic()
            audited = self._publisher().audit(plan, staged)
            result.audit_seconds = time.monotonic() - began
            reached("audited", table.name)
            result.verdicts, result.results = dict(audited.verdicts), dict(audited.results)
            self._quarantine(table, staged, result)
            if audited.blocks:
                self._discard(staged)
                result.outcome, result.is_contract_broken = "blocked", True
                result.version = plan.head.number if plan.head else None
                result.message = blocked_message(audited)
                return result
            done = self._publisher().publish(plan, staged, {"run": self.run_id, "reason": plan.reason})
        except Conflict:
            self._discard(staged)
            raise
        result.version, result.changed = done.version, done.changed
        result.partitions = max(result.partitions, len(done.changed))  # files say which days are theirs only once they are read
        if staged.read is None:
            rows = staged.rows(table)
            result.fates = {"published": sum(rows.get(p, 0) for p in done.changed)}
        if not done.changed:
            result.outcome = "unchanged"
            self._discard(staged)
        with_files(result, staged.refused, staged.notes, staged.unsettled)
        return result

    def _discard(self, staged: "Staged") -> None:
        """Remove what was staged, but never what a commit names: a sibling may be published though its head was refused."""
        for name, folder in staged.folders.items():
            discard(self.lake.folder(self.catalog[name]), folder)

    def _stage(self, plan: Plan) -> "Staged":
        table, stager = plan.table, self.stager()
        if self.catalog.source_of(table):
            if plan.head and plan.arrived is None:  # the mapping uses other columns now
                return stager.reloaded(plan, plan.head)
            return stager.from_landing(plan, plan.arrived or self._arrived(plan))
        if table.name == CALENDAR:
            return stager.calendar(plan, [p for p in plan.partitions if p])
        if any(r.table in self.catalog.feeds for r in table.inputs):
            return stager.from_feed(plan)
        return stager.by_days(plan) if table.kind == "stateful" else stager.by_step(plan)

    def _quarantine(self, table: Table, staged: "Staged", result: Result) -> None:
        for name in (s for s in table.siblings if s.endswith("__quarantine")):
            sibling = self.catalog[name]
            kept = read_files(sibling, self.lake.folder(sibling), [str(f) for f in staged.files(name)])
            counts = pc.value_counts(pc.list_flatten(kept["reasons"])).to_pylist()
            result.reasons = {c["values"]: c["counts"] for c in sorted(counts, key=lambda c: (-c["counts"], c["values"]))}
            result.samples = kept.slice(0, 20).to_pylist()

    # --- calendar -------------------------------------------------------------------------------------------

    def as_of(self) -> date:
        """The as-of day: the setting, or yesterday in the site's time zone."""
        return as_of(self.settings)

    def _days(self, plan: Plan) -> list[date]:
        """From the earliest event day of which bronze holds readings (no further back than LAKE_START, or two years) to the as-of day."""
        last = self.as_of()
        floor = self.settings.start or last - timedelta(days=730)
        held = [p for p in plan.head.rows if p] if plan.head else []
        unreadable = date.fromisoformat(UNREADABLE_DAY)
        readings = {r.table for t in self.catalog.tables.values() if t.layer == "silver" and t.partition == "day" for r in t.inputs}
        seen: dict[bool, set[date]] = {True: set(), False: set()}
        for source in self.catalog.sources.values():
            if bronze := self.lake.open(self.catalog[source.bronze]):
                days = {p for p in bronze.rows if p and p != unreadable and floor <= p <= last}
                seen[source.feed in readings].update(days)
        # Registries and sources that tell of weeks or months reach back years: they begin the calendar only where no other does.
        first = min(seen[True] or seen[False], default=last)
        return list(days_between(min([first, *held]), max([last, *held])))

    # --- bookkeeping ----------------------------------------------------------------------------------------

    def stager(self) -> "Stager":
        """What reads and stages tables, with folders of its own."""
        from pipelines.stage import Stager

        now = datetime.now(UTC)
        return Stager(self.catalog, self.lake, self.settings, new_run_id(now), now)

    def _publisher(self) -> "Publisher":
        from pipelines.publish import Publisher

        return Publisher(self.catalog, self.lake, self.settings.audit_rows_in_pandas, self._waivers)

    @cached_property
    def _waivers(self) -> Mapping[tuple[str, str], str]:
        """Checks waived when the run first audits something."""
        try:
            return history.waivers(self.catalog, self.lake, datetime.now(UTC).date())
        except DamagedTable as error:
            self.progress(f"no check is waived in this run: {error}")
            return {}

    @property
    def report_page(self) -> Path:
        """Where the validation report of this run is."""
        return self.settings.report_root / self.run_id / "index.html"

    @contextmanager
    def recording(self, what: str) -> Iterator[None]:
        """One place of the record that can't be written doesn't keep the others from it."""
        try:
            yield
        except (CannotWrite, DamagedTable, Busy, Conflict) as error:
            self.unrecorded.append(f"{what} not recorded: {error}")
            self.progress(self.unrecorded[-1])

    def record(self, results: Iterable[Result]) -> None:
        """Append what happened to the lake's history and the report folder. What can't be written is kept in `unrecorded`."""
        done = list(results)
        runs = [{
            "run": self.run_id, "table": r.table, "outcome": r.outcome, "reason": r.reason or None, "message": r.message or None,
            "version": r.version, "partitions": r.partitions, "changed_partitions": len(r.changed), "read": r.read,
            **r.fates, "seconds": round(r.seconds, 2),
        } for r in done]  # fmt: skip
        verdicts = [{
            "run": self.run_id, "table": name, "check": v.check, "severity": v.severity, "outcome": v.outcome, "observed": v.observed,
            "unexpected": v.unexpected, "samples": "[" + ", ".join(v.samples) + "]", "waived_by": v.waived_by or None,
        } for r in done for name, vs in r.verdicts.items() for v in vs]  # fmt: skip
        reasons = [{"run": self.run_id, "table": r.table, "reason": why, "row_count": n} for r in done for why, n in r.reasons.items()]
        with self.recording("the results of the audits"), writing(self.report_page.parent):
            write_results(self.report_page.parent, done)
        for name, found in ((history.VERDICTS, verdicts), (history.REASONS, reasons), (history.RUNS, runs)):
            with self.recording(name):
                history.append(self.catalog, self.lake, name, found)
        with suppress(IndexError):
            reached("recorded", done[-1].table)


def _with(plan: Plan, partitions: dict[Partition, str], whole: bool) -> Plan:
    return replace(plan, partitions=partitions, whole=whole, covers_all=True)
