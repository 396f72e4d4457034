"""The promise of the models, on a lake that holds a simulated year: `YEAR_LAKE=<its root> make proof-models`. Too long for every day.

The lake is only read. Plant, seed and scale are those it was simulated with (`make run DAYS=365`: seed 7, scale 1).
"""

import os
from pathlib import Path

import pytest
from sklearn.tree import DecisionTreeClassifier

from lake.catalog import catalog
from lake.settings import Settings
from models.evaluate import Judged, judge, newest_split
from models.oracle import true_hazard
from models.problem import problems
from models.retrain import load
from models.scorer import MISSING
from models.train import fit
from pipelines.run import Runner

ROOT = os.environ.get("YEAR_LAKE", "")
pytestmark = pytest.mark.skipif(not ROOT, reason="set YEAR_LAKE to the root of a lake with a simulated year (make run DAYS=365)")
SEED = 7


def ap(judged: Judged) -> tuple[float, float, float]:
    value, low, high = judged.metrics["average_precision"]
    assert value is not None and low is not None and high is not None
    return value, low, high


@pytest.mark.parametrize("name", sorted(problems()))
def test_it_beats_the_naive_rule_and_comes_near_the_oracle(spark, tmp_path: Path, name: str) -> None:
    problem = problems()[name]
    conf = Settings(lake_root=Path(ROOT), report_root=tmp_path, state_root=tmp_path, model_root=tmp_path)
    rows = load(problem, Runner(cat=catalog(), conf=conf)).rows
    split = newest_split(problem, rows["day"])
    train = rows[rows["day"] <= split.train_last].reset_index(drop=True)
    test = rows[rows["day"] >= split.test_first].reset_index(drop=True)
    scorer = fit(problem, train, SEED, workers=2).scorer
    truth = true_hazard(conf.truth, problem.domain, test)
    assert truth is not None
    tree = DecisionTreeClassifier(max_depth=3, random_state=SEED).fit(scorer.design(train).fillna(MISSING), train["is_failure"])
    scores = {
        "model": scorer.score(test)["probability"].to_numpy(float),
        "naive rule": test["naive_score"].to_numpy(float),
        "oracle": truth,
        "tree": tree.predict_proba(scorer.design(test).fillna(MISSING))[:, 1],
    }
    judged = {whose: judge(problem, test, score, SEED) for whose, score in scores.items()}
    found = {whose: ap(j) for whose, j in judged.items()}
    print(f"\n{name}: trained on {len(train)} rows until {split.train_last}, judged on {split.test_first} to {split.test_last}, "
          f"{judged['model'].failures} rows before a failure, {judged['model'].assets} assets")  # fmt: skip
    for whose, (value, low, high) in found.items():
        print(f"  {whose:<11} average precision {value:.3f} ({low:.3f} to {high:.3f})")
    assert found["model"][1] > found["naive rule"][2], "the 90 % intervals don't overlap"
    assert found["model"][0] >= 0.7 * found["oracle"][0]
    assert found["tree"][0] < 0.95 * found["model"][0], "were a small tree as good, the simulator would be too easy"
