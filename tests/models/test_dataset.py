"""What a row knows: nothing of what came later. A leak planted on purpose is caught."""

from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

from lake.tables.gmao_results import WORK_ORDERS
from lake.tables.plant import ASSETS
from lake.tables.refrigeration import FEATURES
from models import dataset
from models.dataset import feature_names, known, labelled, orders_known
from models.problems.refrigeration import FAILURE
from models.scorer import anew, limit_shares
from tests.frames import days, frame
from tests.models import plant

D0 = date(2026, 3, 2)
DAYS = 40
UNIT = "FRIGO-01"


def day(n: int) -> date:
    return D0 + timedelta(days=n)


def features(spark: SparkSession, last: int = DAYS) -> DataFrame:
    return frame(spark, FEATURES, [
        {"unit_id": UNIT, "day": day(n), "readings": 700, "is_silent": n == 5, "vibration_g_mean_1d": 0.03 + n / 1000,
         "vibration_g_mean_7d": 0.03} for n in range(last)
    ])  # fmt: skip


def told(spark: SparkSession, orders: list[dict[str, Any]], last: int = DAYS) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of `known` and of `labelled`, as training makes them."""
    assets = frame(spark, ASSETS, [{"asset_id": UNIT, "domain": "refrigeration", "kind": "cold unit", "commissioned_on": day(-300)}])
    seen = orders_known(frame(spark, WORK_ORDERS, orders), days(spark, D0, last))
    rows = known(FAILURE, features(spark, last), seen, assets).toPandas().sort_values("day").reset_index(drop=True)
    rows.attrs = {}
    return anew(rows), labelled(FAILURE, anew(rows), seen, day(last - 1))


ORDERS = [plant.order(UNIT, day(10), 2), plant.order(UNIT, day(25), 1, "compresseur"), plant.order(UNIT, day(3), 0, category="preventive")]


@pytest.fixture(scope="module")
def both(spark: SparkSession) -> tuple[pd.DataFrame, pd.DataFrame]:
    return told(spark, ORDERS)


def test_histories_and_labels_by_hand(both: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    rows, labels = both
    by = rows.set_index("day")
    assert by["is_stopped"].tolist() == [n in (10, 11, 25) for n in range(DAYS)]
    assert by.loc[day(11), "life"] == 0 and by.loc[day(12), "life"] == 1 and by.loc[day(26), "life"] == 2
    assert pd.isna(by.loc[day(11), "days_since_repair"]) and by.loc[day(20), "days_since_repair"] == 8
    assert by.loc[day(30), "days_since_fan_repair"] == 18 and by.loc[day(30), "days_since_compressor_repair"] == 4
    assert by.loc[day(9), "failures_90d"] == 0 and by.loc[day(10), "failures_90d"] == 1, "it is known once somebody asked for a repair"
    assert by.loc[day(20), "stop_h_90d"] == 48 and by.loc[day(10), "stop_h_90d"] == 0, "how long it stood is known when it is over"
    assert by.loc[day(4), "days_since_preventive"] == 1
    failing = labels.set_index("day")["is_failure"]
    assert list(failing[failing].index) == [day(n) for n in (*(m for m in range(3, 10) if m != 5), *range(18, 25))]
    assert set(labels["day"]) == {day(n) for n in range(DAYS - 7)} - {day(n) for n in (5, 10, 11, 25)}, "silent and stopped rows stay out"
    assert labels.set_index("day").loc[[day(4), day(20)], "component"].tolist() == ["fan", "compressor"]


def test_rows_after_a_repair_start_anew(both: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    by = both[0].set_index("day")
    window = by["vibration_g_mean_7d"].isna()
    assert window[window].index.tolist() == [day(n) for n in (*range(12, 19), *range(26, 33))]
    assert by["vibration_g_mean_1d"].isna()[lambda x: x].index.tolist() == [day(12), day(26)]


def test_limit_shares_by_hand() -> None:
    rows = pd.DataFrame({"hot_mean_1d": [50.0, 60.0, None], "low_mean_1d": [2.0, 1.5, None]})
    shares = limit_shares(rows, {"windows": [1], "limits": [("hot", 50, 60), ("low", 2.0, 1.0)]})
    assert shares["limit_share_1d"].tolist()[:2] == [0.0, 1.0] and pd.isna(shares["limit_share_1d"][2])


def leaks(spark: SparkSession, both: tuple[pd.DataFrame, pd.DataFrame], until: int) -> list[str]:
    """Columns of rows up to a day that change when later days appear and later orders change."""
    earlier, _ = told(spark, [o for o in ORDERS if o["stop_started_at"].date() <= day(until)], last=until + 1)
    other = [*ORDERS[:1], plant.order(UNIT, day(22), 3, "condenseur"), plant.order(UNIT, day(36), 9), ORDERS[2]]
    changed, _ = told(spark, other, last=DAYS)
    columns = [*feature_names(FAILURE), "life", "is_stopped", "naive_score", "naive_probability"]
    found: list[str] = []
    for again in (earlier, changed):
        mine, theirs = (r[r["day"] <= day(until)].reset_index(drop=True) for r in (both[0], again))
        found += [c for c in columns if not mine[c].astype(float).equals(theirs[c].astype(float))]
    return sorted(set(found))


def test_the_future_changes_no_row(spark: SparkSession, both: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    assert leaks(spark, both, 20) == []


def test_labels_of_earlier_days_are_not_changed_by_later_ones(both: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    _, labels = both
    later = labelled(FAILURE, both[0], plant.known_orders([*ORDERS, plant.order(UNIT, day(38), 1)]), day(DAYS + 20))
    common = later[later["day"].isin(labels["day"])].reset_index(drop=True)
    earlier = labels[labels["day"] < day(38 - 7)]
    pd.testing.assert_series_equal(common["is_failure"][: len(earlier)], earlier["is_failure"])


@pytest.mark.parametrize("mutant", ["orders are known before they are asked for", "a repair counts before it is done"])
def test_a_planted_leak_is_caught(
    spark: SparkSession, both: tuple[pd.DataFrame, pd.DataFrame], monkeypatch: pytest.MonkeyPatch, mutant: str
) -> None:
    def leaky(orders: DataFrame, calendar: DataFrame) -> pd.DataFrame:
        seen = dataset.orders_known(orders, calendar)
        early = seen["known_on"].map(lambda d: d - timedelta(days=5))
        return seen.assign(known_on=early) if mutant.startswith("orders") else seen.assign(known_on=early, done_on=early)

    monkeypatch.setitem(globals(), "orders_known", leaky)
    mine = told(spark, ORDERS)
    assert leaks(spark, mine, 20), "the test must see it"
