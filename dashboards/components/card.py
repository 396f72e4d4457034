"""A figure card: chart, one line that defines it, its table, its contract, its downloads; and tiles for single figures."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal
from urllib.parse import quote

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboards import data
from dashboards.components import contract
from dashboards.components.download import as_csv, as_parquet
from dashboards.texts import NOTHING, Texts

TABLE_ROWS = 500
"""Rows of a card's table that are shown; downloads hold all."""

TILE_PX = 125
"""Six in a row beside the menu at 1280 pixels, two at 390."""

LINK = "open_page"
"""Column of addresses on this dashboard."""

_CHART = {"displayModeBar": False, "responsive": True, "scrollZoom": False}


@dataclass(frozen=True)
class Tile:
    """One figure of a page. `name` is its identity for tests and links; `change` and what it is compared with are optional."""

    name: str
    value: str
    change: str = ""
    is_change_bad: bool | None = None


def tiles(page: str, found: list[Tile], t: Texts) -> None:
    """Single figures in a row that wraps; each has its definition behind the question mark."""
    with st.grid(6, min_column_width=TILE_PX):
        for tile in found:
            with st.container(key=f"figure-{page}-{tile.name}", height="stretch"):
                colour: Literal["off", "inverse", "normal"] = (
                    "off" if tile.is_change_bad is None else ("inverse" if tile.is_change_bad else "normal")
                )
                st.metric(
                    t(f"{page}.{tile.name}"), tile.value, tile.change or None, colour,
                    help=t(f"{page}.{tile.name}_is"), border=True, height="stretch",
                )  # fmt: skip


def figure(
    page: str, name: str, chart: go.Figure | None, frame: pd.DataFrame, reads: tuple[str, ...], t: Texts, alt: str = "",
    lead: Callable[[], None] | None = None,
) -> None:  # fmt: skip
    """A chart with its definition and what stands behind it. Texts: `<page>.<name>` is the title, `<page>.<name>_is` defines it.

    Without rows it says so instead of drawing an empty frame; without a chart the table itself is the figure.
    `lead` draws what stands before it.
    """
    with st.container(border=True, key=f"card-{page}-{name}", height="stretch"):
        st.subheader(t(f"{page}.{name}"), anchor=False)
        st.caption(t(f"{page}.{name}_is"))
        if lead:
            lead()
        if frame.empty:
            st.markdown(f":gray[:material/inbox: {t('state.no_rows')}]")
        elif chart is None:
            _table(frame, reads, f"table-{page}-{name}", t, t(f"{page}.{name}"))
        else:
            st.plotly_chart(chart, key=f"chart-{page}-{name}", config=_CHART, alt=f"{t(f'{page}.{name}')}. {alt or t(f'{page}.{name}_is')}")
        _foot(page, name, frame, reads, chart is not None, t)


@st.fragment
def _foot(page: str, name: str, frame: pd.DataFrame, reads: tuple[str, ...], has_chart: bool, t: Texts) -> None:
    key, title = f"{page}-{name}", t(f"{page}.{name}")
    with st.container(horizontal=True, gap="small", key=f"foot-{key}"):
        if has_chart and not frame.empty:
            more = st.popover(t("card.table"), icon=":material/table_rows:", type="tertiary", key=f"t-{key}", on_change="rerun")
            if more.open:
                with more:
                    st.markdown(f"**{title}**")
                    _table(frame, reads, f"rows-{key}", t, title)
        about = st.popover(t("card.contract"), icon=":material/contract:", type="tertiary", key=f"c-{key}", on_change="rerun")
        if about.open:
            with about:
                contract.show(reads, tuple(map(str, frame.columns)), t)
        if not frame.empty:
            for kind, write in (("csv", as_csv), ("parquet", as_parquet)):
                st.download_button(
                    kind.upper() if kind == "csv" else "Parquet", partial(write, frame), f"{page}-{name}.{kind}",
                    key=f"{kind}-{key}", type="tertiary", icon=":material/download:", on_click="ignore",
                    help=t("card.download", title=title, kind=kind),
                )  # fmt: skip


def _table(frame: pd.DataFrame, reads: tuple[str, ...], key: str, t: Texts, alt: str) -> None:
    shown = local(frame.head(TABLE_ROWS))
    st.dataframe(shown, hide_index=True, width="stretch", column_config=headings(shown, reads, t), key=key, alt=alt, placeholder=NOTHING)
    if len(frame) > TABLE_ROWS:
        st.caption(t("card.first_rows", shown=t.number(TABLE_ROWS), all=t.number(len(frame))))


def address(domain: str, asset: str, t: Texts) -> str:
    """The page of a domain, opened at an asset."""
    return f"/{domain}?asset={quote(asset)}" + (f"&lang={t.language}" if t.language != "en" else "")


def local(frame: pd.DataFrame) -> pd.DataFrame:
    """Instants on the site's clock, as people at the site read them."""
    zoned = {
        str(c): frame[c].dt.tz_convert(data.zone()).dt.tz_localize(None) for c in frame if isinstance(frame[c].dtype, pd.DatetimeTZDtype)
    }
    return frame.assign(**zoned) if zoned else frame


def headings(frame: pd.DataFrame, reads: tuple[str, ...], t: Texts) -> dict[str, Any]:
    """Column headings and tooltips from the declarations: unit beside the name, meaning behind it."""
    declared = {c.name: c for name in reversed(reads) if data.is_declared(name) for c in data.tables()[name].columns}
    found: dict[str, Any] = {}
    for name in map(str, frame.columns):
        column = declared.get(name)
        label = t.column(name)
        kind = column.type if column else ""
        help_ = column.meaning if column else None
        if name == LINK:
            found[name] = st.column_config.LinkColumn(label, display_text="→", width="small")
        elif kind == "date":
            found[name] = st.column_config.DateColumn(label, help=help_, format="YYYY-MM-DD")
        elif kind == "timestamp":
            found[name] = st.column_config.DatetimeColumn(label, help=help_, format="YYYY-MM-DD HH:mm")
        elif kind in ("double", "long") and pd.api.types.is_numeric_dtype(frame[name]):
            found[name] = st.column_config.NumberColumn(label, help=f"{help_} ({column.unit})" if column and column.unit else help_)
        else:
            found[name] = st.column_config.Column(label, help=help_)
    return found
