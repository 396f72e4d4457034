"""The audit: staged rows and the table's measures, judged by Great Expectations, told as verdicts.

Everything is judged with booleans first, which on Spark is one job; only what failed is judged again for samples.
Nothing is written and nothing is sent: the context is ephemeral.
"""

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import isfinite
from threading import Lock
from typing import Any

import great_expectations as gx
import pandas as pd
from great_expectations.core import ExpectationValidationResult
from great_expectations.core.batch_definition import BatchDefinition
from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.expectations.core.expect_table_columns_to_match_ordered_list import (
    ExpectTableColumnsToMatchOrderedList,
)
from great_expectations.expectations.expectation import Expectation

from lake.constraints import References, Severity
from lake.contract import Table
from quality import suite
from quality.frames import Prepared, Staged, prepared
from quality.measures import Context, measures
from quality.quick import configurations_kept
from quality.verdict import MASK, SAMPLES, Measure, Verdict, count, outcome_of, sample

_ONE_AT_A_TIME = Lock()
"""Great Expectations keeps its current context in a global."""


@dataclass(frozen=True)
class Audit:
    """`results` is Great Expectations' result of all checks as plain JSON: personal values masked, no queries."""

    table: str
    verdicts: tuple[Verdict, ...]
    results: dict[str, Any]

    @property
    def blocks(self) -> bool:
        return any(v.blocks for v in self.verdicts)


def audit(
    table: Table,
    frame: Staged,
    context: Context,
    references: suite.Referenced,
    waivers: Mapping[str, str] | None = None,
    names: Sequence[str] = (),
) -> Audit:
    """Judge staged rows. `frame` holds all declared columns: Arrow (exact), pandas (NaN is null) or Spark. An Arrow table may leave out
    those that `suite.columns_read` doesn't name, when `names` tells which columns were staged.

    `references` holds the values of each (table, column) that a promise refers to; `waivers` says who waived a check
    and why, by the check's name.
    """
    rows = prepared(frame, names)
    present = set(rows.columns)
    promised = suite.expectations(table, references, in_python=isinstance(rows, pd.DataFrame))
    judged = [e for e in promised if _columns(e) <= present]
    found = _judge(table.name, rows, judged, list(table.key) if set(table.key) <= present else [])
    measured = measures(table, rows, context) if len(judged) == len(promised) else ()
    total = len(rows) if isinstance(rows, pd.DataFrame) else _staged(context)
    verdicts = [_verdict(table, e, found.get(_check(e)), rows, total, waivers or {}) for e in promised]
    about_measures = _judge(f"{table.name} measures", _as_row(measured), [suite.of_measure(m) for m in measured], [])
    verdicts += [_verdict_of_measure(m, about_measures[m.name], waivers or {}) for m in measured]
    told = {v.check: v for v in verdicts}
    results = [_told(table, r, told[name]) for name, r in {**found, **about_measures}.items()]
    return Audit(table.name, tuple(verdicts), _results(table, results))


def _staged(context: Context) -> int | None:
    return sum(context.staged_rows.values()) if context.staged_rows else None


def _check(e: Expectation) -> str:
    return str((e.meta or {})["check"])


def _columns(e: Expectation) -> set[str]:
    if isinstance(e, ExpectTableColumnsToMatchOrderedList):
        return set()
    return set(getattr(e, "column_list", ())) or {str(vars(e)["column"])}


def _as_row(measured: Iterable[Measure]) -> pd.DataFrame:
    return pd.DataFrame({m.name: pd.Series([m.observed], dtype="float64") for m in measured})


def _judge(name: str, frame: Prepared, expectations: Sequence[Expectation], key: list[str]) -> dict[str, ExpectationValidationResult]:
    """Results by check: booleans for what holds, counts and samples for what doesn't."""
    if not expectations:
        return {}
    with _ONE_AT_A_TIME:
        try:
            return _validated(name, frame, expectations, key)
        finally:
            if isinstance(frame, pd.DataFrame):
                _of_pandas().get_batch({"dataframe": pd.DataFrame()})  # lets go of the rows


def _validated(name: str, frame: Prepared, expectations: Sequence[Expectation], key: list[str]) -> dict[str, ExpectationValidationResult]:
    definition = _of_pandas() if isinstance(frame, pd.DataFrame) else _definition(frame)
    batch = definition.get_batch({"dataframe": frame})
    detailed: dict[str, Any] = {
        "result_format": "SUMMARY", "partial_unexpected_count": SAMPLES, "return_unexpected_index_query": False,
    }  # fmt: skip
    if key and not isinstance(frame, pd.DataFrame):
        detailed["unexpected_index_column_names"] = key
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This pattern is interpreted as a regular expression", UserWarning)
        with configurations_kept():
            first = batch.validate(gx.ExpectationSuite(name, list(expectations)), result_format="BOOLEAN_ONLY")
        found = {_name(r): r for r in first.results}
        broken = [e for e in expectations if not found[_check(e)].success]
        if broken:
            with configurations_kept():
                again = batch.validate(gx.ExpectationSuite(name, broken), result_format=detailed)
            found |= {_name(r): r for r in again.results}
    return found


def _context() -> EphemeralDataContext:
    """Quiet, and without a docs folder."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")  # for releases of Great Expectations that report home
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def _definition(frame: Prepared) -> "BatchDefinition[Any]":
    """In a context of its own, which from now on is the current one and holds on to the frame that it judged last."""
    _of_pandas.cache_clear()
    sources = _context().data_sources
    source = sources.add_pandas("lake") if isinstance(frame, pd.DataFrame) else sources.add_spark("lake", persist=False)
    return source.add_dataframe_asset("staged").add_batch_definition_whole_dataframe("staged")


@cache
def _of_pandas() -> "BatchDefinition[Any]":
    """One for all frames in turn: each takes the place of the one before. To make it costs more than to judge a small frame."""
    return _definition(pd.DataFrame())


def _name(result: ExpectationValidationResult) -> str:
    config: Any = result.expectation_config
    return str(config.meta["check"])


def _verdict(
    table: Table,
    e: Expectation,
    result: ExpectationValidationResult | None,
    rows: Prepared,
    total: int | None,
    waivers: Mapping[str, str],
) -> Verdict:
    check = _check(e)
    severity: Severity = "critical" if e.severity == "critical" else "warning"
    kept = result is not None and bool(result.success)
    waived_by = "" if kept else waivers.get(check, "")
    unexpected = 0
    samples: tuple[str, ...] = ()
    if kept:
        observed = count(total, "row") if total else "no rows" if total == 0 else "every row"
    elif result is None:
        observed = "a column is missing"
    elif error := _error(result.exception_info):
        observed = "can't be judged" + ("" if any(c.personal for c in table.columns) else f": {error}")
    elif check == suite.COLUMNS:
        observed = _difference([c.name for c in table.columns], list(rows.columns))
    else:
        unexpected = int(result.result.get("unexpected_count") or 0)
        observed = f"{unexpected:,} of ".replace(",", " ") + count(int(result.result["element_count"]), "row")
        samples = _samples(table, e, result, rows)
    outcome = outcome_of(severity, kept, waived_by)
    return Verdict(check, severity, outcome, observed, unexpected, samples, waived_by)


def _samples(table: Table, e: Expectation, result: ExpectationValidationResult, rows: Prepared) -> tuple[str, ...]:
    where = result.result.get("partial_unexpected_index_list") or []
    if isinstance(rows, pd.DataFrame):
        columns = list(dict.fromkeys([*(k for k in table.key if k in rows.columns), *sorted(_columns(e))]))
        # by column: a row of its own would turn integers into doubles
        where = [{c: rows[c].iloc[i] for c in columns} for i in where[:SAMPLES]]
    else:
        where = [{c: r[c] for c in dict.fromkeys([*table.key, *r]) if c in r} for r in where[:SAMPLES]]
    return tuple(sample(table, values) for values in where)


def _difference(declared: list[str], found: list[str]) -> str:
    missing, unknown = [c for c in declared if c not in found], [c for c in found if c not in declared]
    parts = [f"missing {', '.join(missing)}"] * bool(missing) + [f"not declared {', '.join(unknown)}"] * bool(unknown)
    return "; ".join(parts) or f"in another order: {', '.join(found)}"


def _error(info: Any) -> str:
    """Great Expectations tells one exception, or one for each metric; the first line of the first is enough."""
    if not isinstance(info, Mapping):
        return ""
    if info.get("raised_exception"):
        return (str(info.get("exception_message") or "").splitlines() or [""])[0] or "unknown error"
    return next((text for nested in info.values() if (text := _error(nested))), "")


def _verdict_of_measure(m: Measure, result: ExpectationValidationResult, waivers: Mapping[str, str]) -> Verdict:
    kept = bool(result.success)
    waived_by = "" if kept else waivers.get(m.name, "")
    observed = m.detail or (f"{m.observed:g}" if m.observed is not None else "not measured")
    return Verdict(m.name, m.severity, outcome_of(m.severity, kept, waived_by), observed, m.breaks, (), waived_by)


def _told(table: Table, result: ExpectationValidationResult, verdict: Verdict) -> dict[str, Any]:
    """One result as JSON. Values and engine errors are replaced by what the verdict shows, which is masked."""
    told: dict[str, Any] = result.to_json_dict()
    kwargs = told["expectation_config"]["kwargs"]
    column = next((c for c in table.columns if c.name == kwargs.get("column")), None)
    if column and "value_set" in kwargs and any(isinstance(p, References) for p in column.constraints):
        size = len(kwargs["value_set"])
        kwargs["value_set"] = [MASK if column.personal else f"{size} values"]
    counts = {k: v for k, v in told["result"].items() if isinstance(v, int | float)}
    kept = {k: told["result"][k] for k in ("observed_value", "details") if verdict.check == suite.COLUMNS and k in told["result"]}
    told["result"] = counts | kept | {"observed": verdict.observed, "samples": list(verdict.samples)}
    told["meta"] = {"outcome": verdict.outcome, "waived_by": verdict.waived_by}
    failed = bool(_error(told.pop("exception_info", None)))
    told["exception_info"] = {"raised_exception": failed, "exception_message": verdict.observed if failed else None}
    return _finite(told)  # type: ignore[no-any-return]


def _finite(value: Any) -> Any:
    """JSON knows no infinity: an open end is null."""
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _results(table: Table, results: list[dict[str, Any]]) -> dict[str, Any]:
    kept = sum(bool(r["success"]) for r in results)
    return {
        "success": kept == len(results),
        "suite_name": table.name,
        "results": results,
        "statistics": {
            "evaluated_expectations": len(results),
            "successful_expectations": kept,
            "unsuccessful_expectations": len(results) - kept,
            "success_percent": 100.0 * kept / len(results) if results else None,
        },
        "meta": {"great_expectations_version": gx.__version__},
    }
