"""Amounts by thing or by time."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from dashboards.look import BAD, MUTED, SERIES, figure, widened

BARS_SHOWN = 25
"""Bars of a ranking that stay readable; the table has the rest."""
LABEL_LETTERS = 32
LONE_BAR_MS = 3 * 24 * 3600 * 1000


def ranking(
    frame: pd.DataFrame, label: str, value: str, unit: str = "", colours: Sequence[str] | None = None, bars: int = BARS_SHOWN
) -> go.Figure:
    """The highest first, from the top. Columns: `label`, `value`."""
    top = frame.head(bars).iloc[::-1]
    colour = list(colours[: len(top)])[::-1] if colours is not None else SERIES[0]
    fig = figure(height=max(150, 60 + 26 * len(top)), showlegend=False)
    fig.add_bar(
        y=top[label].astype(str),
        x=top[value],
        orientation="h",
        marker={"color": colour},
        hovertemplate="%{y}: %{x:,.4~g} " + unit + "<extra></extra>",
    )
    names = [str(n) for n in top[label]]
    fig.update_yaxes(type="category", tickvals=names, ticktext=[_short(n) for n in names])
    fig.update_xaxes(title_text=unit, rangemode="tozero")
    return fig


def _short(name: str) -> str:
    """A label that leaves room for the bars at 390 pixels; pointing at the bar tells all of it."""
    return name if len(name) <= LABEL_LETTERS else name[: LABEL_LETTERS - 1] + "…"


def by_time(
    frame: pd.DataFrame, x: str, ys: Sequence[str], labels: dict[str, str], unit: str = "", stacked: bool = True, height: int = 280
) -> go.Figure:
    """Columns `ys` side by side or stacked over days, weeks or months in `x`."""
    fig = figure(height=height, barmode="stack" if stacked else "group", hovermode="x unified", showlegend=len(ys) > 1)
    for i, y in enumerate(ys):
        fig.add_bar(
            x=frame[x], y=frame[y], name=labels.get(y, y), marker={"color": SERIES[i % len(SERIES)]}, hovertemplate="%{y:,.4~g} " + unit
        )
    fig.update_yaxes(title_text=unit, rangemode="tozero")
    widened(fig, frame[x])
    if fig.layout.xaxis.range:  # else a lone bar is as wide as the shortest distance between two: nothing
        fig.update_traces(width=LONE_BAR_MS / (1 if stacked else len(ys)))
    return fig


def pareto(frame: pd.DataFrame, label: str, value: str, cumulative: str, unit: str, share: str, bars: int = BARS_SHOWN) -> go.Figure:
    """Bars falling, and the share of all that they make up so far. Columns: `label`, `value`, `cumulative` (0 to 1)."""
    top = frame.head(bars)
    fig = figure(height=360, showlegend=False)
    fig.add_bar(
        x=top[label].astype(str), y=top[value], marker={"color": SERIES[0]}, hovertemplate="%{x}: %{y:,.4~g} " + unit + "<extra></extra>"
    )
    fig.add_scatter(
        x=top[label].astype(str), y=top[cumulative], yaxis="y2", mode="lines+markers", line={"color": SERIES[1], "width": 2},
        hovertemplate="%{y:.1%}<extra>" + share + "</extra>",
    )  # fmt: skip
    if not top.empty:
        fig.add_shape(type="line", x0=0, x1=1, xref="paper", y0=0.8, y1=0.8, yref="y2", line={"color": MUTED, "dash": "dot", "width": 1})
    fig.update_xaxes(type="category", tickangle=-40)
    fig.update_layout(
        yaxis={"title": {"text": unit}, "rangemode": "tozero"},
        yaxis2={
            "overlaying": "y",
            "side": "right",
            "range": [0, 1.05],
            "tickvals": [0, 0.2, 0.4, 0.6, 0.8, 1],
            "tickformat": ".0%",
            "showgrid": False,
            "title": {"text": share},
        },
    )
    return fig


def bullet(frame: pd.DataFrame, label: str, value: str, limit: str, unit: str = "") -> go.Figure:
    """A value against its limit, a bar each; those beyond it stand out by colour and sign."""
    over = (frame[value] > frame[limit]).fillna(False).to_numpy(dtype=bool)
    fig = figure(height=max(150, 60 + 26 * len(frame)), showlegend=False)
    fig.add_bar(
        y=frame[label].astype(str), x=frame[value], orientation="h", marker={"color": [BAD if o else SERIES[0] for o in over]},
        text=["▲" if o else "" for o in over], textposition="outside", hovertemplate="%{y}: %{x:,.4~g} " + unit + "<extra></extra>",
    )  # fmt: skip
    fig.add_scatter(
        y=frame[label].astype(str), x=frame[limit], mode="markers", marker={"symbol": "line-ns-open", "size": 16, "color": MUTED},
        hovertemplate="%{x:,.4~g} " + unit + "<extra></extra>",
    )  # fmt: skip
    fig.update_yaxes(type="category", autorange="reversed")
    fig.update_xaxes(title_text=unit, rangemode="tozero")
    return fig
