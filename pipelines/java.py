"""Spark needs Java 17 or newer: check it before anything else, install it where that may be done, or say how.

With Java there, the classes that Spark loads are archived once, beside the environment: a server then starts in 5 s
instead of 12 s, for a third of the work.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from pipelines.doctor import java

ARCHIVE_SECONDS = 120


def main() -> int:
    """0 when Java is there (perhaps by now)."""
    found = java()
    if not found.mend:
        archive_classes()
        return 0
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        print(f"Java: {found.state}. Installing openjdk-17-jre-headless from Debian's packages ...", flush=True)
        for step in (["update", "-qq"], ["install", "-y", "-qq", "openjdk-17-jre-headless"]):
            subprocess.run(["apt-get", *step], check=False, stdout=subprocess.DEVNULL)
        found = java()
    if found.mend:
        print(f"Java: {found.state}. {found.mend}", file=sys.stderr)
        return 1
    archive_classes()
    return 0


def archive_classes() -> None:
    """Let a Spark server of its own do a little of everything and leave its classes when it ends. Without them all works, slower."""
    from lake.spark import class_archive

    wanted = class_archive()
    if wanted.is_file() or os.environ.get("SPARK_REMOTE") or not os.access(wanted.parent, os.W_OK):
        return
    print("Archiving Spark's classes for quick starts (once, half a minute) ...", flush=True)
    with tempfile.TemporaryDirectory(prefix="spark-classes-", ignore_cleanup_errors=True) as folder:
        made, server = Path(folder) / "made.jsa", Path(folder) / "spark-connect.json"
        env = os.environ | {
            "SPARK_LOCAL_CONNECT_DISCOVERY": str(server), "LAKE_STATE_ROOT": folder,
            "LAKE_SPARK_JAVA_OPTIONS": f"-XX:TieredStopAtLevel=1 -XX:ArchiveClassesAtExit={made}",
        }  # fmt: skip
        subprocess.run([sys.executable, "-c", "from pipelines.java import exercise; exercise()", folder], env=env, check=False,
                       capture_output=True)  # fmt: skip
        with suppress(OSError, ValueError):
            pid = int(json.loads(server.read_text())["pid"])
            subprocess.run([sys.executable, "-m", "pyspark.sql.connect.local_server", "--stop"], env=env, check=False, capture_output=True)
            _ended(pid)
        if made.is_file():
            shutil.copyfile(made, part := wanted.with_suffix(f".{os.getpid()}"))
            part.replace(wanted)


def exercise() -> None:
    """What runs do: read and write partitions, join, aggregate, look back, map in Python."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    from lake.spark import session

    folder, spark = sys.argv[1], session()
    days = F.date_add(F.lit("2026-01-01").cast("date"), (F.col("id") % 3).cast("int"))
    rows = spark.range(300).select("id", (F.col("id") % 7).cast("string").alias("unit"), F.rand(1).alias("value"), days.alias("day"))
    rows.mapInArrow(lambda batches: batches, rows.schema).write.partitionBy("day").parquet(f"{folder}/rows")
    held = spark.read.schema(rows.schema).parquet(f"{folder}/rows")
    before = Window.partitionBy("unit").orderBy("day", "id").rowsBetween(-2, 0)
    daily = held.groupBy("unit", "day").agg(F.avg("value").alias("mean"), F.count("*").alias("n"))
    joined = held.withColumn("lately", F.avg("value").over(before)).join(F.broadcast(daily), on=["unit", "day"], how="left").persist()
    joined.withColumn("why", F.array_compact(F.array(F.when(F.col("n") > 1, "many")))).write.parquet(f"{folder}/joined")
    joined.groupBy("day").count().collect()


def _ended(pid: int) -> None:
    until = time.monotonic() + ARCHIVE_SECONDS
    with suppress(ProcessLookupError):
        while time.monotonic() < until:
            os.kill(pid, 0)
            time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
