"""The weather over the plant, the same for every domain."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from pipelines.simulator.plant import Plant
from pipelines.simulator.wear import Floats


def outside_c(plant: Plant, day: date, hour: Floats, length_h: float) -> Floats:
    """Outside temperature at hours since local midnight: season, time of day, and weather that lasts some days and
    joins at midnight. `length_h`: hours of that day."""
    drawn = [plant.stream("weather", day + timedelta(days=n)).normal() for n in range(-3, 2)]
    weather: Floats = np.interp(hour, [0, length_h], [sum(drawn[:4]), sum(drawn[1:])])
    season: float = 13 + 9 * np.cos(2 * np.pi * (day.timetuple().tm_yday - 205) / 365.25)
    diurnal: Floats = 4 * np.cos(2 * np.pi * (hour - 15) / 24)
    return season + diurnal + weather
