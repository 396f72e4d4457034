"""A model as it is used: rows of `models.dataset.known` in, scores out. Runs in training, in Spark's workers and in tests alike."""

import hashlib
import io
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MISSING = -1e6
"""What trees see of a value that isn't there: below anything that can be."""
NONE = "none"
"""Class of rows without a failure; `other` is a failure of a component that nobody declared."""

TRUSTED = (
    "numpy.dtype", "numpy.float32", "numpy.float64", "numpy.int64", "sklearn.ensemble._forest.RandomForestClassifier",
    "sklearn.linear_model._logistic.LogisticRegression", "sklearn.pipeline.Pipeline", "sklearn.impute._base.SimpleImputer",
    "sklearn.preprocessing._data.StandardScaler", "sklearn.tree._classes.DecisionTreeClassifier", "sklearn.tree._tree.Tree",
    "sklearn.tree._classes.ExtraTreeRegressor", "sklearn.ensemble._iforest.IsolationForest", "sklearn.decomposition._pca.PCA",
)  # fmt: skip
"""Types that a stored model may be made of. Never taken from the file."""


_HELD, MOST_HELD = "_estimators_of_this_process", 16


@dataclass(frozen=True)
class Scorer:
    """Estimators by name, and what the manifest says of them (see `models.train`)."""

    manifest: Mapping[str, Any]
    estimators: Mapping[str, Any]

    @property
    def features(self) -> list[str]:
        return list(self.manifest["features"])

    def design(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The matrix that estimators see, missing values still missing; kinds of assets are columns `kind=...`."""
        shares = limit_shares(rows, self.manifest)
        kinds = {f: (rows["kind"] == f.removeprefix("kind=")).astype("float32") for f in self.features if f.startswith("kind=")}
        plain = rows[[f for f in self.features if f not in kinds and f not in shares]].astype("float32")
        return pd.concat([plain, shares, pd.DataFrame(kinds, index=rows.index)], axis=1)[self.features]

    def classes(self, name: str, design: pd.DataFrame) -> pd.DataFrame:
        """Uncalibrated probability of each class of an estimator."""
        estimator = self.estimators[name]
        seen = design.fillna(MISSING) if name == "forest" else design
        return pd.DataFrame(estimator.predict_proba(seen.to_numpy()), index=design.index, columns=[str(c) for c in estimator.classes_])

    def probability(self, name: str, classes: pd.DataFrame) -> Floats:
        """Calibrated probability of a failure."""
        a, b = self.manifest["calibration"][name]
        return calibrated(failing(classes), a, b)

    def score(self, rows: pd.DataFrame) -> pd.DataFrame:
        """probability, forest_probability, component, component_probability, by row; the last two null without components."""
        out = pd.DataFrame(index=rows.index)
        if rows.empty:
            return out.reindex(columns=["probability", "forest_probability", "component", "component_probability"])
        design, published = self.design(rows), str(self.manifest["published"])
        forest = self.classes("forest", design)
        of_forest = self.probability("forest", forest)
        out["probability"] = of_forest if published == "forest" else self.probability(published, self.classes(published, design))
        out["forest_probability"] = of_forest
        parts = forest.drop(columns=[NONE], errors="ignore")
        out["component"], out["component_probability"] = None, np.nan
        if len(parts.columns) and parts.columns[0] != "True":
            best = parts.to_numpy().argmax(axis=1)
            share = parts.to_numpy()[np.arange(len(parts)), best] / np.maximum(parts.to_numpy().sum(axis=1), 1e-12)
            names = np.array(parts.columns, dtype=object)[best]
            out["component"] = [None if n == "other" else n for n in names]
            out["component_probability"] = np.where(names == "other", np.nan, share * out["probability"])
        return out


def limit_shares(rows: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """By window, how far the worst indicator is on its way from its alert limit (0) to its critical limit (1), as its mean tells."""
    found = {}
    for days in manifest.get("windows", ()):
        ways = [(rows[f"{m}_mean_{days}d"] - limit) / (critical - limit) for m, limit, critical in manifest["limits"]]
        if ways:
            found[f"limit_share_{days}d"] = pd.concat(ways, axis=1).max(axis=1).astype("float32")
    return pd.DataFrame(found, index=rows.index)


def anew(rows: pd.DataFrame) -> pd.DataFrame:
    """Empty the windows that reach back before the last repair; distances driven and cycles are no symptoms and stay."""
    since = rows["days_since_repair"]
    emptied = {}
    for name in rows.columns:
        window = re.search(r"_(\d+)d$", name)
        if window and not name.startswith(("km_", "cycles_", "failures_", "stop_h_")):
            emptied[name] = rows[name].where(since.isna() | (since >= int(window[1])))
    return rows.assign(**emptied)


def failing(classes: pd.DataFrame) -> Floats:
    """Probability of any failure from the probabilities of classes."""
    of = classes["True"] if "True" in classes else 1 - classes[NONE] if NONE in classes else classes.sum(axis=1)
    found: Floats = of.to_numpy(dtype=float)
    return found


def calibrated(p: Floats, a: float, b: float) -> Floats:
    """Platt's scaling: a line through the log odds."""
    p = np.clip(p, 1e-4, 1 - 1e-4)
    result: Floats = 1 / (1 + np.exp(-(a * np.log(p / (1 - p)) + b)))
    return result


def dumped(estimator: Any) -> bytes:
    """An estimator as a file that runs no code when it is loaded."""
    import skops.io

    return bytes(skops.io.dumps(estimator))


def loaded(content: bytes) -> Any:
    """The estimator in a file, read once per process; raises skops' UntrustedTypesFoundException for types beyond `TRUSTED`."""
    import skops.io

    # a module of its own: this one travels by value, and each task of an engine's worker gets a new copy of it
    held = vars(sys.modules.setdefault(_HELD, ModuleType(_HELD)))
    key = hashlib.sha256(content).hexdigest()
    if key not in held:
        for old in [k for k in held if not k.startswith("__")][:-MOST_HELD]:
            del held[old]
        held[key] = skops.io.loads(content, trusted=list(TRUSTED))
    return held[key]


def opened(manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> Scorer:
    """A scorer from its manifest and files, whose digests were verified before."""
    return Scorer(manifest, {n.removesuffix(".skops"): loaded(f) for n, f in files.items() if n.endswith(".skops")})


def canonical(estimators: Mapping[str, Any]) -> bytes:
    """Parameters and trees in one fixed form: what two trainings on the same data must agree on."""
    out = io.BytesIO()
    for name in sorted(estimators):
        out.write(f"{name} {estimators[name].__class__.__name__}\n".encode())
        for array in _arrays(estimators[name]):
            out.write(np.ascontiguousarray(array).tobytes())
    return out.getvalue()


def _arrays(estimator: Any) -> Sequence[NDArray[Any]]:
    if hasattr(estimator, "estimators_"):
        return [a for e in estimator.estimators_ for a in _arrays(e)]
    if hasattr(estimator, "tree_"):
        t = estimator.tree_
        return [t.children_left, t.children_right, t.feature, t.threshold, t.value]
    if hasattr(estimator, "steps"):
        return [a for _, step in estimator.steps for a in _arrays(step)]
    known = ("statistics_", "mean_", "scale_", "coef_", "intercept_", "components_")
    return [np.asarray(getattr(estimator, k), dtype=float) for k in known if hasattr(estimator, k)]
