"""AMDEC sheets: one per class of assets, on a scale and in a dialect of its own, revised on the first day of each quarter.

Every day delivers the revision in force, so that a day's delivery depends on that day alone; within a quarter the bytes
are the same. The truth tells each day what is wrong with the sheets then in force.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from io import StringIO

from pipelines.simulator.failure_modes import DOMAIN, Mode, Ratings, modes_of, next_revision, revision_of
from pipelines.simulator.plant import Delivery, Plant, Record
from pipelines.simulator.workbook import Cell, workbook


@dataclass(frozen=True)
class Sheet:
    """`out_of` is the best and the worst rating; `beyond` what someone writes by mistake; `organ` how organs are written."""

    domain: str
    path: str
    equipment: str
    low: int
    high: int
    step: int
    beyond: int
    header: tuple[str, ...]
    first_row: int
    """Row of the first failure mode in the file."""


@dataclass(frozen=True)
class Line:
    mode: Mode
    ratings: Ratings
    rpn: int | None


FRENCH = ("Équipement", "Fonction", "Organe", "Mode de défaillance", "Cause", "Effet", "Détection")
ACTIONS = ("Action préventive", "Action corrective", "Responsable", "Statut", "Échéance")
SHEETS = (
    Sheet("line", "line/amdec_ligne.xlsx", "Ligne de production", 1, 10, 1, 12, (*FRENCH, "G", "O", "D", "RPN", *ACTIONS), 6),
    Sheet("fleet", "fleet/amdec_flotte.csv", "Véhicule utilitaire", 1, 5, 1, 7, (*FRENCH, "G", "F", "D", "C", *ACTIONS), 2),
    Sheet("refrigeration", "refrigeration/amdec_froid.csv", "Groupe frigorifique", 0, 100, 5, 120,
          ("equipement", "fonction", "organe", "mode", "cause", "effet", "detection", "gravite", "occurrence", "non_detection", "rpn",
           "action_preventive", "action_corrective", "responsable", "statut", "echeance"), 2),
)  # fmt: skip


def deliver(day: date, plant: Plant) -> list[Delivery]:
    revision = revision_of(day)
    return [
        Delivery(
            f"{DOMAIN}/{sheet.path}",
            content,
            {"dirt": dirt, "ratings": ratings},
            superseded_on=next_revision(revision),
        )
        for sheet, (content, dirt, ratings) in zip(SHEETS, _revised(revision, plant), strict=True)
    ]


@lru_cache(maxsize=16)
def _revised(revision: date, plant: Plant) -> tuple[tuple[bytes, tuple[Record, ...], tuple[Record, ...]], ...]:
    return tuple(_sheet(sheet, revision, plant) for sheet in SHEETS)


def _sheet(sheet: Sheet, revision: date, plant: Plant) -> tuple[bytes, tuple[Record, ...], tuple[Record, ...]]:
    """Content, dirt and the truth about every mode, whether the sheet knows it or not."""
    modes = modes_of(sheet.domain, revision, plant)
    lines: list[Line] = []
    dirt: list[Record] = []
    for mode in (m for m in modes if m.known):
        line, flaw = _soiled(mode, sheet, revision, plant)
        lines.append(line)
        if flaw:
            kind, column = flaw
            row = sheet.first_row + len(lines) - 1
            dirt.append({"file": f"{DOMAIN}/{sheet.path}", "row": row, "kind": kind, "column": column, "revision": str(revision)})
    return WRITERS[sheet.domain](sheet, revision, lines), tuple(dirt), tuple(_truth(m, sheet) for m in modes)


def _truth(mode: Mode, sheet: Sheet) -> Record:
    return {
        "domain": sheet.domain, "component": mode.wording.component, "organ": mode.wording.organ, "mode": mode.wording.mode,
        "cause": mode.cause, "happens": mode.happens, "in_sheet": mode.known,
        **{f"true_{k}": v for k, v in vars(mode.true).items()}, **{f"rated_{k}": v for k, v in vars(mode.rated).items()},
    }  # fmt: skip


def on_scale(rating: int, sheet: Sheet) -> int:
    """A rating of 1-10 as someone would rate it on the sheet's scale."""
    steps = (sheet.high - sheet.low) // sheet.step
    return sheet.low + sheet.step * int((rating - 1) * steps / 9 + 0.5)


def _soiled(mode: Mode, sheet: Sheet, revision: date, plant: Plant) -> tuple[Line, tuple[str, str] | None]:
    """The row as it stands in the sheet, and what is wrong with it: one flaw at most."""
    sound = tuple(on_scale(r, sheet) for r in (mode.rated.gravity, mode.rated.occurrence, mode.rated.detection))
    ratings: list[int | None] = list(sound)
    rpn: int | None = sound[0] * sound[1] * sound[2]
    stream = plant.stream(DOMAIN, "dirt", sheet.domain, mode.cause, revision)
    chance, place, how, off = stream.random(4)
    which = int(place * 3)
    flaw = None
    if chance < plant.dirt.sheet_rating:
        kind = "rating_missing" if how < 0.5 else "rating_out_of_scale"
        ratings[which] = None if kind == "rating_missing" else sheet.beyond
        flaw = kind, sheet.header[7 + which]
    elif chance < plant.dirt.sheet_rating + plant.dirt.sheet_rpn:
        kind = "rpn_missing" if how < 0.5 else "rpn_wrong"
        rpn = None if kind == "rpn_missing" else sound[0] * sound[1] * sound[2] + sheet.step * (1 + int(off * 40))
        flaw = kind, sheet.header[10]
    return Line(mode, (ratings[0], ratings[1], ratings[2]), rpn), flaw


def _row(line: Line, sheet: Sheet) -> list[Cell]:
    said, action = line.mode.wording, line.mode.action
    organ = said.organ[0].upper() + said.organ[1:]
    return [
        sheet.equipment, said.function, organ, said.mode, line.mode.cause, said.effect, said.detection, *line.ratings, line.rpn,
        said.preventive_action, said.corrective_action, action.responsible, action.status, action.due_on,
    ]  # fmt: skip


def _as_workbook(sheet: Sheet, revision: date, lines: Sequence[Line]) -> bytes:
    rows: list[Sequence[Cell]] = [sheet.header, *(_row(line, sheet) for line in lines)]
    block = (
        f"AMDEC moyen de production - {sheet.equipment}",
        f"Révision du {revision:%d/%m/%Y} - Bureau des méthodes",
        "Cotation G, O, D de 1 à 10 ; RPN = G x O x D",
    )
    return workbook("AMDEC", block, rows, merged_columns=(0, 1, 2), spare_rows=5)


def _as_french_csv(sheet: Sheet, revision: date, lines: Sequence[Line]) -> bytes:
    text = _csv(sheet, lines, separator=";", date_format="%d/%m/%Y", line_end="\r\n")
    return text.encode("cp1252")


def _as_plain_csv(sheet: Sheet, revision: date, lines: Sequence[Line]) -> bytes:
    return _csv(sheet, lines, separator=",", date_format="%Y-%m-%d", line_end="\n").encode()


def _csv(sheet: Sheet, lines: Sequence[Line], separator: str, date_format: str, line_end: str) -> str:
    out = StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, lineterminator=line_end)
    writer.writerow(sheet.header)
    for line in lines:
        writer.writerow([f"{cell:{date_format}}" if isinstance(cell, date) else cell for cell in _row(line, sheet)])
    return out.getvalue()


WRITERS: dict[str, Callable[[Sheet, date, Sequence[Line]], bytes]] = {
    "line": _as_workbook,
    "fleet": _as_french_csv,
    "refrigeration": _as_plain_csv,
}
