"""A lake for the dashboard made from the declarations alone: every gold table, filled with plausible values, through the storage module.

The pages' figures are compared with what lies in these files, so it doesn't matter that no step made them; what steps make
is looked at by hand and by `DASHBOARD_LAKE=... pytest tests/dashboards`. Deterministic.
"""

import json
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa

from lake.arrow import arrow_schema
from lake.catalog import Catalog, catalog
from lake.constraints import Between, NotNull, OneOf
from lake.contract import Column, Table
from lake.partitions import Partition, days_between, floor
from lake.storage import Lake, staged_files
from pipelines.files import write_arrow

LAST = date(2026, 3, 31)
PREFIX = {"fleet": "VIN-75", "line": "MACHINE-", "refrigeration": "FRIGO-"}
ASSET = {"vin": "fleet", "machine_id": "line", "unit_id": "refrigeration"}
WORDS = ("pump", "bearing", "valve", "fan", "=HYPERLINK(1)", 'é, "quoted"')
"""One of them is what a spreadsheet must not run."""
SAID = {
    "model": ("Daily", "Expert", "Master"), "problem": ("fleet_failure", "line_failure"), "estimator": ("random forest",),
    "card": ("# Card",),
    "organ": ("turbo", "batterie", "freins"), "cause": ("usure", "choc"),
    "level": ("critical", "high", "medium", "low"),
    "action_priority": ("H", "M", "L"), "rpn_state": ("right", "wrong", "missing"), "libraries": ("{}",), "data_versions": ("{}",),
    "_inputs": ("{}",), "rule": ("too_hot", "silence"), "technician_id": ("*", "1a2b3c", "4d5e6f"),
    "dimension": ("asset_id", "organ", "cause"),
    "by": ("QA",), "digest": ("0" * 64,), "code_version": ("1" * 64,),
}  # fmt: skip
FIXED = {("gold_lake__runs", "outcome"): "published"}
EMPTY = {"message", "samples", "waived_by"}


class Plant:
    """`assets` by domain; `days` of history up to `last`; `steps` of rows within a day for tables finer than a day."""

    def __init__(self, assets: dict[str, int], days: int, last: date = LAST, steps: int = 8, cat: Catalog | None = None) -> None:
        self.cat = cat or catalog()
        self.days = list(days_between(last - timedelta(days=days - 1), last))
        self.last, self.steps = last, steps
        self.names = {d: [f"{PREFIX[d]}{i:04d}" for i in range(n)] for d, n in assets.items()}
        self.all = [a for names in self.names.values() for a in names]
        self.domain_of = {a: d for d, names in self.names.items() for a in names}

    def fill(self, root: Path, only: Iterable[str] = (), recent: dict[str, int] | None = None) -> None:
        """Publish every gold table, the calendar and one quarantine; `recent` says for how many last days some tables have rows."""
        lake = Lake(root)
        for table in self.cat.tables.values():
            if only and table.name not in only:
                continue
            if table.layer != "gold" and table.name not in ("bronze_lake__calendar", "silver_fleet__telemetry__quarantine"):
                continue
            self.publish(lake, table, (recent or {}).get(table.name))

    def publish(self, lake: Lake, table: Table, recent: int | None = None) -> None:
        folder = lake.folder(table) / "run=made"
        days = self.days[-recent:] if recent else self.days
        parts: list[Partition] = sorted({floor(d, table.partition) for d in days}) if table.partition else [None]
        if table.kind == "ledger" and table.name.startswith("gold_lake"):
            parts = [self.last]
        for part in parts:
            rows = self.rows(table, part)
            write_arrow(rows, table, folder / str(part))
        lake.publish(table, lake.open(table), staged_files(folder), "all", {"made": 1}, {"run": "made", "reason": "for a test"})

    def rows(self, table: Table, part: Partition) -> pa.Table:
        """One partition, each key once."""
        rng = np.random.default_rng(crc32(f"{table.name}{part}".encode()))
        keys = self._keys(table, part)
        n = len(next(iter(keys.values())))
        schema = arrow_schema(table)
        columns = []
        for c in table.columns:
            kind = schema.field(c.name).type
            found = pa.array(keys[c.name], kind) if c.name in keys else self._values(c, table.name, part, n, rng).cast(kind)
            columns.append(found)
        return pa.table(columns, schema)

    def _keys(self, table: Table, part: Partition) -> dict[str, Any]:
        """Columns that tell rows apart: assets (or tables of the lake), times within the partition, and the partition itself."""
        base: dict[str, Any] = {}
        names = {c.name for c in table.columns}
        asset = next((c for c in (*ASSET, "asset_id") if c in names), None)
        if asset:
            base[asset] = np.array(self.names[ASSET[asset]] if asset in ASSET else self.all, dtype=object)
        elif "table" in names:
            base["table"] = np.array([t.name for t in self.cat.tables.values() if t.layer != "bronze"], dtype=object)
        else:
            base["_i"] = np.arange(24)
        fine = next((c for c in ("hour", "measured_at") if c in table.key), None)
        finer = "day" if fine is None and table.partition in ("week", "month") and "day" in names else None
        if fine:
            minutes = 60 if fine == "hour" else 2
            start = datetime.combine(part or self.last, datetime.min.time(), UTC) + timedelta(hours=5)
            base = _crossed(base, fine, [start + timedelta(minutes=minutes * i) for i in range(self.steps)])
        if finer:
            inside = [d for d in self.days if floor(d, table.partition or "day") == part]
            base = _crossed(base, "day", inside)
        n = len(next(iter(base.values())))
        if part is not None and table.partition:
            base[table.partition] = np.array([part] * n, dtype=object)
        if "domain" in names and asset == "asset_id":
            base["domain"] = np.array([self.domain_of[a] for a in base["asset_id"]], dtype=object)
        if table.key == ("alert_id", "day") or table.key in (("work_order_id",), ("outcome_id",)):
            what = base[asset] if asset else np.arange(n)
            base[table.key[0]] = np.array([f"{a}-{'' if table.partition == 'day' else part}" for a in what], dtype=object)
        for word, values in SAID.items():
            if word in table.key and word not in base:
                base[word] = np.array([values[i % len(values)] for i in range(n)], dtype=object)
        if table.key[:1] == ("technician_id",):
            base["technician_id"] = np.array([*SAID["technician_id"], *(f"t{i}" for i in range(n))][:n], dtype=object)
        return {k: v for k, v in base.items() if k in names}

    def _values(self, c: Column, of: str, part: Partition, n: int, rng: np.random.Generator) -> pa.Array:
        one_of = next((k.values for k in c.constraints if isinstance(k, OneOf)), None)
        never_null = any(isinstance(k, NotNull) for k in c.constraints) or c.type == "boolean"
        hole = None if never_null else rng.random(n) < 0.06
        start = np.datetime64(part or self.last, "m")
        if (of, c.name) in FIXED:
            return pa.array([FIXED[of, c.name]] * n)
        if c.name in EMPTY:
            return pa.array(["[]" if c.name == "samples" else None] * n, pa.string())
        if c.name == "recorded_at":
            return pa.array(np.full(n, start + np.timedelta64(9, "h")).astype("datetime64[us]"), pa.timestamp("us", "UTC"))
        if c.type == "boolean":
            return pa.array(rng.random(n) < 0.15)
        if c.type == "long":
            low, high = _bounds(c, 0, 12)
            return pa.array(rng.integers(int(low), int(high) + 1, n), mask=hole)
        if c.type == "double":
            low, high = _bounds(c, 0, 100)
            step = c.resolution or 1
            return pa.array(np.round(np.round(rng.uniform(low, high, n) / step) * step, 9), mask=hole)
        if c.type == "date":
            day = start.astype("datetime64[D]") - rng.integers(0, 9, n).astype("timedelta64[D]")
            return pa.array(day, mask=hole)
        if c.type == "timestamp":
            at = (start + rng.integers(0, 1300, n).astype("timedelta64[m]")).astype("datetime64[us]")
            return pa.array(at, pa.timestamp("us", "UTC"), mask=hole)
        if c.type == "array<string>":
            return pa.array([[WORDS[i % len(WORDS)], WORDS[(i + 1) % len(WORDS)]] for i in rng.integers(0, 9, n).tolist()])
        values = ("made",) if c.name == "run" else one_of or SAID.get(c.name) or (("{}",) if "JSON" in c.meaning else WORDS)
        return pa.array(values).take(pa.array(rng.integers(0, len(values), n), mask=hole))


def _bounds(c: Column, low: float, high: float) -> tuple[float, float]:
    for k in c.constraints:
        if isinstance(k, Between):
            low = k.low if k.low is not None else low
            high = min(k.high, low + 500) if k.high is not None else max(high, low + 12)
    if re.search(r"share|availability|agreement|probability|load$|_cumulative", c.name):
        low, high = 0, 1
    return low, high


def _crossed(base: dict[str, Any], name: str, values: list[Any]) -> dict[str, Any]:
    n = len(next(iter(base.values())))
    return {**{k: np.repeat(v, len(values)) for k, v in base.items()}, name: np.array(values * n, dtype=object)}


TINY = {"fleet": 12, "line": 4, "refrigeration": 4}


def tiny(root: Path, days: int = 12) -> Path:
    """The lake of the browser tests; a few seconds. Returns its root."""
    Plant(TINY, days).fill(root)
    (root / "made.json").write_text(json.dumps({"last": LAST.isoformat()}))
    return root
