"""What a table promises, in the words of its declaration."""

import pandas as pd
import streamlit as st

from dashboards import data
from dashboards.texts import Texts
from lake.contract import Table


def columns_of(table: Table, picked: tuple[str, ...] = ()) -> pd.DataFrame:
    """Name, type, unit, meaning and promises of the columns (of those picked, else of all)."""
    return pd.DataFrame(
        [
            {
                "column": c.name,
                "type": c.type,
                "unit": c.unit,
                "meaning": c.meaning,
                "promises": "; ".join(k.sentence + ("" if k.severity == "critical" else " (warning)") for k in c.constraints),
            }
            for c in table.columns
            if not picked or c.name in picked
        ],
        columns=["column", "type", "unit", "meaning", "promises"],
    )


def show(names: tuple[str, ...], picked: tuple[str, ...], t: Texts) -> None:
    """The contract behind a figure: tables, grain, owner, and the columns it uses."""
    for name in names:
        if not data.is_declared(name):
            continue
        table = data.tables()[name]
        st.markdown(f"**`{name}`** · {table.description}")
        st.caption(t("card.contract_facts", grain=table.grain, owner=table.owner, key=", ".join(table.key)))
        about = columns_of(table, tuple(p for p in picked if p in {c.name for c in table.columns}))
        st.dataframe(about, hide_index=True, width="stretch")
