"""A lake in a temporary folder, and the few verbs that tests need."""

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from lake.catalog import Catalog, catalog
from lake.settings import Settings
from lake.storage import Lake, Version
from pipelines.result import Result
from pipelines.run import Runner
from pipelines.simulator import Dirt, simulate

DAY = date(2026, 3, 31)
REPORTING = "gold_fleet__reporting"
UNIT = {"machine_id": "FRIGO-01", "name": "Cold room 1", "room": "A", "refrigerant": "R290", "nominal_power_kw": "5.5",
        "setpoint_c": "-18", "commissioned_on": "2026-01-01"}  # fmt: skip


@dataclass
class Sandbox:
    """One lake. `as_of` moves as days pass."""

    root: Path
    as_of: date = DAY
    options: dict[str, Any] = field(default_factory=dict)
    cat: Catalog = field(default_factory=catalog)

    @property
    def settings(self) -> Settings:
        return Settings(
            lake_root=self.root / "lake",
            report_root=self.root / "reports",
            state_root=self.root / "state",
            as_of=self.as_of,
            **self.options,
        )

    @property
    def lake(self) -> Lake:
        return Lake(self.root / "lake", self.settings)

    def simulate(
        self, days: int, until: date | None = None, scale: float = 0.2, dirt: Dirt | None = None, seed: int = 7, only: Iterable[str] = ()
    ) -> None:
        s = self.settings
        landing, truth, dirt = s.landing, s.truth, dirt or Dirt()
        simulate(landing, truth, until=until or self.as_of, days=days, scale=scale, seed=seed, dirt=dirt, only=tuple(only))

    def runner(self) -> Runner:
        return Runner(cat=self.cat, conf=self.settings)

    def run(self, first: date | None = None, last: date | None = None, only: Iterable[str] = ()) -> dict[str, Result]:
        wanted = set(only)
        tables = [t for t in self.cat.buildable if not wanted or t.name in wanted]
        return {r.table: r for r in self.runner().run(tables, first, last)}

    def open(self, table: str) -> Version:
        found = self.lake.open(self.cat[table])
        assert found is not None, f"{table} was never published"
        return found

    def versions(self) -> dict[str, int]:
        """Version of every published table except the lake's own history."""
        names = [t for t in self.cat.tables if not t.startswith("gold_lake__")]
        return {n: v.number for n in names if (v := self.lake.open(self.cat[n]))}

    def frame(self, table: str, without: str = "") -> pd.DataFrame:
        """Visible rows in a fixed order, lineage left out; of files named so, the rows in quarantine are left out."""
        t = self.cat[table]
        rows = self.open(table).read().to_pandas(date_as_object=True)
        if without and table.endswith("__quarantine"):
            rows = rows[~rows["_file"].str.contains(without)]
        ordered = rows.sort_values(list(t.key)).reset_index(drop=True)
        return ordered[[c.name for c in t.columns if not c.name.startswith("_")]]

    def gold(self) -> dict[str, pd.DataFrame]:
        return {
            t: self.frame(t)
            for t in self.cat.tables
            if t.startswith("gold_") and not t.startswith("gold_lake__") and self.lake.open(self.cat[t])
        }

    def decided(self) -> list[str]:
        """Tables to build that the data alone decide.

        What is foretold each day depends on the days on which somebody ran the lake: such tables, and those that follow from
        them, are left out; not the vehicles' reporting, of which only some columns tell of it.
        """
        foretold: set[str] = set()
        for t in self.cat.tables.values():
            if t.prospective or (t.name != REPORTING and foretold & set(self.cat.parents(t))):
                foretold.add(t.name)
        return [t.name for t in self.cat.buildable if t.name not in foretold]

    def refined(self, without: str = "") -> dict[str, pd.DataFrame]:
        """Every table of silver and gold that the data alone decide, quarantine included; `without` as in `frame`."""
        decided = set(self.decided())
        left_out = {t.name for t in self.cat.buildable} - decided
        names = [
            t for t in self.cat.tables if not t.startswith(("bronze_", "gold_lake__")) and t.removesuffix("__quarantine") not in left_out
        ]
        found = {t: self.frame(t, without) for t in names if self.lake.open(self.cat[t])}
        if REPORTING in found:
            found[REPORTING] = found[REPORTING].drop(columns=[c for c in found[REPORTING] if c.startswith("risk_")])
        return found

    def land(self, name: str, text: str) -> Path:
        """Deliver a file as sources do: under another name first."""
        path = self.settings.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_bytes(gzip.compress(text.encode(), mtime=0) if name.endswith(".gz") else text.encode())
        part.rename(path)
        return path

    def land_units(self, *units: dict[str, str]) -> Path:
        rows = units or (UNIT,)
        lines = [",".join(UNIT), *(",".join(u[k] for k in UNIT) for u in rows)]
        return self.land("refrigeration/units/units.csv", "\n".join(lines) + "\n")

    def land_readings(self, name: str, rows: Iterable[dict[str, Any]]) -> Path:
        return self.land(f"refrigeration/readings/{name}.jsonl", "".join(json.dumps(r) + "\n" for r in rows))


def reading(at: str, unit: str = "FRIGO-01", **values: Any) -> dict[str, Any]:
    """One sound reading as the source writes it, with some values changed."""
    sound = {
        "timestamp": at, "machine_id": unit, "operating_mode": "normal", "temp_evaporator": -20.0, "temp_condenser": 38.0,
        "pressure_high": 11.0, "pressure_low": 2.5, "superheat": 7.0, "subcooling": 5.0, "compressor_current": 7.0, "vibration": 0.02,
        "efficiency": 0.7,
    }  # fmt: skip
    return {**sound, **values}


def days_until(last: date, n: int) -> list[date]:
    return [last - timedelta(days=i) for i in reversed(range(n))]


def assert_same(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> None:
    """Every table equal, exactly: values were rounded to their declared resolution when stored."""
    assert one.keys() == other.keys()
    for name, frame in one.items():
        pd.testing.assert_frame_equal(frame, other[name], check_exact=True, obj=name)


VOLATILE = {"_landed_at", "_made_at", "_run", "_inputs", "_mtime_ns"}
"""When and by which run a row was made, and when a file was written."""


def different(one: Sandbox, other: Sandbox) -> list[str]:
    """Tables whose cells differ, siblings included, each with the first columns that do."""
    found = []
    for table in one.cat.tables.values():
        if table.layer == "gold" and table.domain == "lake":  # what happened in the lake, by run and second
            continue
        versions = [lake.lake.open(table) for lake in (one, other)]
        if None in versions:
            if versions != [None, None]:
                found.append(f"{table.name}: published by one only")
            continue
        names = [c.name for c in table.columns if c.name not in VOLATILE]
        by = [(k, "ascending") for k in table.key if k in names]
        mine, theirs = (v.read(names).sort_by(by) for v in versions if v)
        if mine.num_rows != theirs.num_rows:
            found.append(f"{table.name}: {mine.num_rows} and {theirs.num_rows} rows")
        elif unequal := [n for n in names if not mine[n].equals(theirs[n])]:
            n = unequal[0]
            at = next(i for i, (a, b) in enumerate(zip(mine[n].to_pylist(), theirs[n].to_pylist(), strict=True)) if a != b)
            found.append(f"{table.name}: {', '.join(unequal)}; first {n}: {mine[n][at].as_py()!r} and {theirs[n][at].as_py()!r}")
    return found
