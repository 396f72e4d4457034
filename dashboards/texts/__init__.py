"""Every sentence of the dashboard in English and French, and numbers and days as each language writes them."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd
import yaml

LANGUAGES = {"en": "English", "fr": "Français"}
NOTHING = "–"
"""Shown where a figure is null."""

_WINDOW = re.compile(r"(?P<what>\w+?)(?:_(?P<how>mean|std|trend))?_(?P<days>\d+)d")
_SINCE = re.compile(r"(?P<unit>days|km)_since_(?P<what>(?!last_)\w+)_(?:repair|service)")
_THIN = "\N{NARROW NO-BREAK SPACE}"
_MONTHS_FR = ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")


@cache
def sentences(language: str) -> dict[str, str]:
    """All texts of a language by key. Both languages have the same keys and the same placeholders; a test says so."""
    found: dict[str, str] = {}
    for file in sorted(files(__name__).joinpath(language).iterdir(), key=lambda f: f.name):
        groups: dict[str, dict[str, str]] = yaml.safe_load(file.read_text("utf-8"))
        found |= {f"{group}.{key}": text for group, texts in groups.items() for key, text in texts.items()}
    return found


@dataclass(frozen=True)
class Texts:
    """One language. Calling it gives a text; an unknown key raises KeyError."""

    language: str = "en"

    def __call__(self, key: str, /, **values: Any) -> str:
        text = sentences(self.language)[key]
        return text.format(**values) if values else text

    def word(self, group: str, value: Any) -> str:
        """A code of the lake in words; as it stands where no text knows it (a new domain's)."""
        return NOTHING if _is_null(value) else sentences(self.language).get(f"{group}.{value}", str(value))

    def column(self, name: str) -> str:
        """A column as people call it: in words of its own, else its name without underscores."""
        return sentences(self.language).get(f"column.{name}", name.replace("_", " "))

    def feature(self, name: str) -> str:
        """A feature of a model as people call it: `oil_pressure_bar_mean_7d` is `oil pressure bar · mean 7 d`."""
        if found := _WINDOW.fullmatch(name):
            return self(f"feature.{found['how'] or 'whole'}", what=self.column(found["what"]), days=found["days"])
        if found := _SINCE.fullmatch(name):
            return self(f"feature.{found['unit']}_since", what=self.word("component", found["what"]))
        return self.column(name)

    def number(self, value: Any, decimals: int = 0, unit: str = "") -> str:
        """A figure with its unit: `1,234.5 h`, `1 234,5 h`."""
        if _is_null(value):
            return NOTHING
        text = f"{float(value):,.{decimals}f}"
        if text.startswith("-") and not text.strip("-0.,"):
            text = text[1:]
        return self._marked(text) + (f"{_THIN if self.language == 'fr' or unit != '%' else ''}{unit}" if unit else "")

    def significant(self, value: Any, digits: int = 4) -> str:
        """A figure of unknown size: `12,350`, `0.0042`."""
        return NOTHING if _is_null(value) else self._marked(f"{Decimal(f'{float(value):.{digits}g}'):,f}")

    def _marked(self, text: str) -> str:
        """With the language's own marks for thousands and decimals."""
        return text.replace(",", _THIN).replace(".", ",") if self.language == "fr" else text

    def share(self, value: Any, decimals: int = 1) -> str:
        """A share of 1 in percent."""
        return self.number(None if _is_null(value) else float(value) * 100, decimals, "%")

    def day(self, value: Any) -> str:
        """`5 Mar 2026`, `5 mars 2026`."""
        if _is_null(value):
            return NOTHING
        moment: date = value
        month = _MONTHS_FR[moment.month - 1] if self.language == "fr" else moment.strftime("%b")
        return f"{moment.day} {month} {moment.year}"

    def moment(self, value: datetime | None) -> str:
        """A day and the time of day, as the value's own zone has it."""
        return NOTHING if _is_null(value) or value is None else f"{self.day(value)}, {value:%H:%M}"


def _is_null(value: Any) -> bool:
    return value is None or value is pd.NaT or (not isinstance(value, str) and bool(pd.isna(value)))
