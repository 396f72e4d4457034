"""Which name of one source is which asset of another, told by the events that both describe.

Two sources that should tell of the same events agree on day, failure type and stop, whatever they call the asset. The
names are matched so that as many of those coincide as can (an assignment problem); nothing is written.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
from pyspark.sql import functions as F
from scipy.optimize import linear_sum_assignment

from lake.mapping import render
from lake.source import Source
from lake.tables.gmao import CROSSWALK
from pipelines.gmao.names import told
from pipelines.judge import mapped
from pipelines.run import Runner

WANTED = ("asset_name", "failure_type", "stop_h", "intervention_on")
LEAST_SHARE = 0.5
"""Of a name's events, how many must coincide with those of an asset before it is proposed."""


@dataclass(frozen=True)
class Event:
    """One intervention as a source tells it. `asset_id` is what the crosswalk makes of the name; None: nothing."""

    name: str
    asset_id: str | None
    day: date
    what: tuple[Hashable, ...]

    @property
    def key(self) -> Hashable:
        return self.day, *self.what


@dataclass(frozen=True)
class Row:
    """A proposed line of the crosswalk, with its evidence: `coincident` of the name's `events` are also told of the asset,
    and `next_best` of the asset that fits second best. Without `asset_id` nothing fits well enough."""

    source: str
    source_name: str
    valid_from: date | None
    valid_to: date | None
    asset_id: str | None
    events: int
    coincident: int
    next_best: int

    @property
    def line(self) -> str:
        days = (f"{d:%d/%m/%Y}" if d else "" for d in (self.valid_from, self.valid_to))
        return ";".join((self.source, self.source_name, *days, self.asset_id or "?"))


@dataclass(frozen=True)
class Proposal:
    """Crosswalk lines for source b, and the share of events told by both sources, now and with these lines."""

    source_a: str
    source_b: str
    rows: tuple[Row, ...]
    before: float
    after: float


def propose(runner: Runner, source_a: str, source_b: str) -> Proposal:
    """What the crosswalk should say of source b, given that it is right about source a. Raises ValueError."""
    return matched(source_a, events(runner, source_a), source_b, events(runner, source_b))


def events(runner: Runner, name: str) -> list[Event]:
    """What a source tells now, each event once; rows whose day can't be read are left out."""
    source = _source(runner, name)
    bronze = runner.lake.open(runner.catalog[source.bronze])
    if bronze is None:
        raise ValueError(f"{source.bronze} was never published; run `python -m pipelines run` first")
    stager, feed = runner.stager(), runner.catalog.feeds[source.feed]
    rows = stager.frame(bronze, bronze.table)
    made = mapped(source, feed, bronze.table, rows, render(source, feed), stager.superseded(bronze), as_text=False)
    crosswalk = stager.frame(runner.lake.open(runner.catalog[CROSSWALK.name]), CROSSWALK)
    seen = told(made.rows, crosswalk).filter(F.col("intervention_on").isNotNull() & F.col("asset_name").isNotNull())
    found = seen.select(F.lower("asset_name"), "asset_id", "intervention_on", "failure_type", F.round("stop_h", 2)).distinct().collect()
    return [Event(r[0], r[1], r[2], (r[3], r[4])) for r in sorted(found, key=str)]


def _source(runner: Runner, name: str) -> Source:
    able = {
        s.name: s for s in runner.catalog.sources.values()
        if set(WANTED) <= {c.name for c in runner.catalog.feeds[s.feed].columns}
    }  # fmt: skip
    if name not in able:
        raise ValueError(f"no source {name} tells of interventions; these do: {', '.join(sorted(able))}")
    return able[name]


def matched(source_a: str, a: Sequence[Event], source_b: str, b: Sequence[Event]) -> Proposal:
    """Match the names of b with the assets of a (with a's own names, where the crosswalk doesn't know them)."""
    assets = sorted({_asset(e) for e in a})
    names = sorted({e.name for e in b})
    weight, count = _coincidences(a, b, assets, names)
    of_name = Counter(e.name for e in b)
    chosen: dict[str, str] = {}
    open_names = list(range(len(names)))
    while open_names:  # a name that is left over may be another one for an asset that has one: it was renamed
        rows, columns = linear_sum_assignment(-weight[open_names])
        fits = {
            open_names[r]: c for r, c in zip(rows.tolist(), columns.tolist(), strict=True)
            if count[open_names[r], c] >= max(1, LEAST_SHARE * of_name[names[open_names[r]]])
        }  # fmt: skip
        if not fits:
            break
        chosen |= {names[n]: assets[c] for n, c in fits.items()}
        open_names = [n for n in open_names if n not in fits]
    rows_ = []
    for n, name in enumerate(names):
        asset = chosen.get(name)
        mine = int(count[n, assets.index(asset)]) if asset else 0
        others = sorted((int(c) for i, c in enumerate(count[n]) if asset is None or assets[i] != asset), reverse=True)
        first, last = _days(name, asset, chosen, b)
        known = asset if asset and not asset.startswith(_NAMED) else None
        rows_.append(Row(source_b, name, first, last, known, of_name[name], mine, others[0] if others else 0))
    before = _agreement(((_asset(e), e.key) for e in a), ((_asset(e), e.key) for e in b))
    after = _agreement(((_asset(e), e.key) for e in a), ((chosen.get(e.name, _NAMED + e.name), e.key) for e in b))
    return Proposal(source_a, source_b, tuple(rows_), before, after)


_NAMED = "\0"
"""Begins what stands for an asset that only has a name."""


def _asset(event: Event) -> str:
    return event.asset_id or _NAMED + event.name


def _coincidences(a: Iterable[Event], b: Iterable[Event], assets: list[str], names: list[str]) -> tuple[Any, Any]:
    """By name of b and asset of a: how many events coincide; and the same with events that many share weighing less."""
    by_key: dict[Hashable, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for e in a:
        by_key[e.key][0].add(_asset(e))
    for e in b:
        by_key[e.key][1].add(e.name)
    row, column = {n: i for i, n in enumerate(names)}, {n: i for i, n in enumerate(assets)}
    weight, count = np.zeros((len(names), len(assets))), np.zeros((len(names), len(assets)), dtype=np.int64)
    for here, there in by_key.values():
        for asset in here:
            for name in there:
                weight[row[name], column[asset]] += 1 / (len(here) * len(there))
                count[row[name], column[asset]] += 1
    return weight, count


def _days(name: str, asset: str | None, chosen: Mapping[str, str], b: Iterable[Event]) -> tuple[date | None, date | None]:
    """From when to when a name holds, where an asset has several that follow each other: each from its first event on."""
    spans: dict[str, list[date]] = defaultdict(list)
    for e in b:
        if asset and chosen.get(e.name) == asset:
            spans[e.name].append(e.day)
    ordered = sorted(spans, key=lambda n: (min(spans[n]), n))
    follow = all(max(spans[x]) < min(spans[y]) for x, y in pairwise(ordered))
    if len(ordered) < 2 or not follow:
        return None, None
    place = ordered.index(name)
    first = min(spans[name]) if place else None
    last = min(spans[ordered[place + 1]]) - timedelta(days=1) if place + 1 < len(ordered) else None
    return first, last


def _agreement(a: Iterable[Hashable], b: Iterable[Hashable]) -> float:
    here, there = set(a), set(b)
    return len(here & there) / max(len(here | there), 1)


def as_json(proposal: Proposal) -> dict[str, Any]:
    return {
        "source_a": proposal.source_a, "source_b": proposal.source_b,
        "agreement_before": round(proposal.before, 4), "agreement_after": round(proposal.after, 4),
        "rows": [{**vars(r), "line": r.line} for r in proposal.rows],
    }  # fmt: skip


def print_proposal(proposal: Proposal) -> None:
    """Lines ready to take the place of source b's in the crosswalk; what begins with # is for the reader."""
    shares = f"{proposal.before:.1%} of events agree now, {proposal.after:.1%} with these lines"
    print(f"# {proposal.source_b} against {proposal.source_a}: {shares}.")
    print("# coincident events of the name's own, and of the asset that fits second best:")
    for r in proposal.rows:
        print(f"#   {r.source_name} -> {r.asset_id or 'nothing fits well enough'}: {r.coincident} of {r.events}, next best {r.next_best}")
    print("source;source_name;valid_from;valid_to;asset_id")
    for r in proposal.rows:
        print(r.line)
