"""Cooling units wear out, show it, fail, and start anew."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest

from pipelines.simulator import Dirt
from pipelines.simulator.cooling import COMPONENTS, MODES, Sensed, history_of, sense, units_of
from pipelines.simulator.plant import ORIGIN, Plant

UNTIL = date(2026, 11, 20)


def plant(scale: float = 1.0) -> Plant:
    return Plant(seed=7, scale=scale, dirt=Dirt.none(), time_zone="Europe/Paris")


@pytest.fixture(scope="module")
def sensed() -> dict[date, Sensed]:
    """Every third of ninety days of twelve clean units."""
    return {day: sense(plant(), day) for day in (UNTIL - timedelta(days=n) for n in range(0, 90, 3))}


def test_failures_reset_the_wear_of_what_was_repaired() -> None:
    life = history_of(plant(), UNTIL)
    last = len(life.end) - 1
    repaired = [failure for failure in life.failures if failure.repair_day < last]
    assert len(repaired) > 500
    for failure in repaired:
        assert life.end[failure.repair_day, failure.unit, failure.component] == 0
        assert life.begin[failure.day, failure.unit, failure.component] > 0.3
    assert {failure.component for failure in repaired} == set(range(len(COMPONENTS)))


def test_a_longer_history_continues_a_shorter_one() -> None:
    shorter, longer = history_of(plant(), date(2024, 1, 1)), history_of(plant(), date(2026, 1, 1))
    assert (longer.end[: len(shorter.end)] == shorter.end).all()
    assert longer.failures[: len(shorter.failures)] == shorter.failures


def test_worn_units_cross_alert_limits_and_healthy_ones_hardly(sensed: dict[date, Sensed]) -> None:
    life = history_of(plant(), UNTIL)
    alarms: dict[str, list[float]] = {"healthy": [], "worn": []}
    for day, seen in sensed.items():
        worst = life.begin[(day - ORIGIN).days].max(axis=1)
        values, running = seen.values, (seen.mode < MODES.index("defrost")) & seen.present
        crossed = (
            (values["temp_evaporator"] > -5)
            | (values["temp_condenser"] > 50)
            | (values["pressure_high"] > 16)
            | (values["pressure_low"] < 1.5)
            | (values["superheat"] < 3)
            | (values["superheat"] > 15)
            | (values["compressor_current"] > 12)
            | (values["vibration"] > 0.05)
            | (values["pressure_high"] / values["pressure_low"] > 8)
        )
        for unit in range(12):
            group = "healthy" if worst[unit] < 0.6 else "worn" if worst[unit] > 0.85 else None
            if group and running[:, unit].any():
                alarms[group].append(float(crossed[running[:, unit], unit].mean()))
    assert sum(alarms["healthy"]) / len(alarms["healthy"]) < 0.005
    assert sum(alarms["worn"]) / len(alarms["worn"]) > 0.3


def test_every_mode_occurs_and_defrost_warms_the_evaporator(sensed: dict[date, Sensed]) -> None:
    modes: Counter[int] = Counter()
    warm = 0
    for seen in sensed.values():
        modes.update(seen.mode.ravel().tolist())
        warm += int((seen.values["temp_evaporator"][seen.mode == MODES.index("defrost")] > -5).sum())
    assert set(modes) == set(range(len(MODES)))
    assert warm > 0.5 * modes[MODES.index("defrost")]


def test_scale_changes_the_number_of_units() -> None:
    assert [len(units_of(plant(scale))) for scale in (0.01, 0.2, 0.5, 1, 2)] == [2, 2, 6, 12, 24]
    assert units_of(plant(0.5)) == units_of(plant(1))[:6]
