"""What the AMDEC sheets hold at a revision: ratings that are partly wrong, modes left out, modes that never happen, actions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from pipelines.simulator.plant import ORIGIN, Plant
from pipelines.simulator.vocabulary import Rating, Wording, wordings_of

DOMAIN = "amdec"
LEFT_OUT_PER_SHEET = 2
WRONG_OCCURRENCE, WRONG_GRAVITY, WRONG_DETECTION = 0.5, 0.2, 0.3
"""Shares of modes that a sheet rates two or three too high or too low, until a later revision knows better."""

ACTION_CYCLE_QUARTERS = 5
ROLES = ("Maintenance", "Méthodes", "Production", "Qualité")
OPEN, UNDER_WAY, DONE = "Ouverte", "En cours", "Faite"

Ratings = tuple[int | None, int | None, int | None]


@dataclass(frozen=True)
class Action:
    status: str
    due_on: date
    responsible: str


@dataclass(frozen=True)
class Mode:
    """One row of a sheet, rated 1 to 10. `happens` is false for what never does, `known` for what the sheet leaves out."""

    wording: Wording
    cause: str
    true: Rating
    rated: Rating
    action: Action
    happens: bool = True
    known: bool = True


NEVER: dict[str, tuple[tuple[str, str, str, Rating], ...]] = {
    "refrigeration": (
        ("détendeur", "Blocage du détendeur", "Impureté dans le circuit", Rating(7, 3, 5)),
        ("régulateur", "Perte de communication", "Foudre sur le réseau", Rating(6, 2, 3)),
    ),
    "fleet": (
        ("boîte de vitesses", "Blocage d'un rapport", "Fourchette tordue", Rating(8, 3, 5)),
        ("direction assistée", "Perte d'assistance", "Fuite de la crémaillère", Rating(9, 2, 5)),
    ),
    "line": (
        ("armoire électrique", "Échauffement d'un bornier", "Serrage insuffisant", Rating(9, 2, 6)),
        ("barrière immatérielle", "Non-détection d'une présence", "Encrassement de l'optique", Rating(10, 2, 4)),
    ),
}
"""Organ, mode, cause and rating of what the sheets rate and no component of the plant does."""


def revision_of(day: date) -> date:
    """The first day of the quarter: sheets are revised on it."""
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


def next_revision(revision: date) -> date:
    return revision_of(revision + timedelta(days=100))


def modes_of(domain: str, revision: date, plant: Plant) -> tuple[Mode, ...]:
    """Organs together, in the order of the vocabulary; then what never happens."""
    causes = [(w, n, c) for w in wordings_of(domain) for n, c in enumerate(w.causes)]
    left_out = set(plant.stream(DOMAIN, "left out", domain).choice(len(causes), LEFT_OUT_PER_SHEET, replace=False).tolist())
    modes = [
        _mode(wording, cause, _of_cause(wording.rating, rank), revision, plant, known=place not in left_out)
        for place, (wording, rank, cause) in enumerate(causes)
    ]
    for organ, mode, cause, rating in NEVER[domain]:
        said = replace(wordings_of(domain)[0], component="", organ=organ, mode=mode, function="Fonction auxiliaire", rating=rating,
                       effect="Arrêt de l'équipement", detection="Contrôle visuel", preventive_action="Contrôle annuel",
                       corrective_action="Remplacer l'organe")  # fmt: skip
        modes.append(replace(_mode(said, cause, rating, revision, plant), happens=False))
    return tuple(modes)


def _of_cause(rating: Rating, rank: int) -> Rating:
    """A cause is rarer than its organ's failures: the first one by one rating, the others by two."""
    return replace(rating, occurrence=max(rating.occurrence - min(rank + 1, 2), 1))


def _mode(wording: Wording, cause: str, true: Rating, revision: date, plant: Plant, known: bool = True) -> Mode:
    stream = plant.stream(DOMAIN, "rated", wording.domain, cause)
    wrong, by = stream.random(3), stream.choice([-3, -2, 2, 3], 3)
    corrected_in = int(stream.integers(0, 48))
    rated = true
    if _quarter(revision) < corrected_in:
        rated = Rating(
            _within(true.gravity + int(by[0]) * int(wrong[0] < WRONG_GRAVITY)),
            _within(true.occurrence + int(by[1]) * int(wrong[1] < WRONG_OCCURRENCE)),
            _within(true.detection + int(by[2]) * int(wrong[2] < WRONG_DETECTION)),
        )
    return Mode(wording, cause, true, rated, _action(wording, cause, revision, plant), known=known)


def _within(rating: int) -> int:
    return min(max(rating, 1), 10)


def _quarter(day: date) -> int:
    """Quarters since the origin."""
    return (day.year - ORIGIN.year) * 4 + (day.month - 1) // 3


def _first_day(quarter: int) -> date:
    return date(ORIGIN.year + quarter // 4, quarter % 4 * 3 + 1, 1)


def _action(wording: Wording, cause: str, revision: date, plant: Plant) -> Action:
    """A new action every few quarters: begun late or early, due, and done sooner or long after."""
    stream = plant.stream(DOMAIN, "action", wording.domain, cause)
    phase, role = int(stream.integers(ACTION_CYCLE_QUARTERS)), ROLES[int(stream.integers(len(ROLES)))]
    cycle, age = divmod(_quarter(revision) + phase, ACTION_CYCLE_QUARTERS)
    decided_on = _first_day(_quarter(revision) - age)
    due_after, begun_after, done_after = plant.stream(DOMAIN, "action", wording.domain, cause, cycle).random(3)
    due_on = decided_on + timedelta(days=60 + int(180 * due_after))
    begun_on, done_on = decided_on + timedelta(days=int(150 * begun_after)), due_on + timedelta(days=int(-40 + 260 * done_after))
    status = DONE if revision >= max(done_on, begun_on) else UNDER_WAY if revision >= begun_on else OPEN
    return Action(status, due_on, role)
