"""Bronze to silver: mapped rows, their reasons, and the fate of every row read."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lake.constraints import NotNull, References
from lake.contract import Feed, Table
from lake.derived import UNREADABLE_DAY
from lake.mapping import Rendered
from lake.source import Source
from lake.spark import holds, rounded
from pipelines import pseudonym

MASK = "***"
VALID = "valid"
"""Fate of a row that breaks no promise, until rows with the same key are looked at."""
TECHNICAL = ("_partition", "_source", "_file", "_row", "_content", "_is_broken", "_problems")
"""What judging needs to know of a row beside its columns."""
PROBLEMS = "array<struct<promise: string, found: string>>"
"""One type for all: whether a field may be null differs between literals and columns, and Sail refuses to mix them."""
NO_PROBLEMS = f"cast(array() as {PROBLEMS})"


@dataclass(frozen=True)
class Mapped:
    """The rows of one source that its mapping turns into feed rows, and those that it leaves out."""

    rows: DataFrame
    not_applicable: DataFrame


def mapped(
    source: Source, feed: Feed, bronze: Table, rows: DataFrame, sql: Rendered, superseded: Collection[int], as_text: bool, key: bytes = b""
) -> Mapped:
    """Apply a mapping. Beside the feed's columns a row carries what judging needs, in columns beginning with `_`.

    `as_text`: render the source's row as JSON at once, so that rows of several sources have one shape. `key`: what the
    feed's pseudonyms are made with.
    """
    is_old = F.col("_intake").isin(*sorted(superseded)) if superseded else F.lit(False)
    applies = F.col("_broken").isNotNull() | F.expr(sql.where)
    personal = {c.name for c in bronze.columns if c.personal}
    content = F.struct(*(
        (F.when(F.col(f"`{c.name}`").isNotNull(), F.lit(MASK)) if c.name in personal else F.col(f"`{c.name}`")).alias(c.name)
        for c in bronze.columns if c.name in source.columns or c.name in ("_rescued", "_raw")
    ))  # fmt: skip
    hidden = {c.name for c in feed.columns if c.personal}
    broken = [F.col("_broken").isNotNull()]
    problems = [_problem(broken[0], F.lit("line: can be parsed"), F.col("_broken"))]
    for c in feed.columns:
        if c.name in sql.present:
            seen = F.lit(MASK) if c.name in hidden else F.expr(sql.raw[c.name])
            unreadable = F.col(f"_value_{c.name}").isNull() & F.expr(sql.present[c.name])
            broken.append(unreadable)
            problems.append(_problem(unreadable, F.lit(f"{c.name}: readable as {c.type}"), seen))
    current = rows.filter(~is_old)
    day = [F.when(F.col("day") != F.lit(UNREADABLE_DAY).cast("date"), F.col("day")).alias(feed.grain)] if feed.day_of else []
    # Read, then hold, in steps of their own: Spark keeps them apart, or would read a text as often as something refers to it.
    valued = (
        current.filter(applies)
        .withColumns({f"_read_{c.name}": F.expr(sql.read[c.name]) for c in feed.columns})
        .withColumns({f"_value_{c.name}": F.expr(sql.held[c.name].replace("{0}", f"`_read_{c.name}`")) for c in feed.columns})
    )
    kept = valued.select(
        *((F.expr(pseudonym.expression(f"`_value_{c.name}`", key)) if c.pseudonymous else F.col(f"_value_{c.name}")).alias(c.name)
          for c in feed.columns),
        *day,
        F.col("day").alias("_partition"),
        "_source", "_file", "_row",
        (F.to_json(content) if as_text else content).alias("_content"),
        F.col("_broken").isNotNull().alias("_is_broken"),
        F.when(reduce(or_, broken), _listed(problems)).otherwise(F.expr(NO_PROBLEMS)).alias("_problems"),
    )  # fmt: skip
    return Mapped(kept, current.filter(~applies))


def _problem(broken: SparkColumn, promise: SparkColumn, found: SparkColumn) -> SparkColumn:
    return F.when(broken, F.struct(promise.alias("promise"), found.cast("string").alias("found")))


def _listed(problems: Sequence[SparkColumn]) -> SparkColumn:
    return F.array_compact(F.array(*problems)).cast(PROBLEMS)


def with_problems(rows: DataFrame, *found: tuple[SparkColumn, str, SparkColumn]) -> DataFrame:
    """For silver steps: send rows to quarantine for what no promise about one column can say.

    Each of `found` is (whether the row is broken, never null; "column: promise"; the value to show).
    """
    told = _listed([_problem(broken, F.lit(promise), value) for broken, promise, value in found])
    return rows.withColumn("_problems", F.concat("_problems", told))


def _is_about(column: str) -> Callable[[SparkColumn], SparkColumn]:
    return lambda problem: problem["promise"].startswith(f"{column}: ")


def judged(table: Table, rows: DataFrame, references: Mapping[tuple[str, str], DataFrame], as_text: bool = True) -> DataFrame:
    """Give every row of a step its `_fate`: `validated`, then `ranked`."""
    rows = validated(table, rows, references, as_text)
    return rows.filter(F.col("_fate") != VALID).unionByName(ranked(table, rows.filter(F.col("_fate") == VALID)))


def validated(table: Table, rows: DataFrame, references: Mapping[tuple[str, str], DataFrame], as_text: bool = True) -> DataFrame:
    """Give every row of a step its `_fate` as far as the row itself decides it: not_applicable, quarantined or valid.

    Rows of quarantine carry their `_broken_promises` and their `_content`, all others null; `as_text` as in `mapped`.
    """
    declared = {c.name for c in table.columns}
    rows = rows.select(*(rounded(c) for c in table.columns), *(n for n in TECHNICAL if n not in declared))
    has_problems = F.size("_problems") > 0
    keeps: list[SparkColumn] = []
    problems: list[SparkColumn] = []
    for i, (column, promise) in enumerate((c, p) for c in table.columns for p in c.constraints):
        if promise.severity != "critical":
            continue
        if isinstance(promise, References):
            known = references[promise.table, promise.column].select(F.col(promise.column).alias(f"_ref{i}")).distinct()
            rows = rows.join(F.broadcast(known), how="left", on=F.col(column.name) == F.col(f"_ref{i}"))
            kept = F.col(column.name).isNull() | F.col(f"_ref{i}").isNotNull()
        else:
            kept = holds(column.name, promise)
        if isinstance(promise, NotNull):
            # What could not be read or resolved is named as such already; that it is null as well says nothing new.
            if column.name == table.partition:
                kept = kept | has_problems
            else:
                kept = kept | F.when(has_problems, F.exists("_problems", _is_about(column.name))).otherwise(False)
        found = F.lit(MASK) if column.personal else F.coalesce(F.col(column.name).cast("string"), F.lit("null"))
        keeps.append(kept)
        problems.append(_problem(~kept, F.lit(f"{column.name}: {promise.sentence}"), found))
    # Reasons are put together for the few rows that need them.
    told = F.when(F.col("_is_broken"), F.col("_problems")).otherwise(F.concat("_problems", _listed(problems)))
    applies = F.expr(f"coalesce({table.applies}, false)") if table.applies else F.lit(True)
    fate = F.when(~applies, "not_applicable").when(~reduce(and_, keeps, ~has_problems), "quarantined").otherwise(VALID)
    is_kept_out = F.col("_fate") == "quarantined"
    text = F.col("_content") if as_text else F.to_json("_content")
    return (
        rows.withColumn("_fate", fate)
        .withColumns({
            "_broken_promises": F.when(is_kept_out, told if problems else F.col("_problems")),
            "_content": F.when(is_kept_out, text),
        })
        .drop("_problems", "_is_broken", *(c for c in rows.columns if c.startswith("_ref")))
    )  # fmt: skip


def ranked(table: Table, rows: DataFrame) -> DataFrame:
    """Give valid rows their `_fate`: published, merged or duplicate.

    Of several rows with one key, one with the columns that the table prefers is published, then the one of the last file name, then the
    last row; the others are merged when they come from the same file and the table fans out, duplicates otherwise.
    """
    newest = Window.partitionBy("_partition", *table.key).orderBy(
        *(F.isnull(c) for c in table.prefer), F.col("_file").desc(), F.col("_row").desc(), F.col("_source")
    )
    chosen_file = F.first("_file").over(newest.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing))
    folded = (F.col("_file") == F.col("_chosen_file")) if table.fans_out else F.lit(False)
    return (
        rows.withColumn("_rank", F.row_number().over(newest))
        .withColumn("_chosen_file", chosen_file)
        .withColumn("_fate", F.when(F.col("_rank") == 1, "published").when(folded, "merged").otherwise("duplicate"))
        .drop("_rank", "_chosen_file")
    )


def quarantined(quarantine: Table, rows: DataFrame) -> DataFrame:
    """The rows kept out, with reasons, values found and where each came from."""
    told = {
        "reasons": F.transform("_broken_promises", lambda p: p["promise"]),
        "found": F.transform("_broken_promises", lambda p: F.coalesce(p["found"], F.lit("null"))),
        "content": F.col("_content"),
    }
    if quarantine.partition:
        told[quarantine.partition] = F.col("_partition")
    return rows.filter(F.col("_fate") == "quarantined").select(*(told.get(c.name, F.col(c.name)).alias(c.name) for c in quarantine.columns))
