"""Real trips of a real car flow from their files to gold through mapping files alone.

KIT Automotive OBD-II data set, M. Weber, Karlsruhe Institute of Technology, doi 10.35097/1130, CC BY 4.0.
"""

import os
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from lake.catalog import discover
from tests.conftest import CHECKOUT
from tests.sandbox import Sandbox

EXAMPLE = CHECKOUT / "examples" / "kit_obd"
LINES = 2500
SUMMER, WINTER = date(2017, 7, 14), date(2018, 2, 20)
TRIPS = {SUMMER: "2017-07-14_Seat_Leon_KA_KA_Frei.csv", WINTER: "2018-02-20_Seat_Leon_KA_KA_Frei.csv"}
COLUMNS = {
    "engine_temperature_c": "Engine Coolant Temperature",
    "speed_kmh": "Vehicle Speed Sensor",
    "engine_speed_rpm": "Engine RPM",
}


@pytest.fixture(scope="module")
def trips() -> dict[date, str]:
    """The first lines of each trip, header included."""
    if "REAL_DATA" not in os.environ:
        pytest.skip("REAL_DATA names no folder with kit_obd/; set it to the folder of the real data sets (see README)")
    folder = Path(os.environ["REAL_DATA"]) / "kit_obd"
    return {day: "".join((folder / name).read_text("utf-8").splitlines(keepends=True)[: LINES + 1]) for day, name in TRIPS.items()}


@pytest.fixture(scope="module")
def as_read(trips: dict[date, str], tmp_path_factory: pytest.TempPathFactory) -> dict[date, pd.DataFrame]:
    """The same trips read by pandas."""
    folder, read = tmp_path_factory.mktemp("trips"), {}
    for day, text in trips.items():
        (folder / TRIPS[day]).write_text(text, "utf-8")
        frame = pd.read_csv(folder / TRIPS[day])
        named = {c: next(n for n in frame.columns if n.startswith(start)) for c, start in COLUMNS.items()}
        at = pd.to_datetime(f"{day} " + frame["Time"]).dt.tz_localize("Europe/Berlin").dt.tz_convert("UTC")
        read[day] = frame[list(named.values())].set_axis(list(named), axis=1).assign(measured_at=at)
    return read


@pytest.fixture(scope="module")
def lake(trips: dict[date, str], spark, tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """The summer trip and the four days after it up to gold; then the winter trip up to its daily row."""
    made = Sandbox(tmp_path_factory.mktemp("kit"), SUMMER + timedelta(days=4), {"start": SUMMER}, discover((EXAMPLE,)))
    wanted = [t.name for t in made.cat.buildable if t.domain == "fleet" or t.name == "bronze_lake__calendar"]
    made.land("kit_obd/vehicles.csv", (EXAMPLE / "vehicles.csv").read_text("utf-8"))
    made.land(f"kit_obd/trips/{TRIPS[SUMMER]}", trips[SUMMER])
    run(made, wanted)
    made.land(f"kit_obd/trips/{TRIPS[WINTER]}", trips[WINTER])
    made.as_of = WINTER
    run(made, ["bronze_fleet__kit_telemetry", "bronze_lake__calendar", "silver_fleet__telemetry", "gold_fleet__daily"])
    return made


def run(lake: Sandbox, tables: list[str]) -> None:
    results = lake.run(only=tables)
    assert not [r.message for r in results.values() if r.is_bad]
    assert set(results) == set(tables)


def test_every_line_becomes_a_reading_at_its_instant(lake: Sandbox, as_read: dict[date, pd.DataFrame]) -> None:
    readings = lake.frame("silver_fleet__telemetry")
    assert set(readings["vin"]) == {"SEAT-LEON"}
    assert dict(readings.groupby("day").size()) == {SUMMER: LINES, WINTER: LINES}
    for day, expected in as_read.items():
        mine = readings[readings["day"] == day].reset_index(drop=True)
        assert list(mine["measured_at"]) == list(expected["measured_at"])
        for column in COLUMNS:
            pd.testing.assert_series_equal(mine[column], expected[column].astype(float), check_names=False)
        assert mine[["odometer_km", "oil_pressure_bar", "battery_voltage_v"]].isna().all().all()
    first = readings.groupby("day")["measured_at"].min()
    assert [str(first[d]) for d in (SUMMER, WINTER)] == ["2017-07-14 06:19:47.605000+00:00", "2018-02-20 18:23:27.775000+00:00"]


def test_the_daily_row_agrees_with_the_file(lake: Sandbox, as_read: dict[date, pd.DataFrame]) -> None:
    daily = lake.frame("gold_fleet__daily").set_index("day")
    assert list(daily.index) == [SUMMER, WINTER]
    for day, expected in as_read.items():
        row = daily.loc[day]
        assert (row["reading_count"], row["last_reading_at"]) == (LINES, expected["measured_at"].max())
        for column in COLUMNS:
            values = expected[column].dropna()
            assert row[f"{column}_count"] == len(values)
            assert (row[f"{column}_min"], row[f"{column}_max"], row[f"{column}_last"]) == (values.min(), values.max(), values.iloc[-1])
            assert row[f"{column}_sum"] == pytest.approx(values.sum(), abs=1e-6)
            assert row[f"{column}_mean"] == pytest.approx(values.mean(), abs=0.51 if column == "engine_speed_rpm" else 0.051)
        assert pd.isna(row["km_driven"]), "this car tells no odometer"


def test_the_car_stands_in_the_report_and_is_unknown_once_it_is_silent(lake: Sandbox, as_read: dict[date, pd.DataFrame]) -> None:
    report = lake.frame("gold_fleet__reporting").set_index("day")
    assert list(report.index) == [SUMMER + timedelta(days=n) for n in range(5)]
    assert set(report["model"]) == {"Leon"}
    assert list(report["status"]) == ["OK", "OK", "OK", "INCONNU", "INCONNU"]
    warmest = as_read[SUMMER]["engine_temperature_c"].iloc[-1]
    assert list(report["engine_temperature_c"]) == [warmest] * 5, "what was last known is carried forward"
    summary = lake.frame("gold_fleet__summary_monthly")
    assert list(zip(summary["model"], summary["month"], summary["active_vehicles"], strict=True)) == [("Leon", date(2017, 7, 1), 1)]
