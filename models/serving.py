"""Which model speaks for a problem: the champion, once its files were verified; else the last one before it that still is sound."""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lake.tables.models import NAIVE
from models.problem import Anomaly, Problem
from models.registry import MANIFEST, Tampered, lineage, verified

NAIVE_RULE = "naive rule"


@dataclass(frozen=True)
class Serving:
    """What speaks for a problem. Without files it is the naive rule, or nobody when `trouble` says why."""

    version: int
    estimator: str
    manifest: Mapping[str, Any]
    files: Mapping[str, bytes] = field(default_factory=dict)
    trouble: str = ""

    @property
    def thresholds(self) -> Mapping[str, float]:
        return dict(self.manifest["thresholds"])


def serving(
    root: Path, problem: Problem | Anomaly, versions: Iterable[Mapping[str, Any]], champions: Iterable[Mapping[str, Any]]
) -> Serving:
    """The newest champion whose files are those registered; the naive rule where none was ever promoted or a rollback went to it.

    Raises nothing: a champion that isn't sound is told in the log, and if none is left `trouble` says so.
    """
    champions = list(champions)
    known = {int(v["model_version"]): v for v in versions if v["problem"] == problem.name}
    troubles: list[str] = []
    for version in _candidates(champions, problem.name):
        try:
            return _opened(root, problem, version, known)
        except Tampered as error:
            troubles.append(str(error))
            logging.getLogger("models").warning("%s", error)
    return replace(_naive(problem), trouble="no sound model: " + "; ".join(troubles))


def speaking(root: Path, problem: Problem | Anomaly, version: int, versions: Iterable[Mapping[str, Any]]) -> Serving:
    """One version, champion or not; the naive rule where its files aren't sound."""
    known = {int(v["model_version"]): v for v in versions if v["problem"] == problem.name}
    try:
        return _opened(root, problem, version, known)
    except Tampered as error:
        return replace(_naive(problem), trouble=str(error))


def _naive(problem: Problem | Anomaly) -> Serving:
    if isinstance(problem, Anomaly):
        return Serving(NAIVE, NAIVE_RULE, {"thresholds": {}})
    surveillance, alert, critical = problem.naive_thresholds
    return Serving(NAIVE, NAIVE_RULE, {"thresholds": {"surveillance": surveillance, "alert": alert, "critical": critical}})


def _opened(root: Path, problem: Problem | Anomaly, version: int, known: Mapping[int, Mapping[str, Any]]) -> Serving:
    if version == NAIVE:
        return _naive(problem)
    if version not in known:
        raise Tampered(f"model {version} of {problem.name} isn't in gold_maintenance__model_versions")
    row = known[version]
    files = verified(root, problem.name, version, row["artifact"], row["artifact_sha256"])
    return Serving(version, str(row["estimator"]), json.loads(files[MANIFEST]), files)


def _candidates(champions: list[Mapping[str, Any]], problem: str) -> list[int]:
    mine = sorted((c for c in champions if c["problem"] == problem), key=lambda c: c["recorded_at"], reverse=True)
    if not mine or int(mine[0]["model_version"]) == NAIVE:
        return [NAIVE]
    return lineage(mine, problem)
