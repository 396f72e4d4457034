"""A plant as small as a model can learn from: cold units that wear, shake with wear, break and are repaired."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from lake.arrow import arrow_schema
from lake.contract import Table
from lake.storage import staged_files
from lake.tables.gmao_results import WORK_ORDERS
from lake.tables.lake import CALENDAR
from lake.tables.plant import ASSETS
from lake.tables.refrigeration import FEATURES
from models.dataset import components_of, feature_names, labelled
from models.problems.refrigeration import FAILURE
from models.scorer import anew
from pipelines.files import write_arrow
from tests.sandbox import Sandbox

FIRST = date(2026, 1, 1)
ORGANS = ("ventilateur", "compresseur")


def lives(units: int, days: int, seed: int = 1) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Features and work orders: a unit's fan wears for three to five weeks, shakes more each day, and fails at the end."""
    draw = np.random.default_rng(seed)
    features, orders = [], []
    for n in range(units):
        unit, wear, life, down = f"FRIGO-{n + 1:02}", float(draw.uniform(0, 1)), float(draw.uniform(20, 35)), 0
        for i in range(days):
            day = FIRST + timedelta(days=i)
            wear = 0.0 if down else wear + 1 / life
            shakes = 0.02 + 0.04 * wear**3 + float(draw.normal(0, 0.002))
            features.append({"unit_id": unit, "day": day, "readings": 700, "is_silent": False, "hours_since_last_reading": 0.1,
                             "last_reading_at": datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=22),
                             **{f"vibration_g_mean_{w}d": round(shakes, 4) for w in (1, 3, 7)},
                             **{f"current_a_mean_{w}d": round(7 + float(draw.normal(0, 1)), 2) for w in (1, 3, 7)}})  # fmt: skip
            down = max(0, down - 1)
            if wear > 1:
                orders.append(order(unit, day + timedelta(days=1), 1))
                life, down, wear = float(draw.uniform(20, 35)), 2, 0.0
    return features, orders


def order(unit: str, failed_on: date, days: int, organ: str = ORGANS[0], category: str = "corrective") -> dict[str, Any]:
    """A failure at noon, repaired so many days later."""
    at = datetime.combine(failed_on, datetime.min.time(), UTC) + timedelta(hours=12)
    done = failed_on + timedelta(days=days)
    return {"month": done.replace(day=1), "work_order_id": f"{unit}-{failed_on}", "asset_id": unit, "domain": "refrigeration",
            "category": category, "failure_type": "Frigorifique", "organ": organ, "is_open": False, "requested_at": at,
            "intervention_on": done, "stop_started_at": at, "stop_ended_at": at + timedelta(days=days), "stop_basis": "request",
            "stop_h": 24.0 * days, "is_long_stop": False, "is_request_late": False, "is_cost_suspect": False, "part_lines": 0,
            "summary": "Remplacer le ventilateur", "labour_h": 3.0, "total_cost_eur": 250.0, "seen_in": ["causes"]}  # fmt: skip


def known_orders(orders: list[dict[str, Any]]) -> pd.DataFrame:
    """As `models.dataset.orders_known` gives them."""
    return pd.DataFrame([{
        "asset_id": o["asset_id"], "domain": "refrigeration", "work_order_id": o["work_order_id"], "organ": o["organ"],
        "is_failure": o["category"] == "corrective", "stop_h": o["stop_h"], "failed_on": o["stop_started_at"].date(),
        "known_on": o["stop_started_at"].date(), "done_on": o["intervention_on"],
    } for o in orders])  # fmt: skip


def rows(units: int = 12, days: int = 120, seed: int = 1) -> pd.DataFrame:
    """Labelled rows as training sees them, the histories worked out in plain Python."""
    features, orders = lives(units, days, seed)
    found = []
    for f in features:
        past = [o for o in orders if o["asset_id"] == f["unit_id"] and o["intervention_on"] <= f["day"]]
        standing = [o for o in orders if o["asset_id"] == f["unit_id"] and o["stop_started_at"].date() <= f["day"] < o["intervention_on"]]
        since = (f["day"] - past[-1]["intervention_on"]).days if past else None
        lately = [o for o in past if (f["day"] - o["intervention_on"]).days < 90]
        found.append({"asset_id": f["unit_id"], "day": f["day"], "kind": "cold unit", "in_service_days": 900, "is_silent": False,
                      "is_stopped": bool(standing), "life": len(past), "days_since_repair": since, "days_since_fan_repair": since,
                      "failures_90d": len(lately), "stop_h_90d": 24.0 * len(lately), "naive_score": 24.0 * len(lately),
                      "naive_probability": 0.1, **{k: v for k, v in f.items() if "_mean_" in k}})  # fmt: skip
    told = pd.DataFrame(found).reindex(columns=[*dict.fromkeys([*found[0], *feature_names(FAILURE)])])
    told = told.astype(dict.fromkeys(feature_names(FAILURE), float))
    return labelled(FAILURE, anew(told), known_orders(orders), FIRST + timedelta(days=days - 1))


def publish(lake: Sandbox, table: Table, rows: list[dict[str, Any]]) -> None:
    """Make rows visible as the whole of a table, as a run would have."""
    folder = lake.lake.folder(table) / f"run=test-{datetime.now(UTC):%H%M%S%f}"
    write_arrow(
        pa.Table.from_pylist([{n: r.get(n) for n in arrow_schema(table).names} for r in rows], schema=arrow_schema(table)), table, folder
    )
    base = lake.lake.open(table)
    lake.lake.publish(
        table, base, staged_files(folder), None if base is None else "all", {"planned": 0 if base is None else base.number + 1}, {}
    )


def publish_all(lake: Sandbox, units: int, days: int, seed: int = 1) -> date:
    """The tables that predictions of cold units need; the as-of day."""
    features, orders = lives(units, days, seed)
    last = FIRST + timedelta(days=days - 1)
    publish(lake, lake.cat[FEATURES.name], features)
    publish(lake, lake.cat[WORK_ORDERS.name], [o for o in orders if o["stop_started_at"].date() <= last])
    publish(lake, lake.cat[ASSETS.name], [
        {"asset_id": f"FRIGO-{n + 1:02}", "domain": "refrigeration", "name": f"Cold unit {n + 1}", "kind": "cold unit",
         "commissioned_on": date(2023, 1, 1), "weekdays": "1-7", "opens_at": "00:00", "closes_at": "24:00"} for n in range(units)
    ])  # fmt: skip
    every = [FIRST + timedelta(days=i) for i in range(days)]
    publish(lake, lake.cat[CALENDAR.name], [
        {"day": d, "ends_at": datetime.combine(d, datetime.min.time(), UTC) + timedelta(hours=23)} for d in every
    ])  # fmt: skip
    return last


__all__ = ["FAILURE", "components_of", "known_orders", "lives", "order", "publish_all", "rows"]
