"""A Spark Connect server from the installed PySpark, owned by the process that starts it.

The chain of owners is made of pipes: when the process that started it goes, however it goes, the launcher reads the end of its
standard input and exits; Spark's Java, started by the launcher, does the same. Nothing is left behind to block the next run.
"""

import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread

STARTING_SECONDS = 120


class SparkServer:
    """Starts a server on a free port of loopback, with a token of its own. Raises EngineFailed when it doesn't come up."""

    def __init__(self, cores: str, memory: str, folder: Path) -> None:
        from lake.engine import EngineFailed

        folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        token = secrets.token_urlsafe(24)
        # without TLS, PySpark's client sends a token to `localhost` only, and takes it from here
        os.environ["SPARK_CONNECT_AUTHENTICATE_TOKEN"] = token
        env = {k: v for k, v in os.environ.items() if k not in ("SPARK_REMOTE", "SPARK_LOCAL_REMOTE", "SPARK_CONNECT_MODE_ENABLED")}
        log = folder / "spark-server.log"
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lake.spark_server", str(port), cores, memory, str(folder / "spark-warehouse")],
                stdin=subprocess.PIPE, stdout=out, stderr=out, env=env, cwd=Path(__file__).resolve().parent.parent,
            )  # fmt: skip
        until = time.monotonic() + STARTING_SECONDS
        while not _answers(port):
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise EngineFailed(f"Apache Spark did not start; {log} says why. Java 17 is needed: `python -m pipelines doctor`")
            time.sleep(0.2)
        self.url = f"sc://localhost:{port}"

    @property
    def process_id(self) -> int:
        """Of the launcher, whose child Spark's Java is."""
        return self._process.pid

    def stop(self) -> None:
        """Let the launcher read the end of its input, and wait until it has gone."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def main(port: str, cores: str, memory: str, warehouse: str) -> None:
    """Be the launcher: start Spark with its Connect plugin and stay until standard input ends."""
    from pyspark.sql import SparkSession

    threads = str(os.cpu_count() or 2) if cores == "*" else cores
    settings = {
        "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": port,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": memory,
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": threads,
        # the plans of all tables are compiled once; Spark keeps a hundred classes otherwise
        "spark.sql.codegen.cache.maxEntries": "2000",
        # no checksum files, which nobody reads: half the files, and half the `chmod` processes that Hadoop starts for them
        "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
        "spark.sql.warehouse.dir": warehouse,
        # or each column expression looks up the line that made it, a third of the client's time on wide tables
        "spark.python.sql.dataFrameDebugging.enabled": "false",
    }
    builder = SparkSession.builder.master(f"local[{threads}]").appName("maintenance-lakehouse")
    for key, value in settings.items():
        builder = builder.config(key, value)
    Thread(target=_end_with_owner, daemon=True).start()
    builder.getOrCreate()
    Event().wait()


def _end_with_owner() -> None:
    """Exit when standard input ends, also while Spark still starts; its Java sees the end of this process in the same way."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
