"""The summary of several runs tells what they did together."""

from pipelines.result import Result
from pipelines.summary import together


def results(*outcomes: str) -> list[Result]:
    return [Result(f"gold_toy__{i}", outcome) for i, outcome in enumerate(outcomes)]


def test_where_the_newest_run_found_a_table_fresh_the_one_that_made_it_speaks() -> None:
    first = results("published", "published", "failed", "unchanged", "fresh")
    second = results("fresh", "published", "published", "fresh", "fresh")
    assert [r.outcome for r in together([first, second])] == ["published", "published", "published", "unchanged", "fresh"]
    assert together([first, second])[0] is first[0] and together([first, second])[1] is second[1]


def test_what_went_wrong_is_not_hidden_by_an_earlier_success() -> None:
    assert [r.outcome for r in together([results("published"), results("failed")])] == ["failed"]
    assert [r.outcome for r in together([results("failed"), results("fresh")])] == ["fresh"]
    assert together([results("published")])[0].outcome == "published"
