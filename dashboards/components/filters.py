"""Filters that live in the URL: each is bound to a query parameter, so that a link opens the same page."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import streamlit as st

from dashboards import data
from dashboards.texts import LANGUAGES, Texts

PERIODS = (7, 28, 90, 365)
GRAINS = ("day", "week", "month")


def language() -> Texts:
    """`?lang=fr`. English by default."""
    picked = st.segmented_control(
        "Language · Langue",
        list(LANGUAGES),
        default="en",
        format_func=LANGUAGES.__getitem__,
        key="lang",
        bind="query-params",
        required=True,
    )
    return Texts(str(picked or "en"))


def period(t: Texts, default: int = 28) -> int:
    """`?days=90`: how many days back pages look."""
    picked = st.segmented_control(
        t("filter.period"), [str(p) for p in PERIODS], default=str(default), key="days", bind="query-params", required=True,
        format_func=lambda p: t("filter.days", n=p),
    )  # fmt: skip
    return int(picked or default)


def grain(t: Texts, default: str = "day", offered: Sequence[str] = GRAINS) -> str:
    """`?grain=week`."""
    picked = st.segmented_control(
        t("filter.grain"), list(offered), default=default, key="grain", bind="query-params", required=True,
        format_func=lambda g: t(f"filter.{g}"),
    )  # fmt: skip
    return str(picked or default)


def several(name: str, label: str, options: Iterable[str], t: Texts) -> list[str]:
    """`?model=Daily&model=Master`; nothing picked means all."""
    return list(st.multiselect(label, sorted(options), key=name, bind="query-params", placeholder=t("filter.all")))


def one(name: str, label: str, options: Sequence[str], t: Texts, words: str = "", must: bool = True) -> str | None:
    """`?asset=VIN-750001`. Without `must` nothing picked is an answer."""
    if not options:
        return None
    picked = st.selectbox(
        label, list(options), index=0 if must else None, key=name, bind="query-params", placeholder=t("filter.choose"),
        format_func=t.column if words == "column" else (lambda v: t.word(words, v)) if words else str,
    )  # fmt: skip
    return None if picked is None else str(picked)


def since(name: str, days: int) -> tuple[date | None, date | None]:
    """First and last day of the last `days` days that a table holds."""
    last = data.newest_day(name)
    return (last - timedelta(days=days - 1), last) if last else (None, None)
