"""A standalone Spark cluster on this machine: master, two workers and a Spark Connect server, with the installed PySpark."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyspark

STARTING_SECONDS = 120
JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Short plans: Java's second compiler costs more than it gains."""
SMALL_PLANS = {
    "spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN", "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "2", "spark.ui.enabled": "false", "spark.sql.autoBroadcastJoinThreshold": "-1",
}  # fmt: skip


@dataclass
class Cluster:
    """Addresses, and the processes by name."""

    url: str
    token: str
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def kill(self, name: str) -> None:
        """SIGKILL one process, as a machine that goes dark."""
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait(30)


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Start it in `folder`, where none of our code is, nor on its path."""
    folder.mkdir(parents=True, exist_ok=True)
    master, ui, connect = _port(), _port(), _port()
    made = Cluster(f"sc://localhost:{connect}", secrets.token_urlsafe(16))
    bin_folder = Path(pyspark.__file__).parent / "bin"
    address = f"spark://127.0.0.1:{master}"

    def start(name: str, *command: str, memory: str = "256m") -> None:
        log = (folder / f"{name}.log").open("wb")
        made.processes[name] = subprocess.Popen(
            [str(bin_folder / command[0]), *command[1:]], cwd=folder, env=_environment(made.token, memory), stdout=log, stderr=log
        )

    conf = SMALL_PLANS | {
        "spark.connect.grpc.binding.port": str(connect), "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "1g", "spark.executor.memory": "600m", "spark.executor.cores": "1",
        "spark.driver.extraJavaOptions": JAVA, "spark.executor.extraJavaOptions": JAVA,
        "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    }  # fmt: skip
    options = [word for key, value in conf.items() for word in ("--conf", f"{key}={value}")]
    try:
        start(
            "master",
            "spark-class",
            "org.apache.spark.deploy.master.Master",
            "--host",
            "127.0.0.1",
            "--port",
            str(master),
            "--webui-port",
            str(ui),
        )
        _wait(made, "master", master, folder)
        for n in (1, 2):
            worker = ("org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--port", str(_port()), "--webui-port", str(_port()))
            start(
                f"worker-{n}", "spark-class", *worker, "--cores", "1", "--memory", "700m", "--work-dir", str(folder / f"work-{n}"), address
            )
        server = ("--master", address, "--class", "org.apache.spark.sql.connect.service.SparkConnectServer")
        start("connect", "spark-submit", *server, *options, "spark-internal", memory="1g")
        _wait(made, "connect", connect, folder)
        yield made
    finally:
        for process in reversed(made.processes.values()):
            process.terminate()
        for process in made.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _environment(token: str, memory: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK_", "PYSPARK_", "LAKE_")) and k != "PYTHONPATH"}
    return kept | {
        "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_CONNECT_AUTHENTICATE_TOKEN": token,
        "SPARK_DAEMON_MEMORY": memory, "SPARK_DAEMON_JAVA_OPTS": JAVA,
    }  # fmt: skip


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait(made: Cluster, name: str, port: int, folder: Path) -> None:
    until = time.monotonic() + STARTING_SECONDS
    while True:
        assert made.processes[name].poll() is None and time.monotonic() < until, (folder / f"{name}.log").read_text()[-3000:]
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.3)
