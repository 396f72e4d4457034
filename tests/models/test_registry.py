"""Stored models: verified before they are loaded, built of trusted types only, and what serves when one isn't sound."""

import io
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF
from skops.io.exceptions import UntrustedTypesFoundException

from models import registry
from models.problems.refrigeration import FAILURE as DECLARED
from models.registry import Tampered, canonical, current, digest_of, lineage, scorer_of, store, verified
from models.scorer import Scorer, dumped, loaded
from models.serving import serving
from models.train import fit
from tests.models import plant

FAILURE = replace(DECLARED, trees=8, estimators=("forest",))
Row = dict[str, Any]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return plant.rows()


@pytest.fixture(scope="module")
def kept(rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Row], Scorer]:
    """A registry with versions 1 and 2, in MLflow."""
    root = tmp_path_factory.mktemp("registry")
    told = []
    for version in (1, 2):
        scorer = fit(FAILURE, rows, seed=version).scorer
        made = store(
            root, scorer, FAILURE.name, version, {"seed": version}, {"average_precision": 0.5}, {"split": "newest window"}, "# Card"
        )
        told.append({"problem": FAILURE.name, "model_version": version, "estimator": "RandomForest", "artifact": made.artifact,
                     "artifact_sha256": made.sha256, "digest": made.digest})  # fmt: skip
    return root, told, scorer


def crowned(*versions: int) -> list[Row]:
    return [
        {"problem": FAILURE.name, "model_version": v, "recorded_at": datetime(2026, 3, n + 1, tzinfo=UTC)} for n, v in enumerate(versions)
    ]


def test_what_is_loaded_is_what_was_stored(kept: tuple[Path, list[Row], Scorer], rows: pd.DataFrame) -> None:
    root, told, scorer = kept
    files = verified(root, FAILURE.name, 2, told[1]["artifact"], told[1]["artifact_sha256"])
    again = scorer_of(files)
    pd.testing.assert_frame_equal(again.score(rows), scorer.score(rows), check_exact=True)
    assert digest_of(again) == told[1]["digest"] != told[0]["digest"]
    assert canonical(again.estimators) == canonical(scorer.estimators)


def test_a_registry_that_was_moved_goes_on_where_it_is_now(kept: tuple[Path, list[Row], Scorer], tmp_path: Path) -> None:
    root, told, scorer = kept
    moved = tmp_path / "elsewhere"
    shutil.copytree(root, moved)
    before = {f: f.stat().st_mtime_ns for f in root.rglob("*")}
    made = store(moved, scorer, FAILURE.name, 3, {}, {}, {}, "# Card")
    assert verified(moved, FAILURE.name, 3, made.artifact, made.sha256)
    assert verified(moved, FAILURE.name, 1, told[0]["artifact"], told[0]["artifact_sha256"])
    assert {f: f.stat().st_mtime_ns for f in root.rglob("*")} == before, "the place it came from is left alone"


def test_mlflow_knows_the_runs_and_the_champion(kept: tuple[Path, list[Row], Scorer]) -> None:
    root, _, _ = kept
    registry.mark_champion(root, FAILURE.name, 2)
    client = registry._client(root)
    alias = client.get_model_version_by_alias(FAILURE.name, "champion")
    assert alias.tags["version"] == "2"
    run = client.get_run(alias.run_id)
    assert run.data.params["seed"] == "2" and run.data.metrics["average_precision"] == 0.5 and run.data.tags["split"] == "newest window"
    registry.mark_champion(root, FAILURE.name, 0)
    assert not client.get_registered_model(FAILURE.name).aliases


def test_a_changed_file_is_not_loaded_and_the_last_sound_champion_speaks(
    kept: tuple[Path, list[Row], Scorer], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    root, told, _ = kept
    file = root / told[1]["artifact"] / "forest.skops"
    sound = file.read_bytes()
    assert serving(root, FAILURE, told, crowned(1, 2)).version == 2
    try:
        file.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
        monkeypatch.setattr("models.scorer.loaded", lambda content: pytest.fail("a tampered file was loaded"))
        with pytest.raises(Tampered, match=r"model 2 of refrigeration_failure .* is not what was registered: SHA-256 .* it isn't loaded"):
            verified(root, FAILURE.name, 2, told[1]["artifact"], told[1]["artifact_sha256"])
        by = serving(root, FAILURE, told, crowned(1, 2))
        assert (by.version, by.trouble) == (1, "")
        assert "it isn't loaded" in caplog.text
        alone = serving(root, FAILURE, told, crowned(2))
        assert alone.version == 0 and alone.trouble.startswith("no sound model: model 2 of refrigeration_failure")
    finally:
        file.write_bytes(sound)


def test_another_file_beside_the_model_is_noticed(kept: tuple[Path, list[Row], Scorer]) -> None:
    root, told, _ = kept
    more = root / told[1]["artifact"] / "logistic.skops"
    try:
        more.write_bytes(b"")
        with pytest.raises(Tampered):
            verified(root, FAILURE.name, 2, told[1]["artifact"], told[1]["artifact_sha256"])
    finally:
        more.unlink()


@pytest.mark.parametrize("artifact", ["../elsewhere", "nowhere"])
def test_a_folder_outside_or_gone_is_refused(kept: tuple[Path, list[Row], Scorer], artifact: str) -> None:
    with pytest.raises(Tampered, match=r"outside the registry|can't be read"):
        verified(kept[0], FAILURE.name, 2, artifact, "0" * 64)


def test_types_beyond_the_list_are_refused() -> None:
    foreign = dumped(GaussianProcessClassifier(RBF()).fit([[0.0], [1.0]], [0, 1]))
    with pytest.raises(UntrustedTypesFoundException):
        loaded(_renamed(foreign, "sklearn.gaussian_process._gpc", "os"))


def _renamed(content: bytes, module: str, other: str) -> bytes:
    """The file with a type of another module in its schema."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(module.encode(), other.encode()))
    return made.getvalue()


@pytest.mark.parametrize(
    ("history", "now", "before"),
    [((), 0, []), ((1,), 1, [1]), ((1, 2, 1), 1, [1, 2]), ((1, 0), 0, [1]), ((1, 2, 0, 3), 3, [3, 2, 1])],
)
def test_the_newest_entry_serves(history: tuple[int, ...], now: int, before: list[int]) -> None:
    told: list[Mapping[str, Any]] = list(crowned(*history))
    assert current(told, FAILURE.name) == now
    assert lineage(told, FAILURE.name) == before


def test_without_a_champion_the_naive_rule_speaks(kept: tuple[Path, list[Row], Scorer]) -> None:
    for champions in ([], crowned(1, 0)):
        by = serving(kept[0], FAILURE, kept[1], champions)
        assert (by.version, by.estimator, by.trouble) == (0, "naive rule", "")
