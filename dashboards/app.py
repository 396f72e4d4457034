"""The dashboard's entry: `streamlit run dashboards/app.py` from the checkout. Menu, language, and the frame around every page."""

import logging
from functools import partial
from pathlib import Path

import streamlit as st

from dashboards import data
from dashboards.components import filters, states
from dashboards.texts import Texts
from dashboards.views import Page, pages
from lake.catalog import CatalogError, catalog
from lake.settings import SettingsError

log = logging.getLogger("dashboards")
ICON = Path(__file__).with_name("icon.png")
"""A file of ours: a named icon would be fetched from the network."""
SIDEBAR_PX = 230


def show(page: Page, t: Texts) -> None:
    """Title, question, trust; then the page, or the state that it is in."""
    st.title(t(f"{page.path}.title"), anchor=False)
    st.markdown(f":gray[{t(f'{page.path}.question')}]")
    if page.needs and not any(data.is_there(n) for n in page.needs):
        states.first_run(page.needs, t, page.why_empty)
        return
    states.trust(page.reads, t)
    page.draw(t)


def framed(page: Page, t: Texts) -> None:
    try:
        show(page, t)
    except Exception as error:
        # Streamlit's own ways to stop and rerun are not Exceptions.
        log.exception("page %s", page.path)
        states.broken(error, t)


def main() -> None:
    st.set_page_config(page_title="Maintenance lakehouse", page_icon=str(ICON), layout="wide", initial_sidebar_state=SIDEBAR_PX)
    try:
        catalog()
    except (SettingsError, CatalogError) as error:
        st.error(str(error).replace("\n", "\n\n"))
        return
    with st.sidebar:
        t = filters.language()
        st.caption(t("app.as_of", day=t.day(data.newest_day("bronze_lake__calendar"))))
    # The default page has the path "/".
    found = [
        st.Page(partial(framed, p, t), title=t(f"{p.path}.title"), icon=p.icon, url_path=p.path, default=not i)
        for i, p in enumerate(pages())
    ]
    st.navigation(found).run()


if __name__ == "__main__":
    main()
