"""How much one file may hold, all in one place: what goes beyond is refused with the limit and what to do."""

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Every figure is for one file. They stop files that would fill the memory or run for hours, and are far above
    what a day's or month's export holds; a larger file is split by whoever delivers it."""

    columns: int = 10_000
    """Names in a header. Rows may be wider; they are broken rows."""

    line_bytes: int = 32 * MIB
    """A line of text as UTF-8, an element of a JSON array, or the XML of a sheet row."""

    unpacked_bytes: int = 2048 * MIB
    """Content of a gzip file."""

    workbook_bytes: int = 512 * MIB
    """XML inside an .xlsx file."""

    shared_strings_bytes: int = 128 * MIB
    """XML of the texts that the sheets of an .xlsx file share; they are held in memory."""

    sheet_cells: int = 50_000_000
    """Cells of a sheet, the empty ones to the left of a filled one included."""

    value_bytes: int = 64 * MIB
    """A value of a SQLite table."""

    rows: int = 50_000_000

    text_bytes: int = 4096 * MIB
    """All rows together, as UTF-8 text."""

    batch_bytes: int = 64 * MIB
    """Text of one batch; never a reason to refuse, except a single row above Arrow's 2 GiB."""

    silent_seconds: float = 60.0
    """How long a SQLite view may calculate without giving a row."""


LIMITS = Limits()

BLOCK_BYTES = 2 * MIB
"""Bytes of whole lines read at once; one quoted cell makes its block slow, not the file."""

CELL_CHARACTERS = 4 * MIB
"""A longer CSV cell is a quote that was never closed; reading goes on with the line after it."""

RAW_CHARACTERS = 10_000
"""Raw text kept of a line whose quotes don't match."""

SHEET_ROWS = 1_048_576
"""Rows that Excel itself allows."""

HEADER_LINES = 10_000
"""Lines passed over in front of a header at most."""


def in_words(count: float) -> str:
    """Bytes as MiB or GiB."""
    return f"{count / (1 << 30):g} GiB" if count >= 1 << 30 else f"{count / MIB:g} MiB" if count >= MIB else f"{count:g} bytes"
