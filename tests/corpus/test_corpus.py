"""Every file of the corpus becomes what is declared: each record a valid row or a broken one with a reason, or the file is
refused with words that help. Nothing else is ever raised."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipelines.parse import RefusedFile, parse, schema
from tests.corpus import case_files, csv_files, excel_files, json_files, table_files
from tests.corpus.case import Case

CASES = (*csv_files.CASES, *json_files.CASES, *table_files.CASES, *excel_files.CASES, *case_files.CASES)


def read(case: Case, folder: Path, batch_rows: int = 50_000) -> tuple[list[dict[str, Any]], RefusedFile | None, list[str]]:
    """Rows, refusal and notes."""
    notes: list[str] = []
    rows: list[dict[str, Any]] = []
    try:
        for batch in parse(case.write(folder), case.dialect, case.columns, batch_rows, case.limits, notes):
            assert batch.schema == schema(case.columns) and 0 < batch.num_rows <= batch_rows
            batch.validate(full=True)
            rows += batch.to_pylist()
    except RefusedFile as refused:
        return [], refused, notes
    return rows, None, notes


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_corpus(case: Case, tmp_path: Path) -> None:
    rows, refused, notes = read(case, tmp_path)
    if case.refusal:
        assert refused is not None and case.refusal in str(refused), refused or rows[:3]
        assert refused.is_transient == case.is_transient
        assert str(refused).isprintable() and len(str(refused)) < 4000
        return
    assert refused is None, refused
    broken = {row["_row"]: row["_broken"] for row in rows if row["_broken"]}
    assert len(rows) == case.rows
    assert broken.keys() == case.broken.keys() and all(case.broken[n] in reason for n, reason in broken.items()), broken
    assert len({row["_row"] for row in rows}) == len(rows), "a row number leads to one record"
    assert all(row["_raw"] for row in rows if row["_broken"])
    for column, cells in case.cells.items():
        assert [row[column] for row in rows if not row["_broken"]] == cells, column
    assert case.note in " ".join(notes) and bool(notes) == bool(case.note), notes


SMALL = [case for case in CASES if not case.refusal and case.rows < 200]


@pytest.mark.parametrize("case", SMALL, ids=[case.name for case in SMALL])
def test_batches_cut_anywhere_give_the_same_rows(case: Case, tmp_path: Path) -> None:
    assert read(case, tmp_path, batch_rows=2)[0] == read(case, tmp_path)[0]


def test_totals(tmp_path: Path) -> None:
    """Read in one go, the corpus gives the rows, broken rows and refusals that its declarations add up to."""
    assert len({case.name for case in CASES}) == len(CASES) >= 200
    kinds = Counter("gz" if case.name.endswith(".gz") else case.dialect.format for case in CASES)
    assert min(kinds[kind] for kind in ("csv", "jsonl", "sqlite", "parquet", "excel", "gz")) >= 15, kinds
    cheap = [case for case in CASES if case.rows < 2000]
    outcomes = [read(case, tmp_path) for case in cheap]
    assert sum(refused is not None for _, refused, _ in outcomes) == sum(bool(case.refusal) for case in cheap) >= 80
    assert sum(len(rows) for rows, _, _ in outcomes) == sum(case.rows for case in cheap)
    assert sum(bool(row["_broken"]) for rows, _, _ in outcomes for row in rows) == sum(len(case.broken) for case in cheap)
