"""A domain in a folder elsewhere, as small as one can be: two counts a line, a total a day, and a journal of what was first told."""

from pathlib import Path

TABLES = """
from lake.constraints import Between, NotNull
from lake.contract import Column, Feed, Read, Table

NAME = Column("name", "string", "Name of the toy", (NotNull(),))
COUNT = Column("count", "long", "How many", (NotNull(),), unit="pieces")
CHILD = Column("child", "string", "Who counted", (NotNull(),), personal=True)
ON = Column("on_day", "date", "Day of the count", (NotNull(),))
DAY = Column("day", "date", "Day of the count", (NotNull(),))
TOTAL = Column("total", "long", "All toys", (Between(low=0, high=1000),), unit="pieces")
FROM = tuple(Column(n, t, "Origin") for n, t in (("_source", "string"), ("_file", "string"), ("_row", "long")))
FEED = Feed("toy", "counts", "Counted toys.", (NAME, COUNT, CHILD, ON), "toys", day_of="on_day")
COUNTS = Table("silver", "toy", "counts", "dated", "Counted toys.", "toys", "one row per toy and day",
               (NAME, COUNT, DAY, *FROM), ("name", "day"), "day", (Read("feed_toy__counts"),))
TOTALS = Table("gold", "toy", "totals", "dated", "Toys a day.", "toys", "one row per day",
               (DAY, TOTAL), ("day",), "day", (Read("silver_toy__counts"),))
JOURNAL = Table("gold", "toy", "journal", "ledger", "Toys a day, as first told.", "toys", "one row per day",
                (DAY, TOTAL), ("day",), "day", (Read("silver_toy__counts"),))
"""
STEPS = """
from pyspark.sql import DataFrame, functions as F

def silver_toy__counts(feed_toy__counts: DataFrame) -> DataFrame:
    return feed_toy__counts

def gold_toy__totals(silver_toy__counts: DataFrame) -> DataFrame:
    return silver_toy__counts.groupBy("day").agg(F.sum("count").alias("total"))

def gold_toy__journal(silver_toy__counts: DataFrame) -> DataFrame:
    return gold_toy__totals(silver_toy__counts)
"""
MAPPING = '{feeds: toy.counts, files: "toy/*.csv", format: csv, select: {name: toy, count: pieces, child: who, on_day: seen}}\n'


def make(folder: Path) -> Path:
    """Write it; the folder is what LAKE_EXTRA names."""
    for name, text in (("lake/tables/toy.py", TABLES), ("pipelines/toy.py", STEPS), ("lake/sources/toy_counts.yaml", MAPPING)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder
