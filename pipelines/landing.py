"""Landing to bronze: files taken in once, row by row as text, nothing rejected; unreadable files refused by name."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from lake.arrow import arrow_schema
from lake.contract import Feed, Table
from lake.expressions import LINEAGE, compiled
from lake.mapping import parse_digest
from lake.source import Source
from lake.storage import Version
from pipelines.listing import is_settled, landed_path, listing
from pipelines.parse import RefusedFile, parse
from pipelines.parse.opening import open_regular
from pipelines.parse.refusal import refusal_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Refusals = Mapping[int, str | RefusedFile]

HELD_BYTES, HELD_ROWS = 64 << 20, 200_000
"""Size above which a file is read twice, the first time to its end, so that its rows need not be held all at once."""

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


def with_day(rows: "DataFrame", steps: tuple[str, ...]) -> "DataFrame":
    """Bronze rows with their `day`."""
    from pyspark.sql import functions as F

    for step in steps:
        rows = rows.withColumn("day", F.expr(step.replace("{0}", "day")))
    return rows


def rows_again(source: Source, table: Table, head: Version) -> Iterator[pa.Table]:
    """What bronze holds, without days, with the columns that the mapping uses now: fetched from `_rescued`, or put back there.

    One table per file of the version.
    """
    technical = [c.name for c in table.columns if c.name not in (*source.columns, "day")]
    for uri in head.uris():
        rows = pq.ParquetFile(uri).read()
        gone = [n for n in rows.column_names if n not in (*source.columns, *technical, "day")]
        fetched = [n for n in source.columns if n not in rows.column_names]
        if gone or fetched:
            rows = _rescued_again(rows, gone, fetched)
        yield rows.select([*source.columns, *technical])


def _rescued_again(rows: pa.Table, gone: Sequence[str], fetched: Sequence[str]) -> pa.Table:
    """Move the columns `gone` into the JSON object of `_rescued`, and those `fetched` out of it."""
    found: dict[str, list[str | None]] = {n: [] for n in (*fetched, "_rescued")}
    for text, *values in zip(rows["_rescued"].to_pylist(), *(rows[n].to_pylist() for n in gone), strict=True):
        others: dict[str, str | None] = json.loads(text) if text else {}
        others |= {n: v for n, v in zip(gone, values, strict=True) if v is not None}
        for name in fetched:
            found[name].append(others.pop(name, None))
        held = {n: v for n, v in sorted(others.items()) if v is not None}
        found["_rescued"].append(json.dumps(held, ensure_ascii=False, separators=(",", ":")) if held else None)
    for name, values in found.items():
        column = pa.array(values, pa.string())
        at = rows.column_names.index(name) if name in rows.column_names else -1
        rows = rows.append_column(name, column) if at < 0 else rows.set_column(at, name, column)
    return rows


@dataclass
class Intake:
    """Bronze rows of new files, as they are parsed; `refused` gives the refusal by intake, `notes` what to know of files taken in."""

    source: Source
    landing: Path
    found: tuple[Found, ...]
    now: datetime
    refused: dict[int, RefusedFile] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    parsed: int = 0

    def rows(self) -> Iterator[pa.Table]:
        """Tables of at most some hundred thousand rows, each of one file that isn't refused, without days."""
        for f in self.found:
            if f.size > HELD_BYTES and not self._is_whole(f):
                continue
            held: list[pa.RecordBatch] = []
            try:
                for batch in self._parsed(f):
                    held.append(batch)
                    if f.size > HELD_BYTES and sum(b.num_rows for b in held) >= HELD_ROWS:
                        yield self._placed(pa.Table.from_batches(held), f)
                        held = []
            except RefusedFile as refused:
                if f.size > HELD_BYTES:
                    raise ValueError(f"{f.file} changed while it was read ({refused}); run again") from refused
                self.refused[f.intake] = refused
                continue
            if held:
                yield self._placed(pa.Table.from_batches(held), f)

    def _is_whole(self, f: Found) -> bool:
        """Read a large file to its end without keeping it: a file is taken in whole or not at all."""
        try:
            for _ in self._parsed(f):
                pass
        except RefusedFile as refused:
            self.refused[f.intake] = refused
        return f.intake not in self.refused

    def _parsed(self, f: Found) -> Iterator[pa.RecordBatch]:
        notes = self.notes[f.file] = []
        return parse(landed_path(self.landing, f.file), self.source.dialect, self.source.columns, notes=notes)

    def _placed(self, rows: pa.Table, f: Found) -> pa.Table:
        self.parsed += rows.num_rows
        about = {"_source": self.source.name, "_file": f.file, "_sha256": f.sha256, "_intake": f.intake}
        for name, value in about.items():
            rows = rows.append_column(name, pa.repeat(pa.scalar(value), rows.num_rows))
        landed = pa.scalar(self.now, pa.timestamp("us", tz="UTC"))
        return rows.append_column("_landed_at", pa.repeat(landed, rows.num_rows))


def day_columns(source: Source, feed: Feed) -> tuple[str, ...]:
    """The columns of a bronze row that its event day is read from."""
    if feed.day_of is None or feed.day_of not in source.select:
        return ()
    sql = source.select[feed.day_of]
    return (*compiled(sql, source.dialect).columns, *(name for name in LINEAGE if name in sql))


def add_days(spark: "SparkSession", rows: pa.Table, columns: Sequence[str], steps: tuple[str, ...], folder: Path) -> pa.Table:
    """Bronze rows with their `day`. The engine reads each different text once, from a file in `folder`, and gives its day."""
    from lake.engine import fetched

    if not columns:
        columns = ("_row",)  # the day is the same for all
        texts, which = rows.select(columns).slice(0, 1), None
    elif len(columns) == 1:
        coded = rows[columns[0]].combine_chunks().dictionary_encode(null_encoding="encode")
        texts, which = pa.table({columns[0]: coded.dictionary}), coded.indices
    else:
        texts, which = rows.select(list(dict.fromkeys(columns))), pa.array(range(rows.num_rows))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "texts.parquet"
    pq.write_table(texts.append_column("_n", pa.array(range(texts.num_rows), pa.int64())), file, compression="none")
    read = with_day(spark.read.parquet(str(file)), steps).select("_n", "day")
    days = fetched(read).sort_by("_n")["day"].combine_chunks()
    file.unlink()
    return rows.append_column("day", days.take(which) if which is not None else pa.repeat(days[0], rows.num_rows))


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
