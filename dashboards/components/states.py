"""What a page says when there is nothing to show, or when what shows is old: what happened, and what to do."""

import streamlit as st

from dashboards import data, health
from dashboards.components.contract import show as show_contract
from dashboards.texts import Texts

_LOOK = {
    "good": ("green", ":material/check_circle:"),
    "warned": ("yellow", ":material/warning:"),
    "stale": ("orange", ":material/schedule:"),
    "failed": ("red", ":material/error:"),
    "missing": ("gray", ":material/hourglass_empty:"),
}


def badge(of: health.Health, t: Texts, label: str = "", warned: int | None = None) -> None:
    """Freshness and quality of a table beside the figures made from it."""
    colour, icon = _LOOK[of.state]
    day = t.day(of.day) if of.day else t.moment(of.published_at)
    text = t(f"health.{of.state}", day=day, lag=of.lag_days, warned=of.warned + of.failed if warned is None else warned)
    about = t(f"health.{of.state}_is", table=of.table, outcome=of.outcome or "", message=of.message or "")
    st.badge(f"{label}{' · ' if label else ''}{text}", icon=icon, color=colour, help=about)  # type: ignore[arg-type]


def trust(reads: tuple[str, ...], t: Texts) -> None:
    """One badge for all tables of a page, the worst of them; what failed or is late is said in full."""
    found = health.worst(r for r in reads if data.is_declared(r))
    if not found:
        return
    there = [h for h in found if h.state != "missing"]
    if not there:
        return
    worst = there[0]
    with st.container(horizontal=True, gap="small", key="trust"):
        badge(worst, t, warned=sum(h.warned + h.failed for h in there))
        checked = sum(h.warned + h.failed for h in there)
        if checked and worst.state != "warned":
            st.badge(t("health.checks", n=checked), icon=":material/fact_check:", color="yellow", help=t("health.checks_is"))
    if worst.state == "failed":
        st.error(t("state.failed", table=worst.table, message=worst.message or ""), icon=":material/error:")
    elif worst.state == "stale":
        st.warning(t("state.stale", table=worst.table, day=t.day(worst.day), lag=worst.lag_days), icon=":material/schedule:")


def first_run(reads: tuple[str, ...], t: Texts, why: str = "state.first_run_lake") -> None:
    """Nothing was published yet: what will stand here, and which command brings it."""
    with st.container(border=True, key="first-run"):
        st.markdown(f"#### :material/rocket_launch: {t('state.first_run')}")
        st.markdown(t(why))
        declared = tuple(r for r in reads if data.is_declared(r))
        if declared:
            with st.expander(t("state.what_will_stand_here")):
                show_contract(declared, (), t)


def empty(t: Texts, key: str = "state.empty_filter") -> None:
    """Filters or an asset without rows."""
    with st.container(border=True, key="empty"):
        st.markdown(f"#### :material/filter_alt_off: {t('state.empty')}")
        st.markdown(t(key))


def broken(error: Exception, t: Texts) -> None:
    """A page that could not be made: what it was about; the whole story is in the server's log."""
    with st.container(border=True, key="broken"):
        st.markdown(f"#### :material/report: {t('state.broken')}")
        st.markdown(t("state.broken_is", error=type(error).__name__))
