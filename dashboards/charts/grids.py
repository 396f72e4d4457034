"""Two scales against each other: the criticality matrix, verdicts by table and run."""

import pandas as pd
import plotly.graph_objects as go

from dashboards.look import MUTED, figure

RATINGS = tuple(range(1, 11))
GROUND = ((0.0, "rgba(122,136,145,0.10)"), (0.25, "#7fb3b8"), (0.5, "#c9a227"), (0.8, "#d0660c"), (1.0, "#c83a7f"))
"""From calm to critical by gravity times occurrence; counts stand in the cells, so colour isn't alone."""


def criticality(frame: pd.DataFrame, gravity: str, occurrence: str) -> go.Figure:
    """How many failure modes stand at each gravity (1-10, across) and occurrence (1-10, up). Columns: the two ratings."""
    cells = frame.dropna(subset=["gravity_rating", "occurrence_rating"]).groupby(["occurrence_rating", "gravity_rating"]).size()
    counts = [[int(cells.get((o, g), 0)) for g in RATINGS] for o in RATINGS]
    fig = figure(height=400)
    fig.add_heatmap(
        x=list(RATINGS), y=list(RATINGS), z=[[o * g for g in RATINGS] for o in RATINGS], colorscale=[list(c) for c in GROUND], opacity=0.55,
        showscale=False, xgap=2, ygap=2, customdata=counts, hovertemplate="G %{x} · O %{y}: %{customdata}<extra></extra>",
    )  # fmt: skip
    told = [(g, o, counts[o - 1][g - 1]) for o in RATINGS for g in RATINGS if counts[o - 1][g - 1]]
    fig.add_scatter(
        x=[g for g, _, _ in told], y=[o for _, o, _ in told], text=[str(n) for _, _, n in told], mode="markers+text", showlegend=False,
        marker={"size": [16 + 3 * min(n, 8) for _, _, n in told], "color": "#ffffff", "line": {"color": "#17252b", "width": 1}},
        textfont={"color": "#17252b"}, hoverinfo="skip",
    )  # fmt: skip
    fig.update_xaxes(title_text=gravity, dtick=1, showgrid=False, zeroline=False)
    fig.update_yaxes(title_text=occurrence, dtick=1, showgrid=False, zeroline=False)
    return fig


def verdicts(frame: pd.DataFrame, outcomes: dict[str, tuple[str, str]]) -> go.Figure:
    """Checks by run and outcome, stacked. Columns: run_at, outcome, checks. `outcomes`: code -> name and colour, best first."""
    fig = figure(height=280, barmode="stack", hovermode="x unified")
    wide = frame.pivot_table(index="run_at", columns="outcome", values="checks", aggfunc="sum", fill_value=0)
    for code, (name, colour) in outcomes.items():
        if code in wide:
            fig.add_bar(x=[str(i) for i in wide.index], y=wide[code].tolist(), name=name, marker={"color": colour})
    fig.update_xaxes(type="category")
    return fig


def points(
    frame: pd.DataFrame, x: str, y: str, group: str, looks: dict[str, tuple[str, str, str]], labels: tuple[str, str], text: str = ""
) -> go.Figure:
    """A scatter. `looks`: value of `group` -> name, colour, marker. Many points are drawn by WebGL."""
    fig = figure(height=380)
    draw = go.Scattergl if len(frame) > 2_000 else go.Scatter
    for value, (name, colour, marker) in looks.items():
        part = frame[frame[group] == value]
        if part.empty:
            continue
        fig.add_trace(
            draw(
                x=part[x], y=part[y], name=name, mode="markers", text=part[text] if text else None,
                marker={"color": colour, "symbol": marker, "size": 8, "opacity": 0.75, "line": {"width": 0}},
                hovertemplate=("%{text}<br>" if text else "") + f"{labels[0]} %{{x:.4~g}}<br>{labels[1]} %{{y:.4~g}}<extra>{name}</extra>",
            )
        )  # fmt: skip
    fig.update_xaxes(title_text=labels[0])
    fig.update_yaxes(title_text=labels[1])
    return fig


def diagonal(fig: go.Figure, low: float, high: float) -> go.Figure:
    """The same figure with the line on which both scales agree."""
    fig.add_shape(type="line", x0=low, y0=low, x1=high, y1=high, line={"color": MUTED, "dash": "dot", "width": 1}, layer="below")
    return fig
