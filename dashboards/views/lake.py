"""Lake: every table with its contract, lineage, versions, runs and rows, as of any version."""

import pandas as pd
import streamlit as st

from dashboards import data, health
from dashboards.charts import bars, lineage
from dashboards.components import card, contract, filters, states
from dashboards.components.card import Tile
from dashboards.texts import Texts
from dashboards.views import Page
from lake.contract import Table
from lake.document import snippet
from lake.storage import DamagedTable, MissingVersion

RUNS = "gold_lake__runs"
PREVIEW_ROWS = 200
MASKED = "•••"
STEPS = 2
"""How far the lineage graph reaches, each way."""


def draw(t: Texts) -> None:
    names = sorted(data.tables().tables, key=lambda n: (("gold", "silver", "bronze").index(n.split("_")[0]), n))
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
        name = filters.one("table", t("filter.table"), names, t)
        history = _history(name) if name else pd.DataFrame()
        version = filters.one("version", t("filter.version"), [str(v) for v in history["version"]], t, must=False) if len(history) else None
    if name is None:
        return
    table = data.tables()[name]
    st.markdown(f"**`{name}`** · {table.description}")
    st.caption(t("card.contract_facts", grain=table.grain, owner=table.owner, key=", ".join(table.key)))
    with st.container(horizontal=True, gap="small", key="table-health"):
        states.badge(health.of(name), t)
    _tiles(table, int(version) if version else None, len(history), t)
    _lineage(table, t)
    _preview(table, int(version) if version else None, t)
    columns = contract.columns_of(table)
    card.figure("lake", "columns", None, columns, (name,), t)
    promises = pd.DataFrame([{"promise": p.name, "severity": p.severity, "what": p.sentence} for p in table.promises])
    card.figure("lake", "promises", None, promises, (name,), t)
    card.figure("lake", "versions", None, history, (name,), t)
    _runs(name, t)
    with st.container(border=True, key="card-lake-elsewhere"):
        st.subheader(t("lake.elsewhere"), anchor=False)
        st.caption(t("lake.elsewhere_is"))
        st.code("\n".join(snippet(f"lake/{table.layer}/{name}")), language="python")


def _tiles(table: Table, version: int | None, versions: int, t: Texts) -> None:
    """From the log alone. A version that is gone is told of where its rows would stand."""
    try:
        held = data.opened(table.name, version)
    except (DamagedTable, MissingVersion):
        return
    if held is None:
        return
    found = (
        ("rows", sum(held.rows.values())),
        ("partitions_held", len(held.rows)),
        ("files", len(held.files)),
        ("columns_held", len(table.columns)),
        ("version_shown", held.number),
        ("versions_held", versions),
    )
    card.tiles("lake", [Tile(name, t.number(n)) for name, n in found], t)


def _history(name: str) -> pd.DataFrame:
    """Commits, newest first: version, when, what was done and why."""
    held = data.opened(name)
    found = [] if held is None else held.delta.history()
    return pd.DataFrame(
        [
            {"version": h.get("version", 0), "committed_at": pd.Timestamp(h.get("timestamp", 0), unit="ms", tz="UTC"),
             "operation": h.get("operation", ""), "run": h.get("run", ""), "reason": h.get("reason", "")}
            for h in found
        ],
        columns=["version", "committed_at", "operation", "run", "reason"],
    )  # fmt: skip


def _lineage(table: Table, t: Texts) -> None:
    cat = data.tables()
    readers: dict[str, list[str]] = {}
    for other in cat.tables.values():
        for parent in cat.parents(other):
            readers.setdefault(parent, []).append(other.name)
    columns: dict[int, list[str]] = {0: [table.name]}
    seen = {table.name}
    edges: list[tuple[str, str]] = []
    for way in (-1, 1):
        for step in range(1, STEPS + 1):
            found: list[str] = []
            for near in columns.get(way * (step - 1), []):
                for far in cat.parents(cat[near]) if way < 0 else readers.get(near, []):
                    edges.append((far, near) if way < 0 else (near, far))
                    if far not in seen:
                        seen.add(far)
                        found.append(far)
            if found:
                columns[way * step] = sorted(found)
    frame = pd.DataFrame(edges, columns=["table", "read_by"]).drop_duplicates()
    chart = lineage.graph(columns, edges, table.name)
    card.figure("lake", "lineage", chart, frame, (table.name,), t, alt=table.name)


def _preview(table: Table, version: int | None, t: Texts) -> None:
    """The newest partition's first rows; columns declared personal are masked."""
    try:
        held = data.opened(table.name, version)
    except (DamagedTable, MissingVersion):
        st.warning(t("lake.version_gone", version=version), icon=":material/history_toggle_off:")
        return
    if held is None:
        states.first_run((table.name,), t)
        return
    by_partition = pd.DataFrame({"partition": list(held.rows), "rows": list(held.rows.values())})
    if table.partition:
        by_partition = by_partition.sort_values("partition").reset_index(drop=True)
        chart = bars.by_time(by_partition, "partition", ("rows",), {}, t("lake.rows_unit"), height=200)
        card.figure("lake", "partitions", chart, by_partition, (table.name,), t)
    newest = max((p for p, n in held.rows.items() if p is not None and n), default=None)
    found = data.rows(table.name, None, newest, newest, version=version).head(PREVIEW_ROWS)
    for column in table.columns:
        if column.personal:
            found[column.name] = MASKED
    st.caption(t("lake.preview_of", version=held.number, rows=t.number(sum(held.rows.values()))))
    card.figure("lake", "preview", None, found, (table.name,), t)


def _runs(name: str, t: Texts) -> None:
    found = data.rows(RUNS, only={"table": [name]}).sort_values("recorded_at", ascending=False).reset_index(drop=True)
    shown = found[["recorded_at", "run", "outcome", "reason", "message", "version", "partitions", "changed_partitions", "seconds"]]
    card.figure("lake", "runs", None, shown, (RUNS,), t)


PAGE = Page(80, "lake", ":material/database:", (), (RUNS,), draw)
