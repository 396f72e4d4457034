"""Parquet files of one table: read by the engine with the declared schema, written a folder per partition.

Files hold all declared columns, the one that partitions them included, so that a list of files is all that a reader needs: Sail finds
the values in folder names only below one root (lakehq/sail#2107).
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.arrow import arrow_schema
from lake.contract import Table
from lake.engine import batches, is_embedded
from lake.spark import struct

ROW_GROUP_ROWS = 131_072
SORTED_AT_ONCE = 262_144
HELD_BYTES = 256 << 20


def spark_frame(spark: SparkSession, table: Table, uris: list[str]) -> DataFrame:
    """Read Parquet files of a table with the declared schema; an empty list gives an empty frame."""
    schema = struct(table)
    if not uris:
        return spark.createDataFrame([], schema)
    return spark.read.schema(schema).parquet(*uris).select(*(f"`{n}`" for n in schema.names))


def write(rows: DataFrame, table: Table, folder: Path) -> int:
    """Write rows as Parquet, a folder per partition, and return how many they are.

    From an engine in this process they are fetched as they are made and written from here; one elsewhere writes them itself.
    """
    if is_embedded():
        with PartitionWriter(table, folder) as writer:
            for batch in batches(rows):
                writer.add(batch)
        return writer.rows
    _written_by_engine(rows, table, folder)
    return sum(pq.read_metadata(f).num_rows for f in folder.rglob("*.parquet"))


def _written_by_engine(rows: DataFrame, table: Table, folder: Path) -> None:
    if not table.partition:
        rows.write.option("compression", "zstd").parquet(str(folder))
        return
    # Spark leaves the column that names the folders out of the files: it is written twice, once under another name
    copied = rows.withColumn("_folder", F.col(table.partition))
    copied.write.option("compression", "zstd").partitionBy("_folder").parquet(str(folder))
    for part in folder.glob("_folder=*"):
        part.rename(partition_folder(folder, table, part.name.partition("=")[2]))


def write_arrow(rows: pa.Table, table: Table, folder: Path) -> None:
    """Write rows held here, a folder per partition. Raises ValueError where a row belongs to none."""
    with PartitionWriter(table, folder) as writer:
        writer.add(rows)


class PartitionWriter:
    """Writes rows as they come, one Parquet file per partition, holding at most some hundred megabytes back.

    Rows keep their order within a partition. Raises ValueError where a row belongs to no partition.
    """

    def __init__(self, table: Table, folder: Path) -> None:
        self.table, self.folder = table, folder
        self.rows = self._sorted = 0
        self._schema = arrow_schema(table)
        self._waiting: list[pa.RecordBatch] = []
        self._held: dict[object, list[pa.Table]] = {}
        self._writers: dict[object, pq.ParquetWriter] = {}

    def __enter__(self) -> "PartitionWriter":
        self.folder.mkdir(parents=True)
        return self

    def __exit__(self, kind: object, *about: object) -> None:
        if kind is None:
            self._sort()
            for value in list(self._held):
                self._flush(value)
            if not self._writers and not self.table.partition:
                self._writer(None)
        for writer in self._writers.values():
            writer.close()

    def add(self, rows: pa.Table | pa.RecordBatch) -> None:
        """Take rows in; columns that aren't declared are left out."""
        if not rows.num_rows:
            return
        self.rows += rows.num_rows
        self._waiting += rows.to_batches() if isinstance(rows, pa.Table) else [rows]
        if self.rows - self._sorted >= SORTED_AT_ONCE:
            self._sort()

    def _sort(self) -> None:
        if not self._waiting:
            return
        rows, self._waiting, self._sorted = pa.Table.from_batches(self._waiting), [], self.rows
        rows = rows.select(self._schema.names).cast(self._schema)
        for value, some in self._parts(rows).items():
            held = self._held.setdefault(value, [])
            held.append(some)
            if sum(t.num_rows for t in held) >= ROW_GROUP_ROWS:
                self._flush(value)
        while sum(t.nbytes for held in self._held.values() for t in held) > HELD_BYTES:
            self._flush(max(self._held, key=lambda v: sum(t.nbytes for t in self._held[v])))

    def _parts(self, rows: pa.Table) -> Mapping[object, pa.Table]:
        by = self.table.partition
        if not by:
            return {None: rows}
        column = rows[by]
        if column.null_count:
            raise ValueError(f"{self.table.name}: {column.null_count} rows without {by}, which no partition would hold")
        ends = pc.min_max(column)
        if ends["min"] == ends["max"]:
            return {ends["min"].as_py(): rows}
        ordered = rows.take(pc.sort_indices(column))
        counts = pc.value_counts(ordered[by].combine_chunks()).to_pylist()
        parts, start = {}, 0
        for c in counts:
            parts[c["values"]] = ordered.slice(start, c["counts"])
            start += c["counts"]
        return parts

    def _flush(self, value: object) -> None:
        held = self._held.pop(value)
        self._writer(value).write_table(pa.concat_tables(held).combine_chunks(), row_group_size=ROW_GROUP_ROWS)

    def _writer(self, value: object) -> pq.ParquetWriter:
        if value not in self._writers:
            part = partition_folder(self.folder, self.table, value)
            part.mkdir(exist_ok=True)
            self._writers[value] = pq.ParquetWriter(part / "part-0.parquet", self._schema, compression="zstd")
        return self._writers[value]


def partition_folder(folder: Path, table: Table, value: object) -> Path:
    """Where a staging folder keeps the files of one partition of a table."""
    return folder / f"{table.partition}={value}" if table.partition else folder


def adopt(part: Path, folder: Path) -> None:
    """Move the partition folders of `part` into `folder`."""
    for child in part.iterdir():
        if child.is_dir():
            child.rename(folder / child.name)
    shutil.rmtree(part)
