"""Real data through mapping files alone: AI4I 2020 as a machine of the line, from its CSV to gold, against pandas."""

import json
import math
import os
import shutil
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from lake.catalog import discover
from lake.settings import CHECKOUT
from tests.sandbox import Sandbox

EXAMPLE = CHECKOUT / "examples" / "ai4i2020"
FOLDER = os.environ.get("REAL_DATA", "")
FILE = Path(FOLDER) / "ai4i2020" / "ai4i2020.csv"
LABELS = ("Machine failure", "TWF", "HDF", "PWF", "OSF", "RNF")
MONDAY = date(2025, 1, 6)

pytestmark = pytest.mark.skipif(
    not FOLDER, reason="set REAL_DATA to the folder that holds ai4i2020/ai4i2020.csv (the README says where to get it)"
)


@pytest.fixture(scope="module")
def milled(spark, tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """The lake after one run over the file as UCI delivers it."""
    lake = Sandbox(tmp_path_factory.mktemp("ai4i"), MONDAY + timedelta(6), cat=discover((EXAMPLE,)))
    for found, folder in ((FILE, "ai4i"), (EXAMPLE / "machines.csv", "ai4i_machines")):
        (lake.settings.landing / "line" / folder).mkdir(parents=True)
        shutil.copy(found, lake.settings.landing / "line" / folder)
    wanted = [t.name for t in lake.cat.buildable if t.domain == "line" or t.name == "bronze_lake__calendar"]
    results = lake.run(only=wanted)
    assert not [r.message for r in results.values() if r.is_bad]
    return lake


@pytest.fixture(scope="module")
def source() -> pd.DataFrame:
    """The file as pandas reads it, with the lake's units computed a second way."""
    rows = pd.read_csv(FILE)
    began = pd.Timestamp(MONDAY, tz="Europe/Paris")
    at = began + pd.to_timedelta(rows["UDI"] - 1, unit="min")
    return pd.DataFrame({
        "day": at.dt.date, "bearing_temperature_c": rows["Process temperature [K]"] - 273.15,
        "ambient_temperature_c": rows["Air temperature [K]"] - 273.15,
        "power_w": rows["Torque [Nm]"] * rows["Rotational speed [rpm]"] * math.tau / 60,
        "torque_nm": rows["Torque [Nm]"], "spindle_speed_rpm": rows["Rotational speed [rpm]"], "tool_wear_min": rows["Tool wear [min]"],
        "wear_torque_min_nm": rows["Tool wear [min]"] * rows["Torque [Nm]"],
    })  # fmt: skip


def test_every_row_reaches_silver_and_none_is_quarantined(milled: Sandbox, source: pd.DataFrame) -> None:
    readings = milled.frame("silver_line__readings")
    assert len(readings) == len(source) == 10_000
    assert readings["day"].value_counts().to_dict() == source["day"].value_counts().to_dict()
    assert sorted(readings["day"].unique()) == [MONDAY + timedelta(n) for n in range(7)]
    assert set(readings["machine_id"]) == {"AI4I-01"}


def test_days_agree_with_pandas(milled: Sandbox, source: pd.DataFrame) -> None:
    daily = milled.frame("gold_line__daily").set_index("day")
    expected = source.groupby("day")
    assert daily["reading_count"].to_dict() == expected.size().to_dict()
    steps = {"bearing_temperature_c": 0.01, "ambient_temperature_c": 0.01, "power_w": 1, "torque_nm": 0.01, "spindle_speed_rpm": 0.1,
             "tool_wear_min": 1, "wear_torque_min_nm": 10}  # fmt: skip
    for column, step in steps.items():
        means = daily[f"{column}_mean"].to_dict()
        assert means == pytest.approx(expected[column].mean().to_dict(), abs=step), column
        highest = daily[f"{column}_max"].to_dict()
        assert highest == pytest.approx(expected[column].max().to_dict(), abs=step), column
    assert daily["mechanical_power_w_mean"].to_dict() == daily["power_w_mean"].to_dict()


def test_a_week_of_round_the_clock_work_without_a_cycle_counter(milled: Sandbox) -> None:
    [week] = milled.frame("gold_line__weekly").to_dict("records")
    assert (week["planned_h"], week["available_min"]) == (168.0, 10_000)
    assert week["availability"] == round(10_000 / (168 * 60), 4)
    assert pd.isna([week["cycles"], week["performance"], week["oee"]]).all()


def test_features_and_state_stand_for_each_day(milled: Sandbox) -> None:
    features = milled.frame("gold_line__features")
    assert len(features) == 7
    assert features["power_w_mean_7d"].notna().all()
    assert features["vibration_x_mm_s_mean_7d"].isna().all()
    assert set(milled.frame("gold_line__status")["status"]) == {"OK"}


def test_labels_stay_in_bronze(milled: Sandbox) -> None:
    bronze = milled.open("bronze_line__ai4i_readings").read(["_rescued"]).to_pylist()
    kept = pd.DataFrame([json.loads(r["_rescued"]) for r in bronze])
    assert set(LABELS) <= set(kept.columns)
    assert (kept["Machine failure"] == "1").sum() == 339
    words = {w.lower().replace(" ", "_") for w in LABELS}
    for name in ("silver_line__readings", "gold_line__hourly", "gold_line__features"):
        assert not words & {c.name for c in milled.cat[name].columns}
