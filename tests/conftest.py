"""What all tests share: one Spark Connect server of their own, and lakes in temporary folders."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
# Two test sessions at once must not share a server: the one that ends first would stop it for the other.
_KEPT = os.environ.get("LAKE_TESTS_KEEP_SPARK", "")
_STATE = Path(_KEPT or tempfile.mkdtemp(prefix="lakehouse-tests-"))

for name in [n for n in os.environ if n.startswith(("LAKE_", "REPORT_"))]:
    del os.environ[name]
os.environ["LAKE_SPARK_MEMORY"] = "2g"
os.environ["SPARK_LOCAL_CONNECT_DISCOVERY"] = str(_STATE / "spark-connect.json")
_STATE.mkdir(exist_ok=True, mode=0o700, parents=True)


@pytest.fixture(scope="session", autouse=True)
def _spark_server_ends_with_the_session() -> Iterator[None]:
    yield
    from pyspark.sql import SparkSession

    if (active := SparkSession.getActiveSession()) is not None:
        active.stop()  # or PySpark asks the stopped server to clean up, for minutes, when the process ends
    if not _KEPT:
        stop = [sys.executable, "-m", "pyspark.sql.connect.local_server", "--stop"]
        subprocess.run(stop, check=False, capture_output=True)
        shutil.rmtree(_STATE, ignore_errors=True)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory):
    """The shared Spark session."""
    from lake.settings import settings
    from lake.spark import session

    os.environ["LAKE_STATE_ROOT"] = str(tmp_path_factory.mktemp("state"))
    settings.cache_clear()
    return session()


@pytest.fixture(scope="session")
def lake_of_a_day(spark, tmp_path_factory: pytest.TempPathFactory):
    """One simulated day, built once and shared: tests that use it only read."""
    from tests.sandbox import Sandbox

    sandbox = Sandbox(tmp_path_factory.mktemp("day"))
    sandbox.simulate(2)
    results = sandbox.run()
    assert not [r.message for r in results.values() if r.is_bad]
    return sandbox
