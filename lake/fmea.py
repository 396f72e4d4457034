"""The rules of an AMDEC (FMEA) as plain data: scales, levels, the AIAG-VDA action priority, ratings that follow from what was observed.

Everything is on the 1-10 scale, 10 the worst: gravity (severity), occurrence (frequency), detection (10: nothing would notice).
"""

from math import floor

SCALES: dict[str, tuple[float, float]] = {"1-5": (1, 5), "1-10": (1, 10), "0-100": (0, 100)}
"""Lowest and highest rating of each scale that a sheet may use."""

LOWEST, HIGHEST = 1, 10

LEVELS: tuple[tuple[str, int], ...] = (("critical", 200), ("high", 100), ("medium", 50), ("low", 1))
"""Level -> the RPN on the 1-10 scale it begins at, falling."""

GRAVITY_BANDS = (9, 7, 4, 2, 1)
OCCURRENCE_BANDS = (8, 6, 4, 2, 1)
DETECTION_BANDS = (7, 5, 2, 1)
"""Lowest rating of each band of the table below, falling."""

ACTION_PRIORITY: tuple[tuple[str, ...], ...] = (
    # D 7-10, 5-6, 2-4, 1; a row for O 8-10, 6-7, 4-5, 2-3, 1
    ("HHHH", "HHHH", "HHHM", "HMLL", "LLLL"),  # gravity 9-10
    ("HHHH", "HHHM", "HMMM", "MMLL", "LLLL"),  # gravity 7-8
    ("HHMM", "MMML", "MLLL", "LLLL", "LLLL"),  # gravity 4-6
    ("MMLL", "LLLL", "LLLL", "LLLL", "LLLL"),  # gravity 2-3
    ("LLLL", "LLLL", "LLLL", "LLLL", "LLLL"),  # gravity 1
)
"""AIAG & VDA FMEA Handbook, 1st edition (2019), section 3.5.9, "Action Priority (AP) for DFMEA and PFMEA": H, M or L."""

OCCURRENCE_FROM_RATE: tuple[tuple[int, float], ...] = (
    (10, 12.0), (9, 6.0), (8, 3.0), (7, 1.5), (6, 0.75), (5, 0.375), (4, 0.15), (3, 0.05), (2, 0.01), (1, 0.0),
)  # fmt: skip
"""Occurrence -> failures per asset and year it begins at: every month at 10, half as often a rating down to 5, then
once in 7, 20 and 100 years. A convention of this house: the handbook's own table counts failures per thousand parts made."""

GRAVITY_FROM_STOP: tuple[tuple[int, float], ...] = (
    (10, 168.0), (9, 72.0), (8, 24.0), (7, 8.0), (6, 4.0), (5, 2.0), (4, 1.0), (3, 0.5), (2, 0.25), (1, 0.0),
)  # fmt: skip
"""Gravity -> mean stop in hours it begins at: a quarter of an hour, a shift (8), a day, a week. A convention of this house.
It knows of stops only: gravity rated higher for safety or the law isn't contradicted by short stops."""


def normalised(rating: float, scale: str) -> float:
    """The rating on the 1-10 scale: a straight line on which ends meet ends; beyond the scale it is beyond 1-10.

    >>> [normalised(x, "1-5") for x in (1, 2, 3, 4, 5)]
    [1.0, 3.25, 5.5, 7.75, 10.0]
    >>> [normalised(x, "0-100") for x in (0, 50, 100)]
    [1.0, 5.5, 10.0]
    """
    low, high = SCALES[scale]
    return LOWEST + (rating - low) * (HIGHEST - LOWEST) / (high - low)


def whole(rating: float) -> int:
    """Ratings, levels and the action priority are defined on whole ratings; halves go up, to the worse.

    >>> [whole(normalised(x, "1-5")) for x in (1, 2, 3, 4, 5)]
    [1, 3, 6, 8, 10]
    """
    return floor(rating + 0.5)


def level(rpn: float) -> str:
    """The level of an RPN on the 1-10 scale.

    >>> level(199), level(200)
    ('high', 'critical')
    """
    return next(name for name, at_least in LEVELS if rpn >= at_least)


def action_priority(gravity: int, occurrence: int, detection: int) -> str:
    """H, M or L for whole ratings on the 1-10 scale.

    >>> action_priority(9, 4, 2), level(9 * 4 * 2)
    ('H', 'medium')
    """
    ratings = ((gravity, GRAVITY_BANDS), (occurrence, OCCURRENCE_BANDS), (detection, DETECTION_BANDS))
    s, o, d = (next(i for i, low in enumerate(bands) if rating >= low) for rating, bands in ratings)
    return ACTION_PRIORITY[s][o][d]
