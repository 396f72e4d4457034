"""Values over time, with limits and events marked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
import plotly.graph_objects as go

from dashboards.look import LIMIT, MUTED, SERIES, figure, widened

WEBGL_FROM = 5_000
"""Points above which lines are drawn by WebGL: SVG makes a page element of each."""


@dataclass(frozen=True)
class Limit:
    """A horizontal line with its name."""

    value: float
    label: str


@dataclass(frozen=True)
class Event:
    """A vertical line with its sign and what is said when it is pointed at."""

    at: datetime
    sign: str
    label: str
    colour: str = MUTED


def series(
    frame: pd.DataFrame, x: str, ys: Sequence[str], labels: dict[str, str], unit: str = "", limits: Sequence[Limit] = (),
    events: Sequence[Event] = (), height: int = 280, markers: bool = False,
) -> go.Figure:  # fmt: skip
    """Columns `ys` over `x`. Gaps stay gaps: a line over days without readings would be an invention."""
    fig = figure(height=height, hovermode="x unified", showlegend=len(ys) > 1 or bool(limits))
    draw = go.Scattergl if len(frame) * len(ys) > WEBGL_FROM else go.Scatter
    for i, y in enumerate(ys):
        lone = frame[y].notna().sum() < 2
        fig.add_trace(
            draw(
                x=frame[x], y=frame[y], name=labels.get(y, y), mode="lines+markers" if markers or lone else "lines", connectgaps=False,
                line={"color": SERIES[i % len(SERIES)], "width": 2, "dash": ("solid", "dash", "dot")[i % 3]},
                hovertemplate="%{y:.4~g} " + unit,
            )
        )  # fmt: skip
    # One list of shapes: plotly's add_hline and add_vline copy all of them each time.
    shapes = [_across(limit) for limit in limits] + [_upright(e) for e in events]
    notes = [
        {"x": 1, "xref": "paper", "y": m.value, "text": m.label, "showarrow": False, "xanchor": "right", "yanchor": "bottom"}
        for m in limits
    ]
    fig.update_layout(shapes=shapes, annotations=notes)
    _mark(fig, events)
    fig.update_layout(yaxis_title_text=unit)
    return widened(fig, frame[x])


def _across(limit: Limit) -> dict[str, object]:
    line = {"color": LIMIT, "dash": "dash", "width": 1.5}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": limit.value, "y1": limit.value, "line": line}


def _upright(event: Event) -> dict[str, object]:
    line = {"color": event.colour, "dash": "dot", "width": 1}
    return {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": event.at, "x1": event.at, "line": line}


def _mark(fig: go.Figure, events: Sequence[Event]) -> None:
    if events:
        fig.add_scatter(
            x=[e.at for e in events], y=[1.0] * len(events), yaxis="y2", mode="text", text=[e.sign for e in events],
            hovertext=[e.label for e in events], hoverinfo="text+x", showlegend=False,
            textfont={"color": [e.colour for e in events], "size": 15},
        )  # fmt: skip
        fig.update_layout(yaxis2={"overlaying": "y", "range": [0, 1.04], "visible": False, "fixedrange": True})
