"""How a commit is made: as the version right after the one it was planned from, or not at all.

Delta's own conflict check lets two writers of disjoint partitions, or of a partition that doesn't exist yet, both commit. Here every
commit is made with no retries: delta-rs then refuses it as soon as another version exists. The entry `commit` (its number is
the version) refuses writers that do retry. Whether a commit was made is read from the log, by its mark: a checkpoint that fails
after it, on a full disk for example, doesn't undo it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import CommitProperties, PostCommitHookProperties, Transaction

from lake.damage import COMMIT, MARK, DamagedTable, actions, entry_path, log_problems, versions_in
from lake.unwritable import refusal

AFTERWARDS = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)


class Conflict(Exception):
    """Another process published this table since this one planned; plan again."""


@dataclass(frozen=True)
class Commit:
    """One commit that is to become version `number` of the table in `folder`."""

    table: str
    folder: Path
    number: int
    mark: str

    @property
    def entry(self) -> Path:
        return entry_path(self.folder / "_delta_log", self.number)

    def properties(self, entries: Mapping[str, int], about: Mapping[str, str]) -> CommitProperties:
        """Metadata and `txn` entries; `commit` comes last, so that an entry that was cut lacks it."""
        named = [*((n, v) for n, v in entries.items() if n != COMMIT), (COMMIT, self.number)]
        return CommitProperties(
            custom_metadata={**about, MARK: self.mark}, max_commit_retries=0, app_transactions=[Transaction(n, v) for n, v in named]
        )

    def is_made(self) -> bool:
        """Whether the log holds this very commit."""
        try:
            return any(a.get("commitInfo", {}).get(MARK) == self.mark for a in actions(self.entry))
        except (OSError, ValueError):
            return False


@contextmanager
def committing(table: str, folder: Path, base: int | None) -> Iterator[Commit]:
    """The commit that follows version `base` (None: the table's first). Raises Conflict, CannotWrite or DamagedTable."""
    log = folder / "_delta_log"
    newest = max([*versions_in(log), *versions_in(log, ".checkpoint.parquet")], default=None)
    commit = Commit(table, folder, 0 if base is None else base + 1, uuid4().hex)
    if newest != base:
        raise Conflict(f"{table} was published by another run meanwhile: version {newest} is there, {base} was planned from")
    try:
        yield commit
    except (DeltaError, OSError) as error:
        if commit.is_made():
            return
        if found := refusal(error, folder):
            raise found from error
        if isinstance(error, CommitFailedError) or commit.entry.exists():
            raise Conflict(f"{table} was published by another run meanwhile, as version {commit.number}") from error
        if problems := log_problems(log):
            raise DamagedTable(table, [p.text for p in problems]) from error
        raise
