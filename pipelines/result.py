"""What became of one table in one run, and how a person is told."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lake.partitions import Partition

if TYPE_CHECKING:
    from pipelines.publish import Audited
    from quality.verdict import Verdict


@dataclass
class Result:
    """What became of one table in one run. `rows_out` counts rows published where no law of conservation applies."""

    table: str
    outcome: str
    reason: str = ""
    message: str = ""
    version: int | None = None
    partitions: int = 0
    changed: tuple[Partition, ...] = ()
    read: int | None = None
    fates: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    verdicts: dict[str, tuple["Verdict", ...]] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    samples: list[dict[str, Any]] = field(default_factory=list)
    is_contract_broken: bool = False
    audit_seconds: float = 0.0

    @property
    def is_bad(self) -> bool:
        return self.outcome in ("failed", "blocked", "skipped")


def with_files(result: Result, refused: Mapping[str, str], notes: Mapping[str, list[str]], unsettled: Sequence[str]) -> None:
    """Add what happened to files beside being taken in: a refused one is a warning, and so is what to know of one that was read."""
    if not (refused or notes or unsettled):
        return
    from quality.verdict import Verdict

    def verdict(check: str, about: Mapping[str, str]) -> Verdict:
        samples = tuple(json.dumps({"_file": f, "reason": why}, ensure_ascii=False) for f, why in sorted(about.items())[:5])
        return Verdict(
            check,
            "warning",
            "warned",
            f"{len(about)} file(s): {'; '.join(f'{f}: {w}' for f, w in sorted(about.items())[:3])}",
            len(about),
            samples,
        )

    found = []
    messages = []
    if refused:
        named = [f"{f}: {why}" for f, why in sorted(refused.items())]
        messages.append(
            f"{len(named)} file(s) refused, the others taken in. {'; '.join(named[:5])}. Deliver corrected files under the same names."
        )
        found.append(verdict("files: readable", refused))
    if notes:
        found.append(verdict("files: as expected", {f: "; ".join(n) for f, n in notes.items()}))
    if unsettled:
        names = ", ".join(unsettled[:5])
        messages.append(f"{len(unsettled)} file(s) still being written or too new, taken in at a later run: {names}")
    result.message = " ".join(messages) or result.message
    result.verdicts[result.table] = (*result.verdicts.get(result.table, ()), *found)


def blocked_message(audited: "Audited") -> str:
    """What an engineer reads when a critical promise was broken."""
    broken = [(name, v) for name, vs in audited.verdicts.items() for v in vs if v.blocks]
    first = "; ".join(f"{v.check}: {v.observed}" + (f", such as {v.samples[0]}" if v.samples else "") for _, v in broken[:3])
    return (
        f"not published, the last good version stays up: {len(broken)} critical promise(s) broken. {first}. "
        f"Mend the data, the mapping or the step and run again; or waive: "
        f"python -m pipelines waive {broken[0][0]} '{broken[0][1].check}' --until DAY --by YOU --why TEXT"
    )


def explain(error: Exception) -> str:
    """One line for a person: the error's own words without Spark's stack."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:600]}" if text else type(error).__name__


def line_of(result: Result) -> str:
    """One line of progress."""
    moved = f", {len(result.changed)} of {result.partitions} partitions changed" if result.partitions else ""
    fates = f", {result.read:,} rows read".replace(",", " ", 1) if result.read is not None else ""
    note = f" - {result.message}" if result.message else ""
    return f"{result.table}: {result.outcome}{moved}{fates} ({result.seconds:.1f} s){note}"
