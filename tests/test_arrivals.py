"""What landing holds that is new: every file stands alone, and one that can't be read for a moment is tried again."""

import os
import resource
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.contract import Column, Feed
from lake.derived import bronze_tables
from lake.mapping import parse_digest
from lake.source import Dialect, Source
from lake.storage import Version
from pipelines.landing import Arrivals, arrivals, record_files
from pipelines.listing import is_half_written, landed_path, listing, stored_name
from pipelines.parse import RefusedFile, parse

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CSV = Source("s", "d", "feed_d__f", "in/*.csv*", Dialect("csv"), {"k": "a"}, columns=("a", "b"))
FEED = Feed("d", "f", "Rows", (Column("k", "string", "Key"),), "team")
CONTENT = b"a,b\n1,2\n"


@dataclass
class Landing:
    """A landing folder, and the files table as the runs so far left it."""

    root: Path
    table: pa.Table | None = None

    def put(self, name: str | bytes, content: bytes = CONTENT, age_s: float = 3600) -> Path:
        path = Path(os.fsdecode(os.path.join(os.fsencode(self.root / "in"), os.fsencode(name))))
        path.write_bytes(content)
        os.utime(path, (NOW.timestamp() - age_s,) * 2)
        return path

    def look(self, settle_s: float = 0, now: datetime = NOW) -> Arrivals:
        return arrivals(CSV, self.root, cast(Version, self) if self.table else None, settle_s, now)

    def read(self) -> pa.Table:
        assert self.table is not None
        return self.table

    def run(self, **refused: RefusedFile | str) -> dict[str, Any]:
        """One run: new files are parsed and recorded. Refusals by file, as the newest version of each has it."""
        arrived = self.look()
        why: dict[int, RefusedFile | str] = {}
        counts: dict[int, tuple[int, date, date]] = {}
        for found in arrived.new:
            try:
                if found.file.removeprefix("in/") in refused:
                    why[found.intake] = refused[found.file.removeprefix("in/")]
                    continue
                rows = sum(b.num_rows for b in parse(landed_path(self.root, found.file), CSV.dialect, CSV.columns))
                counts[found.intake] = rows, NOW.date(), NOW.date()
            except RefusedFile as error:
                why[found.intake] = error
        _, files = bronze_tables(CSV, FEED)
        self.table, _ = record_files(files, arrived, why, counts, parse_digest(CSV), NOW)
        return {row["_file"]: row for row in sorted(self.table.to_pylist(), key=lambda r: r["_intake"])}

    def names(self, **kwargs: Any) -> list[str]:
        return [f.file for f in self.look(**kwargs).new]

    def refusals(self) -> dict[str, tuple[str, bool]]:
        return {f.file: (f.refusal, f.is_transient) for f in self.look().refused}


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    (tmp_path / "landing" / "in").mkdir(parents=True)
    return Landing(tmp_path / "landing")


def test_a_file_is_taken_in_once(landing: Landing) -> None:
    landing.put("a.csv")
    assert landing.names() == ["in/a.csv"]
    assert landing.run()["in/a.csv"]["row_count"] == 1
    assert not landing.look().has_news
    landing.put("a.csv", age_s=60)
    assert landing.names() == [], "touched, with the same content"
    landing.put("a.csv", CONTENT + b"3,4\n")
    assert landing.names() == ["in/a.csv"]
    assert landing.run()["in/a.csv"]["row_count"] == 2
    assert [row["is_current"] for row in landing.read().to_pylist()] == [False, True]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"caf\xe9.csv", r"in/caf\xe9.csv"),
        (b"a\nb\x1b[2J.csv", r"in/a\x0ab\x1b[2J.csv"),
        (b"\xff\xfe\xfd.csv", r"in/\xff\xfe\xfd.csv"),
        ("x\u202ecsv.csv", r"in/x\xe2\x80\xaecsv.csv"),
        (rb"a\x41.csv", r"in/a\x5cx41.csv"),
        ("été.csv", "in/été.csv"),
    ],
)
def test_a_name_that_is_no_text_is_stored_printable_and_found_again(landing: Landing, name: str | bytes, shown: str) -> None:
    landing.put(name)
    landing.put("other.csv")
    taken = landing.run()
    assert {n: row["row_count"] for n, row in taken.items()} == {shown: 1, "in/other.csv": 1}
    assert not landing.look().has_news


@given(st.binary(min_size=1, max_size=12).filter(lambda name: b"/" not in name and b"\0" not in name))
def test_a_stored_name_is_text_and_leads_back(name: bytes) -> None:
    stored = stored_name(os.fsdecode(name))
    assert stored.encode().decode() == stored and not any(ord(c) < 32 for c in stored)
    assert os.fsencode(landed_path(Path("/l"), stored)) == b"/l/" + name or name in (b".", b"..")


def test_names_of_half_written_files_are_passed_over(landing: Landing) -> None:
    for name in ("a.csv.part", "a.csv.filepart", "a.csv.crdownload", "a.csv.tmp", "a.csv.TMP", "a.csv~", "~$a.csv", ".~lock.a.csv#",
                 "._a.csv", ".a.csv.Xy12Ab", "a.csv.partial", "a.csv.swp"):  # fmt: skip
        assert is_half_written(name), name
        landing.put(name)
    landing.put("tmp.csv")
    landing.put(".part.csv")
    assert landing.names() == ["in/.part.csv", "in/tmp.csv"]
    assert landing.refusals() == {}


def test_what_is_no_file_is_refused_and_never_opened(landing: Landing, tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("do not print")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x.csv").write_bytes(CONTENT)
    folder = landing.root / "in"
    (folder / "key.csv").symlink_to(tmp_path / "secret.key")
    (folder / "far.csv").symlink_to("../../outside/x.csv")
    (folder / "zero.csv").symlink_to("/dev/zero")
    (folder / "nowhere.csv").symlink_to("gone")
    (folder / "round.csv").symlink_to("round.csv")
    (folder / "folder.csv").mkdir()
    os.mkfifo(folder / "pipe.csv")
    with socket.socket(socket.AF_UNIX) as bound:
        here = Path.cwd()
        os.chdir(folder)  # names of sockets are short
        bound.bind("socket.csv")
        os.chdir(here)
    landing.put("good.csv")
    (folder / "inside.csv").symlink_to("good.csv")
    out = "it is, or lies behind, a link that leads out of landing; deliver the file itself"
    refused = landing.refusals()
    assert landing.names() == ["in/good.csv", "in/inside.csv"]
    assert {n: why for n, (why, _) in refused.items() if n != "in/round.csv"} == {
        "in/key.csv": out, "in/far.csv": out, "in/zero.csv": out,
        "in/nowhere.csv": "it is a link to a file that isn't there; it is tried again at the next run",
        "in/folder.csv": "it is a folder, not a file; deliver a file under this name",
        "in/pipe.csv": "it is a named pipe, not a file; deliver a file under this name",
        "in/socket.csv": "it is a socket, not a file; deliver a file under this name",
    }  # fmt: skip
    assert "symbolic links" in refused["in/round.csv"][0]
    assert [n for n, (_, passing) in refused.items() if passing] == ["in/nowhere.csv"]
    recorded = landing.run()
    assert recorded["in/key.csv"]["refusal"] == out and recorded["in/good.csv"]["row_count"] == 1
    again = landing.look()
    assert not again.has_news and [f.file for f in again.refused] == ["in/nowhere.csv"], "what may pass is shown at every run"


def test_a_folder_behind_a_link_that_leads_out_gives_refusals(landing: Landing, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x.csv").write_bytes(CONTENT)
    (landing.root / "in").rmdir()
    (landing.root / "in").symlink_to(tmp_path / "outside")
    assert landing.names() == [] and "leads out of landing" in landing.refusals()["in/x.csv"][0]


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/proc", "pipe"])
def test_the_parser_itself_opens_files_only(tmp_path: Path, path: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RefusedFile, match=r"it is a (device|folder|named pipe), not a file"):
        list(parse(tmp_path / path, CSV.dialect, CSV.columns))


def test_landing_itself_may_be_a_link(landing: Landing, tmp_path: Path) -> None:
    landing.put("a.csv")
    (tmp_path / "link").symlink_to(landing.root)
    assert [entry.name for entry in listing(tmp_path / "link", "in/*.csv")] == ["in/a.csv"]
    assert listing(tmp_path / "missing", "in/*.csv") == []


def test_patterns(landing: Landing) -> None:
    for name in ("x/1.csv", "x/y/2.csv", "x/y/z/3.csv", "4.csv"):
        (landing.root / name).parent.mkdir(parents=True, exist_ok=True)
        (landing.root / name).write_bytes(CONTENT)
    for pattern in ("x/*.csv", "**/*.csv", "x/**/*.csv", "x/?/[0-9].csv", "*.csv", "x/y/*/*"):
        paths = {p.relative_to(landing.root).as_posix() for p in landing.root.glob(pattern) if p.is_file()}
        assert [entry.name for entry in listing(landing.root, pattern)] == sorted(paths), pattern


# Reasons that pass


def test_a_file_that_was_gone_for_a_moment_is_read_when_it_is_back_unchanged(landing: Landing) -> None:
    landing.put("a.csv")
    landing.put("b.csv")
    gone = RefusedFile("it can't be opened or read: No such file or directory", is_transient=True)
    first = landing.run(**{"a.csv": gone})
    assert (first["in/a.csv"]["refusal"], first["in/a.csv"]["is_transient"]) == (str(gone), True)
    assert first["in/b.csv"]["row_count"] == 1, "the others go on"
    landing.run(**{"a.csv": gone})
    assert len(landing.read()) == 2, "the same refusal is recorded once"
    assert landing.names() == ["in/a.csv"]
    assert landing.run()["in/a.csv"]["row_count"] == 1
    assert landing.names() == []


def test_a_file_refused_for_good_is_read_again_only_when_it_changed(landing: Landing) -> None:
    landing.put("a.csv", b"a,c\n1,2\n")
    assert not landing.run()["in/a.csv"]["is_transient"]
    assert landing.names() == []
    landing.put("a.csv", age_s=60)
    assert landing.run()["in/a.csv"]["refusal"] is None


def test_a_file_refused_by_an_older_parser_is_tried_once_more(landing: Landing) -> None:
    landing.put("a.csv", b"a,c\n1,2\n")
    landing.run()
    old = landing.read().drop_columns(["is_transient"])
    place = old.schema.get_field_index("_parse")
    landing.table = old.set_column(place, "_parse", pa.array([parse_digest(CSV)]))
    assert landing.names() == ["in/a.csv"], "before, refused files were recorded with the digest of the mapping alone"
    landing.run()
    assert landing.names() == []


def test_too_many_open_files_are_a_passing_reason(landing: Landing) -> None:
    landing.put("a.csv")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as opened:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
        opened.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        listed = listing(landing.root, CSV.files)
        try:
            while True:
                opened.enter_context(open(os.devnull))
        except OSError:
            pass
        refused = landing.refusals()
    assert len(listed) == 1
    ((_, (why, passing)),) = refused.items()
    assert "Too many open files; allow more open files" in why and passing
    assert landing.names() == ["in/a.csv"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up its rights for a moment")
def test_without_the_right_to_read_others_go_on_and_it_is_tried_again(landing: Landing) -> None:
    for parent in [landing.root, *landing.root.parents][:6]:
        parent.chmod(0o755)
    locked = landing.put("a.csv")
    landing.put("b.csv")
    (landing.root / "in" / "sub.csv").mkdir()
    locked.chmod(0)
    os.seteuid(65534)
    try:
        seen = landing.look()
    finally:
        os.seteuid(0)
    assert [f.file for f in seen.new] == ["in/b.csv"]
    (why,) = [f for f in seen.refused if f.is_transient]
    assert why.file == "in/a.csv" and "Permission denied; give the user of the lake the right to read it" in why.refusal
    assert landing.names() == ["in/a.csv", "in/b.csv"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up its rights for a moment")
def test_a_folder_that_cannot_be_read_is_named(landing: Landing) -> None:
    for parent in [landing.root, *landing.root.parents][:6]:
        parent.chmod(0o755)
    landing.put("b.csv")
    (landing.root / "in").chmod(0o700)
    os.seteuid(65534)
    try:
        refused = landing.refusals()
    finally:
        os.seteuid(0)
    assert "Permission denied" in refused["in"][0] and refused["in"][1]


# Files that settle


@pytest.mark.parametrize(
    ("age_s", "settle_s", "is_taken"),
    [(3600, 60, True), (60, 60, True), (59, 60, False), (-1, 0, True), (59, 0, True), (-86_400, 60, True), (-366 * 86_400, 60, True)],
)
def test_a_file_counts_once_its_sender_leaves_it_alone(landing: Landing, age_s: float, settle_s: float, is_taken: bool) -> None:
    """A negative age is a time in the future: a sender's clock that is ahead."""
    landing.put("a.csv", age_s=age_s)
    later = datetime.now(UTC) + timedelta(days=1)  # the change itself is a day ago, whatever time the file bears
    os.utime(landing.root / "in" / "a.csv", (later.timestamp() - age_s,) * 2)
    seen = landing.look(settle_s, later)
    assert ([f.file for f in seen.new], seen.unsettled) == ((["in/a.csv"], ()) if is_taken else ([], ("in/a.csv",)))


def test_a_file_that_arrives_during_the_run_settles_at_the_next(landing: Landing) -> None:
    path = landing.put("a.csv")
    os.utime(path)
    began = datetime.now(UTC) - timedelta(seconds=30)
    assert landing.look(60, began).unsettled == ("in/a.csv",)
    assert landing.look(60, began + timedelta(seconds=120)).new


def test_a_share_whose_clock_is_a_year_ahead_is_read(landing: Landing) -> None:
    landing.put("a.csv", age_s=0)
    assert landing.look(60, datetime(1990, 1, 1, tzinfo=UTC)).new, "both of its times are far ahead of our clock"


def test_nothing_raises_whatever_a_file_is(landing: Landing) -> None:
    odd: list[Callable[[], Any]] = [
        lambda: landing.put("empty.csv", b""),
        lambda: landing.put("binary.csv", bytes(range(256)) * 50),
        lambda: landing.put("cut.csv.gz", b"\x1f\x8b\x08"),
        lambda: landing.put("zip.csv.gz", b"PK\x03\x04rest"),
        lambda: landing.put("x" * 240 + ".csv"),
    ]
    for make in odd:
        make()
    refused = {name: row["refusal"] for name, row in landing.run().items() if row["refusal"]}
    assert len(refused) == 4 and all("\x00" not in why and len(why) < 400 for why in refused.values())
    assert "it is a ZIP archive" in refused["in/zip.csv.gz"]
