"""The laws of the refrigeration simulator: same days same bytes, honest truth, units that wear out and show it."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.simulator import Dirt, simulate
from pipelines.simulator.arrivals import arrival
from pipelines.simulator.cooling import COMPONENTS, DECIMALS, MODES, sense, units_of
from pipelines.simulator.dirt import LINE_KINDS
from pipelines.simulator.plant import ORIGIN, Plant
from pipelines.simulator.refrigeration import IMPOSSIBLE

UNTIL = date(2026, 11, 20)
FILTHY = Dirt().times(8)
FIELDS = ["timestamp", "machine_id", "operating_mode", *DECIMALS]

Flaw = dict[str, Any]


def plant(scale: float = 1.0, dirt: Dirt | None = None, seed: int = 7) -> Plant:
    return Plant(seed=seed, scale=scale, dirt=dirt or Dirt.none(), time_zone="Europe/Paris")


def run(root: Path, until: date = UNTIL, days: int = 1, dirt: Dirt = FILTHY, scale: float = 0.2, seed: int = 7) -> int:
    landing, told = root / "landing", root / "truth"
    simulated = simulate(landing, told, until=until, days=days, dirt=dirt, scale=scale, seed=seed, only=("refrigeration",))
    assert all(path.exists() for path in simulated.files)
    return simulated.readings


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def lines(path: Path) -> list[str]:
    return gzip.decompress(path.read_bytes()).decode().splitlines()


def readings(root: Path, day: date) -> list[str]:
    return lines(root / f"landing/refrigeration/readings/readings_{day}.jsonl.gz")


def truth(root: Path, table: str) -> list[Flaw]:
    files = sorted((root / "truth/refrigeration").glob(f"{table}_*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty filthy days of two units."""
    root = tmp_path_factory.mktemp("dirty")
    run(root, days=30)
    return root


# What is delivered depends on the day alone


def test_day_by_day_equals_all_at_once(dirty: Path, tmp_path: Path) -> None:
    for n in reversed(range(30)):
        run(tmp_path, until=UNTIL - timedelta(days=n))
    assert tree(tmp_path) == tree(dirty)
    versions = {(flaw["file"], flaw["version"]) for flaw in truth(dirty, "dirt") if flaw["kind"] == "corrected_file"}
    assert versions, "the window should hold a corrected file, or this test proves less than it says"


@given(cuts=st.sets(st.integers(1, 7), min_size=1, max_size=3), seed=st.integers(0, 3))
@settings(max_examples=3, deadline=None)
def test_any_cut_of_a_window_leaves_the_same_bytes(cuts: set[int], seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    whole, parts = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("parts")
    run(whole, days=8, seed=seed)
    edges = [0, *sorted(cuts), 8]
    for begin, end in pairwise(edges):
        run(parts, until=UNTIL - timedelta(days=8 - end), days=end - begin, seed=seed)
    assert tree(parts) == tree(whole)


def test_simulating_the_same_days_again_writes_nothing(dirty: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in dirty.rglob("*")}
    run(dirty, days=30)
    for n in (29, 15, 0):
        run(dirty, until=UNTIL - timedelta(days=n))
    assert {path: path.stat().st_mtime_ns for path in dirty.rglob("*")} == before


def test_another_seed_gives_other_readings(tmp_path: Path) -> None:
    run(tmp_path / "a", seed=1, dirt=Dirt.none())
    run(tmp_path / "b", seed=2, dirt=Dirt.none())
    assert readings(tmp_path / "a", UNTIL) != readings(tmp_path / "b", UNTIL)


def test_a_late_file_arrives_on_its_day_and_not_before(tmp_path: Path) -> None:
    very = plant(0.2, FILTHY)
    source = next(d for d in (UNTIL - timedelta(days=n) for n in range(60)) if arrival("refrigeration", d, very).readings == 3)
    path = tmp_path / f"landing/refrigeration/readings/readings_{source}.jsonl.gz"
    run(tmp_path, until=source + timedelta(days=2), days=3)
    assert not path.exists()
    run(tmp_path, until=source + timedelta(days=3))
    assert path.exists()


def test_days_before_the_origin_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2020-01-01"):
        run(tmp_path, until=ORIGIN, days=2)


# A file is one local day


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 6, 1), 24), (date(2026, 10, 25), 25)])
def test_a_file_holds_one_local_day(tmp_path: Path, day: date, hours: int) -> None:
    run(tmp_path, until=day, dirt=Dirt.none())
    stamps = [json.loads(line)["timestamp"] for line in readings(tmp_path, day)]
    local = pd.to_datetime(pd.Series(stamps)).dt.tz_convert("Europe/Paris")
    assert stamps == sorted(stamps)
    assert set(local.dt.date) == {day}
    assert len(sense(plant(0.2), day).epoch) == hours * 30
    assert len(set(stamps)) == hours * 30


# Without dirt


def test_clean_lines_are_complete_and_plausible(tmp_path: Path) -> None:
    count = run(tmp_path, days=5, dirt=Dirt.none())
    rows = [json.loads(line) for n in range(5) for line in readings(tmp_path, UNTIL - timedelta(days=n))]
    assert len(rows) == count
    assert all(list(row) == FIELDS for row in rows)
    frame = pd.DataFrame(rows)
    assert frame.notna().all().all()
    assert not frame.duplicated(["timestamp", "machine_id"]).any()
    assert set(frame["operating_mode"]) <= set(MODES)
    ranges = {
        "temp_evaporator": (-35, 8),
        "temp_condenser": (28, 70),
        "pressure_high": (8, 25),
        "pressure_low": (0.1, 4),
        "superheat": (0, 25),
        "subcooling": (0, 10),
        "compressor_current": (4, 25),
        "vibration": (0.01, 0.2),
        "efficiency": (0, 1),
    }
    assert all(frame[name].between(low, high).all() for name, (low, high) in ranges.items())
    assert truth(tmp_path, "dirt") == []


def test_the_register_grows_when_a_unit_is_commissioned(tmp_path: Path) -> None:
    path = tmp_path / "landing/refrigeration/units/units.csv"
    run(tmp_path, until=date(2020, 5, 3))
    assert path.read_text().count("\n") == 2
    run(tmp_path, until=date(2020, 5, 4))
    assert path.read_text().count("\n") == 3
    run(tmp_path, until=date(2020, 5, 3))
    assert path.read_text().count("\n") == 3


# Dirt, and the truth about it


def newest(root: Path) -> dict[str, list[Flaw]]:
    """File -> its flaws, of its newest version."""
    flaws: dict[str, list[Flaw]] = defaultdict(list)
    for flaw in truth(root, "dirt"):
        flaws[flaw["file"]].append(flaw)
    return {file: [f for f in each if f["version"] == max(g["version"] for g in each)] for file, each in flaws.items()}


def is_as_told(flaw: Flaw, all_lines: list[str]) -> bool:
    """The line that the truth points to shows the flaw that the truth tells of."""
    line, column = all_lines[flaw["row"] - 1], flaw["column"]
    try:
        row = json.loads(line)
    except ValueError:
        return bool(flaw["kind"] == "broken_line")
    match flaw["kind"]:
        case "broken_line":
            return not isinstance(row, dict)
        case "missing_required" | "missing_optional":
            return row.get(column) is None and (column in ("timestamp", "machine_id")) == (flaw["kind"][8:] == "required")
        case "unreadable_number":
            return str(row[column]) in ("n/a", "12.3.4")
        case "unreadable_timestamp":
            return bool(row["timestamp"] == "2026-13-45 99:99")
        case "unknown_mode":
            return str(row["operating_mode"]) not in MODES
        case "unknown_unit":
            return str(row["machine_id"]) not in {unit.machine_id for unit in units_of(plant())}
        case "spike":
            return bool(row[column] == IMPOSSIBLE[column])
        case "future":
            return datetime.fromisoformat(row["timestamp"]).year >= UNTIL.year + 4
        case "duplicate":
            return bool(line == all_lines[flaw["twin"] - 1])
        case "conflict":
            twin = json.loads(all_lines[flaw["twin"] - 1])
            return [name for name in FIELDS if row[name] != twin[name]] == [column]
        case "out_of_order":
            around = all_lines[max(0, flaw["row"] - 4) : flaw["row"] + 3]
            stamps = [part["timestamp"] for part in map(json.loads, around)]
            return not all(abs(pd.Timestamp(s) - pd.Timestamp(row["timestamp"])).seconds < 240 for s in stamps)
        case "extra_field":
            return "firmware" in row
    return list(row) == FIELDS


def test_the_truth_points_to_the_dirty_lines(dirty: Path) -> None:
    seen: Counter[str] = Counter()
    wrong = []
    for file, flaws in newest(dirty).items():
        if any(flaw["kind"] == "unreadable_file" for flaw in flaws):
            continue
        content = lines(dirty / "landing" / file)
        # Neighbours of a shuffled line may be dirty themselves, so look at it only between clean ones.
        hit = {flaw["row"] for flaw in flaws if flaw["row"]}
        for flaw in flaws:
            around = {flaw["row"] + n for n in range(-3, 4) if n} if flaw["row"] else set()
            if flaw["row"] and not (flaw["kind"] == "out_of_order" and around & hit):
                seen[flaw["kind"]] += 1
                wrong += [] if is_as_told(flaw, content) else [flaw]
    assert wrong == []
    assert set(LINE_KINDS) | {"fahrenheit_condenser", "stuck", "resent"} <= set(seen)


def test_lines_that_the_truth_does_not_name_are_clean(dirty: Path) -> None:
    for file, flaws in newest(dirty).items():
        if file.endswith("_b.jsonl.gz") or any(flaw["kind"] == "resent" for flaw in flaws):
            continue
        named = {flaw["row"] for flaw in flaws}
        rest = [json.loads(line) for n, line in enumerate(lines(dirty / "landing" / file), 1) if n not in named]
        assert all(list(row) == FIELDS for row in rest)
        keys = [(row["timestamp"], row["machine_id"]) for row in rest]
        assert keys == sorted(set(keys))


def test_a_line_has_one_kind_of_dirt_at_most(dirty: Path) -> None:
    for file, flaws in newest(dirty).items():
        rows = [flaw["row"] for flaw in flaws if flaw["row"]]
        assert len(rows) == len(set(rows)), file


def test_a_corrected_file_mends_what_could_not_be_read(dirty: Path) -> None:
    corrected = [flaws for flaws in newest(dirty).values() if flaws[0]["version"] == 2]
    kinds = {flaw["kind"] for flaws in corrected for flaw in flaws}
    assert "corrected_file" in kinds
    assert not kinds & {"broken_line", "unreadable_number", "unreadable_timestamp"}


def test_an_unreadable_file_is_no_gzip(dirty: Path) -> None:
    files = [flaw["file"] for flaw in truth(dirty, "dirt") if flaw["kind"] == "unreadable_file"]
    assert files
    with pytest.raises(gzip.BadGzipFile):
        lines(dirty / "landing" / files[0])


def test_a_silent_unit_sends_nothing(dirty: Path) -> None:
    silent = [(flaw["file"], flaw["machine_id"]) for flaw in truth(dirty, "dirt") if flaw["kind"] == "silent"]
    assert silent
    for file, machine_id in silent:
        assert not any(f'"{machine_id}"' in line for line in lines(dirty / "landing" / file))


def test_by_default_half_a_percent_of_lines_is_dirty(tmp_path: Path) -> None:
    count = run(tmp_path, days=8, dirt=Dirt(), scale=0.7)
    marked = [flaw for flaw in truth(tmp_path, "dirt") if flaw["row"] and flaw["kind"] not in ("extra_field", "resent")]
    assert 0.002 < len(marked) / count < 0.015


# Wear


def test_a_unit_under_repair_sends_nothing_and_no_other_gap_exists(tmp_path: Path) -> None:
    run(tmp_path, days=30, dirt=Dirt.none(), scale=0.25)
    stops = truth(tmp_path, "failures")
    assert stops
    days = [UNTIL - timedelta(days=n) for n in reversed(range(30))]
    rows = pd.DataFrame([json.loads(line) for day in days for line in readings(tmp_path, day)])
    rows["at"] = pd.to_datetime(rows["timestamp"])
    for unit, sent in rows.groupby("machine_id"):
        gaps = sent["at"][sent["at"].diff() > pd.Timedelta(minutes=2)]
        ends = [pd.Timestamp(s["repaired_at"]) for s in stops if s["unit"] == unit]
        assert len(gaps) <= len(ends)
        assert all(any(timedelta(0) <= gap - end <= timedelta(minutes=2) for end in ends) for gap in gaps)
    assert all(4 * 3600 <= (b - a).total_seconds() <= 48 * 3600 + 1 for a, b in map(stop, stops))


def stop(failure: Flaw) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(failure["failed_at"]), datetime.fromisoformat(failure["repaired_at"])


def test_the_truth_tells_wear_and_hazard_of_every_component(dirty: Path) -> None:
    wear = pd.DataFrame(truth(dirty, "wear"))
    assert len(wear) == 30 * 2 * len(COMPONENTS)
    assert set(wear["component"]) == {component.name for component in COMPONENTS}
    assert wear["hazard"].between(0, 0.5).all()
