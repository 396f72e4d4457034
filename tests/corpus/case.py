"""One file of the corpus and its declared outcome."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lake.source import Dialect
from pipelines.parse import Limits
from pipelines.parse.limits import LIMITS

Content = bytes | Callable[[Path], object]


@dataclass(frozen=True)
class Case:
    """`rows` counts valid and broken ones; `broken` gives a part of the reason by row number. `cells`: texts by column, in
    order, of the valid rows. A file with `refusal` gives no rows, only these words. `note`: words of a note on the file."""

    name: str
    content: Content
    dialect: Dialect
    columns: tuple[str, ...] = ("a", "b")
    rows: int = 0
    broken: dict[int, str] = field(default_factory=dict)
    cells: dict[str, list[str | None]] = field(default_factory=dict)
    refusal: str = ""
    is_transient: bool = False
    note: str = ""
    limits: Limits = LIMITS

    def write(self, folder: Path) -> Path:
        path = folder / self.name
        if isinstance(self.content, bytes):
            path.write_bytes(self.content)
        else:
            self.content(path)
        return path
