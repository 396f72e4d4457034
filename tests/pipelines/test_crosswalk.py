"""Matching the names of two sources by their events, and mending a crosswalk that mixes assets up."""

import json
import random
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import commands
from pipelines.crosswalk import Event, matched, propose
from tests import gmao_exports as gmao
from tests.sandbox import Sandbox

DAY = date(2026, 3, 2)


def told(names: dict[str, str], count: int, known: bool = True, first: date = DAY) -> list[Event]:
    """Events of each asset under the name a source has for it; the same ones for the same assets."""

    def event(asset: str, n: int) -> Event:
        own = n * 7 + ord(asset[-1])
        return Event(names[asset], asset if known else None, first + timedelta(days=own % 28), ("Mécanique", float(own)))

    return [event(asset, n) for asset in names for n in range(count)]


@given(st.permutations(["m1", "m2", "m3", "m4", "m5"]))
def test_any_permutation_is_found(names: list[str]) -> None:
    assets = [f"asset-{n}" for n in range(1, 6)]
    a = told(dict(zip(assets, assets, strict=True)), 4)
    wrong = [Event(e.name, f"asset-{e.name[-1]}", e.day, e.what) for e in told(dict(zip(assets, names, strict=True)), 4)]
    found = matched("a", a, "b", wrong)
    assert {r.source_name: r.asset_id for r in found.rows} == dict(zip(names, assets, strict=True))
    assert found.after == 1.0 and (found.before == 1.0) == (names == sorted(names))
    assert all((r.coincident, r.events, r.valid_from, r.valid_to) == (4, 4, None, None) for r in found.rows)


def test_a_renamed_asset_gets_two_lines_that_follow_each_other() -> None:
    a = told({"asset-1": "x"}, 4)
    ordered = sorted(a, key=lambda e: e.day)
    b = [Event("old" if n < 2 else "new", None, e.day, e.what) for n, e in enumerate(ordered)]
    old, new = sorted(matched("a", a, "b", b).rows, key=lambda r: r.source_name != "old")
    assert (old.asset_id, old.valid_from, old.valid_to) == ("asset-1", None, ordered[2].day - timedelta(days=1))
    assert (new.asset_id, new.valid_from, new.valid_to) == ("asset-1", ordered[2].day, None)
    assert old.line == f"b;old;;{old.valid_to:%d/%m/%Y};asset-1"


def test_what_does_not_coincide_is_left_open_and_so_is_an_asset_without_a_name() -> None:
    a = [*told({"asset-1": "x"}, 3), *told({"asset-2": "unknown"}, 3, known=False)]
    b = [*told({"asset-1": "one", "asset-2": "two"}, 3), Event("three", None, DAY, ("Électrique", 1.0))]
    rows = {r.source_name: (r.asset_id, r.coincident) for r in matched("a", a, "b", b).rows}
    assert rows == {"one": ("asset-1", 3), "two": (None, 3), "three": (None, 0)}


NAMES = {"PRESSE-01": "Presse", "POMPE-01": "Pompe", "COMPRESSEUR-01": "Compresseur"}
HERE = [f"interventions;{name};;;{asset}" for asset, name in NAMES.items()]
AGREEMENT = "gold_gmao__agreement"
ONLY = (
    "bronze_line__machines", "silver_line__machines", "bronze_lake__calendar", "silver_plant__assets", "bronze_gmao__crosswalk",
    "silver_gmao__crosswalk", "bronze_gmao__interventions", "bronze_gmao__causes", "silver_gmao__interventions", AGREEMENT,
)  # fmt: skip


def test_a_permuted_crosswalk_warns_and_the_proposal_repairs_it(
    spark, tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = Sandbox(tmp_path, date(2026, 3, 31))
    chance = random.Random(7)
    events = [
        {
            "Type de panne": chance.choice(("Mécanique", "Électrique")),
            "Durée arrêt (h)": f"{chance.randrange(1, 80) / 4:.2f}".replace(".", ","),
            "Date intervention": f"{chance.randrange(2, 30):02}/03/2026",
            "Désignation": chance.choice(list(NAMES.values())),
            "Coût matériel": "1",
        }
        for _ in range(40)
    ]
    numbered = dict(zip(NAMES.values(), ("machine3", "machine1", "machine2"), strict=True))
    gmao.land(lake, "line/machines/machines.csv", gmao.MACHINES)
    gmao.export(lake, "interventions", "2026-03-31", events)
    gmao.export(lake, "causes", "2026-03-31", [
        {**e, "Désignation": numbered[e["Désignation"]], "Date demande": f"{e['Date intervention']} 06:00"} for e in events
    ])  # fmt: skip
    guessed = [f"causes;machine{n};;;{asset}" for n, asset in enumerate(NAMES, 1)]
    gmao.crosswalk(lake, *HERE, *guessed)

    results = lake.run(only=ONLY)
    assert not [r.message for r in results.values() if r.is_bad]
    [warned] = [v for v in results[AGREEMENT].verdicts[AGREEMENT] if v.check.startswith("agreement: from")]
    assert (warned.outcome, warned.unexpected) == ("warned", 1) and lake.frame(AGREEMENT)["agreement"][0] < 0.2

    found = propose(lake.runner(), "interventions", "causes")
    assert found.before < 0.2 and found.after == 1.0
    monkeypatch.setattr(commands, "Runner", lambda progress: lake.runner())
    from pipelines.__main__ import main

    assert main(["propose-crosswalk", "interventions", "causes"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("causes;")]
    assert lines == [f"causes;{numbered[name]};;;{asset}" for asset, name in sorted(NAMES.items(), key=lambda i: numbered[i[1]])]
    assert main(["propose-crosswalk", "interventions", "causes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["agreement_after"] == 1.0
    assert main(["propose-crosswalk", "interventions", "nothing"]) == 2
    assert "no source nothing tells of interventions; these do: causes, hours, interventions" in capsys.readouterr().err

    gmao.crosswalk(lake, *HERE, *lines)
    results = lake.run(only=ONLY)
    assert lake.frame(AGREEMENT)["agreement"].tolist() == [1.0]
    assert {v.outcome for v in results[AGREEMENT].verdicts[AGREEMENT]} == {"passed"}
