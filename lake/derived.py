"""Tables that nobody declares because another declaration implies them: bronze, its files, quarantine."""

from lake.constraints import NotNull
from lake.contract import Column, Feed, Table
from lake.expressions import compiled
from lake.source import Source

UNREADABLE_DAY = "1900-01-01"
"""Partition of rows whose day can't be read (a date, since Delta filters can't name a null partition beside others)."""

_DAY_OF = {"day": "Day of", "week": "Monday of the week of", "month": "First day of the month of"}
_DAY_NOTE = f"{UNREADABLE_DAY} when it can't be read"


def bronze_tables(source: Source, feed: Feed) -> tuple[Table, Table]:
    """The bronze table of a source and its sibling, the list of file versions taken in or refused."""
    files = f"{source.name}__files"
    sibling = f"bronze_{source.domain}__{files}"
    personal = {c.name for c in feed.columns if c.personal}
    hidden = {n for target, e in source.select.items() if target in personal for n in compiled(e, source.dialect).columns}
    columns = (
        *(Column(n, "string", "As the source wrote it", personal=n in hidden) for n in source.columns),
        Column("_rescued", "string", "The source's other columns, as a JSON object", personal=bool(personal)),
        Column("_raw", "string", "The line itself, where it can't be parsed", personal=bool(personal)),
        Column("_broken", "string", "Why the line can't be parsed; null for a sound one"),
        Column("_source", "string", "Mapping file that took the row in", (NotNull(),)),
        Column("_file", "string", "File, relative to landing", (NotNull(),)),
        Column("_sha256", "string", "Digest of the file's content", (NotNull(),)),
        Column("_row", "long", "Line, sheet row or rowid in the file", (NotNull(),)),
        Column("_intake", "long", "Number of the file version, rising with each one taken in", (NotNull(),)),
        Column("_landed_at", "timestamp", "When the file version was taken in", (NotNull(),)),
        Column("day", "date", f"{_DAY_OF[feed.grain]} the event in the site's time zone; {_DAY_NOTE}", (NotNull(),)),
    )
    head = Table(
        "bronze", source.domain, source.name, "dated",
        source.description or f"Rows of {source.files} exactly as delivered.", feed.owner,
        "one row per line of each file version", columns, ("_intake", "_row"), "day", siblings=(sibling,),
    )  # fmt: skip
    about_files = Table(
        "bronze", source.domain, files, "snapshot",
        f"File versions of {source.name} that were taken in or refused, with the reason.", feed.owner,
        "one row per file version",
        (
            Column("_file", "string", "File, relative to landing", (NotNull(),)),
            Column("_sha256", "string", "Digest of the content", (NotNull(),)),
            Column("_parse", "string", "Digest of the dialect it was read with", (NotNull(),)),
            Column("_size", "long", "Size of the file", (NotNull(),), unit="bytes"),
            Column("_mtime_ns", "long", "Modification time; with the size, tells an untouched file without reading it"),
            Column("_intake", "long", "Number of the file version", (NotNull(),)),
            Column("_landed_at", "timestamp", "When it was taken in or refused", (NotNull(),)),
            Column("row_count", "long", "Rows taken in", unit="rows"),
            Column("first_day", "date", "Earliest event day in it"),
            Column("last_day", "date", "Latest event day in it"),
            Column("is_current", "boolean", "False once a newer version of the same file was taken in", (NotNull(),)),
            Column("refusal", "string", "Why the file was refused; null when it was taken in"),
            Column("is_transient", "boolean", "True where the reason may pass: the file is tried again at every run"),
        ),
        ("_intake",),
    )  # fmt: skip
    return head, about_files


def quarantine_of(table: Table) -> Table:
    """The sibling that keeps rows which broke a blocking promise."""
    partition: tuple[Column, ...] = ()
    if table.partition:
        partition = (Column(table.partition, "date", f"Partition of the row; {_DAY_NOTE}", (NotNull(),)),)
    return Table(
        "silver", table.domain, f"{table.entity}__quarantine", "dated" if table.partition else "snapshot",
        f"Rows kept out of {table.name}, with every reason and where they came from.", table.owner,
        "one row per rejected row of the source",
        (
            Column("reasons", "array<string>", "Broken promises: column and promise", (NotNull(),)),
            Column("found", "array<string>", "The value that broke each promise, personal ones masked", (NotNull(),)),
            Column("content", "string", "The row as a JSON object, personal columns masked"),
            Column("_source", "string", "Mapping file that took the row in", (NotNull(),)),
            Column("_file", "string", "File, relative to landing", (NotNull(),)),
            Column("_row", "long", "Line, sheet row or rowid in the file", (NotNull(),)),
            *partition,
        ),
        ("_source", "_file", "_row"), table.partition,
    )  # fmt: skip
