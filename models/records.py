"""What models tell gold: rows appended to its ledgers."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from lake.spark import decimals
from lake.tables import models as tables
from models import registry
from pipelines import history
from pipelines.run import Runner


def crown(runner: Runner, problem: str, version: int, previous: int, cause: str, reason: str) -> None:
    """Let a version serve from now on; the next `medallion` run picks it up."""
    told = {"problem": problem, "model_version": version, "previous_version": previous, "cause": cause, "reason": reason}
    tell(runner, tables.CHAMPIONS.name, [told])
    registry.mark_champion(runner.settings.model_root, problem, version)


def ledger(runner: Runner, name: str) -> list[dict[str, Any]]:
    return history.rows(runner.catalog, runner.lake, name)


def tell(runner: Runner, name: str, rows: list[dict[str, Any]]) -> None:
    """Append to a ledger, doubles rounded as declared."""
    table = runner.catalog[name]
    digits = {c.name: decimals(c) for c in table.columns if c.type == "double"}
    rounded = [{k: _plain(v, digits.get(k)) for k, v in r.items()} for r in rows]
    history.append(runner.catalog, runner.lake, name, rounded, datetime.now(UTC))


def _plain(value: Any, digits: int | None) -> Any:
    if isinstance(value, float | np.floating):
        return None if np.isnan(value) else round(float(value), digits) + 0.0 if digits is not None else float(value)
    return value.item() if isinstance(value, np.generic) else value
