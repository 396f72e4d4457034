"""The same tables through a Spark Connect server that somebody else started, somewhere else."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyspark
import pytest

from lake.spark import class_archive
from tests.conftest import CHECKOUT
from tests.sandbox import DAY, Sandbox, assert_same, reading

TABLES = (
    "bronze_lake__calendar", "bronze_refrigeration__units", "bronze_refrigeration__readings", "silver_refrigeration__units",
    "silver_refrigeration__readings", "gold_refrigeration__indicators", "gold_refrigeration__hourly",
)  # fmt: skip


def clean() -> dict[str, str]:
    """The environment without what this process knows of its own Spark server, such as the token that opens it."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("SPARK_", "PYSPARK_"))}


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[str]:
    """A server with the same packages, but in another folder and without our code on its path."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    conf = {
        "spark.connect.grpc.binding.port": port, "spark.connect.grpc.binding.address": "127.0.0.1", "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "1g", "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": 2,
        "spark.driver.extraJavaOptions": f"-XX:TieredStopAtLevel=1 -XX:SharedArchiveFile={class_archive()}",
    }  # fmt: skip
    submit = Path(pyspark.__file__).parent / "bin" / "spark-submit"
    settings = [word for key, value in conf.items() for word in ("--conf", f"{key}={value}")]
    command = [str(submit), "--master", "local[2]", "--class", "org.apache.spark.sql.connect.service.SparkConnectServer", *settings]
    env = {k: v for k, v in clean().items() if k != "PYTHONPATH"} | {"PYSPARK_PYTHON": sys.executable}
    log = tmp_path / "server.log"
    with log.open("wb") as out:
        server = subprocess.Popen([*command, "spark-internal"], cwd=elsewhere, env=env, stdout=out, stderr=out)
    try:
        until = time.monotonic() + 120
        while True:
            assert server.poll() is None and time.monotonic() < until, log.read_text()[-3000:]
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.5)
        yield f"sc://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(60)


def test_a_remote_server_makes_the_same_tables(spark, remote: str, tmp_path: Path) -> None:
    """Here few rows are interpreted and fetched; there all are compiled, kept and written by Spark, as many rows would be."""
    near, far = Sandbox(tmp_path / "near"), Sandbox(tmp_path / "far")
    for lake in (near, far):
        lake.land_units()
        for back in (1, 0):
            day = DAY - timedelta(days=back)
            lake.land_readings(str(day), [reading(f"{day}T10:{m:02}:00Z", temp_evaporator=-20 + m / 10) for m in range(0, 60, 5)])
        lake.land("refrigeration/readings/broken.jsonl", '{"timestamp": "' + "\n")
    results = near.run(only=TABLES)
    assert not [r.message for r in results.values() if r.is_bad]
    s = far.settings
    env = {
        **clean(), "SPARK_REMOTE": remote, "LAKE_ROOT": str(s.lake_root), "REPORT_ROOT": str(s.report_root), "LAKE_AS_OF": str(DAY),
        "LAKE_STATE_ROOT": str(s.state_root), "PYTHONPATH": str(CHECKOUT), "LAKE_INTERPRETED_ROWS": "0",
    }  # fmt: skip
    command = [sys.executable, "-m", "pipelines", "run", *(word for t in TABLES for word in ("--table", t))]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert far.lake.open(far.cat["silver_refrigeration__readings"]) is not None
    assert_same(near.refined(), far.refined())
