"""The visual language: colours that hold on light and dark ground, and a shape beside every status colour."""

from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from dashboards.texts import Texts

LIGHT_GROUND, DARK_GROUND = "#ffffff", "#11191d"
"""As in `.streamlit/config.toml`; a test holds every colour below to a contrast of 3:1 on both (WCAG 2.2, 1.4.11)."""

SERIES = ("#2a7fbf", "#c9660e", "#1d9174", "#b457a0", "#8a7a1f", "#6f76d1")
"""Colours of things that are merely different, told apart by colour-blind people in this order."""
ACCENT = SERIES[0]
MUTED = "#7a8891"
LIMIT = "#c9660e"
BAD = "#c83a7f"
AROUND = pd.Timedelta(days=4)


@dataclass(frozen=True)
class Mark:
    """How a word is shown everywhere: colour, a character, a Plotly marker, and a badge's colour and icon."""

    colour: str
    sign: str
    marker: str
    badge: str
    icon: str


STATUS = {
    "OK": Mark("#1d9174", "●", "circle", "green", ":material/check_circle:"),
    "SURVEILLANCE": Mark("#9c7c0e", "▲", "triangle-up", "yellow", ":material/visibility:"),
    "ALERTE": Mark("#d0660c", "◆", "diamond", "orange", ":material/warning:"),
    "CRITIQUE": Mark("#c83a7f", "■", "square", "red", ":material/error:"),
    "INCONNU": Mark("#7a8891", "○", "circle-open", "gray", ":material/help:"),
}
"""Worst is not last: `ORDER` ranks them."""
ORDER = ("CRITIQUE", "ALERTE", "INCONNU", "SURVEILLANCE", "OK")

VERDICT = {
    "passed": STATUS["OK"],
    "warned": STATUS["SURVEILLANCE"],
    "waived": STATUS["INCONNU"],
    "failed": STATUS["CRITIQUE"],
}

SEVERITY = {"warning": STATUS["ALERTE"], "critical": STATUS["CRITIQUE"]}


def signed(status: str, t: Texts) -> str:
    """A status with its shape, for table cells: `◆ Alert`."""
    mark = STATUS.get(status)
    return f"{mark.sign} {t.word('status', status)}" if mark else status


def figure(*traces: go.Figure, height: int = 320, **layout: object) -> go.Figure:
    """An empty figure in the house's layout; the page's theme gives fonts, grid and ground."""
    base: dict[str, object] = {
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 12, "b": 8},
        "colorway": SERIES,
        "hovermode": "closest",
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": {"text": ""}},
        "xaxis": {"automargin": True, "title": {"text": ""}},
        "yaxis": {"automargin": True, "title": {"text": ""}},
        "bargap": 0.25,
    }
    return go.Figure(data=list(traces), layout={**base, **layout})


def widened(fig: go.Figure, times: pd.Series) -> go.Figure:
    """Room for a week around a lone day, week or month: plotly would divide such an axis by the second."""
    known = pd.to_datetime(times, errors="coerce").dropna().drop_duplicates()
    if len(known) == 1:
        fig.update_xaxes(range=[known.iloc[0] - AROUND, known.iloc[0] + AROUND])
    return fig
