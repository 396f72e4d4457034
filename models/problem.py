"""What is to be predicted, as plain data; found by importing each module of models/problems."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

import models.problems
from lake.alerts import Rule
from lake.contract import Table
from lake.extra import imported
from lake.settings import settings


@dataclass(frozen=True)
class Costs:
    """What is assumed when savings are told, and stated wherever they are.

    An inspection that finds the fault turns a failure into planned work: `avoided` is the share of the stop that this saves.
    """

    stop_eur_h: float
    inspection_h: float = 2.0
    labour_eur_h: float = 48.0
    avoided: float = 0.6

    @property
    def inspection_eur(self) -> float:
        return self.inspection_h * self.labour_eur_h


@dataclass(frozen=True)
class Problem:
    """A failure within `horizon_days` after the end of a day, from what was known by then.

    `asset` is the column of `features` that names the asset. Sensor features over the declared `windows` (days) are used, and
    the columns in `extra`. `components` gives for each component a text that its organ's name contains, in lower case.
    `rules` are alert rules: how far the worst of their indicators is on its way from limit to critical limit is a feature of its
    own, in which assets of all kinds compare. `naive` is the column that the naive rule ranks by. `capacity` is how many
    inspections the workshop can make in a week. `estimators`: candidates, compared on training days; the first is always the RandomForest.
    """

    name: str
    domain: str
    title: str
    features: Table
    asset: str
    windows: tuple[int, ...]
    components: Mapping[str, str]
    naive: str
    naive_title: str
    capacity: int
    costs: Costs
    horizon_days: int = 7
    extra: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    estimators: tuple[str, ...] = ("forest",)
    trees: int = 150
    leaf: int = 5
    test_days: int = 28
    margin: float = 0.02
    least_failures: int = 5
    naive_thresholds: tuple[float, float, float] = (0.2, 0.35, 0.6)
    kinds: bool = True
    tags: tuple[str, ...] = field(default=())

    @property
    def sensors(self) -> tuple[str, ...]:
        """Feature columns over the windows that the problem looks at."""
        ends = tuple(f"_{w}d" for w in self.windows)
        return tuple(c.name for c in self.features.columns if c.name.endswith(ends) and c.type in ("double", "long"))

    @property
    def limits(self) -> list[tuple[str, float, float]]:
        """(measure, limit, critical limit) of the rules; one that judges the largest axis stands for each axis."""
        measures = [s.removesuffix(f"_mean_{self.windows[0]}d") for s in self.sensors if s.endswith(f"_mean_{self.windows[0]}d")]
        found = []
        for rule in self.rules:
            stem, _, unit = rule.indicator.partition("_")
            axes = {f"{stem}_{axis}_{unit}" for axis in "xyz"}
            named = [m for m in measures if m == rule.indicator or m in axes]
            found += [(m, rule.limit, rule.critical_limit) for m in named]
        return found

    @property
    def purge_days(self) -> int:
        """Days between training and test: what labels and look-back of the features share."""
        return self.horizon_days + max(self.windows)


@dataclass(frozen=True)
class Anomaly:
    """Hours on which an asset behaves unlike itself, by an IsolationForest over what its sensors mean in an hour.

    `judged_by`: the problem whose failures tell whether anomalies come before something. `contamination`: share of hours that
    count as anomalies. The naive rule calls an hour anomalous when its mean goes beyond a limit in `limits`.
    """

    name: str
    title: str
    hourly: Table
    asset: str
    measures: tuple[str, ...]
    limits: Mapping[str, float]
    judged_by: Problem
    contamination: float = 0.02
    least_readings: int = 10
    trees: int = 100


def problems() -> Mapping[str, Problem]:
    """Every problem by name, those in folders of `LAKE_EXTRA` included."""
    return {n: p for n, p in declared().items() if isinstance(p, Problem)}


@cache
def declared() -> Mapping[str, Problem | Anomaly]:
    """Problems and anomalies by name."""
    modules = [import_module(f"models.problems.{m.name}") for m in iter_modules(models.problems.__path__)]
    for folder in settings().extra:
        modules += [imported(f"models.problems.{f.stem}", f, anew=True) for f in sorted((folder / "models" / "problems").glob("*.py"))]
    return {p.name: p for m in modules for p in vars(m).values() if isinstance(p, Problem | Anomaly)}
