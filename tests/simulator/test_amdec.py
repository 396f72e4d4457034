"""The laws of the AMDEC simulator: sheets change with the quarter only, and are wrong where the truth says so."""

from __future__ import annotations

import csv
import unicodedata
from datetime import date, timedelta
from io import BytesIO, StringIO
from itertools import chain
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.fmea import SCALES
from pipelines.simulator import amdec, simulate
from pipelines.simulator.amdec import SHEETS, deliver, on_scale
from pipelines.simulator.dirt import Dirt
from pipelines.simulator.failure_modes import modes_of, next_revision, revision_of
from pipelines.simulator.plant import Delivery, Plant
from pipelines.simulator.vocabulary import WORDINGS, wording_of

DAY = date(2026, 11, 20)
Row = dict[str, Any]


def plant(dirt: Dirt | None = None, seed: int = 7) -> Plant:
    return Plant(seed=seed, scale=1, dirt=dirt or Dirt(), time_zone="Europe/Paris")


def rows_of(delivery: Delivery) -> dict[int, Row]:
    """Rows by their number in the file, as a person reads them: merged cells lend their value to all their rows."""
    if delivery.path.endswith(".xlsx"):
        sheet = openpyxl.load_workbook(BytesIO(delivery.content)).worksheets[0]
        for merged in [m for m in sheet.merged_cells.ranges if m.min_row > 5]:
            value = sheet.cell(merged.min_row, merged.min_col).value
            sheet.unmerge_cells(str(merged))
            for number in range(merged.min_row, merged.max_row + 1):
                sheet.cell(number, merged.min_col, value)
        header = [cell.value for cell in sheet[5]]
        numbered = ((n, [cell.value for cell in sheet[n]]) for n in range(6, sheet.max_row + 1))
        return {n: dict(zip(header, row, strict=True)) for n, row in numbered if any(v is not None for v in row)}
    text = delivery.content.decode("cp1252" if "flotte" in delivery.path else "utf-8")
    rows = csv.DictReader(StringIO(text), delimiter=";" if "flotte" in delivery.path else ",")
    return {n: {k: v if v != "" else None for k, v in row.items()} for n, row in enumerate(rows, 2)}


def ratings(row: Row) -> tuple[list[int | None], int | None]:
    """G, O and D; then the RPN."""
    *rated, rpn = (None if v is None else int(v) for v in list(row.values())[7:11])
    return rated, rpn


@given(day=st.dates(date(2020, 1, 1), date(2027, 12, 31)))
@settings(max_examples=25, deadline=None)
def test_sheets_change_on_the_first_day_of_a_quarter_and_on_no_other(day: date) -> None:
    amdec._revised.cache_clear()  # or one day would answer for the other
    first = revision_of(day)
    assert [d.content for d in deliver(day, plant())] == [d.content for d in deliver(first, plant())]
    assert (first.day, first.month % 3, first <= day < next_revision(first)) == (1, 1, True)
    assert all(d.superseded_on == next_revision(first) for d in deliver(day, plant()))


def test_day_by_day_over_the_end_of_a_quarter_equals_all_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.simulator.domains", lambda: {"amdec": deliver})
    last, days = date(2026, 10, 3), 6

    def tree(name: str) -> dict[str, bytes]:
        root = tmp_path / name
        return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}

    def run(name: str, until: date, days: int) -> None:
        simulate(tmp_path / name / "landing", tmp_path / name / "truth", until=until, days=days)

    run("whole", last, days)
    for n in range(days):
        run("forward", last - timedelta(days=days - 1 - n), 1)
        run("backward", last - timedelta(days=n), 1)
    assert len(tree("whole")) == 3 + 2 * days
    assert tree("forward") == tree("backward") == tree("whole")


def test_a_workbook_is_the_same_bytes_whenever_it_is_written() -> None:
    contents = set()
    for _ in range(2):
        amdec._revised.cache_clear()
        contents.add(deliver(DAY, plant())[0].content)
    assert len(contents) == 1


def test_revisions_differ_and_actions_move_on() -> None:
    a, b = ([r for d in deliver(day, plant(Dirt.none())) for r in rows_of(d).values()] for day in (DAY, DAY - timedelta(days=100)))
    assert a != b
    states = {str(r.get("Statut") or r.get("statut")) for r in chain(a, b)}
    assert states == {"Ouverte", "En cours", "Faite"}


@pytest.mark.parametrize("seed", [7, 8])
def test_without_dirt_every_rating_is_within_its_scale_and_every_rpn_right(seed: int) -> None:
    for delivery, sheet in zip(deliver(DAY, plant(Dirt.none(), seed)), SHEETS, strict=True):
        assert not delivery.truth["dirt"]
        low, high = SCALES[{"line": "1-10", "fleet": "1-5", "refrigeration": "0-100"}[sheet.domain]]
        for row in rows_of(delivery).values():
            (g, o, d), rpn = ratings(row)
            assert g is not None and o is not None and d is not None
            assert all(low <= r <= high for r in (g, o, d))
            assert rpn == g * o * d


def test_the_truth_points_to_the_flawed_rows_and_the_others_are_clean() -> None:
    seen = set()
    for seed in range(6):
        for delivery, sheet in zip(deliver(DAY, plant(Dirt().times(2), seed)), SHEETS, strict=True):
            rows, flaws = rows_of(delivery), {f["row"]: f for f in delivery.truth["dirt"]}
            for number, row in rows.items():
                rated, rpn = ratings(row)
                kind = flaws[number]["kind"] if number in flaws else None
                beyond = any(r is not None and not sheet.low <= r <= sheet.high for r in rated)
                complete = None not in rated
                product = (rated[0] or 0) * (rated[1] or 0) * (rated[2] or 0)
                assert (None in rated, beyond, rpn is None) == (
                    kind == "rating_missing", kind == "rating_out_of_scale", kind == "rpn_missing",
                )  # fmt: skip
                if complete and not beyond and rpn is not None:
                    assert (rpn != product) == (kind == "rpn_wrong")
                seen.add(kind)
    assert seen == {None, "rating_missing", "rating_out_of_scale", "rpn_missing", "rpn_wrong"}


def test_sheets_are_partly_wrong_about_the_plant() -> None:
    for delivery, sheet in zip(deliver(DAY, plant()), SHEETS, strict=True):
        truth = delivery.truth["ratings"]
        causes = {str(r.get("Cause") or r.get("cause")) for r in rows_of(delivery).values()}
        assert causes == {r["cause"] for r in truth if r["in_sheet"]}
        assert sum(not r["in_sheet"] for r in truth) == 2 and all(r["happens"] for r in truth if not r["in_sheet"])
        assert sum(not r["happens"] for r in truth) == 2
        assert {r["component"] for r in truth if r["happens"]} == {w.component for w in WORDINGS if w.domain == sheet.domain}
    wrong = [m for s in SHEETS for m in modes_of(s.domain, date(2020, 1, 1), plant()) if m.true != m.rated]
    assert 10 < len(wrong) < 40


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda s: s.domain)
def test_a_scale_is_used_from_end_to_end(sheet: amdec.Sheet) -> None:
    used = [on_scale(r, sheet) for r in range(1, 11)]
    assert (used[0], used[-1], used) == (sheet.low, sheet.high, sorted(used))


# The vocabulary


def plain(text: str) -> str:
    bare = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in bare).split())


def test_a_spelling_names_one_organ() -> None:
    meant: dict[str, set[str]] = {}
    for wording in WORDINGS:
        for spelling in (wording.organ, *wording.spellings):
            meant.setdefault(plain(spelling), set()).add(wording.organ)
    assert all(len(organs) == 1 for organs in meant.values())
    assert len(meant) >= 57


def test_every_component_of_the_plant_has_its_words() -> None:
    assert len(WORDINGS) == 15
    for wording in WORDINGS:
        assert wording_of(wording.domain, wording.component) is wording
        assert wording.organ == wording.organ.lower() and 2 <= len(wording.causes) <= 3 and wording.parts
        assert all(1 <= r <= 10 for r in vars(wording.rating).values())
        "".join((*wording.causes, *(p.designation for p in wording.parts))).replace("Ω", "").encode("cp1252")
    assert any('"' in p.designation for w in WORDINGS for p in w.parts)
    with pytest.raises(KeyError, match=r"no words for line\.turbo; there are refrigeration\.compressor"):
        wording_of("line", "turbo")
