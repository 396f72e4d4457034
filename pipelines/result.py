"""What became of one table in one run, and how a person is told."""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lake.partitions import Partition

if TYPE_CHECKING:
    from pipelines.publish import Audited
    from pipelines.stage import Staged
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


def tell_refused(staged: "Staged", result: Result) -> None:
    """A file refused as a whole is a warning: the others went on, and a mended one is taken in next time."""
    from quality.verdict import Verdict

    named = [f"{f}: {why}" for f, why in sorted(staged.refused.items())]
    result.message = (
        f"{len(named)} file(s) refused, the others taken in. {'; '.join(named[:5])}. Deliver mended files under the same names."
    )
    samples = tuple(json.dumps({"_file": f, "refusal": why}, ensure_ascii=False) for f, why in sorted(staged.refused.items())[:5])
    told = Verdict("files: readable", "warning", "warned", f"{len(named)} file(s) refused", len(named), samples)
    result.verdicts[result.table] = (*result.verdicts.get(result.table, ()), told)


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
