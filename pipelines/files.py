"""Parquet files of one table: read by the engine with the declared schema, written a folder per partition.

Files hold all declared columns, the one that partitions them included, so that a list of files is all that a reader needs: Sail finds
the values in folder names only below one root (lakehq/sail#2107).
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.arrow import arrow_schema
from lake.contract import Table
from lake.engine import fetched, is_embedded
from lake.spark import struct

ROW_GROUP_ROWS = 131_072
HELD_ROWS = 1_000_000
_NULL = "__HIVE_DEFAULT_PARTITION__"


def spark_frame(spark: SparkSession, table: Table, uris: list[str]) -> DataFrame:
    """Read Parquet files of a table with the declared schema; an empty list gives an empty frame."""
    schema = struct(table)
    if not uris:
        return spark.createDataFrame([], schema)
    return spark.read.schema(schema).parquet(*uris).select(*(f"`{n}`" for n in schema.names))


def write(rows: DataFrame, table: Table, folder: Path, are_few: bool = False) -> int:
    """Write rows as Parquet, a folder per partition, and return how many they are.

    The engine writes them itself, unless they `are_few` and it shares this process: its writer costs more than fetching where some
    thousand rows of a hundred columns go to ninety partitions. Raises ValueError where a row belongs to no partition.
    """
    if are_few and is_embedded():
        with PartitionWriter(table, folder) as writer:
            writer.add(fetched(rows))
        return writer.rows
    if not table.partition:
        rows.write.option("compression", "zstd").parquet(str(folder))
        return rows_below(folder)
    # The column that names the folders is left out of the files: it is written twice, once under another name
    copied = rows.withColumn("_folder", F.col(table.partition))
    copied.write.option("compression", "zstd").partitionBy("_folder").parquet(str(folder))
    folder.mkdir(parents=True, exist_ok=True)  # no rows, no files
    for part in folder.glob("_folder=*"):
        value = part.name.partition("=")[2]
        if value == _NULL:
            raise ValueError(f"{table.name}: {rows_below(part)} rows without {table.partition}, which no partition would hold")
        part.rename(partition_folder(folder, table, value))
    return rows_below(folder)


def written_once(spark: SparkSession, rows: DataFrame, folder: Path) -> DataFrame:
    """Rows that several plans will read, worked out once: written to `folder` and read from there."""
    rows.write.option("compression", "snappy").parquet(str(folder))
    return spark.read.schema(rows.schema).parquet(str(folder))


def rows_below(folder: Path) -> int:
    """Rows of the Parquet files below a folder, from their footers."""
    return sum(pq.read_metadata(f).num_rows for f in folder.rglob("*.parquet"))


def write_arrow(rows: pa.Table, table: Table, folder: Path) -> None:
    """Write rows held here, a folder per partition. Raises ValueError where a row belongs to none."""
    with PartitionWriter(table, folder) as writer:
        writer.add(rows)


class PartitionWriter:
    """Writes rows as they come, one Parquet file per partition, holding at most a million rows back.

    Rows keep their order within a partition. Raises ValueError where a row belongs to no partition.
    """

    def __init__(self, table: Table, folder: Path) -> None:
        self.table, self.folder = table, folder
        self.rows = 0
        self._schema = arrow_schema(table)
        self._held: dict[object, list[pa.Table]] = {}
        self._counts: dict[object, int] = {}
        self._writers: dict[object, pq.ParquetWriter] = {}

    def __enter__(self) -> "PartitionWriter":
        self.folder.mkdir(parents=True)
        return self

    def __exit__(self, kind: object, *about: object) -> None:
        if kind is None:
            for value in list(self._held):
                self._flush(value)
            if not self._writers and not self.table.partition:
                self._writer(None)
        for writer in self._writers.values():
            writer.close()

    def add(self, rows: pa.Table) -> None:
        """Take rows in; columns that aren't declared are left out. Quickest where they are of few partitions, as those of a file."""
        rows = rows.select(self._schema.names).cast(self._schema)
        self.rows += rows.num_rows
        for value, some in self._parts(rows):
            self._held.setdefault(value, []).append(some)
            self._counts[value] = self._counts.get(value, 0) + some.num_rows
            if self._counts[value] >= ROW_GROUP_ROWS:
                self._flush(value)
        while sum(self._counts.values()) > HELD_ROWS:
            self._flush(max(self._counts, key=self._counts.__getitem__))

    def _parts(self, rows: pa.Table) -> Iterator[tuple[object, pa.Table]]:
        by = self.table.partition
        if not by:
            yield None, rows
        elif rows.num_rows:
            if nulls := rows[by].null_count:
                raise ValueError(f"{self.table.name}: {nulls} rows without {by}, which no partition would hold")
            values = pc.unique(rows[by])
            for value in values:
                yield value.as_py(), rows if len(values) == 1 else rows.filter(pc.equal(rows[by], value))

    def _flush(self, value: object) -> None:
        held = self._held.pop(value)
        del self._counts[value]
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
