"""The living AMDEC: ratings against work orders, by hand."""

import inspect
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

import pipelines.amdec as steps
from lake.catalog import catalog
from lake.spark import conform, struct
from lake.tables.amdec_living import ASSETS, LIVING, NOT_TOLD, WORK_ORDERS

Row = dict[str, Any]
TODAY = date(2026, 3, 31)
START = TODAY - timedelta(days=730)
"""731 days, the last one included."""


def frame(spark: SparkSession, table: str, rows: Iterable[Row]) -> DataFrame:
    declared = catalog()[table]
    names = [c.name for c in declared.columns]
    return spark.createDataFrame([tuple(r.get(n) for n in names) for r in rows], struct(declared))


def rated(organ: str, cause: str, g: int | None, o: int | None, mode: str = "mode", domain: str = "line") -> Row:
    return {
        "domain": domain,
        "organ": organ,
        "cause": cause,
        "mode": mode,
        "gravity_rating": g,
        "occurrence_rating": o,
        "rpn_normalised": 50,
    }


def order(days_ago: int, organ: str | None, cause: str | None, stop_h: float | None = 10.0, **more: Any) -> Row:
    fixed = {"asset_id": "CNC-01", "domain": "line", "category": "corrective", "is_open": False, "total_cost_eur": 100.1}
    return {**fixed, "organ": organ, "cause": cause, "stop_h": stop_h, "intervention_on": TODAY - timedelta(days=days_ago), **more}


SHEET = [
    rated("roulement", "Manque de graisse", 7, 3, "grippage"), rated("roulement", "Manque de graisse", 5, 4, "jeu"),
    rated("roulement", "Pollution", 6, None), rated("évaporateur", "Givre", 6, 5, domain="refrigeration"),
    rated("outillage", NOT_TOLD, 5, 5),
]  # fmt: skip
ORDERS = [
    order(730, "roulement", "MANQUE DE GRAISSE.", 9.0), order(0, "Roulement", " Manque  de graisse", 30.0),
    order(5, "roulement", "Manque de graisse", None),
    order(1, "roulement", "Fissure", 0.1), order(2, "vérin", "Fuite"), order(3, "roulement", None), order(3, None, None),
    order(4, "outillage", None, 1.0),
    order(7, "roulement", "Pollution", is_open=True, intervention_on=None), order(7, "roulement", "Pollution", category="preventive"),
    order(-1, "roulement", "Pollution"), order(9, "roulement", "Pollution", domain=None),
]  # fmt: skip
REGISTER = [
    {"asset_id": "CNC-01", "domain": "line", "commissioned_on": date(2020, 1, 1)},
    {"asset_id": "CNC-02", "domain": "line", "commissioned_on": TODAY},
    {"asset_id": "CNC-03", "domain": "line", "commissioned_on": TODAY + timedelta(days=90)},
    {"asset_id": "FRIGO-01", "domain": "refrigeration", "commissioned_on": START + timedelta(days=365)},
]


def living(spark: SparkSession, orders: list[Row]) -> dict[tuple[str, str], Row]:
    calendar = spark.createDataFrame([(d, datetime(2026, 4, 1)) for d in (START, TODAY)], "day date, ends_at timestamp")
    made = steps.gold_amdec__living(
        frame(spark, "gold_amdec__ratings", SHEET), frame(spark, WORK_ORDERS, orders), frame(spark, ASSETS, REGISTER), calendar
    )
    return {(r.organ, r.cause): r.asDict() for r in conform(made, LIVING).collect()}


def test_the_step_reads_what_its_table_declares() -> None:
    assert tuple(inspect.signature(steps.gold_amdec__living).parameters) == LIVING.reads


@pytest.fixture(scope="module")
def made(spark: SparkSession) -> dict[tuple[str, str], Row]:
    return living(spark, ORDERS)


def test_each_organ_and_cause_is_rated_seen_or_both(made: dict[tuple[str, str], Row]) -> None:
    assert {place: (r["kind"], r["is_organ_rated"], r["occurrences"]) for place, r in made.items()} == {
        ("roulement", "Manque de graisse"): ("rated_and_seen", True, 3),
        ("roulement", "Pollution"): ("rated_never_seen", True, 0),
        ("roulement", "Fissure"): ("seen_not_in_sheet", True, 1),
        ("vérin", "Fuite"): ("seen_not_in_sheet", False, 1),
        ("roulement", NOT_TOLD): ("not_told", True, 1),
        (NOT_TOLD, NOT_TOLD): ("not_told", False, 1),
        ("outillage", NOT_TOLD): ("rated_and_seen", True, 1),
        ("évaporateur", "Givre"): ("rated_never_seen", True, 0),
    }


def test_what_was_observed_follows_from_stops_and_asset_years_by_hand(made: dict[tuple[str, str], Row]) -> None:
    seen = made["roulement", "Manque de graisse"]
    assert (seen["modes"], seen["gravity_rating"], seen["occurrence_rating"]) == ("grippage, jeu", 7, 4)
    assert (seen["stop_h"], seen["mean_stop_h"], seen["total_cost_eur"]) == (39.0, 19.5, 300.3)
    assert (seen["first_seen_on"], seen["last_seen_on"]) == (START, TODAY)
    # CNC-01 for 731 days, CNC-02 for its first, CNC-03 not yet
    assert seen["asset_years"] == round(732 / 365.25, 4) == 2.0041
    assert seen["occurrences_per_asset_year"] == round(3 * 365.25 / 732, 4) == 1.4969
    assert (seen["occurrence_observed"], seen["occurrence_difference"]) == (6, 2)
    assert (seen["gravity_observed"], seen["gravity_difference"]) == (7, 0)


def test_what_was_never_seen_has_an_occurrence_of_1_and_no_gravity(made: dict[tuple[str, str], Row]) -> None:
    never = made["évaporateur", "Givre"]
    assert (never["asset_years"], never["occurrence_observed"], never["occurrence_difference"]) == (round(366 / 365.25, 4), 1, -4)
    assert (never["gravity_observed"], never["gravity_difference"], never["stop_h"]) == (None, None, None)
    assert made["roulement", "Pollution"]["occurrence_difference"] is None, "nothing to compare with"


def test_without_a_work_order_nothing_is_known_to_be_rare(spark: SparkSession) -> None:
    assert {(r["kind"], r["asset_years"], r["occurrence_observed"]) for r in living(spark, []).values()} == {
        ("rated_never_seen", None, None)
    }
