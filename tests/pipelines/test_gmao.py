"""The French dialect from landing to gold: each event once, right sums, right dates, nothing guessed."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from tests import gmao_exports as gmao
from tests.sandbox import Sandbox

AS_OF = date(2026, 3, 31)
ORDERS, PARTS = "silver_gmao__interventions", "silver_gmao__parts"
CROSSWALK = (
    "interventions;Presse n°1;;;PRESSE-01", "causes;machine3 ;;;PRESSE-01", "hours;PRESSE 1;;;PRESSE-01",
    "interventions;machine1;;28/02/2026;POMPE-01", "interventions;Pompe peinture;01/03/2026;;POMPE-01",
    "causes;machine1;;;POMPE-01", "hours;Pompe;;;POMPE-01", "causes;Compresseur;;;COMPRESSEUR-01",
    "interventions;Double;;;PRESSE-01", "interventions;Double;;;POMPE-01",
)  # fmt: skip
PRESS = {"Type de panne": "Mécanique ", "Durée arrêt (h)": "12,5", "Date intervention": "04/03/2026", "Coût matériel": "1 120,50"}
JOINT = {"[Pièce].Désignation": 'Joint 2"1/4', "[Pièce].Référence": "JNT-214 ", "[Pièce].Quantité": "1"}
BEARING = {"[Pièce].Désignation": "Roulement ;\n6308", "[Pièce].Référence": "RLT-6308", "[Pièce].Quantité": "2,0"}
PUMP = {"Type de panne": "Électrique", "Durée arrêt (h)": "3", "Date intervention": "26/02/2026", "Coût matériel": "0"}
RENAMED = {**PUMP, "Durée arrêt (h)": "1 000,25", "Date intervention": "02/03/2026", "Coût matériel": "-5"}


def plain() -> list[gmao.Cells]:
    told = {"Résultat": 'Remplacé : joint de 2"1/4\nEssai OK  ', "Désignation": "Presse n°1  "}
    return [
        {**PRESS, **told, **JOINT}, {**PRESS, **told, **BEARING},
        {**PUMP, "Désignation": "machine1"}, {**RENAMED, "Désignation": "POMPE  peinture"},
        {**PUMP, "Désignation": "machine1", "Date intervention": "02/03/2026"},  # it has another name by then
        {**PUMP, "Désignation": "Double"}, {**PUMP, "Désignation": "Presse n°9"},
        {**PUMP, "Désignation": "Presse n°1", "Date intervention": "03/25/2026"},  # month first
        {**PUMP, "Désignation": "Presse n°1", "Date intervention": "26/02/2062"},
        {**PUMP, "Désignation": "Presse n°1", "Durée arrêt (h)": "-3", **JOINT},
    ]  # fmt: skip


def causes() -> list[gmao.Cells]:
    press = {**PRESS, "Désignation": "machine3", "Date demande": "04/03/2026 07:30", "Cause": "Manque de\ngraisse", "Organe": "ROULEMENTS."}
    return [
        {**press, **JOINT, "[Pièce].Prix total": "20,50"}, {**press, **BEARING, "[Pièce].Prix total": "1 100,00"},
        {**PUMP, "Désignation": "machine1", "Date demande": "27/02/2026 08:00", "Organe": "Pompe doseuse"},
        {**PUMP, "Désignation": "Compresseur", "Date intervention": "", "Durée arrêt (h)": "", "Date demande": "30/03/2026 12:00"},
        {**PUMP, "Désignation": "Compresseur", "Date intervention": "", "Durée arrêt (h)": "", "Date demande": "10/02/2026 12:00"},
        {**PUMP, "Désignation": "Compresseur", "Date intervention": "12/03/2026", "Durée arrêt (h)": "736", "Date demande": "10/02/2026 12:00"},
    ]  # fmt: skip


def hours() -> list[gmao.Cells]:
    press = {
        **PRESS,
        "Désignation": "PRESSE 1",
        "Catégorie de panne": "Curatif",
        "Nombre d'heures MO": "7,5",
        "Coût total intervention": "1458,00",
    }
    worked = "[MO interne].Nombre d'heures"
    return [
        {**press, "[MO interne].Nom": "Lefèvre", "[MO interne].Prénom": "Amélie", worked: "4"},
        {**press, "[MO interne].Nom": "Nuñez ", "[MO interne].Prénom": "Théo", worked: "3,5"},
        {**PUMP, "Type de panne": "Préventif", "Désignation": "Pompe", "Nombre d'heures MO": "2", "[MO interne].Nom": "Lefèvre",
         "[MO interne].Prénom": "Amélie", worked: "2"},
    ]  # fmt: skip


@pytest.fixture(scope="module")
def template(spark, tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    lake = Sandbox(tmp_path_factory.mktemp("gmao"), AS_OF)
    gmao.land(lake, "line/machines/machines.csv", gmao.MACHINES)
    gmao.crosswalk(lake, *CROSSWALK)
    gmao.land(lake, "gmao/organs/organes.csv", "Écriture;Organe\r\nroulements;Roulement\r\nrlt;Roulement\r\n")
    gmao.land(lake, "gmao/technicians/equipe.csv", "Nom;Prénom;Heures par semaine\r\nLEFÈVRE;Amélie;35,0\r\nNuñez;Théo;30\r\n")
    for kind, rows in (("interventions", plain()), ("causes", causes()), ("workload", hours())):
        gmao.export(lake, kind, "2026-03-31", rows)
    results = lake.run(only=gmao.tables(lake.cat))
    assert not [r.message for r in results.values() if r.is_bad]
    return lake


@pytest.fixture
def lake(template: Sandbox, tmp_path: Path) -> Sandbox:
    shutil.copytree(template.root, tmp_path / "copy")
    return Sandbox(tmp_path / "copy", AS_OF)


def test_each_event_is_one_row_with_its_own_dates_and_amounts(template: Sandbox) -> None:
    rows = template.frame(ORDERS).set_index(["asset_id", "stop_h"]).sort_index()
    print(rows.to_string())
    assert len(rows) == 6


def test_show(template: Sandbox) -> None:
    import pandas as pd

    pd.set_option("display.width", 250)
    pd.set_option("display.max_columns", 50)
    for t in gmao.tables(template.cat):
        if not t.startswith("bronze"):
            print(t)
            print(template.frame(t).head(12).to_string())
        if t.startswith("silver") and "gmao" in t or "workload" in t:
            q = template.cat.tables.get(t + "__quarantine")
            v = template.lake.open_sibling(template.open(t), q) if q else None
            if v:
                print(v.read(["reasons", "found", "_row"]).to_pylist())
    assert 0
