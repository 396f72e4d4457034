"""The model card: what a version is for, how it was made and how good it was found, in plain words."""

from collections.abc import Mapping, Sequence
from typing import Any

from models.gate import Verdict
from models.problem import Problem


def card(
    problem: Problem, about: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]], manifest: Mapping[str, Any], verdict: Verdict
) -> str:
    """Markdown."""
    c = problem.costs
    lines = [
        f"# {problem.title}: version {about['model_version']}", "",
        f"Tells, from what was known at the end of a day, how likely a failure is to begin within {problem.horizon_days} days. "
        f"A {about['estimator']} over {len(about['features'])} features; naive rule to beat: {problem.naive_title}.", "",
        f"**Decision**: {'serves' if verdict.is_promoted else 'does not serve'}. " + "; ".join(verdict.reasons) + ".", "",
        f"**Trained** on {about['train_rows']} days of assets from {about['train_first_day']} to {about['train_last_day']}, "
        f"{about['train_failures']} of them before a failure; then {about['purged_days']} days were left out (look-back and horizon), "
        f"and it was judged on {about['test_first_day']} to {about['test_last_day']}. What serves is what was judged.", "",
        "| newest window, all assets | value | 90 % interval |", "| --- | --- | --- |",
        *(f"| {m['whose']}: {m['metric']} | {_n(m['value'])} | {_n(m['low'])} to {_n(m['high'])} |"
          for m in metrics if m["split"] == "newest window" and m["asset_class"] == "all"), "",
        "Intervals come from a bootstrap over assets. `at_capacity` means: of each day the "
        f"{problem.capacity} highest scores are inspected, which is what the workshop can do in a week.", "",
        f"**Costs assumed**: a stop costs {c.stop_eur_h:g} EUR an hour, an inspection {c.inspection_eur:g} EUR, and finding the fault "
        f"before it breaks avoids {c.avoided:.0%} of the stop.", "",
        f"**Thresholds** {manifest['thresholds']}, chosen on training days with whole lives held out, by cost under capacity.", "",
        "**Limits**: silent assets, assets under repair and assets new in service get INCONNU. Work orders count from the day they were "
        "asked for; an export that comes late makes the newest days look calmer than they were. "
        "Failures never seen in training can't be foretold.", "",
        f"Data {about['data_versions']}; code {about['code_version']}; seed {about['seed']}; libraries {about['libraries']}.",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _n(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
