"""AI4I 2020 by the published protocol: features by the lake's own physics, flags left out; and what other splits give."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import SparkSession
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import average_precision_score, f1_score
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from lake.engine import session
from pipelines.line.readings import physics

SEED = 42
KELVIN = 273.15
LABEL = "Machine failure"
COLUMNS = {
    "Air temperature [K]": "ambient_temperature_c", "Process temperature [K]": "bearing_temperature_c",
    "Rotational speed [rpm]": "spindle_speed_rpm", "Torque [Nm]": "torque_nm", "Tool wear [min]": "tool_wear_min",
}  # fmt: skip
"""The file's columns as the lake names them. The five flags (TWF, HDF, PWF, OSF, RNF) tell the label: no model sees them."""


def features(file: Path, spark: SparkSession) -> tuple[pd.DataFrame, NDArray[np.bool_], NDArray[np.int64]]:
    """Features of each row, whether it failed, and the number of the tool it was milled with (wear that falls is a new tool)."""
    raw = pd.read_csv(file)
    rows = raw[list(COLUMNS)].rename(columns=COLUMNS).astype(float)
    rows[["ambient_temperature_c", "bearing_temperature_c"]] -= KELVIN
    made = spark.createDataFrame(rows.assign(row=raw["UDI"])).withColumns(physics()).orderBy("row").toPandas().drop(columns="row")
    made["quality"] = raw["Type"].map({"L": 0, "M": 1, "H": 2})
    tool = np.asarray((raw["Tool wear [min]"].diff() < 0).cumsum(), dtype=np.int64)
    return made, np.asarray(raw[LABEL], dtype=np.bool_), tool


def scores(x: pd.DataFrame, failed: NDArray[np.bool_], tool: NDArray[np.int64]) -> dict[str, tuple[float, float]]:
    """F1 and average precision of one RandomForest by split: stratified (the published one), random, and grouped by tool."""
    every = np.arange(len(x))
    grouped = GroupShuffleSplit(1, test_size=0.2, random_state=SEED)
    splits = {
        "stratified 80/20": train_test_split(every, test_size=0.2, random_state=SEED, stratify=failed),
        "random 80/20": train_test_split(every, test_size=0.2, random_state=SEED),
        "grouped by tool 80/20": next(grouped.split(x, failed, tool)),
    }
    found = {}
    for name, (train, test) in splits.items():
        forest = RandomForestClassifier(200, random_state=SEED, n_jobs=2).fit(x.iloc[train], failed[train])
        said = forest.predict_proba(x.iloc[test])[:, 1]
        found[name] = float(f1_score(failed[test], said >= 0.5)), float(average_precision_score(failed[test], said))
    return found


def report(file: Path) -> str:
    """What each split gives, named as such."""
    told = scores(*features(file, session()))
    return "\n".join(f"{name:<24} F1 {f1:.3f}  average precision {ap:.3f}" for name, (f1, ap) in told.items())
