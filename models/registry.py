"""Where models are kept: MLflow on SQLite under MODEL_ROOT. What serves, and its digest, stand in gold, out of the files' reach."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lake.tables.models import NAIVE
from models.scorer import Scorer, canonical, dumped, opened

MANIFEST = "manifest.json"


class Tampered(Exception):
    """The files of a model aren't those that were registered; they are not loaded."""


@dataclass(frozen=True)
class Stored:
    """A model as it was put away."""

    artifact: str
    sha256: str
    digest: str


def digest_of(scorer: Scorer) -> str:
    """SHA-256 of the canonical parameters and trees."""
    return hashlib.sha256(canonical(scorer.estimators)).hexdigest()


def files_of(scorer: Scorer) -> dict[str, bytes]:
    """What is stored of a scorer."""
    told = json.dumps(dict(scorer.manifest), sort_keys=True, indent=1, ensure_ascii=False).encode()
    return {MANIFEST: told, **{f"{name}.skops": dumped(estimator) for name, estimator in sorted(scorer.estimators.items())}}


def sha256_of(files: Mapping[str, bytes]) -> str:
    """One digest over several files."""
    each = [f"{name} {hashlib.sha256(content).hexdigest()}" for name, content in sorted(files.items())]
    return hashlib.sha256("\n".join(each).encode()).hexdigest()


def verified(root: Path, problem: str, version: int, artifact: str, sha256: str) -> dict[str, bytes]:
    """The files of a model, if they are the registered ones. Raises Tampered."""
    folder = (root / artifact).resolve()
    about = f"model {version} of {problem} ({folder})"
    if not folder.is_relative_to(root.resolve()):
        raise Tampered(f"{about} lies outside the registry {root}; it isn't loaded")
    try:
        files = {f.name: f.read_bytes() for f in sorted(folder.iterdir()) if f.name == MANIFEST or f.suffix == ".skops"}
    except OSError as error:
        raise Tampered(f"{about} can't be read ({error.strerror}); set MODEL_ROOT to its registry, or retrain") from error
    if (found := sha256_of(files)) != sha256:
        raise Tampered(
            f"{about} is not what was registered: SHA-256 {found[:12]} instead of {sha256[:12]}; it isn't loaded. "
            f"Restore its files, or `python -m models rollback {problem}`"
        )
    return files


def scorer_of(files: Mapping[str, bytes]) -> Scorer:
    """The scorer in verified files."""
    return opened(json.loads(files[MANIFEST]), files)


def current(champions: Iterable[Mapping[str, Any]], problem: str) -> int:
    """The version that serves."""
    mine = sorted((c for c in champions if c["problem"] == problem), key=lambda c: c["recorded_at"])
    return int(mine[-1]["model_version"]) if mine else NAIVE


def lineage(champions: Iterable[Mapping[str, Any]], problem: str) -> list[int]:
    """Versions that served, the one that does first; each once, the naive rule left out."""
    mine = sorted((c for c in champions if c["problem"] == problem), key=lambda c: c["recorded_at"], reverse=True)
    return [v for v in dict.fromkeys(int(c["model_version"]) for c in mine) if v != NAIVE]


def store(
    root: Path, scorer: Scorer, name: str, version: int, params: Mapping[str, Any], metrics: Mapping[str, float], tags: Mapping[str, str],
    card: str,
) -> Stored:  # fmt: skip
    """Log a run to MLflow with its files, and register it as a version of `name`."""
    client = _client(root)
    run = client.create_run(_experiment(client, root, name), run_name=f"{name} {version}", tags=dict(tags))
    run_id = run.info.run_id
    for key, value in params.items():
        client.log_param(run_id, key, str(value)[:6000])
    for key, number in metrics.items():
        client.log_metric(run_id, key, number)
    files = files_of(scorer)
    with tempfile.TemporaryDirectory() as made:
        for file, content in {**files, "card.md": card.encode()}.items():
            (Path(made) / file).write_bytes(content)
        client.log_artifacts(run_id, made, "model")
    client.set_terminated(run_id)
    folder = Path(run.info.artifact_uri.removeprefix("file://")) / "model"
    if not client.search_registered_models(f"name='{name}'"):
        client.create_registered_model(name)
    client.create_model_version(name, folder.as_uri(), run_id, tags={"version": str(version), "sha256": sha256_of(files)}, description=card)
    return Stored(folder.relative_to(root).as_posix(), sha256_of(files), digest_of(scorer))


def _experiment(client: Any, root: Path, name: str) -> str:
    """The experiment that keeps its files under `root`. MLflow knows absolute places only: what was moved goes on under another name."""
    place = (root / "artifacts" / name).as_uri()
    found = client.get_experiment_by_name(name)
    if found and found.artifact_location == place:
        return str(found.experiment_id)
    if found:
        client.rename_experiment(found.experiment_id, f"{name} (moved, {found.experiment_id})")
    return str(client.create_experiment(name, artifact_location=place))


def mark_champion(root: Path, name: str, version: int) -> None:
    """Let MLflow show which version serves, as the alias `champion`."""
    client = _client(root)
    found = [v for v in client.search_model_versions(f"name='{name}'") if v.tags.get("version") == str(version)]
    if found:
        client.set_registered_model_alias(name, "champion", found[0].version)
    elif version == NAIVE and client.search_registered_models(f"name='{name}'"):
        client.delete_registered_model_alias(name, "champion")


def _client(root: Path) -> Any:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    from mlflow import MlflowClient

    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    return MlflowClient(tracking_uri=f"sqlite:///{root / 'mlflow.db'}", registry_uri=f"sqlite:///{root / 'mlflow.db'}")
