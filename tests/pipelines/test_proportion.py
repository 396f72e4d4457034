"""Work in proportion to what changed: which partitions a change makes stale, counted, and that nothing more was needed."""

import csv
import shutil
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from lake.contract import Table
from pipelines import history, stage
from pipelines.plan import Plan
from pipelines.upkeep import Upkeep
from tests.sandbox import DAY, UNIT, Sandbox, assert_same, days_until, reading

READINGS, UNITS = "silver_refrigeration__readings", "silver_refrigeration__units"
FEATURES, HOURLY, STATUS = "gold_refrigeration__features", "gold_refrigeration__hourly", "gold_refrigeration__status"
DAYS = days_until(DAY, 6)


def units(*numbers: int, **values: str) -> list[dict[str, str]]:
    return [{**UNIT, "machine_id": f"FRIGO-{n:02}", **values} for n in numbers]


@pytest.fixture(scope="module")
def built(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """Six days of one unit; a second one that the registry doesn't know sends on the second and fourth."""
    made = Sandbox(tmp_path_factory.mktemp("proportion"))
    made.land_units(*units(1, 3))
    for n, day in enumerate(DAYS):
        rows = [reading(f"{day}T10:{m:02}:00Z") for m in range(0, 30, 2)]
        rows += [reading(f"{day}T11:{m:02}:00Z", unit="FRIGO-02") for m in range(0, 10, 2)] if n in (1, 3) else []
        made.land_readings(str(day), rows)
    made.only = [t.name for t in made.cat.buildable if t.domain in ("refrigeration", "lake")]  # type: ignore[attr-defined]
    results = made.run(only=made.only)  # type: ignore[attr-defined]
    assert not [r.message for r in results.values() if r.is_bad]
    return made


@pytest.fixture
def lake(built: Sandbox, tmp_path: Path) -> Sandbox:
    shutil.copytree(built.root, tmp_path / "copy")
    copy = Sandbox(tmp_path / "copy")
    copy.only = built.only  # type: ignore[attr-defined]
    return copy


def planned(lake: Sandbox, table: str) -> Plan:
    return lake.runner().plan(lake.cat[table])


def as_rebuilt(lake: Sandbox, root: Path) -> None:
    """Whatever was built step by step is what comes out of landing at once."""
    shutil.copytree(lake.settings.landing, root / "lake/landing")
    fresh = Sandbox(root, as_of=lake.as_of)
    fresh.run(only=lake.only)  # type: ignore[attr-defined]
    assert_same(lake.refined(), fresh.refined())


def test_a_registry_that_says_the_same_units_otherwise_makes_no_reading_stale(lake: Sandbox, tmp_path: Path) -> None:
    lake.land_units(*units(1, 3, name="Chambre froide"))
    assert lake.run(only=["bronze_refrigeration__units", UNITS])[UNITS].outcome == "published"
    for table in (READINGS, FEATURES, STATUS, HOURLY, "gold_refrigeration__alerts", "gold_refrigeration__daily"):
        assert planned(lake, table).is_fresh, table
    lake.run(only=lake.only)  # type: ignore[attr-defined]
    as_rebuilt(lake, tmp_path / "anew")


def test_a_new_unit_lets_in_what_was_kept_out_for_it_and_moves_no_other_day(lake: Sandbox, tmp_path: Path) -> None:
    """6 of 6 days were judged again before; now the two that wait for it."""
    lake.land_units(*units(1, 2, 3))
    lake.run(only=["bronze_refrigeration__units", UNITS])
    assert set(planned(lake, READINGS).partitions) == {DAYS[1], DAYS[3]}
    results = lake.run(only=lake.only)  # type: ignore[attr-defined]
    assert results[READINGS].fates["quarantined"] == 0 and results[READINGS].read == 40
    assert planned(lake, READINGS).is_fresh
    as_rebuilt(lake, tmp_path / "anew")


def test_a_unit_that_sends_nothing_yet_makes_no_reading_stale_and_features_from_its_first_day(lake: Sandbox, tmp_path: Path) -> None:
    lake.land_units(*units(1, 3), *units(4, commissioned_on=str(DAYS[4])))
    lake.run(only=["bronze_refrigeration__units", UNITS])
    assert planned(lake, READINGS).is_fresh
    assert set(planned(lake, FEATURES).partitions) == {DAYS[4], DAYS[5]}
    lake.run(only=lake.only)  # type: ignore[attr-defined]
    as_rebuilt(lake, tmp_path / "anew")


def test_a_unit_taken_out_of_the_registry_takes_its_readings_with_it(lake: Sandbox, tmp_path: Path) -> None:
    lake.land_units(*units(1, 2, 3))
    lake.run(only=lake.only)  # type: ignore[attr-defined]
    lake.land_units(*units(1, 3))
    lake.run(only=["bronze_refrigeration__units", UNITS])
    assert set(planned(lake, READINGS).partitions) == {DAYS[1], DAYS[3]}
    lake.run(only=lake.only)  # type: ignore[attr-defined]
    as_rebuilt(lake, tmp_path / "anew")


def test_a_registry_version_that_upkeep_removed_means_rebuild_unless_the_values_are_the_same(lake: Sandbox) -> None:
    read = lake.open(UNITS)
    lake.land_units(*units(1, 2, 3))
    lake.run(only=["bronze_refrigeration__units", UNITS])
    for uri in read.uris():
        Path(uri).unlink()
    assert set(planned(lake, READINGS).partitions) == set(DAYS) and "gone" in planned(lake, READINGS).reason
    lake.land_units(*units(1, 3))
    lake.run(only=["bronze_refrigeration__units", UNITS])
    assert planned(lake, READINGS).is_fresh, "the same units again: nothing to read of the old version"


def test_a_new_day_of_the_calendar_makes_only_that_day_stale(lake: Sandbox) -> None:
    lake.as_of = DAY + timedelta(days=1)
    lake.land_readings("next", [reading(f"{lake.as_of}T10:00:00Z")])
    results = lake.run(only=lake.only)  # type: ignore[attr-defined]
    daily = (READINGS, HOURLY, FEATURES, STATUS)
    assert {t: results[t].partitions for t in daily} == dict.fromkeys(daily, 1)


def test_a_registry_older_than_its_readings_makes_no_empty_days(spark: SparkSession, tmp_path: Path) -> None:
    """Services told since 2015 began the calendar, and LAKE_START did: 4 107 days of features for three of readings."""
    made = Sandbox(tmp_path, options={"start": date(2015, 1, 1)})
    made.simulate(3, scale=0.1, only=("fleet",))
    services = next(f for f in sorted((made.settings.landing / "fleet/services").rglob("*")) if f.is_file())
    first = next(csv.DictReader(services.open()))
    old = {**first, "km_derniere_revis": "7", "date_last_revis": "2015-06-01"}
    made.land("fleet/services/2015.csv", f"{','.join(old)}\n{','.join(old.values())}\n")
    tables = [t.name for t in made.cat.buildable if t.domain in ("fleet", "lake") and t.layer != "gold"] + ["gold_fleet__daily"]
    results = made.run(only=tables)
    assert not [r.message for r in results.values() if r.is_bad]
    assert made.frame("silver_fleet__services")["serviced_on"].dropna().min().year == 2015
    days = set(days_until(DAY, (DAY - min(made.frame("silver_fleet__telemetry")["day"])).days + 1))
    assert set(made.open("bronze_lake__calendar").rows) == days and len(days) <= 3
    for table in ("gold_fleet__features", "gold_fleet__alerts"):
        assert set(planned(made, table).partitions) == days, table
    features = "gold_fleet__features"
    made.run(only=[features])
    for km, day, reached in (("8", "2026-03-31", {DAY}), ("9", "2026-04-02", set()), ("10", "2015-06-02", days)):
        told = {**old, "km_derniere_revis": km, "date_last_revis": day}
        made.land(f"fleet/services/{day}.csv", f"{','.join(told)}\n{','.join(told.values())}\n")
        made.run(only=["bronze_fleet__services", "silver_fleet__services"])
        assert set(planned(made, features).partitions) == reached, "a service is known from its day on"
        made.run(only=[features])


def test_silence_is_told_up_to_the_newest_day_and_days_before_the_first_reading_are_none(lake: Sandbox, tmp_path: Path) -> None:
    lake.as_of = DAY + timedelta(days=9)
    lake.run(only=lake.only)  # type: ignore[attr-defined]
    status = lake.frame(STATUS)
    assert set(status.loc[status["day"] == lake.as_of, "status"]) == {"INCONNU"}
    assert lake.open(FEATURES).rows.keys() == {*DAYS, *days_until(lake.as_of, 9)}
    long_ago = DAYS[0] - timedelta(days=10)
    lake.land_readings("old", [reading(f"{long_ago}T10:00:00Z")])
    lake.run(only=lake.only)  # type: ignore[attr-defined]
    assert lake.open(FEATURES).rows.keys() == {*days_until(lake.as_of, 25)}, "silence is told from then on"
    lake.land_readings("old", [reading(f"{DAYS[0]}T12:00:00Z")])
    lake.run(only=lake.only)  # type: ignore[attr-defined]
    assert min(p for p in lake.open(FEATURES).rows if p) == DAYS[0]
    as_rebuilt(lake, tmp_path / "again")


def test_training_moves_anomalies_only_when_another_version_of_theirs_serves(spark: SparkSession, tmp_path: Path) -> None:
    """Any training of any problem scored all days again before."""
    made, anomalies = Sandbox(tmp_path), "gold_line__anomalies"
    made.simulate(2, scale=0.2, only=("line",))
    made.run(only=["bronze_line__machines", "bronze_line__readings", "bronze_lake__calendar", "silver_line__machines",
                   "silver_line__readings", "gold_line__hourly", anomalies])  # fmt: skip

    def stale_after(name: str, **row: object) -> int:
        history.append(made.cat, made.lake, f"gold_maintenance__{name}", [row])
        return len(planned(made, anomalies).partitions)

    days = len(made.open(anomalies).rows)
    assert stale_after("model_versions", problem="fleet_failure", model_version=1, estimator="forest", is_promoted=True) == 0
    assert stale_after("champions", problem="fleet_failure", model_version=1, previous_version=0, cause="gate", reason="won") == 0
    assert stale_after("model_versions", problem="line_anomaly", model_version=1, estimator="forest", is_promoted=False) == 0
    assert stale_after("champions", problem="line_anomaly", model_version=0, previous_version=1, cause="rollback", reason="no") == days >= 2
    assert made.run(only=[anomalies])[anomalies].outcome == "unchanged"
    assert stale_after("champions", problem="fleet_failure", model_version=0, previous_version=1, cause="rollback", reason="no") == 0


def test_versions_of_a_file_that_a_newer_one_replaced_are_not_read_again(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same file exported ten times: the tenth run read the rows of all ten before, now those of one."""
    made = Sandbox(tmp_path)
    made.land_units()
    only = ["bronze_refrigeration__units", "bronze_refrigeration__readings", "bronze_lake__calendar", UNITS, READINGS]
    read: list[int] = []
    original = stage.spark_frame

    def counted(session: object, table: Table, uris: list[str]) -> object:
        if table.name == "bronze_refrigeration__readings":
            read.append(sum(pq.read_metadata(u).num_rows for u in uris))
        return original(session, table, uris)  # type: ignore[arg-type]

    monkeypatch.setattr(stage, "spark_frame", counted)
    for n in range(10):
        made.land_readings("export", [reading(f"{DAY}T10:{m:02}:00Z", superheat=float(n)) for m in range(20)])
        result = made.run(only=only)[READINGS]
        assert result.outcome == "published" and result.fates["superseded"] == 20 * n and result.read == 20 * (n + 1)
    assert read == [20] * 10
    Upkeep(made.runner(), retention_days=30).run()
    assert made.run(only=only)[READINGS].outcome == "fresh"
    made.land_readings("more", [reading(f"{DAY}T11:00:00Z")])
    result = made.run(only=only)[READINGS]
    assert (result.fates["superseded"], result.fates["published"]) == (180, 21), "compacted, versions lie in one file: read, and left out"
