"""Spark renderings of a contract, and the one place that makes a session."""

import atexit
import os
import sys
import warnings
from functools import cache, reduce
from pathlib import Path
from threading import Lock
from typing import Any, cast

import pyarrow as pa
import pyspark
from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType, StructType

from lake.constraints import Between, NotNull, OneOf, Pattern, RowPromise
from lake.contract import Column, Table
from lake.settings import settings

_STARTING = Lock()


def session(rows: int | None = None) -> SparkSession:
    """A Spark Connect session of this process: on `SPARK_REMOTE` if set, else on a local server shared by processes.

    Whoever knows how many `rows` a plan will read may get a session that interprets plans: compiling one to Java code takes longer
    than a day's rows do. Frames of the two sessions can't be mixed.
    """
    with _STARTING:  # tables are built by threads
        return _interpreting() if interprets(rows) else _session()


def interprets(rows: int | None) -> bool:
    """Whether plans that read about so many rows are interpreted."""
    return rows is not None and rows <= settings().interpreted_rows


def fetched(frame: DataFrame) -> pa.Table:
    """All rows, by one request. `toArrow` asks for the schema before, for which the server understands the whole plan once more."""
    table, _ = cast(Any, frame)._to_table()
    return cast(pa.Table, table)


def stop() -> None:
    """End the sessions of this process; the server stays."""
    for made in (_interpreting, _session):
        if made.cache_info().currsize:
            made().stop()
            made.cache_clear()


@cache
def _interpreting() -> SparkSession:
    spark: SparkSession = cast(Any, _session()).cloneSession()  # only Spark Connect has it, which is all that is used here
    atexit.register(stop)  # a cloned session that is left to the interpreter's own end waits there for ever
    spark.conf.set("spark.sql.codegen.wholeStage", "false")
    spark.conf.set("spark.sql.codegen.factoryMode", "NO_CODEGEN")
    # few rows: one task each, and no plan made anew after each stage
    spark.conf.set("spark.sql.adaptive.enabled", "false")
    spark.conf.set("spark.sql.shuffle.partitions", "1")
    # both sides are in the one task already
    spark.conf.set("spark.sql.autoBroadcastJoinThreshold", "-1")
    spark.conf.set("spark.sql.files.minPartitionNum", "1")
    return spark


@cache
def _session() -> SparkSession:
    s = settings()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("maintenance-lakehouse")
    if s.spark_remote:
        builder = builder.remote(s.spark_remote)
    else:
        s.state_root.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("SPARK_LOCAL_CONNECT_DISCOVERY", str(s.state_root / "spark-connect.json"))
        cores = (os.cpu_count() or 2) if s.spark_cores == "*" else int(s.spark_cores)
        builder = (
            builder.remote(f"local[{s.spark_cores}]")
            .config("spark.local.connect.reuse", "true")
            .config("spark.driver.memory", s.spark_memory)
            .config("spark.driver.extraJavaOptions", _java_options(s.spark_java_options))
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.shuffle.partitions", str(cores))
            # the plans of all tables are compiled once, not anew in every run; Spark keeps a hundred classes otherwise
            .config("spark.sql.codegen.cache.maxEntries", "2000")
            # no checksum files, which nobody reads: half the files, and half the `chmod` processes that Hadoop starts for them
            .config("spark.hadoop.fs.file.impl", "org.apache.hadoop.fs.RawLocalFileSystem")
            .config("spark.sql.warehouse.dir", str(s.state_root / "spark-warehouse"))
        )
    for key, value in _CONFIG.items():
        builder = builder.config(key, value)
    with warnings.catch_warnings():
        # A process that joins a running server can't change what its first client fixed; Spark says so each time.
        warnings.filterwarnings("ignore", message="Failed to set spark")
        return builder.getOrCreate()


def class_archive() -> Path:
    """Where `make setup` keeps Spark's classes as Java loads them quickest (see `pipelines.java`); it may not be there."""
    return Path(sys.prefix) / f"spark-{pyspark.__version__}.jsa"


def _java_options(chosen: str) -> str:
    archive = class_archive()
    # Java passes over an archive of another release or of other jars
    return f'{chosen} "-XX:SharedArchiveFile={archive}"'.strip() if archive.is_file() else chosen


_CONFIG = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.adaptive.enabled": "true",
    # a task writes up to so many partitions at once, and sorts its rows only when there are more
    "spark.sql.maxConcurrentOutputFileWriters": "32",
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",
    # or each column expression looks up the line that made it, a third of the client's time on wide tables
    "spark.python.sql.dataFrameDebugging.enabled": "false",
}


def struct(table: Table) -> StructType:
    """The Spark schema of a table, in the declared order, column meanings as comments."""
    schema = StructType()
    for c in table.columns:
        schema.add(c.name, ArrayType(StringType()) if c.type == "array<string>" else c.type, True, {"comment": c.meaning})
    return schema


def rounded(c: Column) -> SparkColumn:
    """The column cast to its type; a double rounded to its resolution as numpy rounds, NaN and minus zero made plain."""
    value = F.col(c.name).try_cast(c.type)
    if c.type != "double":
        return value.alias(c.name)
    digits = decimals(c)
    scale = F.lit(10.0 ** abs(digits))
    # Spark's round goes through texts and BigDecimals: an eighth of all the work on two million readings
    near = F.rint(value * scale) / scale if digits >= 0 else F.rint(value / scale) * scale
    return F.when(F.isnan(value), None).otherwise(near + F.lit(0.0)).alias(c.name)


def decimals(c: Column) -> int:
    """Decimals that the resolution of a column leaves."""
    from math import floor, log10

    return -floor(log10(c.resolution or 1.0) + 1e-9)


def conform(df: DataFrame, table: Table) -> DataFrame:
    """Select exactly the declared columns, in the declared order, cast and rounded."""
    return df.select(*(rounded(c) for c in table.columns))


def holds(column: str, promise: RowPromise) -> SparkColumn:
    """Whether a row keeps a promise; never null. References are judged by the runner, which holds the other table."""
    value = F.col(column)
    match promise:
        case NotNull():
            return value.isNotNull()
        case Between(low=low, high=high):
            inside = [~F.isnan(value.cast("double"))]
            inside += [value >= F.lit(low)] if low is not None else []
            inside += [value <= F.lit(high)] if high is not None else []
            return value.isNull() | reduce(lambda a, b: a & b, inside)
        case OneOf(values=values):
            return value.isNull() | value.isin(*values)
        case Pattern(regex=regex):
            return value.isNull() | value.rlike(f"^(?:{regex})\\z")
        case _:
            raise TypeError(f"no Spark rendering for {promise!r}")
