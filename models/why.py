"""What moved a score: exact tree SHAP for forests, the terms of a linear model. Runs in Spark's workers, as `models.speak` does."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark import cloudpickle

from models import scorer

for _module in (scorer, sys.modules[__name__]):
    cloudpickle.register_pickle_by_value(_module)  # type: ignore[no-untyped-call]

RANKS = 5
SCHEMA = "asset_id string, day date, rank long, feature string, value double, contribution double"


@dataclass(frozen=True)
class Explain:
    """Arrow batches of `models.dataset.known` in, the features that moved each row's score most out."""

    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        model = scorer.opened(self.manifest, self.files)
        for batch in batches:
            rows = scorer.anew(batch.to_pandas())
            if len(rows):
                yield pa.RecordBatch.from_pandas(
                    ranked(rows, model.design(rows), contributions(model, rows)), schema=_arrow(), preserve_index=False
                )


def contributions(model: scorer.Scorer, rows: pd.DataFrame) -> pd.DataFrame:
    """By row and feature: how much it moved the published estimator's score from the average, above 0 towards failure.

    For a forest in probability before calibration; they add up to the score. For a linear model in log odds.
    """
    design, published = model.design(rows), str(model.manifest["published"])
    estimator = model.estimators[published]
    if published == "forest":
        import shap

        values = np.asarray(shap.TreeExplainer(estimator, feature_perturbation="tree_path_dependent").shap_values(
            design.fillna(scorer.MISSING).to_numpy(), check_additivity=False
        ))  # fmt: skip
        classes = [str(c) for c in estimator.classes_]
        moved = -values[:, :, classes.index(scorer.NONE)] if scorer.NONE in classes else values[:, :, -1]
    else:
        scaled = estimator[:-1].transform(design.to_numpy())
        moved = scaled * estimator[-1].coef_[0]
    return pd.DataFrame(moved, index=rows.index, columns=model.features)


def ranked(rows: pd.DataFrame, design: pd.DataFrame, moved: pd.DataFrame) -> pd.DataFrame:
    """The first RANKS features of each row, those that moved it most first."""
    order = np.argsort(-np.abs(moved.to_numpy()), axis=1, kind="stable")[:, :RANKS]
    here = np.arange(len(rows))[:, None]
    parts = {"asset_id": np.repeat(rows["asset_id"].to_numpy(), order.shape[1]), "day": np.repeat(rows["day"].to_numpy(), order.shape[1]),
             "rank": np.tile(np.arange(1, order.shape[1] + 1), len(rows)), "feature": np.array(moved.columns)[order].ravel(),
             "value": design.to_numpy(float)[here, order].ravel(), "contribution": moved.to_numpy(float)[here, order].ravel()}  # fmt: skip
    return pd.DataFrame(parts)


def _arrow() -> pa.Schema:
    return pa.schema([("asset_id", pa.string()), ("day", pa.date32()), ("rank", pa.int64()), ("feature", pa.string()),
                      ("value", pa.float64()), ("contribution", pa.float64())])  # fmt: skip
