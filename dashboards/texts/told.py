"""What the lake says in English (titles of alerts, reasons of a status) in the reader's language, as far as its words are known."""

import re
from typing import Any

from dashboards.texts import Texts

_LISTED = re.compile(r"(?P<state>critical|open|pending or cleared today): (?P<titles>.+)")
_TITLE = re.compile(r"(?P<label>.+) (?P<direction>above|below) (?P<limit>-?[\d.]+)(?: (?P<unit>.+))?")
_FOR_DAYS = re.compile(r"no reading in (?P<days>\d+) days")
_SINCE = re.compile(r"no reading since (?P<moment>.+)")


def told(text: Any, t: Texts) -> str:
    """`oil pressure below 2.6 bar` in French; a sentence of a domain that these words don't know stays as it is."""
    said = str(text)
    if found := _LISTED.fullmatch(said):
        return t(f"told.{found['state'].split()[0]}", titles=", ".join(told(title, t) for title in found["titles"].split(", ")))
    if found := _FOR_DAYS.fullmatch(said):
        return t("told.for_days", days=found["days"])
    if found := _SINCE.fullmatch(said):
        return t("told.since", moment=found["moment"])
    if found := _TITLE.fullmatch(said):
        limit = f"{t.significant(found['limit'])} {found['unit'] or ''}".rstrip()
        return t(f"told.{found['direction']}", what=t.word("sensed", found["label"]), limit=limit)
    return t.word("sentence", said)
