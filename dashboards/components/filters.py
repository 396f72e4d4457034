"""Filters that live in the URL, so that a link opens the same page.

Streamlit's own binding (`bind="query-params"`) puts labels into the URL. Ours differ by language; a link must not, so codes
go there and this module keeps both in step.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import streamlit as st

from dashboards import data
from dashboards.texts import LANGUAGES, Texts

PERIODS = ("7", "28", "90", "365")
GRAINS = ("day", "week", "month")


def _in_url(
    name: str, default: list[str], allowed: Callable[[str], bool], widget: Callable[[str], Any], is_many: bool = False
) -> list[str]:
    """Draw a widget whose key is given to it, begin with what the URL says, and write into the URL what is chosen now.

    A URL that somebody edited while the page was open wins over the widget; what isn't `allowed` is ignored.
    """
    key, told = f"filter-{name}", f"url-{name}"
    asked = [v for v in st.query_params.get_all(name) if allowed(v)]
    is_new = key not in st.session_state
    if asked and (is_new or asked != st.session_state.get(told)):
        st.session_state[key] = asked if is_many else asked[0]
    value = widget(key)
    chosen = [str(v) for v in value] if isinstance(value, list) else [] if value is None else [str(value)]
    if chosen == default:
        st.query_params.pop(name, None)
        st.session_state[told] = []
    else:
        st.query_params[name] = chosen
        st.session_state[told] = chosen
    return chosen


def _segments(name: str, label: str, options: Sequence[str], default: str, words: Callable[[str], str]) -> str:
    def widget(key: str) -> Any:
        start = None if key in st.session_state else default
        return st.segmented_control(label, list(options), default=start, key=key, required=True, format_func=words)

    return (_in_url(name, [default], lambda v: v in options, widget) or [default])[0]


def language() -> Texts:
    """`?lang=fr`. English by default."""
    return Texts(_segments("lang", "Language · Langue", list(LANGUAGES), "en", LANGUAGES.__getitem__))


def period(t: Texts, default: int = 28) -> int:
    """`?days=90`: how many days back pages look."""
    return int(_segments("days", t("filter.period"), PERIODS, str(default), lambda p: t("filter.days", n=p)))


def grain(t: Texts, default: str = "day") -> str:
    """`?grain=week`."""
    return _segments("grain", t("filter.grain"), GRAINS, default, lambda g: t(f"filter.{g}"))


def several(name: str, label: str, options: Iterable[str], t: Texts) -> list[str]:
    """`?model=Daily&model=Master`; nothing picked means all."""
    offered = sorted(options)

    def widget(key: str) -> Any:
        return st.multiselect(label, offered, key=key, placeholder=t("filter.all"))

    return _in_url(name, [], offered.__contains__, widget, is_many=True)


def one(name: str, label: str, options: Sequence[str], t: Texts, words: str = "", must: bool = True) -> str | None:
    """`?asset=VIN-750001`. The first option is the default; without `must` nothing picked is an answer."""
    if not options:
        return None
    say: Callable[[str], str] = t.column if words == "column" else (lambda v: t.word(words, v)) if words else str

    def widget(key: str) -> Any:
        if st.session_state.get(key) not in options:
            st.session_state.pop(key, None)  # chosen among other options, before another filter changed
        start = 0 if must else None
        return st.selectbox(label, list(options), index=start, key=key, placeholder=t("filter.choose"), format_func=say)

    found = _in_url(name, [options[0]] if must else [], options.__contains__, widget)
    return found[0] if found else None


def since(name: str, days: int) -> tuple[date | None, date | None]:
    """First and last day of the last `days` days that a table holds."""
    last = data.newest_day(name)
    return (last - timedelta(days=days - 1), last) if last else (None, None)
