"""Chart builders take any frame with the named columns: empty, one row, all null, ten thousand assets."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from dashboards import look
from dashboards.charts import bars, grids, intervals, lineage, lines, status
from dashboards.texts import Texts

T = Texts("en")
MANY = 10_000


def frames(**kinds: str) -> dict[str, pd.DataFrame]:
    """The four shapes of a frame whose columns are of the given kinds: word, number, day, or one of a|b|c."""

    def column(kind: str, n: int) -> object:
        if kind == "number":
            return np.linspace(0, 1, n)
        if kind == "rating":
            return np.arange(n) % 10 + 1
        if kind == "day":
            return pd.date_range("2026-01-01", periods=n, freq="h")
        if kind == "word":
            return [f"asset {i}" for i in range(n)]
        return [kind.split("|")[i % len(kind.split("|"))] for i in range(n)]

    def of(n: int) -> pd.DataFrame:
        return pd.DataFrame({name: column(kind, n) for name, kind in kinds.items()})

    null = of(3).astype({c: "float64" for c, k in kinds.items() if k == "rating"})
    for name, kind in kinds.items():
        if kind in ("number", "rating"):
            null[name] = np.nan
    return {"empty": of(1).iloc[:0], "one row": of(1), "all null": null, "ten thousand": of(MANY)}


STATUSES = "|".join(look.ORDER)
EVENT, LIMIT = lines.Event(datetime(2026, 1, 1, tzinfo=UTC), "■", "x"), lines.Limit(0.5, "limit")
LOOKS = {"a": ("A", "#000", "circle"), "b": ("B", "#111", "x")}
Build = Callable[[pd.DataFrame], go.Figure]
CHARTS: dict[str, tuple[dict[str, str], Build]] = {
    "by_group": (
        {"model": "word", "status": STATUSES, "assets": "rating"},
        lambda f: status.by_group(f.fillna({"assets": 0}), "model", T),
    ),
    "over_time": ({"day": "day", "status": STATUSES, "assets": "rating"}, lambda f: status.over_time(f, T)),
    "series": (
        {"day": "day", "a": "number", "b": "number"},
        lambda f: lines.series(f, "day", ("a", "b"), {}, "°C", [LIMIT], [EVENT]),
    ),
    "ranking": ({"name": "word", "value": "number"}, lambda f: bars.ranking(f, "name", "value")),
    "by_time": ({"day": "day", "a": "number"}, lambda f: bars.by_time(f, "day", ("a",), {})),
    "pareto": (
        {"name": "word", "value": "number", "sum": "number"},
        lambda f: bars.pareto(f, "name", "value", "sum", "EUR", "share"),
    ),
    "bullet": ({"name": "word", "value": "number", "limit": "number"}, lambda f: bars.bullet(f, "name", "value", "limit")),
    "criticality": (
        {"gravity_rating": "rating", "occurrence_rating": "rating"},
        lambda f: grids.criticality(f, "G", "O"),
    ),
    "verdicts": (
        {"run_at": "word", "outcome": "passed|failed", "checks": "rating"},
        lambda f: grids.verdicts(f, {"passed": ("ok", "#000")}),
    ),
    "points": (
        {"x": "number", "y": "number", "kind": "a|b"},
        lambda f: grids.diagonal(grids.points(f, "x", "y", "kind", LOOKS, ("x", "y")), 0, 1),
    ),
    "compared": (
        {"metric": "precision|recall", "who": "model|rule", "value": "number", "low": "number", "high": "number"},
        lambda f: intervals.compared(f, "metric", "who", {}),
    ),
}


@pytest.mark.parametrize("shape", ["empty", "one row", "all null", "ten thousand"])
@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_can_be_drawn_from_any_frame(chart: str, shape: str) -> None:
    kinds, build = CHARTS[chart]
    frame = frames(**kinds)[shape]
    before = frame.copy()
    figure = build(frame)
    assert figure.to_json()
    assert figure.to_json() == build(frame).to_json()
    pd.testing.assert_frame_equal(frame, before)


def test_ten_thousand_points_are_drawn_by_webgl_and_rankings_stay_readable() -> None:
    kinds, build = CHARTS["points"]
    assert {t.type for t in build(frames(**kinds)["ten thousand"]).data} == {"scattergl"}
    ranked = bars.ranking(frames(name="word", value="number")["ten thousand"], "name", "value")
    assert len(ranked.data[0].y) == bars.BARS_SHOWN


def test_parts_of_a_bar_stand_beside_each_other_where_one_is_missing() -> None:
    told = pd.DataFrame({"model": ["A", "A", "B"], "status": ["CRITIQUE", "OK", "OK"], "assets": [1, 2, 3]})
    figure = status.by_group(told, "model", T)
    assert {t.name: list(t.x) for t in figure.data} == {"■ Critical": [1, 0], "● OK": [2, 3]}


def test_a_line_breaks_where_there_is_no_reading() -> None:
    figure = lines.series(pd.DataFrame({"day": [1, 2, 3], "a": [1.0, None, 2.0]}), "day", ("a",), {})
    assert figure.data[0].connectgaps is False and np.isnan(figure.data[0].y[1])


def test_the_criticality_matrix_counts_modes_in_each_cell() -> None:
    rated = pd.DataFrame({"gravity_rating": [10, 10, 3], "occurrence_rating": [8, 8, 2]})
    told = grids.criticality(rated, "G", "O").data[1]
    assert set(zip(told.x, told.y, told.text, strict=True)) == {(10, 8, "2"), (3, 2, "1")}


def test_lineage_puts_inputs_left_and_readers_right() -> None:
    figure = lineage.graph({0: ["silver_a__b"], -1: ["bronze_a__b"], 1: ["gold_a__c"]}, [("bronze_a__b", "silver_a__b")], "silver_a__b")
    assert dict(zip(figure.data[1].hovertext, figure.data[1].x, strict=True)) == {"silver_a__b": 0, "bronze_a__b": -1, "gold_a__c": 1}


def _luminance(colour: str) -> float:
    """WCAG 2.2's relative luminance."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("ground", [look.LIGHT_GROUND, look.DARK_GROUND])
@pytest.mark.parametrize("colour", [*look.SERIES, look.MUTED, look.LIMIT, look.BAD, *(m.colour for m in look.STATUS.values())])
def test_colours_stand_out_on_both_grounds(colour: str, ground: str) -> None:
    high, low = sorted((_luminance(colour), _luminance(ground)), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 3


def test_statuses_differ_by_shape_and_not_by_colour_alone() -> None:
    for of in ("sign", "marker", "icon", "colour"):
        assert len({getattr(m, of) for m in look.STATUS.values()}) == len(look.STATUS)


def test_a_lone_week_gets_an_axis_of_days() -> None:
    week = pd.DataFrame({"week": pd.to_datetime(["2026-03-30"]), "a": [1.0]})
    for fig in (lines.series(week, "week", ("a",), {}), bars.by_time(week, "week", ("a",), {})):
        first, last = fig.layout.xaxis.range
        assert last - first == pd.Timedelta(days=8)
    assert bars.by_time(week, "week", ("a",), {}).data[0].width > pd.Timedelta(days=1).total_seconds() * 1000, "else it can't be seen"
    words = bars.by_time(pd.DataFrame({"partition": ["all"], "a": [1.0]}), "partition", ("a",), {})
    assert words.layout.xaxis.range is None
