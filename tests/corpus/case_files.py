"""The files of `cases`, each made after a public report, with the totals that its reader worked out by hand."""

from pathlib import Path

from lake.source import Dialect
from tests.corpus.case import Case

FOLDER = Path(__file__).parent / "cases"
SEMICOLON = Dialect("csv", separator=";")
FRENCH = Dialect("csv", separator=";", encoding="cp1252")


def _case(name: str, dialect: Dialect, columns: tuple[str, ...], rows: int, **outcome: object) -> Case:
    return Case(f"case_{name}", (FOLDER / name).read_bytes(), dialect, columns, rows, **outcome)  # type: ignore[arg-type]


SERIES = Dialect("jsonl", explode="series", explode_by="t")
READING = ("vehicle", "series.t", "series.rpm.v", "series.coolant.v")
READINGS: dict[str, list[str | None]] = {
    "vehicle": ["VF-TEST-1401"] * 3 + ["VF-TEST-1402"] * 4,
    "series.rpm.v": ["900", "1800", "2200", "850", "1500", None, None],
    "series.coolant.v": ["60.5", None, "64.0", "80.0", "81.0", "80.5", "82.0"],
}
CASES = (
    _case(
        "services_2026-10.csv",
        SEMICOLON,
        ("Fahrzeug", "Tachostand", "Betrag"),
        10,
        cells={"Tachostand": ["9.135", "10.482", "128.904", "128.911", "987", "1.131.207", "131\u202f207", "131\xa0402", "52.000,5", None]},
    ),
    _case(
        "amdec_presse.xlsx",
        Dialect("excel", header_row=5),
        ("Organe", "G", "O", "D", "RPN"),
        11,
        note="formulas without value in RPN: 11 (I6, I7",
        cells={
            "Organe": ["Vérin"] * 3 + ["Pompe"] * 2 + ["Capteur fin de course"] + ["Carte automate"] * 2 + ["Flexible", "Total", "Moyenne"],
            "G": ["7", "8", "5", "8", "7", "4", "9", "6", "10", None, None],
            "RPN": [None] * 11,
        },
    ),
    _case(
        "vehicules.parquet",
        Dialect("parquet"),
        ("vin", "mise_en_service"),
        8,
        cells={
            "mise_en_service": [
                f"{t}.000000"
                for t in (
                    "2019-06-09T00:00:00",
                    "2021-06-09T03:02:37",
                    "2020-10-18T03:23:47",
                    "0001-01-01T00:00:00",
                    "9999-12-31T00:00:00",
                    "2022-02-28T23:59:59",
                    "2017-01-01T00:00:00",
                    "2023-07-14T12:00:00",
                )
            ]
        },
    ),
    _case("batch.jsonl", SERIES, READING, 7, cells=READINGS),
    _case("batch_as_one_array.json", SERIES, READING, 7, cells=READINGS),
    _case(
        "interventions_2026-10-19.csv",
        SEMICOLON,
        ("Désignation", "Désignation_2", "Référence_2", "Quantité", "Coût", "Durée arrêt (h)"),
        8,
        broken={8: "12 cells where the header has 10", 9: "5 cells where the header has 10"},
        cells={
            "Désignation": ["P-TEST-1", "P-TEST-1", "P-TEST-2", "C-TEST-3", "C-TEST-3", "C-TEST-4"],
            "Désignation_2": ["Joint", None, "Fusible", "Courroie", None, "Flexible"],
            "Coût": ["12,40", None, "4,50", "35,90", None, "14,20"],
            "Durée arrêt (h)": ["2,5", "1", "0,5", "3", "0,25", "0,75"],
        },
    ),
    _case("s05.csv", Dialect("csv"), ("a", "b"), 3, cells={"a": ["1", "3", "5"], "b": ["2", "4", "6"]}),
    _case("s06.csv", SEMICOLON, ("G", "F", "D", "C", "G_2", "F_2", "D_2", "C_2"), 1, cells={"C": ["16"], "C_2": ["6"]}),
    _case("09_M-TEST-09_2026-03-29.csv", SEMICOLON, ("machine", "horodatage"), 6),
    _case("09_M-TEST-09_2026-10-25.csv", SEMICOLON, ("machine", "horodatage"), 22),
    _case("17_ot_2026-10-05.csv", FRENCH, ("N° OT", "Équipement", "Durée arrêt (h)"), 6),
    _case("17_ot_2026-10-12.csv", FRENCH, ("N° OT", "Équipement", "Durée arrêt (h)"), 9),
    _case("17_ot_2026-10-19.csv", FRENCH, ("N° OT", "Équipement", "Durée arrêt (h)"), 9),
    _case("s01_fast.csv", SEMICOLON, ("t", "v"), 1200),
    _case("s01_slow.csv", SEMICOLON, ("t", "v"), 24),
    _case("s01_m.csv", Dialect("csv"), ("m",), 2, cells={"m": ["FAST", "SLOW"]}),
    _case("s02_t.csv", Dialect("csv"), ("vin", "t", "speed"), 3, cells={"speed": ["10", "55", "90"]}),
    _case("s10_a.csv", Dialect("csv"), ("asset", "h"), 1),
    _case("s10_b.csv", Dialect("csv"), ("asset", "h"), 1),
    _case("s10_x.csv", SEMICOLON, ("source", "source_name", "asset_id"), 1, cells={"source_name": ["M1"]}),
    _case("s10_m.csv", Dialect("csv"), ("m",), 1),
)
