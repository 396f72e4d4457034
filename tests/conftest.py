"""What all tests share: the engine of a worker process, and lakes in temporary folders."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent

for name in [n for n in os.environ if n.startswith(("LAKE_", "REPORT_", "MODEL_")) and n not in ("LAKE_PROOF_DAYS", "LAKE_ENGINE")]:
    del os.environ[name]

# The longest files begin first, so that no worker is left with one when the others are done.
LONG_FIRST = (
    "test_two_engines", "test_toy_domain", "test_pages", "test_laws", "test_retrain", "test_lives", "test_functions_on_both_engines",
    "test_mapping", "test_runner", "test_gmao", "test_refrigeration",
    "test_changes", "test_kills", "test_ai4i", "test_accessible", "test_kit", "test_crosswalk", "test_parse", "test_line", "test_dataset",
    "test_fleet", "test_engines_agree", "test_gate", "test_charts", "test_amdec", "test_training", "test_registry", "test_pseudonym",
    "test_reliability", "test_workload", "test_reports",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {name: i for i, name in enumerate(LONG_FIRST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


@pytest.fixture(scope="session", autouse=True)
def _engine_ends_with_the_process() -> Iterator[None]:
    yield
    if "lake.engine" in sys.modules:
        sys.modules["lake.engine"].stop()


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory):
    """A session of the engine of this process."""
    from lake.engine import session
    from lake.settings import settings

    os.environ["LAKE_STATE_ROOT"] = str(tmp_path_factory.mktemp("state"))
    settings.cache_clear()
    return session()
