"""How unusual an hour is for its machine. Runs in training and in Spark's workers alike, as `models.speak` does."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyspark import cloudpickle

from models import scorer

for _module in (scorer, sys.modules[__name__]):
    cloudpickle.register_pickle_by_value(_module)  # type: ignore[no-untyped-call]

LISTED = 3
FURTHEST = 12.0
"""Scaled values are cut here: one sensor gone mad shall not stretch the plot out of sight."""
TOLD = (
    ("machine_id", "string"), ("day", "date"), ("hour", "timestamp"), ("running_count", "long"), ("score", "double"),
    ("is_anomaly", "boolean"),     ("sensors", "array<string>"), ("sensor_effects", "array<string>"), ("pc1", "double"), ("pc2", "double"),
)  # fmt: skip
SCHEMA = ", ".join(f"{name} {kind}" for name, kind in TOLD)


def scaled(rows: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Each measure less the machine's calm level, over the spread of all machines; missing ones are calm. NaN rows: machine unknown."""
    usual, spread = (pd.DataFrame(json.loads(manifest[k])).T.reindex(columns=manifest["features"]) for k in ("usual", "spread"))
    machines = rows["machine_id"]
    z = (rows[manifest["features"]].to_numpy(float) - usual.reindex(machines).to_numpy(float)) / spread.reindex(machines).to_numpy(float)
    z = np.where(np.isnan(z), 0.0, np.clip(z, -FURTHEST, FURTHEST))
    z[~machines.isin(usual.index).to_numpy()] = np.nan
    return pd.DataFrame(z, index=rows.index, columns=manifest["features"])


def score_of(forest: Any, z: NDArray[np.float64]) -> NDArray[np.float64]:
    """0.5 is usual, near 1 stands alone."""
    found: NDArray[np.float64] = -forest.score_samples(z)
    return found


def told(model: scorer.Scorer, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of hours as rows of gold_line__anomalies."""
    z = scaled(rows, model.manifest)
    known = ~z.isna().any(axis=1).to_numpy()
    out = rows[["machine_id", "day", "hour", "running_count"]].reset_index(drop=True)
    out["score"], out["pc1"], out["pc2"], out["is_anomaly"] = np.nan, np.nan, np.nan, False
    out["sensors"], out["sensor_effects"] = [[] for _ in range(len(out))], [[] for _ in range(len(out))]
    if not known.any():
        return out
    values, forest = z.to_numpy()[known], model.estimators["isolation"]
    scores = score_of(forest, values)
    here = np.flatnonzero(known)
    out.loc[here, "score"] = scores
    out.loc[here, ["pc1", "pc2"]] = model.estimators["pca"].transform(values)
    unusual = scores >= model.manifest["threshold"]
    out.loc[here, "is_anomaly"] = unusual
    sensors: list[list[str]] = [[] for _ in range(len(out))]
    falls: list[list[str]] = [[] for _ in range(len(out))]
    for at, effects in zip(here[unusual], responsible(forest, values[unusual], scores[unusual]), strict=True):
        first = [int(i) for i in np.argsort(-effects, kind="stable")[:LISTED] if effects[i] > 0]
        sensors[at], falls[at] = [str(z.columns[i]) for i in first], [f"{effects[i]:.4f}" for i in first]
    out["sensors"], out["sensor_effects"] = sensors, falls
    return out


def responsible(forest: Any, rows: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """By row and sensor, how much the score falls when that one is at its usual value and all others stay."""
    count, width = rows.shape
    if not count:
        return np.empty((0, width))
    without = np.repeat(rows[:, None, :], width, axis=1)
    without[:, np.arange(width), np.arange(width)] = 0.0
    return np.asarray(scores[:, None] - score_of(forest, without.reshape(-1, width)).reshape(count, width), dtype=float)


@dataclass(frozen=True)
class Judge:
    """Arrow batches of hours in, anomalies out."""

    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        model = scorer.opened(self.manifest, self.files)
        kinds = {"string": pa.string(), "date": pa.date32(), "timestamp": pa.timestamp("us", "UTC"), "long": pa.int64(),
                 "double": pa.float64(), "boolean": pa.bool_(), "array<string>": pa.list_(pa.string())}  # fmt: skip
        schema = pa.schema([(name, kinds[kind]) for name, kind in TOLD])
        for batch in batches:
            if batch.num_rows:
                yield pa.RecordBatch.from_pandas(told(model, batch.to_pandas())[schema.names], schema=schema, preserve_index=False)
