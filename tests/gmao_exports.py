"""Exports of a GMAO in its French dialect: Latin-1, `;`, decimal comma, DD/MM/YYYY, quoted cells, trailing blanks."""

from collections.abc import Iterable, Mapping

from lake.catalog import Catalog
from tests.sandbox import Sandbox

Cells = Mapping[str, str]
MACHINES = (
    "machine_id,name,kind,nominal_cycle_s,commissioned_on,weekdays,opens_at,closes_at\n"
    "PRESSE-01,Presse,press,10,2024-01-01,1-5,05:00,21:00\n"
    "POMPE-01,Pompe,paint pump,,2024-01-01,1-5,05:00,21:00\n"
    "COMPRESSEUR-01,Compresseur,compressor,,2024-01-01,1-7,00:00,24:00\n"
)
PARTS = ("[Pièce].Désignation", "[Pièce].Référence", "[Pièce].Quantité")
INTERVENTIONS = ("Type de panne", "Durée arrêt (h)", "Résultat", "Date intervention", "Désignation", "Coût matériel", *PARTS)
CAUSES = (
    "Type de panne", "Durée arrêt (h)", "Résumé intervention", "Date intervention", "Désignation", "Date demande", "Cause",
    "Coût matériel", "Organe", *PARTS, "[Pièce].Prix total",
)  # fmt: skip
HOURS = (
    "Type de panne", "Durée arrêt (h)", "Date intervention", "Désignation", "Catégorie de panne", "Nombre d'heures MO",
    "Coût total intervention", "[MO interne].Nom", "[MO interne].Prénom", "[MO interne].Nombre d'heures",
)  # fmt: skip
KINDS = {"interventions": ("interventions", INTERVENTIONS), "causes": ("causes", CAUSES), "workload": ("charge", HOURS)}


def cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set(';"\n') else text


def lines(columns: Iterable[str], rows: Iterable[Cells]) -> str:
    names = tuple(columns)
    shown = [";".join(cell(r.get(n, "")) for n in names) for r in rows]
    return "\r\n".join([";".join(cell(n) + " " * (i % 2) for i, n in enumerate(names)), *shown, ""])


def land(lake: Sandbox, path: str, text: str) -> None:
    file = lake.settings.landing / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.with_suffix(".part").write_bytes(text.encode("cp1252"))
    file.with_suffix(".part").rename(file)


def export(lake: Sandbox, kind: str, day: str, rows: Iterable[Cells]) -> None:
    name, columns = KINDS[kind]
    land(lake, f"gmao/{kind}/{name}_{day}.csv", lines(columns, rows))


def crosswalk(lake: Sandbox, *rows: str) -> None:
    land(lake, "gmao/crosswalk/crosswalk.csv", "\r\n".join(["source;source_name;valid_from;valid_to;asset_id", *rows, ""]))


def tables(cat: Catalog) -> tuple[str, ...]:
    """What a lake builds that knows machines by their registry and nothing else but the GMAO."""
    others = ("bronze_line__machines", "silver_line__machines", "bronze_lake__calendar", "silver_plant__assets")
    return (*others, *(t.name for t in cat.buildable if t.domain in ("gmao", "workload")))
