"""Tables as files: CSV that a spreadsheet can't be made to run, and Parquet."""

import io
import re

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

_FORMULA = re.compile(r"^\s*[=+\-@\t\r\n|%＝＋－＠]")
"""How a cell begins that Excel, LibreOffice or Google Sheets would run (OWASP: CSV injection); full-width signs count too."""


def harmless(value: object) -> object:
    """A text that a spreadsheet would run gets an apostrophe in front; anything else stays.

    >>> harmless("=HYPERLINK(0)"), harmless("-5 °C"), harmless(-5), harmless("pump")
    ("'=HYPERLINK(0)", "'-5 °C", -5, 'pump')
    """
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def as_csv(frame: pd.DataFrame) -> bytes:
    """Comma-separated UTF-8 with a byte-order mark, which Excel needs to read accents."""
    safe = frame.rename(columns=lambda c: harmless(str(c))).reset_index(drop=True)
    for c in safe.columns:
        if not (pd.api.types.is_numeric_dtype(safe[c]) or pd.api.types.is_datetime64_any_dtype(safe[c])):
            safe[c] = safe[c].map(lambda v: harmless("; ".join(map(str, v)) if isinstance(v, list | tuple) or hasattr(v, "tolist") else v))
    return safe.to_csv(index=False).encode("utf-8-sig")


def as_parquet(frame: pd.DataFrame) -> bytes:
    """Values and types as they are; nothing runs in a Parquet file."""
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), sink, compression="zstd")
    return sink.getvalue()
