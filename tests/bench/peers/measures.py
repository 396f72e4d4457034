"""What both hand-written chains know of the sources, as somebody would write it down who doesn't know our declarations."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from tests.bench.clock import Laps

SITE = "Europe/Paris"
TWO_YEARS_DAYS = 730
GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Measure:
    """A number: its name in the source and in our tables, steps of its resolution in a unit, and what is possible."""

    source: str
    name: str
    steps: int
    low: float
    high: float


MODES = ("normal", "high_load", "low_load", "defrost", "startup")
UNIT_MEASURES = (
    Measure("temp_evaporator", "evaporator_temperature_c", 100, -60, 40),
    Measure("temp_condenser", "condenser_temperature_c", 100, -20, 90),
    Measure("pressure_high", "high_pressure_bar", 1000, 0, 40),
    Measure("pressure_low", "low_pressure_bar", 1000, 0, 40),
    Measure("superheat", "superheat_k", 100, -20, 80),
    Measure("subcooling", "subcooling_k", 100, -20, 60),
    Measure("compressor_current", "current_a", 100, 0, 200),
    Measure("vibration", "vibration_g", 10_000, 0, 10),
    Measure("efficiency", "efficiency", 10_000, 0, 1),
)
UNIT_SUMMED = (
    *((m.name, m.steps) for m in UNIT_MEASURES[:-1]),
    ("theoretical_cop", 1000),
    ("pressure_ratio", 1000),
    ("compressor_efficiency", 10_000),
)
UNIT_WINDOWS = (1, 3, 7)

ODOMETER = Measure("km_actuel", "odometer_km", 10, 0, 3_000_000)
VEHICLE_MEASURES = (
    Measure("temp_moteur", "engine_temperature_c", 10, -45, 160),
    Measure("vitesse", "speed_kmh", 10, 0, 250),
    Measure("pression_huile", "oil_pressure_bar", 100, 0, 12),
    Measure("regime_moteur", "engine_speed_rpm", 1, 0, 9000),
    Measure("voltage_batterie", "battery_voltage_v", 100, 0, 32),
    Measure("temps_0_100", "acceleration_0_100_s", 10, 1, 90),
    Measure("conso_essence", "consumption_l_per_100km", 10, 0, 100),
    Measure("pression_injection", "injection_pressure_bar", 10, 0, 3000),
)
VEHICLE_SUMMED = tuple((m.name, m.steps) for m in VEHICLE_MEASURES)
MODEL_SUMMED = tuple(m for m in VEHICLE_SUMMED if m[0] in ("engine_temperature_c", "battery_voltage_v", "consumption_l_per_100km"))
VEHICLE_WINDOWS = (1, 7, 28)
SERVICES = {"Vidange": "oil", "Freins": "brake", "Pneus": "tyre", "Moteur": "engine", "Batterie": "battery"}
REACH_KM = 1500


@dataclass(frozen=True)
class Task:
    """Where a contender reads and writes, and what day it is."""

    landing: Path
    out: Path
    as_of: date
    laps: Laps = field(default_factory=Laps)

    def files(self, pattern: str) -> list[str]:
        """Files of landing in the order of their names; those called .gz that hold something else are left out."""
        found = sorted(self.landing.glob(pattern))
        return [str(f) for f in found if f.suffix != ".gz" or _first_bytes(f) == GZIP]


def _first_bytes(file: Path) -> bytes:
    with file.open("rb") as binary:
        return binary.read(2)
