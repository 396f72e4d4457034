"""Versions as gold tells them: a list for people, and the way back to an earlier one."""

from typing import Any

from lake.tables.models import CHAMPIONS, METRICS_TABLE, NAIVE, VERSIONS
from models import registry
from models.problem import declared
from models.records import crown, ledger
from pipelines.run import Runner


def rollback(runner: Runner, problem: str, version: int | None, why: str) -> str:
    """Let an earlier version serve again, after its files were verified. Raises SystemExit with what is wrong."""
    champions = ledger(runner, CHAMPIONS.name)
    now = registry.current(champions, problem)
    if version is None:
        mine = sorted((c for c in champions if c["problem"] == problem), key=lambda c: c["recorded_at"])
        version = int(mine[-1]["previous_version"]) if mine else NAIVE
    if version == now:
        raise SystemExit(f"{problem}: version {version} serves already")
    if version != NAIVE:
        row = next((v for v in ledger(runner, VERSIONS.name) if (v["problem"], v["model_version"]) == (problem, version)), None)
        if row is None:
            raise SystemExit(f"{problem} has no version {version}; `python -m models versions` lists them")
        try:
            registry.verified(runner.settings.model_root, problem, version, row["artifact"], row["artifact_sha256"])
        except registry.Tampered as error:
            raise SystemExit(str(error)) from None
    crown(runner, problem, version, now, "rollback", why)
    return f"{problem}: version {version} serves from now on (was {now}); the next `medallion` run makes its predictions"


def champions_in_words(runner: Runner) -> list[str]:
    """One line per problem: what serves, and how good it was found."""
    champions, versions = ledger(runner, CHAMPIONS.name), ledger(runner, VERSIONS.name)
    metrics = {(m["problem"], m["model_version"], m["whose"]): m for m in ledger(runner, METRICS_TABLE.name)
               if (m["split"], m["asset_class"], m["metric"]) == ("newest window", "all", "average_precision")}  # fmt: skip
    lines = []
    for name in sorted({*declared(), *(v["problem"] for v in versions)}):
        version = registry.current(champions, name)
        row = next((v for v in versions if (v["problem"], v["model_version"]) == (name, version)), None)
        mine, naive = metrics.get((name, version, "model")), metrics.get((name, version, "naive rule"))
        worth = f", average precision {_n(mine)} against {_n(naive)} of the naive rule" if mine and naive else ""
        lines.append(f"{name}: version {version} ({row['estimator'] if row else 'naive rule'}){worth}")
    return lines


def listed(runner: Runner) -> list[str]:
    """Every version with what the gate said, then what serves."""
    told = sorted(ledger(runner, VERSIONS.name), key=lambda v: (v["problem"], v["model_version"]))
    each = [f"{v['problem']} {v['model_version']}: {v['estimator']}, as of {v['as_of']}, {'promoted' if v['is_promoted'] else 'refused'}: "
            f"{'; '.join(v['gate_reasons'])}" for v in told]  # fmt: skip
    return [*each, "", "Serving:", *champions_in_words(runner)]


def _n(metric: dict[str, Any]) -> str:
    value, low, high = metric["value"], metric["low"], metric["high"]
    return "unknown" if value is None else f"{value:.2f}" + (f" ({low:.2f} to {high:.2f})" if low is not None else "")
