"""Parquet files of one table: read by Spark with the declared schema, written a folder per partition."""

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from lake.arrow import arrow_schema
from lake.contract import Table
from lake.spark import fetched, struct


def spark_frame(spark: SparkSession, table: Table, root: Path, uris: list[str], are_few: bool = False) -> DataFrame:
    """Read Parquet files of a table with the declared schema; an empty list gives an empty frame.

    Few rows are one partition, and Spark knows it: whatever joins, groups and orders them is one task without a shuffle.
    """
    schema = struct(table)
    if not uris:
        frame = spark.createDataFrame([], schema)
    else:
        frame = spark.read.schema(schema).option("basePath", str(root)).parquet(*uris).select(*(f"`{n}`" for n in schema.names))
    return frame.coalesce(1) if are_few else frame


def write(rows: DataFrame, table: Table, folder: Path, are_few: bool = False) -> None:
    """Write rows as Parquet, a folder per partition; few are fetched and written from here."""
    if are_few:
        write_arrow(fetched(rows), table, folder)
        return
    writer = rows.write.mode("error").option("compression", "zstd")
    (writer.partitionBy(table.partition) if table.partition else writer).parquet(str(folder))


def write_arrow(rows: pa.Table, table: Table, folder: Path) -> None:
    """Write a small table without Spark, a folder per partition. Raises ValueError where a row belongs to none."""
    schema = arrow_schema(table)
    rows = rows.select(schema.names)
    folder.mkdir(parents=True)
    if not table.partition:
        pq.write_table(rows.cast(schema), folder / "part-0.parquet", compression="zstd")
        return
    if nulls := rows[table.partition].null_count:
        raise ValueError(f"{table.name}: {nulls} rows without {table.partition}, which no partition would hold")
    for value in pc.unique(rows[table.partition]).to_pylist():
        part = folder / f"{table.partition}={value}"
        part.mkdir()
        some = rows.filter(pc.equal(rows[table.partition], value)).cast(schema).drop_columns([table.partition])
        pq.write_table(some, part / "part-0.parquet", compression="zstd")


def adopt(part: Path, folder: Path) -> None:
    for child in part.iterdir():
        if child.is_dir():
            child.rename(folder / child.name)
    shutil.rmtree(part)
