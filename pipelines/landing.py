"""Landing to bronze: files taken in once, row by row as text, nothing rejected; unreadable files refused by name."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from lake.arrow import arrow_schema
from lake.contract import Feed, Table
from lake.conversions import name as quoted_name
from lake.derived import UNREADABLE_DAY
from lake.mapping import parse_digest, render
from lake.source import Source
from lake.storage import Version
from pipelines.listing import is_settled, listing
from pipelines.parse import RefusedFile
from pipelines.parse.opening import open_regular
from pipelines.parse.refusal import refusal_of
from pipelines.parse.worker import archive, labelled_schema, reader

EARLIEST, LATEST = "1970-01-01", "2199-12-31"
"""Days outside these bounds are typing errors, and count as unreadable."""

Refusals = Mapping[int, str | RefusedFile]

TASKS, TASK_BYTES = 16, 64 << 20


PARSER = "2"
"""Raised when parsers take in what they refused before: files refused for good are then tried once more."""


@dataclass(frozen=True)
class Found:
    """A file version in landing that bronze doesn't hold yet; with `refusal` one that can't even be opened."""

    file: str
    sha256: str
    size: int
    mtime_ns: int
    intake: int
    refusal: str = ""
    is_transient: bool = False


@dataclass(frozen=True)
class Arrivals:
    """What landing holds that is new, and what was passed over because it is still being written.

    `refused` is what can't be opened, as `new` is what can. It holds a file whose refusal is recorded only where the
    reason may pass (`is_transient`), for the result to show; `has_news` doesn't count it.
    """

    new: tuple[Found, ...]
    unsettled: tuple[str, ...]
    known: pa.Table
    refused: tuple[Found, ...] = ()

    @property
    def rows(self) -> int:
        """About how many rows the new files hold: one takes at least some twenty bytes, compressed."""
        return sum(f.size for f in self.new) // 20

    @property
    def has_news(self) -> bool:
        """Whether there is anything to record."""
        newest = _newest(self.known)
        return bool(self.new) or any(not _is_recorded(f, newest.get(f.file)) for f in self.refused)


def arrivals(source: Source, landing: Path, files: Version | None, settle_seconds: float, now: datetime) -> Arrivals:
    """Compare landing with the file versions already taken in or refused. Untouched files aren't read again, except
    those refused for a reason that may pass. Never raises for what a file is."""
    known = files.read() if files else pa.table({})
    newest, digest = _newest(known), parse_digest(source)
    intake = max((r["_intake"] for r in newest.values()), default=0)
    new: list[Found] = []
    refused: list[Found] = []
    unsettled: list[str] = []
    for listed in listing(landing, source.files):
        about, old = listed.stat, newest.get(listed.name)
        size, mtime_ns = (about.st_size, about.st_mtime_ns) if about else (0, 0)
        content, refusal = "", listed.refusal
        if refusal is None and about is not None:
            if not is_settled(about, now.timestamp(), settle_seconds):
                unsettled.append(listed.name)
                continue
            is_final = old is not None and not old.get("is_transient") and old["_parse"] == _parse_of(digest, old["refusal"])
            if old and is_final and (old["_size"], old["_mtime_ns"]) == (size, mtime_ns):
                continue
            try:
                content, after = _sha256(listed.path)
                if (after.st_size, after.st_mtime_ns) != (size, mtime_ns):
                    unsettled.append(listed.name)
                    continue
            except OSError as error:
                refusal = refusal_of(error)
            except RefusedFile as error:
                refusal = error
            if old and is_final and refusal is None and old["_sha256"] == content:
                continue
        found = Found(listed.name, content, size, mtime_ns, intake + 1, str(refusal or ""), bool(refusal and refusal.is_transient))
        if refusal is None or found.is_transient or not _is_recorded(found, old):
            intake += 1
            (refused if refusal else new).append(found)
    return Arrivals(tuple(new), tuple(unsettled), known, tuple(refused))


def _newest(known: pa.Table) -> dict[str, dict[str, Any]]:
    """The row of each file's newest version."""
    return {row["_file"]: row for row in sorted(known.to_pylist(), key=lambda r: r["_intake"])}


def _is_recorded(found: Found, old: dict[str, Any] | None) -> bool:
    """Whether the newest row of a file already holds this very refusal."""
    return old is not None and (old["refusal"], old["_size"], old["_mtime_ns"]) == (found.refusal, found.size, found.mtime_ns)


def _parse_of(digest: str, refusal: str | None) -> str:
    """What a file was read with: for a refused one the parsers' own version, too."""
    return f"{digest}:{PARSER}" if refusal else digest


def _sha256(path: Path) -> tuple[str, os.stat_result]:
    """The digest of a file's content, and what the file is after it was read."""
    with open_regular(path) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return digest, os.fstat(file.fileno())


def day_steps(source: Source, feed: Feed, time_zone: str) -> tuple[str, ...]:
    """SQL for the event day of a bronze row (the first day of its week or month where the feed says so), or the day of
    what can't be read. The day is the one in the site's time zone.

    In steps: `{0}` stands for what the step before gave. In one expression Spark would read the text six times.
    """
    if feed.day_of is None:
        return (f"DATE'{UNREADABLE_DAY}'",)
    rendered = render(source, feed)
    column = next(c for c in feed.columns if c.name == feed.day_of)
    day = f"to_date(from_utc_timestamp({{0}}, '{time_zone}'))" if column.type == "timestamp" else "{0}"
    begun = "{0}" if feed.grain == "day" else f"CAST(trunc({{0}}, '{feed.grain}') AS DATE)"
    known = f"CASE WHEN {{0}} BETWEEN DATE'{EARLIEST}' AND DATE'{LATEST}' THEN {begun} ELSE DATE'{UNREADABLE_DAY}' END"
    return rendered.read[feed.day_of], rendered.held[feed.day_of], day, known


def with_day(rows: DataFrame, steps: tuple[str, ...]) -> DataFrame:
    """Bronze rows with their `day`."""
    for step in steps:
        rows = rows.withColumn("day", F.expr(step.replace("{0}", "day")))
    return rows


def rows_again(spark: SparkSession, source: Source, table: Table, head: Version) -> DataFrame:
    """What bronze holds, without days, with the columns that the mapping uses now: fetched from `_rescued`, or put back there."""
    held = pa.schema(head.delta.schema().to_arrow()).names
    technical = [c.name for c in table.columns if c.name not in source.columns]
    path = {str(head.root / f.path) for f in head.files}
    rows = spark.read.option("basePath", str(head.root)).option("mergeSchema", "true").parquet(*sorted(path))
    others = F.from_json("_rescued", "map<string,string>")
    gone = [n for n in held if n not in {*source.columns, *technical}]
    put_back = F.map_from_arrays(F.array(*map(F.lit, gone)), F.array(*(F.col(f"`{n}`") for n in gone)))
    fetched = [n for n in source.columns if n not in held]
    all_others = F.map_concat(F.coalesce(others, F.create_map().cast("map<string,string>")), put_back) if gone else others
    kept = F.map_filter(all_others, lambda k, v: v.isNotNull() & ~k.isin(fetched))
    return rows.select(
        *(F.col(f"`{n}`") if n in held else F.try_element_at(others, F.lit(n)).alias(n) for n in source.columns),
        *(F.when(F.size(kept) > 0, F.to_json(kept)).alias(n) if n == "_rescued" else F.col(n) for n in technical if n != "day"),
    )


def read_files(
    spark: SparkSession, source: Source, head: Table, landing: Path, found: tuple[Found, ...], day: tuple[str, ...], now: datetime
) -> tuple[DataFrame, Observation]:
    """Bronze rows of new files, some files a task; the observation tells rows parsed (`parsed`) and refusals (`refused`)."""
    with _SHIPPING:
        _ship(spark)
    tasks = batches(found)
    listed = spark.createDataFrame([([(f.intake, f.file, f.sha256) for f in task],) for task in tasks], _LISTED)
    names = [c.name for c in head.columns]
    parsed = listed.repartition(len(tasks)).mapInArrow(reader(str(landing), source.dialect, source.columns), _spark_schema(source.columns))
    seen = Observation(f"{head.name}-{found[0].intake}")
    is_row = F.col("_refusal").isNull()
    rows = (
        parsed.observe(
            seen,
            F.count(F.when(is_row, 1)).alias("parsed"),
            F.collect_list(F.when(~is_row, F.struct("_intake", "_refusal"))).alias("refused"),
        )
        .filter(is_row)
        .withColumn("_source", F.lit(source.name))
        .withColumn("_landed_at", F.lit(now))
    )
    return with_day(rows, day).select(*(quoted_name(n) for n in names)), seen


_LISTED = "files array<struct<intake: long, file: string, sha256: string>>"


def batches(found: tuple[Found, ...]) -> list[tuple[Found, ...]]:
    """Files that one task reads: a few tasks for many small files, more tasks for more bytes, neighbours together.

    A task and its writers cost more than a small file does, and days that files share become one file.
    """
    most = max(TASKS, sum(f.size for f in found) // TASK_BYTES)
    size = -(-len(found) // most)
    return [found[i : i + size] for i in range(0, len(found), size)]


def _spark_schema(columns: tuple[str, ...]) -> str:
    kinds = {"int64": "long", "string": "string"}
    return ", ".join(f"`{f.name.replace('`', '``')}` {kinds[str(f.type)]}" for f in labelled_schema(columns))


_SHIPPING = Lock()


@cache
def _ship(spark: SparkSession) -> None:
    """Give the workers of a session the code that parses files; they may not share this checkout."""
    with TemporaryDirectory() as folder:
        package = Path(folder) / "parse.zip"
        package.write_bytes(archive())
        spark.addArtifacts(str(package), pyfile=True)


def record_files(
    files: Table, arrived: Arrivals, refused: Refusals, counts: dict[int, tuple[int, date, date]], digest: str, now: datetime
) -> tuple[pa.Table, set[tuple[date, date]]]:
    """The new content of the files table, and the day ranges whose rows a newer version supersedes.

    `refused`: by intake, why files of `arrived.new` couldn't be parsed; a `RefusedFile` says whether that may pass, a
    text is for good. A refusal that is recorded already isn't recorded again.
    """
    rows = arrived.known.to_pylist()
    newest = _newest(arrived.known)
    replaced: set[tuple[date, date]] = set()
    taken = {f.file for f in arrived.new if f.intake not in refused}
    for row in rows:
        row["is_transient"] = bool(row.get("is_transient"))
        if row["is_current"] and row["_file"] in taken:
            row["is_current"] = False
            if row["first_day"]:
                replaced.add((row["first_day"], row["last_day"]))
    for f in (*(_with_refusal(f, refused) for f in arrived.new), *arrived.refused):
        if f.refusal and _is_recorded(f, newest.get(f.file)) and newest[f.file]["_parse"] == _parse_of(digest, f.refusal):
            continue
        n, first, last = counts.get(f.intake, (0, None, None))
        rows.append({
            "_file": f.file, "_sha256": f.sha256, "_parse": _parse_of(digest, f.refusal), "_size": f.size, "_mtime_ns": f.mtime_ns,
            "_intake": f.intake, "_landed_at": now, "row_count": None if f.refusal else n,
            "first_day": first, "last_day": last, "is_current": not f.refusal, "refusal": f.refusal or None, "is_transient": f.is_transient,
        })  # fmt: skip
    return pa.Table.from_pylist(rows, schema=arrow_schema(files)), replaced


def _with_refusal(found: Found, refused: Refusals) -> Found:
    why = refused.get(found.intake)
    return found if why is None else replace(found, refusal=str(why), is_transient=isinstance(why, RefusedFile) and why.is_transient)
