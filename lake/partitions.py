"""Days, weeks and months: which partitions a changed partition touches, and which it needs."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from lake.contract import Grain

Partition = date | None
"""The first day of a partition; None for the one partition of a snapshot."""


def floor(day: date, grain: Grain) -> date:
    """First day of the day, week (Monday) or month that holds `day`.

    >>> floor(date(2026, 3, 5), "week"), floor(date(2026, 3, 5), "month")
    (datetime.date(2026, 3, 2), datetime.date(2026, 3, 1))
    """
    if grain == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if grain == "month" else day


def last_day(partition: date, grain: Grain) -> date:
    """Last day of the partition that begins on `partition`."""
    if grain == "day":
        return partition
    if grain == "week":
        return partition + timedelta(days=6)
    return (partition.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def days_between(first: date, last: date) -> Iterator[date]:
    """Every day from `first` to `last`, both included."""
    for n in range((last - first).days + 1):
        yield first + timedelta(days=n)


def touched(changed: date, grain: Grain, reader: Grain, days_before: int = 0, days_after: int = 0) -> set[date]:
    """Partitions of a reader that a changed input partition makes stale, when the reader looks so far back and ahead."""
    first, last = changed - timedelta(days=days_after), last_day(changed, grain) + timedelta(days=days_before)
    return {floor(d, reader) for d in days_between(first, last)}


def needed(partitions: Iterable[date], grain: Grain, source: Grain, days_before: int = 0, days_after: int = 0) -> set[date]:
    """Input partitions that the given partitions of a reader are made from."""
    days: set[date] = set()
    for p in partitions:
        days.update(days_between(p - timedelta(days=days_before), last_day(p, grain) + timedelta(days=days_after)))
    return {floor(d, source) for d in days}
