"""What Spark's workers run to score rows; the code travels with the function, for workers elsewhere don't have it."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
from pyspark import cloudpickle

from models import scorer, survival

for _module in (scorer, survival, sys.modules[__name__]):
    cloudpickle.register_pickle_by_value(_module)  # type: ignore[no-untyped-call]

KM_DAYS = 28

SAID = (
    "probability", "forest_probability", "component", "component_probability", "days_to_failure_low", "days_to_failure",
    "days_to_failure_high", "km_to_failure_low", "km_to_failure", "km_to_failure_high",
)  # fmt: skip
SCHEMA = "asset_id string, day date, unknown_reason string, " + ", ".join(f"{c} {'string' if c == 'component' else 'double'}" for c in SAID)


@dataclass(frozen=True)
class Speak:
    """Scores Arrow batches of `models.dataset.known` (or parts of it); the model is opened once per task, where it runs."""

    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        model = scorer.opened(self.manifest, self.files)
        for batch in batches:
            rows = scorer.anew(batch.to_pandas())
            yield pa.RecordBatch.from_pandas(self.said(model, rows), schema=_arrow(), preserve_index=False)

    def said(self, model: scorer.Scorer, rows: pd.DataFrame) -> pd.DataFrame:
        out = pd.concat([rows[["asset_id", "day", "unknown_reason"]], model.score(rows)], axis=1)
        return pd.concat([out, self.remaining(rows, out)], axis=1)

    def remaining(self, rows: pd.DataFrame, out: pd.DataFrame) -> pd.DataFrame:
        """Days (and km, where distance is known) to the next failure, of the component that is most likely to fail."""
        lives = self.manifest.get("lives") or {}
        ends = ("low", "", "high")
        names = [f"days_to_failure{'_' * bool(e)}{e}" for e in ends]
        days = pd.DataFrame(float("nan"), index=rows.index, columns=names)
        for component, own in out.groupby(out["component"].fillna("*")):
            life = lives.get(component, lives.get("*"))
            if not life:
                continue
            here = own.index
            since = f"days_since_{component}_repair"
            age = rows.loc[here, since if since in rows else "days_since_repair"]
            age = age.fillna(rows.loc[here, "in_service_days"].clip(upper=life[1])).to_numpy(float)
            told = survival.remaining(
                survival.Weibull(*life), age, float(self.manifest["horizon_days"]), own["probability"].to_numpy(float)
            )
            days.loc[here, names] = told
        if "km_28d" in rows:
            a_day = rows["km_28d"].to_numpy(float) / KM_DAYS
            for name in names:
                days[name.replace("days", "km")] = days[name].to_numpy() * a_day
        return days.reindex(columns=[c for c in SAID if "_to_failure" in c])


def _arrow() -> pa.Schema:
    kinds = {"asset_id": pa.string(), "day": pa.date32(), "unknown_reason": pa.string(), "component": pa.string()}
    return pa.schema([(n, kinds.get(n, pa.float64())) for n in ("asset_id", "day", "unknown_reason", *SAID)])
