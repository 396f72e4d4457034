"""Charts of how assets stand: counts by status, over time, and by domain."""

import pandas as pd
import plotly.graph_objects as go

from dashboards.look import ORDER, STATUS, figure
from dashboards.texts import Texts

BELOW = {"orientation": "h", "y": -0.12, "yanchor": "top", "x": 0, "title": {"text": ""}, "traceorder": "normal", "entrywidth": 78}


def by_group(frame: pd.DataFrame, group: str, t: Texts) -> go.Figure:
    """Assets by status, a bar per group. Columns: `group`, status, assets (a count)."""
    groups = sorted(frame[group].dropna().unique())
    fig = figure(height=max(200, 110 + 42 * len(groups)), barmode="stack", legend=BELOW)
    for status in ORDER:
        # A gap in one part would put the parts after it at zero.
        part = frame[frame["status"] == status].set_index(group)["assets"].reindex(groups).fillna(0).astype(int)
        if not part.any():
            continue
        mark = STATUS[status]
        fig.add_bar(
            y=groups, x=part.tolist(), name=f"{mark.sign} {t.word('status', status)}", orientation="h", marker={"color": mark.colour},
            text=[f"{mark.sign} {n}" if n else "" for n in part], textposition="inside", insidetextanchor="middle",
            hovertemplate="%{y}: %{x}<extra>" + t.word("status", status) + "</extra>",
        )  # fmt: skip
    fig.update_xaxes(visible=False)
    return fig


def over_time(frame: pd.DataFrame, t: Texts) -> go.Figure:
    """Assets by status and day, stacked. Columns: day, status, assets."""
    fig = figure(height=300, legend=BELOW)
    wide = frame.pivot_table(index="day", columns="status", values="assets", aggfunc="sum", fill_value=0)
    for status in reversed(ORDER):
        if status not in wide:
            continue
        mark = STATUS[status]
        fig.add_scatter(
            x=wide.index, y=wide[status], name=f"{mark.sign} {t.word('status', status)}", stackgroup="assets", mode="lines",
            line={"width": 0.5, "color": mark.colour}, fillcolor=mark.colour,
            hovertemplate="%{x|%Y-%m-%d}: %{y}<extra>" + t.word("status", status) + "</extra>",
        )  # fmt: skip
    fig.update_yaxes(title_text=t("axis.assets"), rangemode="tozero")
    return fig
