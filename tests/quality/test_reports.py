"""What a reviewer finds in the report of a run."""

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from lake.constraints import NotNull
from lake.contract import Column, Table
from quality.reports import Past, Quarantined, RunReport, TableReport, write_report
from quality.verdict import Verdict

READINGS = Table(
    "silver", "toy", "readings", "snapshot", "Readings of toys.", "reliability", "one row per reading",
    (Column("unit_id", "string", "Unit", (NotNull(),)), Column("oil_c", "double", "Oil", resolution=0.1)), ("unit_id",),
)  # fmt: skip

BROKEN = TableReport(
    READINGS, "blocked", "oil_c: 2 rows out of range; mend the mapping", 7, 1.25,
    verdicts=(
        Verdict("unit_id: never null", "critical", "passed", "1 200 rows", 0),
        Verdict("oil_c: from -20 to 150", "critical", "failed", "2 of 1 200 rows", 2,
                ('{"unit_id": "U-17", "oil_c": 451.0}', '{"unit_id": "U-18", "oil_c": "NaN"}')),
        Verdict("row-count band", "warning", "warned", "2026-03-02 has 12 rows", 1),
        Verdict("freshness", "warning", "waived", "newest 2026-02-01", 1, (), "Ana: plant closed, until 2026-04-01"),
    ),
    results={"success": False, "results": [{"success": False, "result": {"samples": ["x"]}}]},
    read=1210, fates={"published": 1200, "duplicate": 3, "quarantined": 6},
    reasons=(("unit_id: never null", 4), ("oil_c: from -20 to 150", 2)),
    quarantine=(Quarantined("toy/2026-03-02.csv", 41, "oil_c: from -20 to 150", "<script>alert(1)</script>"),),
    history=(Past("run-0", "published", 0, 1),),
)  # fmt: skip
FINE = TableReport(replace(READINGS, entity="units"), "published", verdicts=(Verdict("freshness", "warning", "passed", "ok", 0),))
RUN = RunReport("run-1", datetime(2026, 3, 3, 5, tzinfo=UTC), date(2026, 3, 2), (FINE, BROKEN), 65.0)


def text(page: Path) -> str:
    """What a reader reads: tags dropped, spaces folded."""
    body = page.read_text("utf-8").split("<body>")[1]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_the_page_of_a_table_shows_what_broke_and_where(tmp_path: Path) -> None:
    write_report(tmp_path, RUN)
    seen = text(tmp_path / "run-1" / f"{BROKEN.name}.html")

    assert "oil_c: 2 rows out of range; mend the mapping" in seen
    assert "oil_c: from -20 to 150 blocks 2 of 1 200 rows unit_id oil_c U-17 451.0 U-18 NaN" in seen
    assert "Waived by Ana: plant closed" in seen
    assert "1 210 read = 1 200 published + 3 duplicate + 6 quarantined, off by 1" in seen
    assert "toy/2026-03-02.csv 41 oil_c: from -20 to 150 &lt;script&gt;alert(1)&lt;/script&gt;" in seen
    assert seen.index("✕ failed") < seen.index("▲ warned") < seen.index("◇ waived") < seen.index("✓ passed")


def test_the_run_puts_broken_tables_first(tmp_path: Path) -> None:
    seen = text(write_report(tmp_path, RUN))
    assert "✕ 1 table blocked or failed" in seen
    assert seen.index(BROKEN.name) < seen.index(FINE.name)
    assert json.loads((tmp_path / "run-1" / f"{BROKEN.name}.json").read_text())["success"] is False


def test_runs_are_listed_newest_first_and_link_to_each_other(tmp_path: Path) -> None:
    write_report(tmp_path, replace(RUN, run="run-0", started_at=datetime(2026, 3, 1, tzinfo=UTC), tables=(BROKEN,)))
    write_report(tmp_path, RUN)
    write_report(tmp_path, RUN)

    assert re.findall(r'href="(run-\d)/index.html"', (tmp_path / "index.html").read_text()) == ["run-1", "run-0"]
    for page in tmp_path.rglob("*.html"):
        for link in re.findall(r'href="([^"]+)"', page.read_text()):
            assert (page.parent / link).resolve().exists(), f"{page.name} links to {link}"
    assert not list(tmp_path.rglob("*.part"))


def test_nothing_is_fetched_and_nothing_runs(tmp_path: Path) -> None:
    write_report(tmp_path, RUN)
    for page in tmp_path.rglob("*.html"):
        html = page.read_text()
        assert not re.search(r"https?:|//\w|@import|url\(|<script|<link|<img|\son\w+=", html), page


def test_a_run_stays_small(tmp_path: Path) -> None:
    long = Quarantined("f.csv", 1, "reason", "x" * 10_000)
    big = {"success": False, "results": [{"result": {"samples": ["y" * 1000] * 5}}] * 500}
    t = replace(BROKEN, quarantine=(long,) * 10_000, results=big)
    write_report(tmp_path, replace(RUN, tables=(t,)))
    assert sum(f.stat().st_size for f in tmp_path.rglob("*") if f.is_file()) < 500_000


@pytest.mark.parametrize("run", ["../up", "", ".hidden", "a/b"])
def test_a_run_that_names_no_folder_is_refused(run: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="names a folder"):
        write_report(tmp_path, replace(RUN, run=run))
