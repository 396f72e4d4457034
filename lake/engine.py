"""The one place that makes a Spark session: an engine inside this process, a local Apache Spark, or a Spark Connect endpoint.

`LAKE_ENGINE=sail` (the default) starts Sail in this process, on a free port of loopback; it ends with the process. `LAKE_ENGINE=spark`
starts Apache Spark in a process of its own that ends with this one (see `lake.spark_server`). `SPARK_REMOTE=sc://...` is a Spark
Connect endpoint that somebody else runs, and wins over both.
"""

import atexit
import os
import socket
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from lake.settings import Settings, settings

Engine = Literal["sail", "spark", "remote"]

_STARTING = Lock()
ANSWER_SECONDS = 10
_TOKEN = "SPARK_CONNECT_AUTHENTICATE_TOKEN"  # noqa: S105 (its name)

_CONFIG = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",
}
_SAIL_CONFIG = {
    # or each column expression looks up the line that made it, a third of the client's time on wide tables
    "spark.python.sql.dataFrameDebugging.enabled": "false",
}
_SPARK_CONFIG = {
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",
    # a task writes up to so many partitions at once, and sorts its rows only when there are more
    "spark.sql.maxConcurrentOutputFileWriters": "32",
}


class EngineFailed(Exception):
    """The engine doesn't answer, or can't be started; the message says which one and what to do."""


@dataclass(frozen=True)
class _Running:
    """A session, the server that was started for it (None for an endpoint of somebody else), and the process that owns both."""

    session: SparkSession
    server: Any
    process_id: int


_running: _Running | None = None


def engine() -> Engine:
    """Which engine this process uses."""
    return "remote" if settings().spark_remote else settings().engine


def is_embedded() -> bool:
    """Whether the engine shares this process, so that fetching rows costs no network."""
    return engine() == "sail"


def session() -> SparkSession:
    """The Spark Connect session of this process, made on first use. Raises EngineFailed."""
    global _running
    with _STARTING:  # tables are built by threads
        if _running is not None and _running.process_id != os.getpid():
            raise EngineFailed("this process is a fork of one whose engine was running, and has none; start engines after forking")
        if _running is None:
            _running = _start(settings())
        return _running.session


def stop() -> None:
    """End the session of this process, and the server that was started for it."""
    global _running
    with _STARTING:
        if _running is None or _running.process_id != os.getpid():
            return
        found, _running = _running, None
        try:
            found.session.stop()
        finally:
            if found.server is not None:
                found.server.stop()


def fetched(frame: DataFrame) -> pa.Table:
    """All rows, by one request. `toArrow` asks for the schema before, for which the server understands the whole plan once more."""
    table, _ = cast(Any, frame)._to_table()
    return cast(pa.Table, table)


def _start(conf: Settings) -> _Running:
    if conf.spark_remote:
        return _Running(_connected(conf.spark_remote, _CONFIG | _SPARK_CONFIG, is_near=False), None, os.getpid())
    server = _sail(conf) if conf.engine == "sail" else _spark(conf)
    config = _CONFIG | (_SAIL_CONFIG if conf.engine == "sail" else _SPARK_CONFIG)
    made = _Running(_connected(server.url, config, is_near=True, needs_token=conf.engine == "spark"), server, os.getpid())
    atexit.register(stop)
    return made


def _connected(url: str, config: dict[str, str], is_near: bool = False, needs_token: bool = True) -> SparkSession:
    """`is_near`: on this machine, where compressing answers costs more than sending them (Sail: 4.3 s of CPU for 90 MB, or 0.6)."""
    from pyspark.errors import PySparkException
    from pyspark.sql.connect.client import DefaultChannelBuilder
    from pyspark.sql.connect.client.retries import DefaultPolicy
    from pyspark.sql.connect.session import SparkSession as ConnectSession

    _check_answers(url)
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"  # what PySpark's own builder sets: functions make columns of Connect
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            channel = DefaultChannelBuilder(url, [("grpc.compression_enabled_algorithms_bitset", 1)] if is_near else [])
            with _token(needed=needs_token):
                made = ConnectSession.builder.appName("maintenance-lakehouse").channelBuilder(channel).create()
            # an engine that is gone for half a minute is gone: PySpark would go on asking for ten
            made.client.set_retry_policies([DefaultPolicy(max_retries=8, max_backoff=6_000)])
            for key, value in config.items():
                made.conf.set(key, value)
            return cast(SparkSession, made)
    except PySparkException as error:
        raise EngineFailed(f"no Spark Connect session at {url.partition(';')[0]}: {str(error).splitlines()[0]}") from error


@contextmanager
def _token(needed: bool) -> Iterator[None]:
    """Keep a token that the environment holds for a Spark from Sail: PySpark would ask Sail for TLS because of it, for ten minutes."""
    held = None if needed else os.environ.pop(_TOKEN, None)
    try:
        yield
    finally:
        if held is not None:
            os.environ[_TOKEN] = held


def _check_answers(url: str) -> None:
    """Raise EngineFailed where nobody listens, before PySpark asks again and again for minutes."""
    found = urlsplit(url.replace("sc://", "http://", 1))
    try:
        socket.create_connection((found.hostname or "localhost", found.port or 15002), ANSWER_SECONDS).close()
    except OSError as error:
        raise EngineFailed(f"no Spark Connect session at {url.partition(';')[0]}: {error.strerror or error}; check SPARK_REMOTE") from error


# --- Sail, in this process ------------------------------------------------------------------------------------------


class _Sail:
    """Sail's server in this process."""

    def __init__(self) -> None:
        from pysail.spark import SparkConnectServer

        self._server = SparkConnectServer(ip="127.0.0.1", port=0)
        self._server.start(background=True)
        host, port = self._server.listening_address
        self.url = f"sc://{host}:{port}"

    def stop(self) -> None:
        self._server.stop()


def _sail(conf: Settings) -> _Sail:
    for name, value in sail_environment(conf).items():
        os.environ.setdefault(name, value)
    # Python tasks of the engine (models) run in this interpreter
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        return _Sail()
    except Exception as error:
        raise EngineFailed(f"Sail could not start in this process ({error}); LAKE_ENGINE=spark uses Apache Spark instead") from error


def sail_environment(conf: Settings) -> dict[str, str]:
    """Sail's own settings, by environment variable; what the environment already says wins."""
    wanted = {
        "RUST_LOG": "error",
        "SAIL_EXECUTION__BATCH_SIZE": "16384",
        # footers of files that were read are kept without limit, and a lake's are wide: hundreds of megabytes in one run
        "SAIL_PARQUET__FILE_METADATA_CACHE__SIZE_LIMIT": str(64 << 20),
        "SAIL_PARQUET__FILE_STATISTICS_CACHE__MAX_ENTRIES": "1000",
        "SAIL_RUNTIME__MEMORY_POOL__TYPE": "fair",
        "SAIL_RUNTIME__MEMORY_POOL__FAIR__MAX_SIZE": str(_bytes(conf.engine_memory)),
    }
    if conf.engine_cores != "*":
        wanted["SAIL_EXECUTION__DEFAULT_PARALLELISM"] = conf.engine_cores
    return wanted


def _bytes(size: str) -> int:
    return int(size[:-1]) << {"k": 10, "m": 20, "g": 30}[size[-1].lower()]


# --- Apache Spark, in a process that ends with this one -------------------------------------------------------------


def _spark(conf: Settings) -> Any:
    from lake.spark_server import SparkServer

    return SparkServer(conf.engine_cores, conf.engine_memory, conf.state_root)
