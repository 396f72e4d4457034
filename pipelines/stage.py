"""Making the new partitions of one table, invisibly, in folders named after the attempt."""

import json
import shutil
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.arrow import arrow_schema
from lake.catalog import Catalog
from lake.constraints import References
from lake.contract import Table
from lake.engine import session
from lake.mapping import parse_digest, render
from lake.partitions import Partition, days_between, needed
from lake.points import reached
from lake.settings import Settings
from lake.source import Source
from lake.spark import conform
from lake.storage import Lake, Version, read_files, staged_files
from lake.tables.lake import FATES
from pipelines import pseudonym
from pipelines.compare import equal_partitions, staged_rows
from pipelines.event_day import day_steps
from pipelines.fates import put_away
from pipelines.files import PartitionWriter, adopt, partition_folder, spark_frame, write, write_arrow
from pipelines.judge import mapped, validated
from pipelines.landing import Arrivals, Intake, add_days, day_columns, record_files, rows_again
from pipelines.plan import Plan
from pipelines.slices import narrowed
from pipelines.steps import step_of

ROWS_WITH_DAYS = 500_000
FEW_ROWS = 200_000
"""Rows of inputs up to which a step's result is fetched. Stateful tables hold few rows whatever they read."""


@dataclass
class Staged:
    """What an attempt made: one folder per table of the family, and where every row that it read went.

    `restated`: days of a stateful table that were made anew, stale themselves or after a stale one, with rows or without.
    """

    folders: dict[str, Path]
    read: int | None = None
    fates: dict[str, int] = field(default_factory=dict)
    entries: dict[str, int] = field(default_factory=dict)
    touched: list[date] = field(default_factory=list)
    restated: set[date] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    unsettled: tuple[str, ...] = ()
    notes: dict[str, list[str]] = field(default_factory=dict)

    _files: dict[str, list[Path]] = field(default_factory=dict)
    _rows: dict[str, dict[Partition, int]] = field(default_factory=dict)

    def files(self, table: str) -> list[Path]:
        """The data files of one table of the family; looked for once."""
        if table not in self._files:
            self._files[table] = staged_files(self.folders[table])
        return self._files[table]

    def rows(self, table: Table) -> dict[Partition, int]:
        """Rows of one table by partition, from the footers; read once."""
        if table.name not in self._rows:
            self._rows[table.name] = staged_rows(table, self.files(table.name))
        return self._rows[table.name]

    def discard(self) -> None:
        for folder in self.folders.values():
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Stager:
    """Everything staging needs; `attempt` names its folders and is never used twice."""

    catalog: Catalog
    lake: Lake
    settings: Settings
    attempt: str
    now: datetime

    @property
    def spark(self) -> SparkSession:
        return session()

    def folder(self, table: Table) -> Path:
        return self.lake.folder(table) / f"run={self.attempt}"

    def source(self, table: Table) -> Source:
        """The mapping that fills a bronze table."""
        return self.catalog.sources[table.name]

    def family(self, table: Table) -> dict[str, Path]:
        return {t: self.folder(self.catalog[t]) for t in (table.name, *table.siblings)}

    # --- gold, and silver that reads tables -----------------------------------------------------------------

    def by_step(self, plan: Plan) -> Staged:
        """One pass of the table's step over the stale partitions."""
        out = Staged(self.family(plan.table))
        frames = {r.table: self.input_frame(plan, r.table, plan.partitions) for r in plan.table.inputs}
        made = step_of(plan.table)(**frames)
        rows = self._as_made(plan, made) if plan.table.prospective else conform(made, plan.table)
        if plan.table.partition:
            rows = rows.filter(F.col(plan.table.partition).isin(*(set(plan.partitions) - plan.outside)))
        write(rows, plan.table, out.folders[plan.table.name], plan.rows <= FEW_ROWS)
        shutil.rmtree(self.folder(plan.table).with_name(f"run={self.attempt}-held"), ignore_errors=True)
        return out

    def _as_made(self, plan: Plan, made: DataFrame) -> DataFrame:
        """What a prospective table tells now, stamped, beside what it told before and keeps."""
        table, newest = plan.table, max(p for p in plan.partitions if p)
        versions = json.dumps({n: v.number for n, v in sorted(plan.inputs.items())})
        stamps = {"_made_at": F.lit(self.now), "_run": F.lit(self.attempt), "_inputs": F.lit(versions)}
        rows = conform(made.withColumns(stamps), table).filter(F.col(str(table.partition)) == F.lit(newest))
        kept = set(plan.partitions) if table.kind == "ledger" else set(plan.partitions) - {newest}
        if plan.head is None or not kept & set(plan.head.rows):
            return rows
        told = self._as_held(plan.head, kept)
        return told.unionByName(rows.join(told.select(*table.key), on=list(table.key), how="left_anti").select(*told.columns))

    def _as_held(self, head: Version, days: Iterable[Partition]) -> DataFrame:
        """The rows of some days as they were made, by way of Arrow: files of releases before 0.2 lack the partition column."""
        folder = self.folder(head.table).with_name(f"run={self.attempt}-held")
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(head.read(partitions=days), folder / "rows.parquet")
        return spark_frame(self.spark, head.table, [str(folder / "rows.parquet")])

    def by_days(self, plan: Plan) -> Staged:
        """A stateful table, forward from the first stale day until its closing state is the visible one again."""
        table, head = plan.table, plan.head
        by = str(table.partition)
        out = Staged(self.family(table))
        folder = out.folders[table.name]
        days = sorted(p for p in plan.universe if p is not None)
        stale = sorted(p for p in plan.partitions if p is not None)
        if not stale:
            return out
        last, size = days[-1], 7
        visible = head if head and not plan.whole else None
        start = stale[0]
        while stale:
            end = min(start + timedelta(days=size - 1), last) if visible else last
            chunk = list(days_between(start, end))
            own = self._closing(table, folder, visible, start - timedelta(days=1), out.restated)
            frames = {r.table: self.input_frame(plan, r.table, chunk) for r in table.inputs}
            rows = conform(step_of(table)(**frames, **{table.name: own}), table)
            part = folder / f"from={start}"
            write(rows.filter(F.col(by).isin(chunk)), table, part, are_few=True)
            adopt(part, folder)
            out.restated |= set(chunk)
            settled = {p for p in equal_partitions(table, visible, folder, staged_files(folder), chunk) if p} if visible else set()
            pending = [s for s in stale if s <= end]
            converged = min((d for d in settled if d >= pending[-1]), default=None) if pending else min(settled, default=None)
            if end == last:
                break
            if converged is None:
                start, size = end + timedelta(days=1), size * 2
                continue
            for d in days_between(converged + timedelta(days=1), end):
                out.restated.discard(d)
                shutil.rmtree(partition_folder(folder, table, d), ignore_errors=True)
            stale = [s for s in stale if s > converged]
            start, size = (stale[0], 7) if stale else (start, size)
        return out

    def _closing(self, table: Table, folder: Path, visible: Version | None, day: date, restated: set[date]) -> DataFrame:
        """How the table stands at the end of a day: as just made, else as visible."""
        if day in restated:
            mine = staged_files(partition_folder(folder, table, day))
            return spark_frame(self.spark, table, [str(f) for f in mine])
        return self.frame(visible, table, [day])

    # --- bronze ---------------------------------------------------------------------------------------------

    def from_landing(self, plan: Plan, arrived: Arrivals) -> Staged:
        """Take in new file versions; refused ones leave their reason in the table of files."""
        table = plan.table
        source = self.source(table)
        files = self.catalog[table.siblings[0]]
        out = Staged(self.family(table), unsettled=arrived.unsettled)
        intake = Intake(source, self.settings.landing, arrived.new, self.now)
        if arrived.new:
            self._write_bronze(table, source, intake.rows(), out)
        refused = intake.refused
        counts = self._intake_days(table, out)
        content, replaced = record_files(files, arrived, refused, counts, parse_digest(source), self.now)
        write_arrow(content, files, out.folders[files.name])
        out.read, out.fates = intake.parsed, {"published": sum(n for n, _, _ in counts.values())}
        taken = [f for f in arrived.new if f.intake not in refused]
        out.entries = {f"file:{f.file}@{f.sha256}": f.intake for f in taken}
        out.refused = {f.file: str(refused[f.intake]) for f in arrived.new if f.intake in refused}
        out.refused |= {f.file: f.refusal for f in arrived.refused}
        out.notes = {file: notes for file, notes in intake.notes.items() if notes and file not in out.refused}
        if plan.head:
            out.touched = sorted({p for p in plan.head.rows for a, b in replaced if p and a <= p <= b})
        reached("file taken in", table.name)
        return out

    def _write_bronze(self, table: Table, source: Source, rows: Iterable[pa.Table], out: Staged) -> None:
        """Give rows their days, some hundred thousand at once, and write them."""
        feed, folder = self.catalog.feeds[source.feed], out.folders[table.name]
        steps, columns = day_steps(source, feed, self.settings.site_time_zone), day_columns(source, feed)
        with PartitionWriter(table, folder) as writer:
            for files in in_portions(rows, ROWS_WITH_DAYS):
                placed, start = add_days(self.spark, pa.concat_tables(files), columns, steps, folder), 0
                for file in files:  # the rows of a file are of few days
                    writer.add(placed.slice(start, file.num_rows))
                    start += file.num_rows

    def _intake_days(self, table: Table, out: Staged) -> dict[int, tuple[int, date, date]]:
        """Rows, first and last day by intake, from the staged files."""
        folder = out.folders[table.name]
        rows = read_files(table, folder.parent, [str(f) for f in staged_files(folder)], ["_intake", "day"])
        by = rows.group_by("_intake").aggregate([("day", "count"), ("day", "min"), ("day", "max")]).to_pylist()
        return {r["_intake"]: (r["day_count"], r["day_min"], r["day_max"]) for r in by}

    def reloaded(self, plan: Plan, head: Version) -> Staged:
        """Bronze from itself, after its mapping began to use other columns or to read days differently. No row is lost."""
        table = plan.table
        source = self.source(table)
        out = Staged(self.family(table))
        self._write_bronze(table, source, rows_again(source, table, head), out)
        if files := self.lake.open_sibling(head, self.catalog[table.siblings[0]]):
            write_arrow(files.read(), files.table, out.folders[files.table.name])
        return out

    def calendar(self, plan: Plan, days: Iterable[date]) -> Staged:
        """The calendar: one tiny partition per day, with the instant at which midnight ends it at the site."""
        out = Staged(self.family(plan.table))
        zone, known = ZoneInfo(self.settings.site_time_zone), sorted(days)
        ends = [datetime.combine(d + timedelta(days=1), time.min, zone).astimezone(UTC) for d in known]
        schema = arrow_schema(plan.table)
        write_arrow(pa.table([known, ends], schema=schema), plan.table, out.folders[plan.table.name])
        return out

    # --- silver ---------------------------------------------------------------------------------------------

    def from_feed(self, plan: Plan) -> Staged:
        """Map, judge and split the rows of a feed; count every fate by its own predicate."""
        table = plan.table
        (feed_name,) = (r.table for r in table.inputs if r.table in self.catalog.feeds)
        feed, sources = self.catalog.feeds[feed_name], self.catalog.sources_of(feed_name)
        quarantine = self.catalog[next(s for s in table.siblings if s.endswith("__quarantine"))]
        out = Staged(self.family(table), read=0, fates=dict.fromkeys(FATES, 0))
        key = b""
        if pseudonym.has_pseudonyms(feed):
            key = pseudonym.key_for(self.settings.key_file, self.catalog, self.lake)
            out.entries[pseudonym.ENTRY] = pseudonym.fingerprint(key)
        frames = []
        for source in sources:
            version = plan.inputs.get(source.bronze)
            if version is None:
                continue
            wanted = [p for p in version.rows if table.partition is None or p in plan.partitions]
            out.read = (out.read or 0) + sum(version.rows[p] for p in wanted)
            old = self.superseded(version)
            bronze = spark_frame(self.spark, version.table, version.uris(wanted, without=old))
            sql = render(source, feed)
            made = mapped(source, feed, version.table, bronze, sql, old, as_text=len(sources) > 1, key=key)
            frames.append(made.rows)
            if old:
                out.fates["superseded"] += version.count_of(wanted, old)
            if source.where:
                out.fates["not_applicable"] += made.not_applicable.count()
        rows = frames[0]
        for frame in frames[1:]:
            rows = rows.unionByName(frame)
        known = {(k.table, k.column): self.frame(plan.inputs.get(k.table), self.catalog[k.table])
                 for c in table.columns for k in c.constraints if isinstance(k, References)}  # fmt: skip
        others = {r.table: self.input_frame(plan, r.table, plan.partitions) for r in table.inputs if r.table != feed_name}
        rows = validated(table, step_of(table)(**{feed_name: rows}, **others), known, as_text=len(sources) > 1)
        for fate, n in put_away(self.spark, table, quarantine, rows, out.folders).items():
            out.fates[fate] += n
        return out

    def superseded(self, bronze: Version) -> Collection[int]:
        """Numbers of the file versions that a newer one replaced."""
        files = self.lake.open_sibling(bronze, self.catalog[bronze.table.siblings[0]])
        if files is None:
            return frozenset()
        known = files.read(["_intake", "is_current", "refusal"])
        old = known.filter(pc.and_(pc.invert(known["is_current"]), pc.is_null(known["refusal"])))
        return frozenset(old["_intake"].to_pylist())

    # --- reading --------------------------------------------------------------------------------------------

    def input_frame(self, plan: Plan, name: str, partitions: Iterable[Partition]) -> DataFrame:
        """An input pruned to what the given partitions of the reader need."""
        version, table = plan.inputs.get(name), self.catalog[name]
        read = next(r for r in plan.table.inputs if r.table == name)
        if table.partition is None or plan.table.partition is None:
            return narrowed(self.frame(version, table), read)
        days = [p for p in partitions if p is not None]
        wanted = needed(days, plan.table.partition, table.partition, read.days_before, read.days_after)
        return narrowed(self.frame(version, table, wanted), read)

    def frame(self, version: Version | None, table: Table, partitions: Iterable[Partition] | None = None) -> DataFrame:
        """A Spark frame over a version's files."""
        uris = version.uris(partitions) if version else []
        return spark_frame(self.spark, table, uris)


def in_portions(tables: Iterable[pa.Table], rows: int) -> Iterator[list[pa.Table]]:
    """The same tables, as many at once as have about so many rows."""
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        if sum(t.num_rows for t in held) >= rows:
            yield held
            held = []
    if held:
        yield held
