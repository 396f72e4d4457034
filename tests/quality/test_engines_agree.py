"""The law of the audit: pandas, Spark, the reference and the quarantine's predicate give one verdict."""

from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lake.constraints import Between, Monotonic, NotNull, NullRateBand, OneOf, Pattern, RowPromise
from lake.spark import holds
from quality.measures import Context
from tests.quality.samples import column, judged, on, rows, table

NUMBER = (Between("critical", -1, 1), Between("warning", 0, None), Between("warning", None, 0), NotNull("warning"))
WORD = (NotNull("warning"), OneOf("critical", ("a", "b")), Pattern("warning", "a|[ab]{2}"))
THINGS = table(
    column("id", "string"), column("part", "long"), column("x", "double", *NUMBER), column("n", "long", *NUMBER),
    column("s", "string", *WORD), key=("id", "part"),
    promises=(Monotonic("warning", "x", ("id",), "n"), NullRateBand("warning", "s", 0.3)),
)  # fmt: skip

row = st.tuples(
    st.sampled_from(["k1", "k2", "k3"]),
    st.sampled_from([1, 2, 3, None]),
    st.one_of(st.none(), st.sampled_from([-1.0, 1.0, 0.0, -0.0, 1.5, -1.01, float("nan"), float("inf"), -float("inf")])),
    st.one_of(st.none(), st.sampled_from([-2, -1, 0, 1, 2**53 + 1])),
    st.one_of(st.none(), st.sampled_from(["a", "b", "ab", "a\n", "", "A"])),
)


@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@example([])
@example([("k1", 1, float("nan"), 0, "ab"), ("k1", 1, None, -2, None), ("k2", None, 1.5, None, "a\n")])
@given(st.lists(row, max_size=8))
def test_one_verdict(spark: Any, values: list[tuple[Any, ...]]) -> None:
    staged = rows(THINGS, *values)
    frame = on("spark", staged, spark)
    context = Context(staged_rows={None: len(values)}, publications=14)
    pandas, sparks = judged(THINGS, staged, context), judged(THINGS, frame, context)
    assert [(v.check, v.outcome, v.unexpected) for v in pandas.verdicts] == [(v.check, v.outcome, v.unexpected) for v in sparks.verdicts]

    promised: list[tuple[str, RowPromise]] = [(c.name, p) for c in THINGS.columns for p in c.constraints]
    flags = frame.select(*(holds(c, p).alias(str(i)) for i, (c, p) in enumerate(promised))).collect()
    told = {v.check: v for v in pandas.verdicts}
    for i, (name, promise) in enumerate(promised):
        at = [c.name for c in THINGS.columns].index(name)
        broken = sum(not promise.holds(v[at]) for v in values)
        assert broken == sum(not f[str(i)] for f in flags), promise
        assert told[f"{name}: {promise.sentence}"].unexpected == broken, promise
