"""Training the anomalies of a machine's hours, judged by the failures that follow them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest

from lake.engine import session
from lake.tables import models as tables
from models import registry
from models.anomalies import hours
from models.evaluate import judge, newest_split
from models.gate import decide
from models.oracle import true_hazard
from models.problem import Anomaly
from models.records import crown, ledger, tell
from models.retrain import Evaluation, Outcome, described, load, put_away
from models.scorer import Floats, Scorer
from models.serving import serving
from models.train import TooLittle
from models.unusual import scaled, score_of
from pipelines.files import spark_frame
from pipelines.run import Runner

LEAST_HOURS = 200
MOST_HOURS = 60_000
"""Hours to learn from at most, drawn evenly."""


def retrained(problem: Anomaly, runner: Runner, seed: int, promote: bool, say: Callable[[str], None]) -> Outcome:
    """Fit on the days before the newest window, judge each day's most unusual hours there by the failures that follow."""
    failure = problem.judged_by
    try:
        data = load(failure, runner)
        version = runner.lake.open(runner.catalog[problem.hourly.name])
        if version is None or data.rows.empty:
            raise TooLittle("no hour or no day whose horizon is over")
        told = hours(problem, spark_frame(session(), problem.hourly, version.uris())).toPandas()
        told.attrs = {}
        told = told.sort_values(["machine_id", "hour"]).reset_index(drop=True)
        split = newest_split(failure, data.rows["day"])
        train = told[told["day"] <= split.train_last]
        if len(train) < LEAST_HOURS:
            raise TooLittle(f"{len(train)} hours to learn from; {LEAST_HOURS} are needed")
    except TooLittle as little:
        say(f"{problem.name}: not trained: {little}")
        return Outcome(problem.name, None, False, (f"not trained: {little}",))
    scorer = fitted(problem, train, seed)
    # Which share of hours is told as anomalous is a setting: the newest hours count too, or a plant that wears would be all anomaly.
    share = round(float(np.quantile(unusual(scorer, told), 1 - problem.contamination)), 4)
    scorer = replace(scorer, manifest={**scorer.manifest, "threshold": share})
    versions, champions = ledger(runner, tables.VERSIONS.name), ledger(runner, tables.CHAMPIONS.name)
    number = max((int(v["model_version"]) for v in versions if v["problem"] == problem.name), default=tables.NAIVE) + 1
    window = told[told["day"] >= split.test_first]
    test = data.rows[data.rows["day"] >= split.test_first].reset_index(drop=True)
    scores: dict[str, Floats] = {
        "model": by_day(test, window, unusual(scorer, window)),
        "naive rule": by_day(test, window, limits(problem, window)),
    }
    champion = serving(runner.settings.model_root, problem, versions, champions)
    if champion.files:
        scores["champion"] = by_day(test, window, unusual(registry.scorer_of(champion.files), window))
    if (truth := true_hazard(runner.settings.truth, failure.domain, test)) is not None:
        scores["oracle"] = truth
    judged = {whose: judge(failure, test, s, seed) for whose, s in scores.items()}
    evaluation = Evaluation()
    for whose, one in judged.items():
        evaluation.tell("newest window", "all", whose, one)
    failures = int(test.loc[test["is_failure"], ["asset_id", "failed_on"]].drop_duplicates().shape[0])
    verdict = decide(failure, failures, judged["model"], judged["naive rule"], judged.get("champion"))
    if not promote:
        verdict = replace(verdict, is_promoted=False, reasons=(*verdict.reasons, "refused: promotion wasn't asked for"))
    days = train["day"]
    about: dict[str, Any] = {
        "problem": problem.name, "model_version": number, "run": runner.run_id, "as_of": data.as_of, "estimator": "IsolationForest",
        "is_promoted": verdict.is_promoted, "gate_reasons": list(verdict.reasons),
        "train_first_day": days.min(), "train_last_day": days.max(),
        "test_first_day": split.test_first, "test_last_day": split.test_last, "purged_days": failure.purge_days, "train_rows": len(train),
        "train_failures": 0, "horizon_days": None, "features": scorer.features,
        **described({**data.versions, problem.hourly.name: version.number}, seed),
    }  # fmt: skip
    written = card(problem, about, evaluation.metrics)
    stored = put_away(runner, scorer, about, evaluation, written)
    mine: Mapping[str, Any] = {"problem": problem.name, "model_version": number}
    tell(runner, tables.METRICS_TABLE.name, [{**mine, "run": runner.run_id, **m} for m in evaluation.metrics])
    row = {**about, "digest": stored.digest, "artifact": stored.artifact, "artifact_sha256": stored.sha256, "card": written}
    tell(runner, tables.VERSIONS.name, [row])
    if verdict.is_promoted:
        crown(runner, problem.name, number, registry.current(champions, problem.name), "gate", "; ".join(verdict.reasons))
    say(f"{problem.name}: version {number} {'promoted' if verdict.is_promoted else 'not promoted'}: {'; '.join(verdict.reasons)}")
    return Outcome(problem.name, number, verdict.is_promoted, verdict.reasons, stored.digest)


def fitted(problem: Anomaly, train: pd.DataFrame, seed: int) -> Scorer:
    """A forest and two principal components over scaled hours: less the calm level of the machine, over the spread of all machines.

    The calm level is a machine's lower quartile: a machine that wore for weeks would be its own usual if it were the median.
    """
    measures = list(problem.measures)
    usual = train.groupby("machine_id", sort=True)[measures].quantile(0.25)
    wide = (train[measures].quantile(0.75) - train[measures].quantile(0.25)) / 1.349
    wide = wide.fillna(0.0).clip(lower=1e-3)
    spread = pd.DataFrame([wide] * len(usual), index=usual.index)
    manifest: dict[str, Any] = {
        "problem": problem.name, "features": list(problem.measures), "published": "isolation", "contamination": problem.contamination,
        "usual": usual.round(6).to_json(orient="index"), "spread": spread.round(6).to_json(orient="index"), "seed": seed,
    }  # fmt: skip
    z = scaled(train, manifest).dropna().to_numpy()
    if len(z) > MOST_HOURS:
        z = z[np.sort(np.random.default_rng(seed).choice(len(z), MOST_HOURS, replace=False))]
    forest = IsolationForest(n_estimators=problem.trees, contamination=problem.contamination, random_state=seed).fit(z)
    manifest["threshold"] = round(float(-forest.offset_), 4)
    manifest["thresholds"] = {}
    return Scorer(manifest, {"isolation": forest, "pca": PCA(n_components=2, random_state=seed).fit(z)})


def unusual(scorer: Scorer, rows: pd.DataFrame) -> Floats:
    z = scaled(rows, scorer.manifest).fillna(0.0).to_numpy()
    return score_of(scorer.estimators["isolation"], z) if len(z) else np.array([], dtype=float)


def limits(problem: Anomaly, rows: pd.DataFrame) -> Floats:
    """The naive rule as an order: how far the hour's means go towards or beyond their limits."""
    shares = [rows[c].to_numpy(float) / limit for c, limit in problem.limits.items()]
    return np.asarray(np.nan_to_num(np.stack(shares)).max(axis=0), dtype=float)


def by_day(test: pd.DataFrame, rows: pd.DataFrame, score: Floats) -> Floats:
    """The upper quartile of a day's hours, mean of the last three days; days without hours take what came before, at worst 0."""
    told = rows[["machine_id", "day"]].assign(score=score)
    top = told.groupby(["machine_id", "day"])["score"].quantile(0.75)
    wide = top.unstack("machine_id").sort_index()
    wide = wide.reindex(pd.Index(sorted({*wide.index, *test["day"]}))).rolling(3, min_periods=1).mean().ffill()
    flat = wide.stack()
    return np.array([float(flat.get((d, a), 0.0)) for d, a in zip(test["day"], test["asset_id"], strict=True)])


def card(problem: Anomaly, about: Mapping[str, Any], metrics: list[dict[str, Any]]) -> str:
    """Markdown."""
    lines = [
        f"# {problem.title}: version {about['model_version']}", "",
        f"Tells how unusual an hour of running is for its machine. IsolationForest over {len(problem.measures)} measures, each less the "
        f"machine's calm level (lower quartile), over the spread of all machines; {problem.contamination:.0%} of all hours known then "
        "count as anomalies.", "",
        f"**Decision**: {'serves' if about['is_promoted'] else 'does not serve'}. " + "; ".join(about["gate_reasons"]) + ".", "",
        f"**Learned** from {about['train_rows']} hours from {about['train_first_day']} to {about['train_last_day']}; judged on "
        f"{about['test_first_day']} to {about['test_last_day']} by whether {problem.judged_by.title.lower()} within "
        f"{problem.judged_by.horizon_days} days. Naive rule: the mean of the hour against its alert limit.", "",
        "| newest window | value | 90 % interval |", "| --- | --- | --- |",
        *(f"| {m['whose']}: {m['metric']} | {m['value']} | {m['low']} to {m['high']} |" for m in metrics if m["value"] is not None), "",
        "**Limits**: what is unusual needn't be a fault. Days before the model served are scored too, which describes them and "
        "foretells nothing.",
        "", f"Data {about['data_versions']}; code {about['code_version']}; seed {about['seed']}; libraries {about['libraries']}.",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"
