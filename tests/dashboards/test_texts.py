"""Both languages say everything; numbers and days are written as each writes them; nothing runs in a spreadsheet."""

import inspect
import re
from datetime import date
from pathlib import Path
from string import Formatter

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.components.download import as_csv, as_parquet, harmless
from dashboards.texts import LANGUAGES, NOTHING, Texts, sentences
from dashboards.texts.told import told
from dashboards.views import pages
from lake.tables import fleet, line, refrigeration
from models.dataset import feature_names
from models.problem import problems
from pipelines.status import reason

CODE = "\n".join(p.read_text() for p in Path("dashboards").rglob("*.py"))
TILE_LETTERS = 13
"""Longer titles are cut off in a tile."""


def placeholders(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_both_languages_have_the_same_texts_with_the_same_placeholders() -> None:
    en, fr = sentences("en"), sentences("fr")
    assert en.keys() == fr.keys()
    assert not [k for k in en if placeholders(en[k]) != placeholders(fr[k])]
    assert not [k for k in en if not en[k].strip() or not fr[k].strip()]


def test_every_text_that_the_code_names_is_there() -> None:
    named = set(re.findall(r'\bt\(\s*"([a-z_]+\.[a-zA-Z_0-9]+)"', CODE))
    named |= {f"{p}.{n}{end}" for p, n in re.findall(r'card\.figure\(\s*"(\w+)",\s*"(\w+)"', CODE) for end in ("", "_is")}
    assert len(named) > 100
    assert not named - sentences("en").keys()


@pytest.mark.parametrize("page", pages(), ids=lambda p: p.path)
@pytest.mark.parametrize("language", LANGUAGES)
def test_titles_of_tiles_fit(page: object, language: str) -> None:
    path = page.path  # type: ignore[attr-defined]
    source = Path("dashboards/views", f"{path}.py").read_text()
    tiles = set(re.findall(r'Tile\("(\w+)"', source)) | set(re.findall(r'^\s+\(\(?"(\w+)", ', source, re.M))
    texts = sentences(language)
    assert not [texts[k] for n in tiles if (k := f"{path}.{n}") in texts and f"{k}_is" in texts and len(texts[k]) > TILE_LETTERS]


def test_numbers_and_days_are_written_as_each_language_does() -> None:
    en, fr = Texts("en"), Texts("fr")
    assert en.number(1234.56, 1) == "1,234.6"
    assert fr.number(1234.56, 1) == "1\N{NARROW NO-BREAK SPACE}234,6"
    assert en.share(0.1234) == "12.3%"
    assert fr.share(0.1234) == "12,3\N{NARROW NO-BREAK SPACE}%"
    assert en.day(date(2026, 8, 5)) == "5 Aug 2026" and fr.day(date(2026, 8, 5)) == "5 août 2026"
    assert en.number(-0.04, 1) == "0.0"
    assert en.number(None) == en.day(None) == en.number(float("nan")) == en.word("status", None) == NOTHING


def test_features_of_models_are_told_in_words() -> None:
    en, fr = Texts("en"), Texts("fr")
    assert en.feature("oil_pressure_bar_mean_7d") == "oil pressure bar · mean 7 d"
    assert fr.feature("km_28d") == "km · 28 j" and fr.feature("days_since_fan_repair") == "jours depuis réparation (ventilateur)"
    assert en.feature("km_since_last_service") == "km since service" and en.feature("of_a_new_domain") == "of a new domain"
    assert [en.significant(v) for v in (12345.6, 0.0041999, 92.1, -3, None)] == ["12,350", "0.0042", "92.1", "-3", NOTHING]
    for problem in problems().values():
        for name in feature_names(problem):
            # a name without a text would come out as it is in the lake, in English
            assert not set(fr.feature(name).split()) & {"since", "share", "service", "temperature", "pressure", "speed", "repair"}, name


def test_titles_of_alerts_and_reasons_of_a_status_are_told_in_french() -> None:
    en, fr = Texts("en"), Texts("fr")
    rules = {*fleet.RULES, *line.RULES, *refrigeration.RULES}
    assert len(rules) > 10
    for title in (r.title for r in rules):
        assert told(title, en) == title
        assert not set(told(title, fr).split()) & {"above", "below", "high", "low", "temperature", "pressure"}, title
    assert told("critical: oil pressure below 2.6 bar, superheat above 15 K", fr) == (
        "critique : pression d'huile au-dessous de 2,6 bar, surchauffe au-dessus de 15 K"
    )
    assert told("no reading since 2026-03-01 10:00 UTC", fr) == "aucune mesure depuis 2026-03-01 10:00 UTC"
    assert told("readings within limits", fr) == "mesures dans les limites"
    # every sentence that the pipeline can say is known here
    beginnings = re.findall(r'"([a-z][a-z {}:]* [a-z {}:]*)"', inspect.getsource(reason))
    assert len(beginnings) == 6
    for text in (b.format(days=7) + ("x" if b.endswith(" ") else "") for b in beginnings):
        assert told(text, fr) != text
    assert told("something of a new domain", fr) == "something of a new domain"


@given(st.text(min_size=1))
def test_no_text_begins_as_a_formula_once_it_is_harmless(text: str) -> None:
    made = str(harmless(text))
    assert made.lstrip(" ")[:1] not in tuple("=+-@\t\r|%")
    assert made in (text, f"'{text}")


def test_csv_keeps_numbers_and_defuses_texts_lists_and_headings() -> None:
    frame = pd.DataFrame({"=cmd": [-1.5], "text": ["@SUM(A1)"], "list": [["=1", "b"]], "day": pd.to_datetime(["2026-01-02"])})
    assert as_csv(frame).decode("utf-8-sig").splitlines() == ["'=cmd,text,list,day", "-1.5,'@SUM(A1),'=1; b,2026-01-02"]
    assert as_parquet(frame)[:4] == b"PAR1"
