"""What all tests share: one Spark Connect server for all worker processes of a session, and lakes in temporary folders."""

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
_STATE = Path(os.environ.setdefault("TESTS_STATE", _KEPT or tempfile.mkdtemp(prefix="lakehouse-tests-")))
_IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ

for name in [n for n in os.environ if n.startswith(("LAKE_", "REPORT_", "MODEL_")) and n != "LAKE_PROOF_DAYS"]:
    del os.environ[name]
os.environ["LAKE_SPARK_MEMORY"] = "2g"
os.environ["SPARK_LOCAL_CONNECT_DISCOVERY"] = str(_STATE / "spark-connect.json")
_STATE.mkdir(exist_ok=True, mode=0o700, parents=True)

# The longest files begin first, so that no worker is left with one when the others are done.
LONG_FIRST = (
    "test_laws", "test_toy_domain", "test_pages", "test_retrain", "test_remote_spark", "test_runner", "test_gmao", "test_refrigeration",
    "test_changes", "test_kills", "test_ai4i", "test_accessible", "test_kit", "test_crosswalk", "test_parse", "test_line", "test_dataset",
    "test_fleet", "test_engines_agree", "test_gate", "test_charts", "test_amdec", "test_training", "test_registry", "test_pseudonym",
    "test_reliability", "test_workload", "test_reports",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {name: i for i, name in enumerate(LONG_FIRST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


def pytest_unconfigure() -> None:
    if _IS_WORKER or _KEPT:
        return
    stop = [sys.executable, "-m", "pyspark.sql.connect.local_server", "--stop"]
    subprocess.run(stop, check=False, capture_output=True)
    shutil.rmtree(_STATE, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _spark_session_ends_with_the_process() -> Iterator[None]:
    yield
    if "lake.engine" in sys.modules:
        sys.modules["lake.engine"].stop()  # or PySpark asks the stopped server to clean up, for minutes, when the process ends


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory):
    """A session of the shared Spark server, for few rows."""
    from lake.engine import session
    from lake.settings import settings

    os.environ["LAKE_STATE_ROOT"] = str(tmp_path_factory.mktemp("state"))
    settings.cache_clear()
    return session()
