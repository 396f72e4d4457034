"""Landing to bronze: files taken in once, row by row as text, nothing rejected; unreadable files refused by name."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from lake.arrow import arrow_schema
from lake.contract import Feed, Table
from lake.expressions import compiled
from lake.mapping import parse_digest
from lake.source import Source
from lake.storage import Version
from pipelines.parse import RefusedFile, parse

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@dataclass(frozen=True)
class Found:
    """A file version in landing that bronze doesn't hold yet."""

    file: str
    sha256: str
    size: int
    mtime_ns: int
    intake: int


@dataclass(frozen=True)
class Arrivals:
    """What landing holds that is new, and what was passed over because it is still being written."""

    new: tuple[Found, ...]
    unsettled: tuple[str, ...]
    known: pa.Table


def arrivals(source: Source, landing: Path, files: Version | None, settle_seconds: float, now: datetime) -> Arrivals:
    """Compare landing with the file versions already taken in or refused. Untouched files aren't read again."""
    known = files.read() if files else pa.table({})
    newest: dict[str, dict[str, Any]] = {}
    for row in sorted(known.to_pylist(), key=lambda r: r["_intake"]):
        newest[row["_file"]] = row
    digest = parse_digest(source)
    found: list[Found] = []
    unsettled: list[str] = []
    intake = max((r["_intake"] for r in newest.values()), default=0)
    for path in sorted(p for p in landing.glob(source.files) if p.is_file() and not p.name.endswith(".part")):
        name, stat = path.relative_to(landing).as_posix(), path.stat()
        if now.timestamp() - stat.st_mtime < settle_seconds:
            unsettled.append(name)
            continue
        old = newest.get(name)
        same_parse = old is not None and old["_parse"] == digest
        if old and same_parse and (old["_size"], old["_mtime_ns"]) == (stat.st_size, stat.st_mtime_ns):
            continue
        content = _sha256(path)
        if path.stat().st_size != stat.st_size:
            unsettled.append(name)
        elif not (old and same_parse and old["_sha256"] == content):
            intake += 1
            found.append(Found(name, content, stat.st_size, stat.st_mtime_ns, intake))
    return Arrivals(tuple(found), tuple(unsettled), known)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
    """Bronze rows of new files, as they are parsed; `refused` gives the reason by intake, `parsed` counts rows."""

    source: Source
    landing: Path
    found: tuple[Found, ...]
    now: datetime
    refused: dict[int, str] = field(default_factory=dict)
    parsed: int = 0

    def rows(self) -> Iterator[pa.Table]:
        """One table per file that isn't refused, without days. A file is held whole: it is refused as a whole."""
        for f in self.found:
            try:
                made = list(parse(self.landing / f.file, self.source.dialect, self.source.columns))
            except RefusedFile as refused:
                self.refused[f.intake] = str(refused)
                continue
            except OSError as error:
                self.refused[f.intake] = f"can't be opened: {error.strerror}"
                continue
            if made:
                yield self._placed(pa.Table.from_batches(made), f)

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
    return compiled(source.select[feed.day_of], source.dialect).columns


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
    files: Table, arrived: Arrivals, refused: dict[int, str], counts: dict[int, tuple[int, date, date]], digest: str, now: datetime
) -> tuple[pa.Table, set[tuple[date, date]]]:
    """The new content of the files table, and the day ranges whose rows a newer version supersedes."""
    rows = arrived.known.to_pylist()
    replaced: set[tuple[date, date]] = set()
    taken = {f.file for f in arrived.new if f.intake not in refused}
    for row in rows:
        if row["is_current"] and row["_file"] in taken:
            row["is_current"] = False
            if row["first_day"]:
                replaced.add((row["first_day"], row["last_day"]))
    for f in arrived.new:
        n, first, last = counts.get(f.intake, (0, None, None))
        rows.append({
            "_file": f.file, "_sha256": f.sha256, "_parse": digest, "_size": f.size, "_mtime_ns": f.mtime_ns,
            "_intake": f.intake, "_landed_at": now, "row_count": None if f.intake in refused else n,
            "first_day": first, "last_day": last,
            "is_current": f.intake not in refused, "refusal": refused.get(f.intake),
        })  # fmt: skip
    return pa.Table.from_pylist(rows, schema=arrow_schema(files)), replaced
