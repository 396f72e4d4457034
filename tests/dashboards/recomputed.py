"""The figures of every page worked out again from the Parquet files, with nothing of ours imported: only deltalake and pandas."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from deltalake import DeltaTable

ZONE = ZoneInfo("Europe/Paris")
Figures = dict[str, float | str | None]


def table(root: Path, name: str) -> pd.DataFrame:
    return DeltaTable(str(root / name.split("_")[0] / name)).to_pandas()


def newest(frame: pd.DataFrame, by: str = "day") -> pd.DataFrame:
    return frame[frame[by] == frame[by].max()]


def back(frame: pd.DataFrame, days: int) -> pd.DataFrame:
    return frame[pd.to_datetime(frame["day"]) > pd.to_datetime(frame["day"].max()) - timedelta(days=days)]


def _statuses(frame: pd.DataFrame) -> Figures:
    now = newest(frame)["status"]
    return {"critical": (now == "CRITIQUE").sum(), "alert": (now == "ALERTE").sum(), "unknown": (now == "INCONNU").sum()}


def today(root: Path) -> Figures:
    per_domain = [newest(table(root, f"gold_{d}__status")) for d in ("fleet", "line", "refrigeration")]
    now = pd.concat(per_domain)["status"]
    alerts = table(root, "gold_maintenance__alerts")
    last = pd.to_datetime(alerts["day"].max()).date()
    lived = back(alerts, 14).sort_values("day").drop_duplicates("alert_id", keep="last")
    moved = {}
    for name, column in (("opened", "opened_at"), ("worsened", "worsened_at")):
        day = pd.to_datetime(lived[column], utc=True).dt.tz_convert(ZONE).dt.date
        moved[name] = ((day > last - timedelta(days=7)) & (day <= last)).sum()
    return {**_statuses(pd.concat(per_domain).assign(day=0)), "sound": (now == "OK").sum(), **moved}


def fleet(root: Path) -> Figures:
    now = newest(table(root, "gold_fleet__reporting"))
    driven = back(table(root, "gold_fleet__daily"), 7)["km_driven"].sum()
    return {"vehicles": len(now), **_statuses(now), "driven": driven, "since_service": now["km_since_last_service"].median()}


def line(root: Path) -> Figures:
    used = back(table(root, "gold_line__daily"), 28).groupby("machine_id")
    s = used[["planned_min", "available_min", "counted_min", "ideal_s"]].sum(min_count=1)
    pace = s["ideal_s"] / (s["counted_min"] * 60)
    return {
        "machines": len(newest(table(root, "gold_line__status"))), **_statuses(table(root, "gold_line__status")),
        "availability": 100 * s["available_min"].sum() / s["planned_min"].sum(),
        "oee": 100 * (s["available_min"] / s["planned_min"] * pace).mean(),
    }  # fmt: skip


def refrigeration(root: Path) -> Figures:
    day = newest(table(root, "gold_refrigeration__daily"))
    status = table(root, "gold_refrigeration__status")
    mean = {n: day[f"{c}_sum"].sum() / day[f"{c}_count"].sum() for n, c in (("cop", "theoretical_cop"), ("ratio", "pressure_ratio"))}
    return {"units": len(newest(status)), **_statuses(status), **mean}


def amdec(root: Path) -> Figures:
    rated, living, actions = (table(root, f"gold_amdec__{n}") for n in ("ratings", "living", "actions"))
    return {
        "modes": len(rated), "critical": (rated["level"] == "critical").sum(), "priority_high": (rated["action_priority"] == "H").sum(),
        "rpn_wrong": (rated["rpn_state"] == "wrong").sum(), "unlisted": (living["kind"] == "seen_not_in_sheet").sum(),
        "actions_overdue": actions["is_overdue"].sum(),
    }  # fmt: skip


def gmao(root: Path) -> Figures:
    r = newest(table(root, "gold_gmao__reliability"), "month")
    week = newest(table(root, "gold_workload__weekly"), "week")
    cost = newest(table(root, "gold_gmao__costs_monthly"), "month")["total_cost_eur"].sum()
    return {
        "mtbf": r["uptime_h_12m"].sum() / r["failures_12m"].sum(), "mttr": r["failure_downtime_h_12m"].sum() / r["failures_12m"].sum(),
        "availability": 100 * r["uptime_h_12m"].sum() / r["calendar_h_12m"].sum(), "cost": cost,
        "open_orders": table(root, "gold_gmao__work_orders")["is_open"].sum(),
        "load": 100 * week.loc[week["technician_id"] == "*", "load"].iloc[0],
    }  # fmt: skip


def models(root: Path) -> Figures:
    """Of the problem that comes first in the alphabet and the newest window, which is what the page opens with."""
    versions, predicted = table(root, "gold_maintenance__model_versions"), newest(table(root, "gold_maintenance__predictions"))
    problem = min({*versions["problem"], *predicted["problem"]})
    changes = table(root, "gold_maintenance__champions")
    mine = changes[changes["problem"] == problem].sort_values("recorded_at")
    champion = int(mine["model_version"].iloc[-1]) if len(mine) else 0
    m = table(root, "gold_maintenance__model_metrics")
    m = m[m["problem"] == problem]
    split = min(m["split"], key=lambda s: (s != "newest window", s), default="")
    m = m[(m["split"] == split) & (m["model_version"] == champion) & (m["asset_class"] == "all") & (m["whose"] == "model")]
    value = m.set_index("metric")["value"]
    outcomes = table(root, "gold_maintenance__outcomes")
    found = outcomes[outcomes["problem"] == problem]["outcome"].value_counts()
    return {
        "champion": f"v{champion}" if champion else "naive", "trained": (versions["problem"] == problem).sum(),
        "average_precision": value.get("average_precision"), "hits": found.get("hit", 0), "misses": found.get("miss", 0),
        "recall_at_capacity": value["recall_at_capacity"] * 100 if "recall_at_capacity" in value else None,
    }  # fmt: skip


def quality(root: Path) -> Figures:
    v = table(root, "gold_lake__verdicts")
    v = v[v["recorded_at"] == v.groupby("table")["recorded_at"].transform("max")]
    counted = v["outcome"].value_counts()
    runs = table(root, "gold_lake__runs").sort_values("recorded_at").drop_duplicates("table", keep="last")
    return {
        "tables": v["table"].nunique(), **{o: counted.get(o, 0) for o in ("passed", "warned", "failed")},
        "blocked": runs["outcome"].isin(["blocked", "failed"]).sum(), "quarantined": runs["quarantined"].sum(),
    }  # fmt: skip


def lake(root: Path) -> Figures:
    """Of the table that the page opens with: the first gold one."""
    name = min(p.name for p in (root / "gold").iterdir())
    delta = DeltaTable(str(root / "gold" / name))
    rows = delta.to_pandas()
    return {
        "rows": len(rows), "files": len(delta.file_uris()), "columns_held": len(rows.columns), "version_shown": delta.version(),
        "versions_held": len(delta.history()),
    }  # fmt: skip


PAGES: dict[str, Callable[[Path], Figures]] = {
    f.__name__: f for f in (today, fleet, line, refrigeration, amdec, gmao, models, quality, lake)
}


def number(text: str) -> tuple[float, int] | None:
    """A figure as an English page shows it, and its decimals: `41,927 km` is 41927.0 with none."""
    digits = "".join(c for c in text.split("\N{NARROW NO-BREAK SPACE}")[0] if c in "0123456789.-")
    return (float(digits), len(digits.partition(".")[2])) if any(c.isdigit() for c in digits) else None


def disagreements(shown: dict[str, str], expected: Figures) -> list[str]:
    """What a page shows otherwise than its tables say, at the decimals that it shows."""
    wrong = []
    for name, value in expected.items():
        told: Any = shown[name]
        if isinstance(value, str):
            right = told == value
        elif value is None or pd.isna(value):
            right = number(told) is None
        else:
            read = number(told)
            right = read is not None and abs(read[0] - float(value)) <= 0.5000001 * 10 ** -read[1]
        if not right:
            wrong.append(f"{name}: the page says {told}, the files say {value}")
    return wrong
