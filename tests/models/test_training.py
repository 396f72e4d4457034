"""Training, judging and the gate, on a plant of a dozen cold units."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from models import survival
from models.evaluate import average_precision, calibration, judge, newest_split, psi
from models.gate import decide
from models.problems.refrigeration import FAILURE as DECLARED
from models.registry import digest_of
from models.train import TooLittle, Trained, fit
from models.why import contributions, ranked
from tests.models import plant

FAILURE = replace(DECLARED, trees=30, estimators=("forest", "logistic"))


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return plant.rows()


@pytest.fixture(scope="module")
def parts(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    split = newest_split(FAILURE, rows["day"])
    return rows[rows["day"] <= split.train_last].reset_index(drop=True), rows[rows["day"] >= split.test_first].reset_index(drop=True)


@pytest.fixture(scope="module")
def trained(parts: tuple[pd.DataFrame, pd.DataFrame]) -> Trained:
    return fit(FAILURE, parts[0], seed=7)


def test_between_training_and_judging_lie_the_look_back_and_the_horizon(rows: pd.DataFrame) -> None:
    split = newest_split(FAILURE, rows["day"])
    assert (split.test_first - split.train_last).days == FAILURE.horizon_days + max(FAILURE.windows) + 1
    assert split.test_last == rows["day"].max()


def test_it_beats_the_naive_rule_and_says_how_sure_it_is(parts: tuple[pd.DataFrame, pd.DataFrame], trained: Trained) -> None:
    _, test = parts
    said = trained.scorer.score(test)
    model = judge(FAILURE, test, said["probability"].to_numpy(), 7, alert=0.3)
    naive = judge(FAILURE, test, test["naive_score"].to_numpy(float), 7)
    value, low, high = model.metrics["average_precision"]
    assert low is not None and high is not None and value is not None and low <= value <= high
    assert low > (naive.metrics["average_precision"][2] or 0)
    assert said["probability"].between(0, 1).all()
    assert (said["component_probability"].dropna() <= said["probability"][said["component_probability"].notna()] + 1e-9).all()
    assert set(said["component"].dropna()) == {"fan"}
    points = calibration(test, said["probability"].to_numpy())
    assert points["rows"].sum() == len(test) and points["predicted"].is_monotonic_increasing


def test_the_better_of_two_estimators_is_published_and_the_forest_is_kept_beside(trained: Trained) -> None:
    seen = trained.scorer.manifest["out_of_fold_average_precision"]
    assert trained.scorer.manifest["published"] == max(seen, key=lambda name: seen[name])
    assert set(trained.scorer.estimators) == {"forest", "logistic"}


def test_thresholds_rise_and_respect_the_workshop(parts: tuple[pd.DataFrame, pd.DataFrame], trained: Trained) -> None:
    t = trained.scorer.manifest["thresholds"]
    assert 0 < t["surveillance"] < t["alert"] <= t["critical"] < 1
    a_day = (trained.out_of_fold >= t["alert"]).sum() / parts[0]["day"].nunique()
    assert a_day <= FAILURE.capacity * 1.1


def test_the_same_data_and_seed_give_the_same_trees_and_scores(parts: tuple[pd.DataFrame, pd.DataFrame], trained: Trained) -> None:
    again = fit(FAILURE, parts[0].sample(frac=1, random_state=3).sort_values(["day", "asset_id"]).reset_index(drop=True), seed=7, workers=2)
    assert digest_of(again.scorer) == digest_of(trained.scorer)
    pd.testing.assert_frame_equal(again.scorer.score(parts[1]), trained.scorer.score(parts[1]), check_exact=True)
    other = fit(FAILURE, parts[0], seed=8)
    assert digest_of(other.scorer) != digest_of(trained.scorer)


def test_too_little_history_is_said_and_not_made_up(rows: pd.DataFrame) -> None:
    with pytest.raises(TooLittle, match="failures to learn from"):
        fit(FAILURE, rows.head(150).reset_index(drop=True), seed=7)


def test_reasons_add_up_to_the_score(parts: tuple[pd.DataFrame, pd.DataFrame], trained: Trained) -> None:
    only_forest = replace(trained.scorer, manifest={**trained.scorer.manifest, "published": "forest"})
    rows = parts[1].head(20)
    moved = contributions(only_forest, rows)
    raw = 1 - only_forest.classes("forest", only_forest.design(rows))["none"]
    rest = raw.to_numpy() - moved.sum(axis=1).to_numpy()
    assert np.ptp(rest) < 1e-6, "what is left is the same base for every row"
    told = ranked(rows, only_forest.design(rows), moved)
    assert set(told["rank"]) == {1, 2, 3, 4, 5} and len(told) == 100
    riskiest = told[told["asset_id"] == rows.loc[raw.idxmax(), "asset_id"]]
    assert riskiest.iloc[0]["contribution"] != 0


@pytest.mark.parametrize("seed", range(3))
def test_average_precision_is_scikit_learns_with_ties_and_weights(seed: int) -> None:
    draw = np.random.default_rng(seed)
    failed, score = draw.random(80) < 0.3, draw.integers(0, 12, 80).astype(float)
    weight = draw.integers(0, 4, (5, 80)).astype(float)
    theirs = [average_precision_score(failed, score, sample_weight=w) for w in weight]
    assert np.allclose(average_precision(failed, score, weight), theirs)


def judged(value: float, low: float = 0.0, high: float = 1.0):
    from models.evaluate import Judged

    return Judged({"average_precision": (value, low, high)}, np.array([value]), 100, 10, 12)


@pytest.mark.parametrize(
    ("failures", "mine", "naive", "champion", "promoted", "said"),
    [
        (10, 0.6, 0.3, None, True, "of the naive rule"),
        (10, 0.6, 0.59, None, False, "refused: average precision 0.600"),
        (10, 0.6, 0.3, 0.65, False, "of the champion"),
        (10, 0.6, 0.3, 0.5, True, "of the champion"),
        (2, 0.9, 0.1, None, False, "refused: 2 failures in the newest window; 5 are needed"),
    ],
)
def test_the_gate(failures: int, mine: float, naive: float, champion: float | None, promoted: bool, said: str) -> None:
    verdict = decide(FAILURE, failures, judged(mine), judged(naive), judged(champion) if champion else None)
    assert verdict.is_promoted is promoted
    assert said in "; ".join(verdict.reasons)


def test_drift_is_none_for_the_same_and_large_for_another() -> None:
    draw = np.random.default_rng(1)
    calm, moved = pd.Series(draw.normal(0, 1, 2000)), pd.Series(draw.normal(1.5, 1, 2000))
    assert psi(calm, pd.Series(draw.normal(0, 1, 2000))) < 0.1 < 0.25 < psi(calm, moved)
    assert psi(calm, calm.where(calm.index % 2 == 0)) > 0.25, "values that go missing are drift too"
    assert psi(pd.Series([np.nan] * 5), pd.Series([np.nan] * 5)) == 0


# --- remaining life ------------------------------------------------------------------------------------------


def test_lives_under_way_are_censored_and_count() -> None:
    """Lives of 100 days on average; half of them are seen for 60 days only. Those that ended alone would tell half the truth."""
    draw = np.random.default_rng(5)
    true = 100 * draw.weibull(2.0, 2000)
    seen = np.where(np.arange(2000) % 2 == 0, 60.0, 1e9)
    durations, ended = np.minimum(true, seen), true <= seen
    found = survival.fit_weibull(durations, ended)
    assert found is not None and abs(found.shape - 2) < 0.15 and abs(found.scale - 100) < 5
    failed_only = survival.fit_weibull(durations[ended], np.ones(ended.sum(), bool))
    assert failed_only is not None and failed_only.scale < 90
    alive = survival.kaplan_meier(durations, ended)
    assert abs(float(alive[alive.index <= 60].iloc[-1]) - np.exp(-0.36)) < 0.03


def test_kaplan_meier_by_hand() -> None:
    alive = survival.kaplan_meier(np.array([2.0, 3.0, 3.0, 5.0]), np.array([True, True, False, True]))
    assert alive.round(4).to_dict() == {2.0: 0.75, 3.0: 0.5, 5.0: 0.0}


def test_lives_begin_with_a_repair_and_the_last_one_is_open() -> None:
    orders = plant.known_orders([plant.order("A", date(2026, 1, 10), 2), plant.order("A", date(2026, 2, 1), 1)]).assign(component="fan")
    told = survival.lives(orders, pd.Timestamp("2026-03-04"))
    assert told[["days", "ended"]].values.tolist() == [[20.0, True], [30.0, False]]


def test_remaining_life_agrees_with_the_probability() -> None:
    life = survival.Weibull(2.0, 100.0)
    days = survival.remaining(life, np.array([80.0, 80.0]), 7, np.array([0.5, 0.05]))
    assert abs(days[0, 1] - 7) < 1e-6, "with an even chance within the horizon, the median is the horizon"
    assert (days[:, 0] < days[:, 1]).all() and (days[:, 1] < days[:, 2]).all() and days[1, 1] > days[0, 1]


def test_days_count_from_the_plant() -> None:
    assert plant.rows(2, 40)["day"].max() == plant.FIRST + timedelta(days=39 - FAILURE.horizon_days)
