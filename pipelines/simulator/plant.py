"""The plant that every domain simulates, its random streams and its days, and what a domain hands over."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from pipelines.simulator.dirt import Dirt

ORIGIN = date(2020, 1, 1)
"""Wear is counted from here whatever window is asked for."""

Record = Mapping[str, object]


@dataclass(frozen=True)
class Plant:
    """Everything that deliveries depend on, beside the day."""

    seed: int
    scale: float
    dirt: Dirt
    time_zone: str

    def stream(self, *keys: str | int | date) -> np.random.Generator:
        """The random stream of these keys, the same wherever and whenever it is asked for."""
        return stream(self.seed, *keys)

    def bounds(self, day: date) -> tuple[int, int]:
        """Epoch seconds at which this local day begins and ends: 82 800 to 90 000 apart."""
        zone = ZoneInfo(self.time_zone)
        begin, end = (datetime.combine(d, time.min, zone) for d in (day, day + timedelta(days=1)))
        return int(begin.timestamp()), int(end.timestamp())


@dataclass(frozen=True)
class Delivery:
    """One file as it arrives. `path` is relative to the landing folder; `truth` is table name -> records of that day.

    `superseded_on` is the day on which the same path is delivered again with other content.
    """

    path: str
    content: bytes
    truth: Mapping[str, Sequence[Record]]
    readings: int = 0
    superseded_on: date | None = None


def stream(seed: int, *keys: str | int | date) -> np.random.Generator:
    numbers = [k.toordinal() if isinstance(k, date) else zlib.crc32(k.encode()) if isinstance(k, str) else k for k in keys]
    # The count comes first because numpy treats [1, 2] and [1, 2, 0] as the same seed.
    return np.random.default_rng([len(numbers), seed, *numbers])
