"""Every table of the catalog, built by the embedded engine and by a real Spark cluster from the same landing files: the same cells."""

import os
import shutil
import subprocess
import sys
import threading
import time
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines.doctor import java
from pipelines.simulator import Dirt
from tests.conftest import CHECKOUT
from tests.engines.cluster import Cluster, cluster
from tests.sandbox import DAY, Sandbox, different

pytestmark = [
    pytest.mark.skipif(bool(java().mend), reason=f"Apache Spark: {java().mend}"),
    pytest.mark.timeout(1200),
]


def run_on(remote: Cluster, lake: Sandbox, as_of: date, log: Path) -> subprocess.Popen[bytes]:
    s = lake.settings
    env = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK_", "PYSPARK_", "LAKE_"))} | {
        "SPARK_REMOTE": remote.url, "SPARK_CONNECT_AUTHENTICATE_TOKEN": remote.token, "LAKE_ROOT": str(s.lake_root),
        "REPORT_ROOT": str(s.report_root), "LAKE_STATE_ROOT": str(s.state_root), "LAKE_AS_OF": str(as_of), "PYTHONPATH": str(CHECKOUT),
        "MODEL_ROOT": str(lake.root / "models"), "LAKE_AUDIT_ROWS": "1000000000",
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines", "run"], env=env, cwd=lake.root, stdout=log.open("wb"), stderr=subprocess.STDOUT
    )


def test_the_embedded_engine_and_a_cluster_that_loses_a_worker_make_the_same_tables(tmp_path: Path) -> None:
    here, there = Sandbox(tmp_path / "here"), Sandbox(tmp_path / "there")
    yesterday = DAY - timedelta(days=1)
    here.as_of = yesterday
    here.simulate(3, yesterday, scale=0.2, dirt=Dirt(), seed=11)
    key = here.settings.key_file
    shutil.copytree(here.settings.landing, there.settings.landing, copy_function=shutil.copy2)
    with cluster(tmp_path / "cluster") as remote:
        log = tmp_path / "run.log"
        running = None
        assert not [f"{r.table}: {r.message}" for r in here.run().values() if r.is_bad]
        there.settings.key_file.parent.mkdir(parents=True)
        shutil.copy2(key, there.settings.key_file)  # persons get the same pseudonyms

        running = run_on(remote, there, yesterday, log)
        assassin = threading.Thread(target=_kill_in_the_middle, args=(remote, log))
        assassin.start()
        assert running.wait(900) == 0, log.read_text()[-4000:]
        assassin.join()
        assert remote.processes["worker-2"].poll() is not None, "the worker was killed while the run went on"
        assert different(here, there) == []
        if not os.environ.get("LAKE_PROOF_DAYS"):
            return  # a second day takes minutes of Java: `make proof`

        for lake in (here, there):
            lake.as_of = DAY
        here.simulate(4, DAY, scale=0.2, dirt=Dirt(), seed=11)
        shutil.rmtree(there.settings.landing)
        shutil.copytree(here.settings.landing, there.settings.landing, copy_function=shutil.copy2)
        running = run_on(remote, there, DAY, log)
        assert not [f"{r.table}: {r.message}" for r in here.run().values() if r.is_bad]
        assert running.wait(900) == 0, log.read_text()[-4000:]
        assert different(here, there) == []


def _kill_in_the_middle(remote: Cluster, log: Path) -> None:
    """Once a silver table of readings is under way."""
    until = time.monotonic() + 600
    while time.monotonic() < until and "silver_" not in log.read_text(errors="replace"):
        time.sleep(0.2)
    remote.kill("worker-2")
