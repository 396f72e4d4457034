"""Training one problem end to end: data as of today, fit, evaluation, gate, registry, and what gold is told of it."""

import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from importlib.metadata import version as version_of
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame

from lake.engine import session
from lake.storage import Version
from lake.tables import models as tables
from lake.tables.plant import ASSETS
from lake.tables.predictions import CALENDAR, WORK_ORDERS
from models import evaluate, registry, survival
from models.card import card
from models.dataset import components_of, known, labelled, orders_known
from models.evaluate import Judged, Split, judge, newest_split
from models.gate import Verdict, decide
from models.oracle import true_hazard
from models.problem import Anomaly, Problem, declared
from models.records import crown, ledger, tell
from models.scorer import Floats, Scorer, anew
from models.serving import serving
from models.train import TooLittle, estimator_of, fit
from pipelines.digest import code_digest
from pipelines.files import spark_frame
from pipelines.run import Runner

ESTIMATORS = {"forest": "RandomForest", "logistic": "logistic regression", "isolation": "IsolationForest"}
LIBRARIES = ("numpy", "pandas", "scikit-learn", "skops", "scipy", "pyspark", "deltalake")
WORKERS = 2
WALKS = 3
"""Windows of the walk-forward backtest, the newest included."""
DRIFT_DAYS = 14


@dataclass(frozen=True)
class Outcome:
    """What a training came to."""

    problem: str
    version: int | None
    is_promoted: bool
    reasons: tuple[str, ...]
    digest: str = ""


@dataclass
class Data:
    """Rows known and labelled, with the version of every table they are from."""

    rows: pd.DataFrame
    newest: pd.DataFrame
    orders: pd.DataFrame
    versions: dict[str, int]
    as_of: date


def load(problem: Problem, runner: Runner) -> Data:
    """The dataset of a problem as of the lake's newest day. Raises TooLittle while tables are missing."""
    names = (problem.features.name, WORK_ORDERS, ASSETS.name, CALENDAR)
    opened: dict[str, Version] = {}
    for name in names:
        found = runner.lake.open(runner.catalog[name])
        if found is None:
            raise TooLittle(f"{name} was never published; run `medallion` first")
        opened[name] = found

    def frame(name: str) -> DataFrame:
        return spark_frame(session(), runner.catalog[name], opened[name].uris())

    features, orders, assets, calendar = (frame(n) for n in names)
    told = orders_known(orders, calendar)
    as_of = max(d for d in opened[CALENDAR].rows if d)
    rows = known(problem, features, told, assets).toPandas()
    rows.attrs = {}
    rows = anew(rows)
    newest = rows[rows["day"].map(lambda d: d > as_of - timedelta(days=DRIFT_DAYS)).astype(bool)].sort_values(["day", "asset_id"])
    mine = told[(told["domain"] == problem.domain) & told["is_failure"]]
    lived = mine.assign(component=components_of(problem, mine["organ"]))
    versions = {n: v.number for n, v in opened.items()}
    return Data(labelled(problem, rows, told, as_of), newest.reset_index(drop=True), lived, versions, as_of)


@dataclass
class Evaluation:
    """Everything judged, ready to be told to gold."""

    metrics: list[dict[str, Any]] = field(default_factory=list)

    def tell(self, split: str, kind: str, whose: str, judged: Judged) -> None:
        for metric, (value, low, high) in judged.metrics.items():
            self.metrics.append({
                "split": split, "asset_class": kind, "whose": whose, "metric": metric, "value": value, "low": low, "high": high,
                "rows": judged.rows, "failures": judged.failures, "assets": judged.assets,
            })  # fmt: skip


def retrain(name: str, runner: Runner, seed: int = 7, promote: bool = True, say: Callable[[str], None] = print) -> Outcome:
    """Train a problem by name, whatever kind it is."""
    problem = declared()[name]
    if isinstance(problem, Anomaly):
        from models.retrain_anomaly import retrained as anomaly_retrained

        return anomaly_retrained(problem, runner, seed, promote, say)
    return retrained(problem, runner, seed, WORKERS, promote, say)


def described(versions: Mapping[str, int], seed: int) -> dict[str, Any]:
    """What a version was made from and with."""
    libraries = {"python": platform.python_version(), **{n: version_of(n) for n in LIBRARIES}}
    return {
        "data_versions": json.dumps(dict(versions), sort_keys=True), "code_version": code_digest("models.retrain")[:16],
        "libraries": json.dumps(libraries), "seed": seed,
    }  # fmt: skip


def retrained(problem: Problem, runner: Runner, seed: int, workers: int, promote: bool, say: Callable[[str], None]) -> Outcome:
    """Train, judge, and let the gate decide; too little history is an outcome, not an error."""
    try:
        data = load(problem, runner)
        if data.rows.empty:
            raise TooLittle("no day whose horizon is over")
        split = newest_split(problem, data.rows["day"])
        train = data.rows[data.rows["day"] <= split.train_last].reset_index(drop=True)
        test = data.rows[data.rows["day"] >= split.test_first].reset_index(drop=True)
        trained = fit(problem, train, seed, workers)
    except TooLittle as little:
        say(f"{problem.name}: not trained: {little}")
        return Outcome(problem.name, None, False, (f"not trained: {little}",))
    lives = survival.fit_lives(survival.lives(data.orders[pd.to_datetime(data.orders["failed_on"]) <= pd.Timestamp(split.train_last)],
                                              pd.Timestamp(split.train_last)))  # fmt: skip
    scorer = replace(
        trained.scorer, manifest={**trained.scorer.manifest, "lives": lives, "seed": seed, "train_last_day": str(split.train_last)}
    )
    before = ledger(runner, tables.VERSIONS.name), ledger(runner, tables.CHAMPIONS.name)
    version = max((int(v["model_version"]) for v in before[0] if v["problem"] == problem.name), default=tables.NAIVE) + 1
    told, verdict = evaluated(problem, runner, scorer, train, test, trained.out_of_fold, seed, before)
    if not promote:
        verdict = Verdict(False, (*verdict.reasons, "refused: promotion wasn't asked for"))
    walked = walk_forward(problem, data.rows, scorer, split, seed, workers)
    for whose, column in (("model", "probability"), ("naive rule", "naive_score")):
        told.tell("walk-forward", "all", whose, judge(problem, walked, walked[column].to_numpy(float), seed))
    run = runner.run_id
    about: dict[str, Any] = {
        "problem": problem.name, "model_version": version, "run": run, "as_of": data.as_of,
        "estimator": ESTIMATORS[scorer.manifest["published"]], "is_promoted": verdict.is_promoted, "gate_reasons": list(verdict.reasons),
        "train_first_day": train["day"].min(), "train_last_day": train["day"].max(), "test_first_day": split.test_first,
        "test_last_day": split.test_last, "purged_days": problem.purge_days, "train_rows": len(train),
        "train_failures": int(train["is_failure"].sum()), "horizon_days": problem.horizon_days,
        **{f"{k}_threshold": v for k, v in scorer.manifest["thresholds"].items()}, "features": scorer.features,
        **described(data.versions, seed),
    }  # fmt: skip
    written = card(problem, about, told.metrics, scorer.manifest, verdict)
    stored = put_away(runner, scorer, about, told, written)
    rows = {**about, "digest": stored.digest, "artifact": stored.artifact, "artifact_sha256": stored.sha256, "card": written}
    mine = {"problem": problem.name, "model_version": version}
    tell(runner, tables.METRICS_TABLE.name, [{**mine, "run": run, **m} for m in told.metrics])
    points = evaluate.calibration(test, scorer.score(test)["probability"].to_numpy(float)).to_dict("records")
    tell(runner, tables.CALIBRATION.name, [mine | {"split": "newest window"} | {str(k): v for k, v in p.items()} for p in points])
    tell(runner, tables.BACKTEST.name, backtest_rows(problem, walked, run))
    tell(runner, tables.DRIFT.name, drift_rows(problem, runner, data, before, run))
    tell(runner, tables.VERSIONS.name, [rows])
    if verdict.is_promoted:
        crown(runner, problem.name, version, registry.current(before[1], problem.name), "gate", "; ".join(verdict.reasons))
    say(f"{problem.name}: version {version} {'promoted' if verdict.is_promoted else 'not promoted'}: {'; '.join(verdict.reasons)}")
    return Outcome(problem.name, version, verdict.is_promoted, verdict.reasons, stored.digest)


def evaluated(
    problem: Problem, runner: Runner, scorer: Scorer, train: pd.DataFrame, test: pd.DataFrame, out_of_fold: Floats, seed: int,
    before: tuple[list[dict[str, Any]], list[dict[str, Any]]],
) -> tuple[Evaluation, Verdict]:  # fmt: skip
    """Judge the challenger, the naive rule, the champion and, where the truth is known, the oracle on the newest window."""
    told = Evaluation()
    alert = float(scorer.manifest["thresholds"]["alert"])
    scores: dict[str, Floats] = {
        "model": scorer.score(test)["probability"].to_numpy(float),
        "naive rule": test["naive_score"].to_numpy(float),
    }
    champion = serving(runner.settings.model_root, problem, *before)
    if champion.files:
        scores["champion"] = registry.scorer_of(champion.files).score(test)["probability"].to_numpy(float)
    if (truth := true_hazard(runner.settings.truth, problem.domain, test)) is not None:
        scores["oracle"] = truth
    judged = {whose: judge(problem, test, s, seed, alert if whose == "model" else None) for whose, s in scores.items()}
    for whose, one in judged.items():
        told.tell("newest window", "all", whose, one)
    told.tell("grouped out-of-fold", "all", "model", judge(problem, train, out_of_fold, seed, alert))
    for kind, own in test.groupby("kind", sort=True):
        if own["asset_id"].nunique() < test["asset_id"].nunique() and own["is_failure"].any():
            for whose in ("model", "naive rule"):
                told.tell("newest window", str(kind), whose, judge(problem, own, scores[whose][own.index.to_numpy()], seed))
    failures = int(test.loc[test["is_failure"], ["asset_id", "failed_on"]].drop_duplicates().shape[0])
    return told, decide(problem, failures, judged["model"], judged["naive rule"], judged.get("champion"))


def walk_forward(problem: Problem, rows: pd.DataFrame, scorer: Scorer, split: Split, seed: int, workers: int) -> pd.DataFrame:
    """What models trained before each window would have said in it; the newest window is the scorer's own.

    Columns: those of `rows`, probability and trained_until.
    """
    from models.scorer import MISSING, calibrated, failing
    from models.train import target_of

    parts = []
    first, size = rows["day"].min(), (split.test_last - split.test_first).days + 1
    for back in range(WALKS):
        begins = split.test_first - timedelta(days=back * size)
        until = begins - timedelta(days=problem.purge_days + 1)
        window = rows[(rows["day"] >= begins) & (rows["day"] < begins + timedelta(days=size))].reset_index(drop=True)
        past = rows[rows["day"] <= until]
        if (until - first).days < size or past["is_failure"].sum() < 10 or window.empty:
            break
        if back == 0:
            said = scorer.score(window)["probability"].to_numpy(float)
        else:
            seen = scorer.design(past).fillna(MISSING).to_numpy()
            forest = estimator_of(problem, "forest", seed, workers).fit(seen, target_of(past).to_numpy(dtype=str))
            classes = Scorer(scorer.manifest, {"forest": forest}).classes("forest", scorer.design(window))
            said = calibrated(failing(classes), *scorer.manifest["calibration"]["forest"])
        parts.append(window.assign(probability=said, trained_until=until))
    if not parts:
        return rows.head(0).assign(probability=np.array([], dtype=float), trained_until=None)
    return pd.concat(parts, ignore_index=True)


def backtest_rows(problem: Problem, walked: pd.DataFrame, run: str) -> list[dict[str, Any]]:
    kept = walked[["asset_id", "day", "trained_until", "probability", "naive_score", "is_failure"]]
    return [{"problem": problem.name, "run": run} | {str(k): v for k, v in r.items()} for r in kept.to_dict("records")]


def drift_rows(
    problem: Problem, runner: Runner, data: Data, before: tuple[list[dict[str, Any]], list[dict[str, Any]]], run: str
) -> list[dict[str, Any]]:
    """The champion's inputs and scores of the last days against those of the days it was trained on; nothing for the naive rule."""
    champion = serving(runner.settings.model_root, problem, *before)
    if not champion.files:
        return []
    mine = next(v for v in before[0] if v["problem"] == problem.name and v["model_version"] == champion.version)
    scorer = registry.scorer_of(champion.files)
    inside = (data.rows["day"] >= mine["train_first_day"]) & (data.rows["day"] <= mine["train_last_day"])
    reference, now = data.rows[inside], data.newest[~data.newest["is_silent"] & ~data.newest["is_stopped"]]
    if reference.empty or now.empty:
        return []
    then_x, now_x = scorer.design(reference), scorer.design(now)
    found = {f: evaluate.psi(then_x[f], now_x[f]) for f in scorer.features}
    found["score"] = evaluate.psi(scorer.score(reference)["probability"], scorer.score(now)["probability"])
    return [{
        "problem": problem.name, "model_version": champion.version, "run": run, "as_of": data.as_of, "feature": f,
        "reference_first_day": reference["day"].min(), "reference_last_day": reference["day"].max(),
        "window_first_day": now["day"].min(), "window_last_day": now["day"].max(), "psi": value,
        "state": "stable" if value < 0.1 else "moved" if value < 0.25 else "drifted",
    } for f, value in found.items()]  # fmt: skip


def put_away(runner: Runner, scorer: Scorer, about: Mapping[str, Any], told: Evaluation, written: str) -> registry.Stored:
    """Log to MLflow: parameters, data and library versions, metrics of the newest window, files, card."""
    params = {k: v for k, v in about.items() if k not in ("features", "gate_reasons")}
    metrics = {f"{m['whose']}_{m['metric']}".replace(" ", "_"): float(m["value"]) for m in told.metrics
               if m["split"] == "newest window" and m["asset_class"] == "all" and m["value"] is not None}  # fmt: skip
    tags = {"split": "newest window, purged", "data_versions": about["data_versions"], "code_version": about["code_version"]}
    return registry.store(runner.settings.model_root, scorer, about["problem"], int(about["model_version"]), params, metrics, tags, written)
