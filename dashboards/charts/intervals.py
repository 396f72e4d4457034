"""Figures that aren't sure: points with their intervals."""

import pandas as pd
import plotly.graph_objects as go

from dashboards.look import SERIES, figure

_MARKERS = ("circle", "diamond", "square", "triangle-up")


def compared(frame: pd.DataFrame, label: str, who: str, words: dict[str, str]) -> go.Figure:
    """A row per `label`, a point per `who` with its interval. Columns: `label`, `who`, value, low, high."""
    rows = list(dict.fromkeys(frame[label].astype(str)))
    fig = figure(height=max(180, 90 + 46 * len(rows)))
    for i, w in enumerate(dict.fromkeys(frame[who].astype(str))):
        part = frame[frame[who].astype(str) == w]
        fig.add_scatter(
            x=part["value"], y=part[label].astype(str), name=words.get(w, w), mode="markers",
            marker={"color": SERIES[i % len(SERIES)], "symbol": _MARKERS[i % len(_MARKERS)], "size": 10},
            error_x={
                "type": "data", "symmetric": False, "array": (part["high"] - part["value"]).fillna(0).tolist(),
                "arrayminus": (part["value"] - part["low"]).fillna(0).tolist(), "thickness": 1.5,
            },
            hovertemplate="%{y}: %{x:.3f}<extra>" + words.get(w, w) + "</extra>",
        )  # fmt: skip
    fig.update_yaxes(type="category", autorange="reversed")
    return fig
