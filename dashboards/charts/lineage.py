"""Where a table comes from and who reads it, as a layered graph."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from dashboards.look import ACCENT, MUTED, SERIES, figure

LAYERS = {"landing": MUTED, "bronze": SERIES[1], "silver": SERIES[4], "gold": SERIES[2]}


def graph(columns: Mapping[int, Sequence[str]], edges: Sequence[tuple[str, str]], chosen: str) -> go.Figure:
    """Tables by distance from the chosen one (`columns`: negative are inputs, positive are readers), and who reads whom."""
    places = {name: (step, (i + 1) / (len(names) + 1)) for step, names in columns.items() for i, name in enumerate(names)}
    tallest = max((len(names) for names in columns.values()), default=1)
    fig = figure(height=max(220, 60 + 34 * tallest), showlegend=False)
    xs: list[float | None] = []
    ys: list[float | None] = []
    for a, b in edges:
        if a in places and b in places:
            xs += [places[a][0], places[b][0], None]
            ys += [places[a][1], places[b][1], None]
    fig.add_scatter(x=xs, y=ys, mode="lines", line={"color": MUTED, "width": 1}, opacity=0.6, hoverinfo="skip")
    names = list(places)
    fig.add_scatter(
        x=[places[n][0] for n in names], y=[places[n][1] for n in names], mode="markers+text", hovertext=names, hoverinfo="text",
        text=[_short(n) for n in names], textposition="top center", textfont={"size": 11},
        marker={
            "size": [18 if n == chosen else 11 for n in names], "color": [LAYERS.get(n.split("_")[0], ACCENT) for n in names],
            "symbol": ["diamond" if n == chosen else "circle" for n in names],
        },
    )  # fmt: skip
    steps = list(columns) or [0]
    fig.update_xaxes(visible=False, range=[min(steps) - 0.6, max(steps) + 0.6])
    fig.update_yaxes(visible=False, range=[0, 1.08])
    return fig


def _short(name: str) -> str:
    layer, _, rest = name.partition("_")
    return f"{layer[0].upper()} · {rest.replace('__', ' ').replace('_', ' ')}"
