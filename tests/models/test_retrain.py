"""Weekly life of a model through the DAGs: naive rule, promotion, two more weeks, a refusal, the same model again, a rollback."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lake.settings import settings
from models.__main__ import main
from tests.conftest import CHECKOUT
from tests.dags.airflow import environment
from tests.models import plant
from tests.sandbox import Sandbox

NAME = "refrigeration_failure"
PREDICTIONS, REASONS = "gold_maintenance__predictions", "gold_maintenance__reasons"
TABLES = [PREDICTIONS, REASONS, "gold_maintenance__priorities"]
DAYS, UNITS = 110, 12


class Life:
    """A lake whose features are published by the test, and the DAGs over it."""

    def __init__(self, root: Path) -> None:
        self.lake = Sandbox(root)
        s = self.lake.settings
        self.models = root / "models"
        self.env = environment(
            LAKE_ROOT=str(s.lake_root), REPORT_ROOT=str(s.report_root), LAKE_STATE_ROOT=str(s.state_root),
            AIRFLOW_HOME=str(root / "airflow"),
            MODEL_ROOT=str(self.models), LAKE_DOMAINS="maintenance",
        )  # fmt: skip

    def dags(self, *names: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "dags", *names], env=self.env, cwd=CHECKOUT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def days(self, days: int) -> None:
        self.env["LAKE_AS_OF"] = str(plant.publish_all(self.lake, UNITS, days))

    def told(self, table: str) -> pd.DataFrame:
        return self.lake.open(table).read().to_pandas()


MEDALLION = f"medallion={json.dumps({'tables': TABLES})}"


def retrain(**params: Any) -> str:
    return f"retrain={json.dumps({'problems': [NAME], **params})}"


@pytest.fixture(scope="module")
def life(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Life:
    life = Life(tmp_path_factory.mktemp("life"))
    life.days(DAYS)
    return life


def test_the_naive_rule_serves_until_a_model_wins_and_the_next_run_picks_it_up(life: Life) -> None:
    said = life.dags(MEDALLION, retrain(), MEDALLION)
    predictions = life.told(PREDICTIONS)
    newest = plant.FIRST + timedelta(days=DAYS - 1)
    assert set(predictions["day"]) == {newest}, "days gone by get no predictions"
    assert predictions.groupby("model_version").size().to_dict() == {0: UNITS, 1: UNITS}
    naive, model = (predictions[predictions["model_version"] == v] for v in (0, 1))
    assert set(naive["estimator"]) == {"naive rule"} and (naive["_made_at"].max() < model["_made_at"].min())
    assert model["status"].isin(["OK", "SURVEILLANCE", "ALERTE", "CRITIQUE", "INCONNU"]).all()
    sure = model[model["status"] != "INCONNU"]
    assert sure["days_to_failure_low"].le(sure["days_to_failure"]).all() and sure["days_to_failure"].le(sure["days_to_failure_high"]).all()
    assert json.loads(model["_inputs"].iloc[0])["gold_refrigeration__features"] == 0
    version = life.told("gold_maintenance__model_versions").iloc[0]
    assert version["is_promoted"] and "of the naive rule" in version["gate_reasons"][1]
    assert "# A cold unit fails: version 1" in version["card"] and json.loads(version["libraries"])["scikit-learn"]
    assert json.loads(version["data_versions"])["gold_gmao__work_orders"] == 0
    reasons = life.told(REASONS)
    assert set(reasons["asset_id"]) == set(predictions[predictions["status"] != "INCONNU"]["asset_id"])
    assert len(life.told("gold_maintenance__priorities")) and "Priorities" in said and f"{NAME}: version 1" in said


def test_two_weeks_later_the_same_kind_of_model_is_refused_and_what_was_said_stays(life: Life) -> None:
    before = life.told(PREDICTIONS)
    life.days(DAYS + 14)
    life.dags(retrain(), MEDALLION, retrain(promote=False))
    versions = life.told("gold_maintenance__model_versions").sort_values("model_version")
    assert versions["is_promoted"].tolist() == [True, False, False]
    assert versions["digest"].iloc[2] == versions["digest"].iloc[1] != versions["digest"].iloc[0], "same data, code and seed: same trees"
    assert any("refused" in r and "of the champion" in r for r in versions["gate_reasons"].iloc[1])
    now = life.told(PREDICTIONS)
    kept = now[now["day"] == before["day"].iloc[0]]
    key = ["asset_id", "model_version"]
    pd.testing.assert_frame_equal(
        kept.sort_values(key).reset_index(drop=True), before.sort_values(key).reset_index(drop=True), check_exact=True
    )
    assert set(now[now["day"] != before["day"].iloc[0]]["model_version"]) == {1}
    assert set(life.told("gold_maintenance__drift")["feature"]) >= {"score", "vibration_g_mean_7d"}


@pytest.fixture
def here(life: Life, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The settings of that lake in this process."""
    for key, value in life.env.items():
        if key.startswith(("LAKE_", "REPORT_", "MODEL_")):
            monkeypatch.setenv(key, value)
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_a_rollback_is_one_command(life: Life, here: None, capsys: pytest.CaptureFixture[str]) -> None:
    def models(*arguments: str) -> str:
        said = ""
        try:
            main(list(arguments))
        except (Exception, SystemExit) as error:
            said = str(error)
        return capsys.readouterr().out + said

    assert f"{NAME}: version 2 serves from now on (was 1); the next `medallion` run makes its predictions" in models("rollback", NAME, "2")
    assert f"{NAME}: version 2 (RandomForest)" in models("versions") or f"{NAME}: version 2 (logistic" in models("versions")
    assert "version 1 serves from now on (was 2)" in models("rollback", NAME), "by default to the one before"
    assert "has no version 9" in models("rollback", NAME, "9")
    version = life.told("gold_maintenance__model_versions").set_index("model_version").loc[2]
    file = life.models / version["artifact"] / "forest.skops"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert "is not what was registered" in models("rollback", NAME, "2")
