"""The event day of a bronze row, as SQL over the source's columns."""

from lake.contract import Feed
from lake.derived import UNREADABLE_DAY
from lake.mapping import render
from lake.source import Source

EARLIEST, LATEST = "1970-01-01", "2199-12-31"
"""Days outside these bounds are typing errors, and count as unreadable."""


def day_steps(source: Source, feed: Feed, time_zone: str) -> tuple[str, ...]:
    """SQL for the event day of a bronze row (the first day of its week or month where the feed says so), or the day of
    what can't be read. The day is the one in the site's time zone.

    In steps: `{0}` stands for what the step before gave. In one expression Spark would read the text six times.
    """
    if feed.day_of is None:
        return (f"DATE'{UNREADABLE_DAY}'",)
    rendered = render(source, feed)
    column = next(c for c in feed.columns if c.name == feed.day_of)
    day = f"to_date(from_utc_timestamp({{0}}, '{time_zone}'))" if column.type == "timestamp" else "{0}"
    begun = "{0}" if feed.grain == "day" else f"CAST(trunc({{0}}, '{feed.grain}') AS DATE)"
    known = f"CASE WHEN {{0}} BETWEEN DATE'{EARLIEST}' AND DATE'{LATEST}' THEN {begun} ELSE DATE'{UNREADABLE_DAY}' END"
    return rendered.read[feed.day_of], rendered.held[feed.day_of], day, known
