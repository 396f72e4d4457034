"""The French dialect from landing to gold: each event once, right sums, right dates, nothing guessed."""

import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.result import Result
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
        {**PUMP, "Désignation": "Compresseur", "Date intervention": "12/03/2026", "Durée arrêt (h)": "736",
         "Date demande": "10/02/2026 12:00"},
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
        {**press, "Désignation": "Inconnue", "[MO interne].Nom": "Ozenne", "[MO interne].Prénom": "Amélie", worked: "x"},
        {**press, "[MO interne].Nom": "Lefèvre", "[MO interne].Prénom": "Amélie", worked: "4"},
        {**press, "[MO interne].Nom": "Nuñez ", "[MO interne].Prénom": "Théo", worked: "3,5"},
        {**PUMP, "Type de panne": "Préventif", "Désignation": "Pompe", "Nombre d'heures MO": "2", "[MO interne].Nom": "LEFÈVRE",
         "[MO interne].Prénom": "Amélie", worked: "2"},
    ]  # fmt: skip


@dataclass
class Built:
    lake: Sandbox
    results: dict[str, Result]


@pytest.fixture(scope="module")
def built(spark, tmp_path_factory: pytest.TempPathFactory) -> Built:
    lake = Sandbox(tmp_path_factory.mktemp("gmao"), AS_OF)
    gmao.land(lake, "line/machines/machines.csv", gmao.MACHINES)
    gmao.crosswalk(lake, *CROSSWALK)
    gmao.land(lake, "gmao/organs/organes.csv", "Écriture;Organe\r\nroulements;Roulement\r\nrlt;Roulement\r\n")
    gmao.land(lake, "gmao/technicians/equipe.csv", "Nom;Prénom;Heures par semaine\r\nLEFÈVRE;Amélie;35,0\r\nNuñez;Théo;30\r\n")
    for kind, rows in (("interventions", plain()), ("causes", causes()), ("workload", hours())):
        gmao.export(lake, kind, "2026-03-31", rows)
    results = lake.run(only=gmao.tables(lake.cat))
    assert not [r.message for r in results.values() if r.is_bad]
    return Built(lake, results)


@pytest.fixture
def lake(built: Built, tmp_path: Path) -> Sandbox:
    shutil.copytree(built.lake.root, tmp_path / "copy")
    return Sandbox(tmp_path / "copy", AS_OF)


def rejected(lake: Sandbox, table: str) -> dict[int, tuple[list[str], list[str]]]:
    """Reasons and values found, by the line of the file."""
    kept = lake.lake.open_sibling(lake.open(table), lake.cat[f"{table}__quarantine"])
    assert kept is not None
    return {r["_row"]: (r["reasons"], r["found"]) for r in kept.read().to_pylist()}


def test_each_event_is_one_row_with_its_own_dates_and_amounts(built: Built) -> None:
    told = built.lake.frame(ORDERS)
    assert len(told) == 6 and told["is_open"].sum() == 2
    rows = {(r["asset_id"], r["intervention_on"]): r for r in told.to_dict("records")}
    press = rows["PRESSE-01", date(2026, 3, 4)]
    assert (press["failure_type"], press["stop_h"], press["material_cost_eur"]) == ("Mécanique", 12.5, 1120.5), "4 March, not 3 April"
    assert (press["organ"], press["organ_written"], press["cause"]) == ("Roulement", "ROULEMENTS.", "Manque de graisse")
    assert str(press["requested_at"]) == "2026-03-04 06:30:00+00:00", "07:30 in Paris"
    assert list(press["seen_in"]) == ["causes", "interventions"], "the richer export is kept, and the poorer remembered"
    long = rows["POMPE-01", date(2026, 3, 2)]
    assert (long["asset_name"], long["stop_h"], long["material_cost_eur"]) == ("POMPE peinture", 1000.25, -5)
    assert rows["POMPE-01", date(2026, 2, 26)]["organ"] == "pompe doseuse", "no alias: the spelling, evened out"
    assert built.lake.open("bronze_gmao__interventions").rows.keys() >= {date(2026, 2, 1), date(2026, 3, 1)}, "history is kept by month"
    fates = {k: n for k, n in built.results[ORDERS].fates.items() if n}
    assert fates == {"published": 6, "merged": 1, "duplicate": 3, "quarantined": 6}


def test_what_is_unknown_ambiguous_or_misdated_is_kept_out_with_its_value(built: Built) -> None:
    kept = rejected(built.lake, ORDERS)
    name = "asset_id: name known in silver_gmao__crosswalk"
    assert kept[9] == ([name], ["machine1 (interventions, 2026-03-02)"]), "it had been renamed the day before"
    assert kept[10] == (
        ["asset_id: name of one asset only in silver_gmao__crosswalk"], ["Double (interventions, 2026-02-26): POMPE-01, PRESSE-01"],
    )  # fmt: skip
    assert kept[11] == ([name], ["Presse n°9 (interventions, 2026-02-26)"])
    assert kept[12][0] == [f"{c}: readable as {t}" for c, t in (
        ("intervention_on", "date"), ("reported_on", "date"), ("day_ends_at", "timestamp"))]  # fmt: skip
    assert kept[12][1][0] == "03/25/2026", "month first is not guessed"
    assert kept[13] == (["intervention_on: not after the export"], ["2062-02-26"])
    assert kept[14] == (["stop_h: from 0 to 10000"], ["-3.0"])
    assert rejected(built.lake, PARTS)[14][0] == ["work_order_id: of a sound intervention"], "nor are its parts taken"
    said = [v for v in built.results[ORDERS].verdicts[ORDERS] if v.check.startswith("organ: found")]
    assert [(v.outcome, v.unexpected) for v in said] == [("warned", 1)], "spellings without alias are counted"


def test_sums_are_those_of_events_not_of_lines(built: Built) -> None:
    parts, labour = built.lake.frame(PARTS), built.lake.frame("silver_workload__labour")
    assert parts[["part_reference", "part_designation", "quantity", "total_price_eur"]].values.tolist() == [
        ["JNT-214", 'Joint 2"1/4', 1.0, 20.5], ["RLT-6308", "Roulement ; 6308", 2.0, 1100.0],
    ]  # fmt: skip
    assert labour["hours_h"].sum() == 9.5
    lines = [*plain()[:2], *causes()[:2], *hours()[1:3]]
    assert sum(r["Durée arrêt (h)"] == "12,5" for r in lines) == 6, "six lines tell of one stop"
    orders = built.lake.frame("gold_gmao__work_orders").set_index("asset_id")
    press = orders.loc["PRESSE-01"]
    amounts = ["stop_h", "part_lines", "parts_price_eur", "parts_cost_eur", "labour_h", "labour_cost_eur", "total_cost_eur"]
    assert press[amounts].tolist() == [
        12.5, 2, 1120.5, 1120.5, 7.5, 337.5, 1458.0,
    ]  # fmt: skip
    assert list(press["seen_in"]) == ["causes", "hours", "interventions"]
    costs = {t: built.lake.frame(f"gold_gmao__costs_{t}") for t in ("daily", "weekly", "monthly")}
    for column, total in (("work_orders", 5), ("total_cost_eur", 1548.0), ("labour_h", 9.5), ("stop_h", 1754.75)):
        assert [round(c[column].sum(), 2) for c in costs.values()] == [total] * 3, column


def test_work_orders_say_when_the_asset_stood_still_and_how_they_know(built: Built) -> None:
    orders = built.lake.frame("gold_gmao__work_orders").set_index(["asset_id", "month", "category"]).sort_index()
    known = ["stop_basis", "stop_started_at", "stop_ended_at", "is_long_stop", "is_request_late", "is_cost_suspect", "is_open"]

    def of(*key: object) -> list[object]:
        row = orders.loc[key].iloc[0]
        return [str(row[c])[:16] if c.endswith("_at") else row[c] for c in known]

    feb, mar = date(2026, 2, 1), date(2026, 3, 1)
    assert of("PRESSE-01", mar, "corrective") == ["request", "2026-03-04 06:30", "2026-03-04 19:00", False, False, False, False]
    assert of("POMPE-01", mar, "corrective") == ["day", "2026-01-20 03:45", "2026-03-02 20:00", True, False, True, False]
    assert of("POMPE-01", feb, "corrective") == ["day", "2026-02-26 17:00", "2026-02-26 20:00", False, True, False, False]
    assert of("POMPE-01", feb, "preventive")[:3] == ["day", "2026-02-26 17:00", "2026-02-26 20:00"]
    compressor = orders.loc["COMPRESSEUR-01"]
    assert compressor.index.get_level_values("month").tolist() == [mar, mar], "the order of February was closed in March"
    assert compressor["is_open"].tolist().count(True) == 1


def test_pareto_ranks_and_adds_up(built: Built) -> None:
    rows = built.lake.frame("gold_gmao__pareto")
    by_cost = rows[(rows["dimension"] == "asset_id") & (rows["month"] == date(2026, 3, 1))].sort_values("cost_rank")
    assert by_cost["value"].tolist() == ["PRESSE-01", "POMPE-01", "COMPRESSEUR-01"]
    assert by_cost["cost_cumulative_share"].tolist() == [0.9419, 1.0, 1.0] and by_cost["work_orders"].tolist() == [1, 3, 1]
    use = built.lake.frame("gold_gmao__part_use")
    assert use[["part_reference", "work_orders", "quantity"]].values.tolist() == [["JNT-214", 1, 1.0], ["RLT-6308", 1, 2.0]]


def test_no_name_of_a_technician_leaves_bronze(built: Built) -> None:
    lake, reports = built.lake.settings.lake_root, built.lake.settings.report_root
    files = [f for folder in (lake / "silver", lake / "gold", reports) for f in folder.rglob("*") if f.is_file()]
    assert rejected(built.lake, "silver_workload__labour"), "a line with a name is in quarantine"
    seen = [*(str(r.to_pylist()) for f in files if f.suffix == ".parquet" for r in [pq.read_table(f)]),
            *(f.read_text(errors="replace") for f in files if f.suffix != ".parquet")]  # fmt: skip
    assert len(seen) > 30
    for name in ("lefèvre", "nuñez", "ozenne", "amélie", "théo"):
        assert not [t for t in seen if name in t.lower()], name
    assert built.lake.frame("silver_workload__labour")["technician_id"].nunique() == 2, "blanks and case make no other person"


def test_the_same_history_again_stops_at_silver(lake: Sandbox) -> None:
    for kind, rows in (("interventions", plain()), ("causes", causes()), ("workload", hours())):
        gmao.export(lake, kind, "2026-03-31_12mois", rows)
    results = lake.run(only=[t for t in gmao.tables(lake.cat) if not t.startswith("gold")])
    silver = [r for t, r in results.items() if t.startswith("silver") and r.outcome != "fresh"]
    assert {r.outcome for r in silver} == {"unchanged"} and len(silver) == 4
    assert results[ORDERS].fates["duplicate"] == 3 + 10, "events of the second files, lines of one event in one file are merged"


def test_mended_names_come_back_and_a_closed_order_leaves_its_month(lake: Sandbox) -> None:
    gmao.crosswalk(lake, *CROSSWALK, "interventions;Presse n°9;;;PRESSE-01")
    lake.as_of = date(2026, 4, 2)
    done = {**causes()[3], "Date intervention": "01/04/2026", "Durée arrêt (h)": "30"}
    gmao.export(lake, "causes", "2026-04-02", [done])
    assert lake.frame("gold_gmao__downtime").groupby("asset_id")["open_orders"].sum()["COMPRESSEUR-01"] == 2
    downs = ("gold_gmao__work_orders", "gold_gmao__downtime")
    results = lake.run(only=[t for t in gmao.tables(lake.cat) if not t.startswith("gold") or t in downs])
    assert not [r.message for r in results.values() if r.is_bad]
    assert 11 not in rejected(lake, ORDERS) and 9 in rejected(lake, ORDERS)
    orders = lake.frame(downs[0]).set_index("asset_id")
    assert not orders["is_open"].any() and sorted(orders.loc["COMPRESSEUR-01", "month"]) == [date(2026, 3, 1), date(2026, 4, 1)]
    days = lake.frame(downs[1]).set_index(["asset_id", "day"])["downtime_h"].loc["COMPRESSEUR-01"]
    assert days[date(2026, 3, 30) :].tolist() == [12.0, 18.0, 0.0, 0.0]
    assert lake.lake.changed_since(lake.open(ORDERS), 0) == {date(2026, 2, 1), date(2026, 4, 1)}, "March holds what it held"
