"""Downtime and reliability by hand: overlapping stops, midnight, weekends, clock changes, open orders; and against a plain reference."""

import random
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from pyspark.sql import SparkSession

import pipelines.gmao as steps
from lake.tables.gmao import INTERVENTIONS, PARTS
from lake.tables.gmao_results import DOWNTIME, LOOK_DAYS, RELIABILITY, WORK_ORDERS
from lake.tables.plant import ASSETS
from lake.tables.workload import INTERVENTIONS as HOURS
from lake.tables.workload import WORKED
from tests.frames import Row, days, frame, kept

PARIS = ZoneInfo("Europe/Paris")
FIRST = date(2026, 3, 23)
"""Monday to Wednesday of the next week; clocks change on Sunday 29 March."""


def asset(name: str, weekdays: str = "1-5", opens: str = "05:00", closes: str = "21:00", since: date = date(2020, 1, 1)) -> Row:
    return {"asset_id": name, "weekdays": weekdays, "opens_at": opens, "closes_at": closes, "commissioned_on": since}


def at(day: int, clock: str, month: int = 3) -> datetime:
    return datetime.combine(date(2026, month, day), time.fromisoformat(clock), PARIS)


def order(number: str, name: str, start: datetime, end: datetime | None, category: str = "corrective", until: date | None = None) -> Row:
    return {"work_order_id": number, "asset_id": name, "stop_started_at": start, "stop_ended_at": end, "category": category,
            "is_open": end is None, "open_until": until, "month": start.date().replace(day=1)}  # fmt: skip


ASSETS_HERE = (
    asset("press"), asset("pump", "1-7", "00:00", "24:00"), asset("new", "1-7", "01:00", "03:30", since=date(2026, 3, 29)),
)  # fmt: skip
ORDERS = (
    order("1", "press", at(24, "08:00"), at(24, "12:00")),
    order("2", "press", at(24, "10:00"), at(24, "14:00")),  # overlaps: six hours together
    order("3", "press", at(27, "20:00"), at(30, "07:00")),  # over a weekend: one hour on Friday, two on Monday
    order("4", "press", at(25, "20:00"), at(25, "22:00"), "preventive"),  # an hour of it after the press closed
    order("5", "press", at(1, "18:00", 4), None),  # open: until the newest day ends
    order("6", "press", at(26, "09:00"), at(26, "09:00")),  # a failure without a stop
    order("7", "pump", at(28, "12:00"), at(29, "12:00")),  # 23 hours: the clock went ahead
    order("8", "pump", at(31, "22:00"), None, until=date(2026, 3, 31)),  # open, and no later export lists it
)


@pytest.fixture(scope="module")
def downtime(spark: SparkSession) -> list[Row]:
    made = steps.gold_gmao__downtime(frame(spark, WORK_ORDERS, ORDERS), frame(spark, ASSETS, ASSETS_HERE), days(spark, FIRST, 10))
    return kept(made, DOWNTIME)


def done(number: str, on: date, asked: datetime | None, stop_h: float, failure_type: str = "Mécanique") -> Row:
    ends = datetime.combine(on + timedelta(days=1), time.min, PARIS)
    return {"work_order_id": number, "asset_id": "press", "failure_type": failure_type, "intervention_on": on, "requested_at": asked,
            "stop_h": stop_h, "day_ends_at": ends, "is_open": False, "month": on.replace(day=1), "seen_in": ["causes"]}  # fmt: skip


def test_a_stop_lies_where_request_and_intervention_say(spark: SparkSession) -> None:
    monday, far = at(23, "08:00"), date(2026, 3, 23) + timedelta(days=LOOK_DAYS + 40)
    still = {"is_open": True, "intervention_on": None, "day_ends_at": None, "stop_h": None}
    told = [
        done("dated a day late", date(2026, 3, 25), monday, 40.0),
        done("asked for long before", date(2026, 3, 25), at(2, "08:00"), 2.0, "Préventif"),
        done("without request", date(2026, 3, 28), None, 3.0),
        done("asked for afterwards", date(2026, 3, 25), at(26, "00:30"), 2.0),
        done("longer than there was time", date(2026, 3, 25), at(25, "08:00"), 200.0),
        done("open", date(2026, 3, 1), monday, 0.0, "Hydraulique") | still,
        done("open, closed too far ahead to be seen", date(2026, 3, 1), monday, 0.0, "Électrique") | still,
        done("far ahead", far, monday, 1.0, "Électrique"),
        done("open, and closed", date(2026, 3, 1), at(24, "08:00"), 0.0) | still,
        done("closed", date(2026, 4, 2), at(24, "08:00"), 220.0),
    ]  # fmt: skip
    none = [frame(spark, t) for t in (PARTS, HOURS, WORKED)]
    made = kept(steps.gold_gmao__work_orders(frame(spark, INTERVENTIONS, told), *none, frame(spark, ASSETS, ASSETS_HERE)), WORK_ORDERS)
    got = {r["work_order_id"]: (r["stop_basis"], r["stop_started_at"].astimezone(PARIS).strftime("%d %H:%M")) for r in made}
    assert got == {
        "dated a day late": ("request", "23 08:00"),
        "asked for long before": ("day", "25 19:00"),
        "without request": ("day", "28 18:00"),
        "asked for afterwards": ("day", "25 19:00"),
        "longer than there was time": ("day", "17 13:00"),
        "open": ("request", "23 08:00"),
        "open, closed too far ahead to be seen": ("request", "23 08:00"),
        "far ahead": ("day", f"{far.day:02} 20:00"),
        "closed": ("request", "24 08:00"),
    }
    assert {r["work_order_id"] for r in made if r["category"] == "preventive"} == {"asked for long before"}


def test_downtime_is_the_union_of_stops_on_the_calendar(downtime: list[Row]) -> None:
    of = {(r["asset_id"], r["day"].day): (r["calendar_h"], r["downtime_h"], r["failure_downtime_h"], r["failures"]) for r in downtime}
    assert [of["press", d] for d in (23, 24, 25, 26, 27, 28, 29, 30, 31, 1)] == [
        (16, 0, 0, 0), (16, 6, 6, 2), (16, 1, 0, 0), (16, 0, 0, 1), (16, 1, 1, 1),
        (0, 0, 0, 0), (0, 0, 0, 0), (16, 2, 2, 0), (16, 0, 0, 0), (16, 3, 3, 1),
    ]  # fmt: skip
    assert [of["pump", d] for d in (27, 28, 29, 31, 1)] == [(24, 0, 0, 0), (24, 12, 12, 1), (23, 11, 11, 0), (24, 2, 2, 1), (24, 0, 0, 0)]
    assert {d for name, d in of if name == "new"} == {29, 30, 31, 1}, "from the day it went into service"
    assert sum(r["open_orders"] for r in downtime) == 2


def test_reliability_by_hand(spark: SparkSession, downtime: list[Row]) -> None:
    rows = kept(steps.gold_gmao__reliability(frame(spark, DOWNTIME, downtime)), RELIABILITY)
    figures = ("calendar_h", "downtime_h", "failure_downtime_h", "uptime_h", "failures", "mtbf_h", "mttr_h", "availability")
    press = {r["month"].month: r for r in rows if r["asset_id"] == "press"}
    march = [112.0, 10.0, 9.0, 102.0, 4, 25.5, 2.25, 0.9107]
    assert [press[3][f] for f in figures] == march == [press[3][f"{f}_12m"] for f in figures]
    assert [press[4][f] for f in figures] == [16.0, 3.0, 3.0, 13.0, 1, 13.0, 3.0, 0.8125]
    assert [press[4][f"{f}_12m"] for f in figures] == [128.0, 13.0, 12.0, 115.0, 5, 23.0, 2.4, 0.8984]
    new = next(r for r in rows if r["asset_id"] == "new")
    assert (new["failures"], new["mtbf_h"], new["mttr_h"], new["availability"]) == (0, None, None, 1.0)


def test_twelve_months_and_no_more(spark: SparkSession) -> None:
    months = [date(2025 + (n > 9), (n + 2) % 12 + 1, 1) for n in range(13)]
    rows = [
        {"asset_id": "a", "month": m, "day": m, "calendar_h": 10.0, "downtime_h": 1.0, "failure_downtime_h": 1.0, "failures": 1}
        for m in months
    ]
    made = kept(steps.gold_gmao__reliability(frame(spark, DOWNTIME, rows)), RELIABILITY)
    assert [r["failures_12m"] for r in made] == [*range(1, 13), 12]
    alone = kept(steps.gold_gmao__reliability(frame(spark, DOWNTIME, rows[1:]).repartition(3)), RELIABILITY)
    assert alone[-1] == made[-1], "the twelve months before are all that a month needs"


def test_downtime_never_exceeds_the_calendar_and_equals_a_plain_reference(spark: SparkSession) -> None:
    chance = random.Random(7)
    first = date(2026, 3, 20)
    begin = datetime.combine(first, time.min, PARIS)
    orders = []
    for n in range(120):
        name = chance.choice(ASSETS_HERE)["asset_id"]
        start = begin + timedelta(minutes=chance.randrange(-3_000, 20_000))
        end = None if chance.random() < 0.03 else start + timedelta(minutes=int(chance.expovariate(1 / 400)))
        orders.append(order(f"{n:03}", name, start, end, chance.choice(("corrective", "preventive"))))
    assets = frame(spark, ASSETS, ASSETS_HERE)
    made = kept(steps.gold_gmao__downtime(frame(spark, WORK_ORDERS, orders), assets, days(spark, first, 15)), DOWNTIME)
    for r in made:
        assert 0 <= r["failure_downtime_h"] <= r["downtime_h"] <= r["calendar_h"]
        for column, wanted in (("downtime_h", ("corrective", "preventive")), ("failure_downtime_h", ("corrective",))):
            assert r[column] == round(len(stopped(orders, r["asset_id"], r["day"], wanted)) / 60, 4), (r, column)
    april = [r for r in made if r["month"] == date(2026, 4, 1)]
    some = days(spark, date(2026, 3, 31), 4)
    alone = kept(steps.gold_gmao__downtime(frame(spark, WORK_ORDERS, orders).repartition(5), assets, some), DOWNTIME)
    assert [r for r in alone if r["month"] == date(2026, 4, 1)] == april, "a month comes out the same alone"


def stopped(orders: list[Row], name: str, day: date, categories: tuple[str, ...]) -> set[int]:
    """Minutes since the epoch of a day on which an asset should have worked and stood still."""
    place = next(a for a in ASSETS_HERE if a["asset_id"] == name)
    if not int(place["weekdays"][0]) <= day.isoweekday() <= int(place["weekdays"][-1]):
        return set()
    opens, closes = (minute(day, place[c]) for c in ("opens_at", "closes_at"))
    found: set[int] = set()
    for o in orders:
        if o["asset_id"] == name and o["category"] in categories:
            start = int(o["stop_started_at"].timestamp()) // 60
            end = int(o["stop_ended_at"].timestamp()) // 60 if o["stop_ended_at"] else closes
            found.update(range(max(start, opens), min(end, closes)))
    return found


def minute(day: date, clock: str) -> int:
    hour, minutes = (int(n) for n in clock.split(":"))
    local = datetime.combine(day + timedelta(hour // 24), time(hour % 24, minutes), PARIS)
    return int(local.astimezone(UTC).timestamp()) // 60
