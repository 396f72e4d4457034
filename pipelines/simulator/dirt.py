"""How dirty the delivered data is: one rate per kind of dirt."""

from __future__ import annotations

from dataclasses import dataclass, fields

LINE_KINDS = (
    "missing_required",
    "missing_optional",
    "unreadable_number",
    "unreadable_timestamp",
    "unknown_mode",
    "unknown_unit",
    "spike",
    "broken_line",
    "future",
    "duplicate",
    "conflict",
    "out_of_order",
    "extra_field",
)
"""Kinds that hit single lines, at most one kind a line. The other kinds hit a unit or a whole file."""


@dataclass(frozen=True)
class Dirt:
    """Rates per line for `LINE_KINDS`; per unit and day for the next four; per day's file for the next four; per
    work order and export for the next seven; per row of an AMDEC sheet for the last two.

    The defaults make about 0.5 % of lines dirty. `extra_field` is not dirt, only a column nobody declared.
    """

    missing_required: float = 0.0002
    missing_optional: float = 0.0006
    unreadable_number: float = 0.0002
    unreadable_timestamp: float = 0.0001
    unknown_mode: float = 0.0002
    unknown_unit: float = 0.0002
    spike: float = 0.0004
    broken_line: float = 0.0002
    future: float = 0.0001
    duplicate: float = 0.0006
    conflict: float = 0.0001
    out_of_order: float = 0.0005
    extra_field: float = 0.0005

    fahrenheit_condenser: float = 0.002
    fahrenheit_bearing: float = 0.002
    stuck: float = 0.004
    silent: float = 0.002
    odometer_rollback: float = 0.003

    late_file: float = 0.04
    corrected_file: float = 0.05
    resent: float = 0.03
    unreadable_file: float = 0.015

    unknown_designation: float = 0.004
    ambiguous_designation: float = 0.002
    mistyped_date: float = 0.003
    late_request: float = 0.01
    odd_cost: float = 0.006
    long_stop: float = 0.002
    organ_spelling: float = 0.3

    sheet_rating: float = 0.05
    sheet_rpn: float = 0.15

    def __post_init__(self) -> None:
        for field in fields(self):
            rate = getattr(self, field.name)
            if not 0 <= rate <= _cap(field.name):
                raise ValueError(f"dirt rate {field.name}={rate} is outside 0..{_cap(field.name)}")

    def times(self, k: float) -> Dirt:
        """Every rate k times as high, up to 5 % of lines per kind, and half of all units or files."""
        return Dirt(**{f.name: min(getattr(self, f.name) * k, _cap(f.name)) for f in fields(self)})

    @classmethod
    def none(cls) -> Dirt:
        return cls().times(0)


def _cap(kind: str) -> float:
    return 0.05 if kind in LINE_KINDS else 0.5


TYPICAL = Dirt()
