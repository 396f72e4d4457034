"""May a challenger serve? Only if it beats the naive rule and the champion on the newest window."""

from dataclasses import dataclass

from models.evaluate import Judged
from models.problem import Problem


@dataclass(frozen=True)
class Verdict:
    is_promoted: bool
    reasons: tuple[str, ...]


def decide(problem: Problem, failures: int, challenger: Judged, naive: Judged, champion: Judged | None) -> Verdict:
    """Compare average precision; `failures` are distinct ones that the window saw begin."""
    reasons: list[str] = []
    enough = failures >= problem.least_failures
    told = f"{failures} failures in the newest window; {problem.least_failures} are needed to judge"
    reasons.append(told if enough else f"refused: {told}")
    rivals = [("the naive rule", naive), *([("the champion", champion)] if champion else [])]
    won = [enough]
    for name, rival in rivals:
        mine, theirs = challenger.metrics["average_precision"], rival.metrics["average_precision"]
        is_better = mine[0] is not None and theirs[0] is not None and mine[0] >= theirs[0] + problem.margin
        won.append(is_better)
        reasons.append(
            f"{'' if is_better else 'refused: '}average precision {_n(mine)} against {_n(theirs)} of {name}, margin {problem.margin:g}"
        )
    return Verdict(all(won), tuple(reasons))


def _n(value: tuple[float | None, float | None, float | None]) -> str:
    point, low, high = value
    if point is None:
        return "unknown"
    return f"{point:.3f}" + (f" ({low:.3f} to {high:.3f})" if low is not None and high is not None else "")
