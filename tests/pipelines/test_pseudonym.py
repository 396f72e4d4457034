"""Persons get a keyed pseudonym as soon as a feed is read; the key is made once, and losing it is an error."""

import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path

import pytest

from lake.catalog import discover
from lake.contract import Column
from lake.settings import settings
from pipelines import pseudonym
from tests.sandbox import Sandbox

NAMES = ["Dupont", "", "Éloïse D'Ambroise", "дом", "a" * 200]


def test_it_is_the_hmac_of_the_name(spark) -> None:
    key = bytes(range(32))
    sql = pseudonym.expression("name", key)
    found = spark.createDataFrame([(n,) for n in [*NAMES, None]], "name string").selectExpr("name", f"{sql} as p").collect()
    digests = {n: hmac.new(key, n.encode(), hashlib.sha256).hexdigest()[: pseudonym.LENGTH] for n in NAMES}
    assert {r.name: r.p for r in found} == {**digests, None: None}


def test_what_gets_a_pseudonym_is_a_personal_text() -> None:
    with pytest.raises(ValueError, match="personal text"):
        Column("who", "string", "A person", pseudonymous=True)


TABLES = """
from lake.constraints import NotNull
from lake.contract import Column, Feed, Read, Table

ON = Column("on_day", "date", "Day", (NotNull(),))
FROM = tuple(Column(n, t, "Origin") for n, t in (("_source", "string"), ("_file", "string"), ("_row", "long")))
FEED = Feed("people", "hours", "Hours.", (Column("who", "string", "Person", (NotNull(),), personal=True, pseudonymous=True),
            Column("hours", "long", "Hours"), ON), "people", day_of="on_day")
HOURS = Table("silver", "people", "hours", "dated", "Hours.", "people", "one row per person and day",
              (Column("who", "string", "Pseudonym", (NotNull(),)), Column("hours", "long", "Hours"),
               Column("day", "date", "Day", (NotNull(),)), *FROM), ("who", "day"), "day", (Read("feed_people__hours"),))
"""
STEP = "def silver_people__hours(feed_people__hours):\n    return feed_people__hours\n"
MAPPING = '{feeds: people.hours, files: "people/*.csv", format: csv, select: {who: name, hours: hours, on_day: seen}}\n'


@pytest.fixture
def lake(spark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    for name, text in (("lake/tables/people.py", TABLES), ("pipelines/people.py", STEP), ("lake/sources/people_hours.yaml", MAPPING)):
        (tmp_path / "more" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "more" / name).write_text(text)
    monkeypatch.setenv("LAKE_EXTRA", str(tmp_path / "more"))
    settings.cache_clear()
    yield Sandbox(tmp_path, cat=discover((tmp_path / "more",)))
    settings.cache_clear()


def test_the_key_is_made_once_and_losing_it_is_an_error(lake: Sandbox) -> None:
    key = lake.settings.key_file
    assert not key.exists()
    lake.land("people/one.csv", "name,hours,seen\nÉloïse Dupré,3,2026-03-31\nÉloïse Dupré,4,2026-03-30\nJean Roy,many,2026-03-31\n")
    tables = ("bronze_people__hours", "bronze_lake__calendar", "silver_people__hours")
    results = lake.run(only=tables)
    assert not [r.message for r in results.values() if r.is_bad]
    assert key.stat().st_mode & 0o077 == 0
    people = lake.frame("silver_people__hours").who.unique().tolist()
    made = hmac.new(bytes.fromhex(key.read_text()), "Éloïse Dupré".encode(), hashlib.sha256).hexdigest()
    assert people == [made[: pseudonym.LENGTH]]
    kept = key.read_text()
    for path in (p for layer in ("silver", "gold") for p in (lake.settings.lake_root / layer).rglob("*") if p.is_file()):
        assert b"Dupr" not in path.read_bytes() and b"Roy" not in path.read_bytes(), path
    for text in (None, "ab" * 32, "no key"):
        lake.land("people/two.csv", f"name,hours,seen\nÉloïse Dupré,{len(text or '')},2026-03-31\n")
        key.unlink(missing_ok=True)
        if text:
            key.write_text(text)
        failed = lake.run(only=tables)["silver_people__hours"]
        assert failed.outcome == "failed" and failed.is_contract_broken and str(key) in failed.message and "backup" in failed.message
        assert key.exists() == bool(text), "no new key is made in silence"
    key.write_text(kept)
    assert lake.run(only=tables)["silver_people__hours"].outcome == "published"
    assert lake.frame("silver_people__hours").who.unique().tolist() == people
