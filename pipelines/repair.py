"""`repair TABLE`: a damaged table is made readable, and mended from older versions, from landing or from the layers below.

In order: the log, then the siblings that the head names, then data files. What is left to a run is built at once; what nothing
gives back is named with its rows.
"""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from lake.arrow import arrow_schema
from lake.catalog import CALENDAR, Catalog
from lake.contract import Table
from lake.mapping import parse_digest
from lake.partitions import Partition, last_day
from lake.repair import Repaired, drop_damaged, from_older_versions, repair_log, unnamed_rows
from lake.storage import LOST, MOVES, TOUCHED, Lake, MissingVersion, Version, read_files, staged_files
from pipelines.files import write_arrow
from pipelines.lost_versions import remembered
from pipelines.run import Runner, new_run_id


@dataclass
class Report:
    """What was found, done, built and lost, in lines for a person. `is_whole`: nothing was lost and every build went well."""

    lines: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return not self.lost and not self.failed


def repair(runner: Runner, table: Table) -> Report:
    """Repair a table and its siblings, under its lock, and build what that makes stale. Raises ValueError, Busy, CannotWrite."""
    catalog, lake = runner.catalog, runner.lake
    head = next((t for t in catalog.tables.values() if table.name in t.siblings), table)
    report = Report()
    with lake.lock(head):
        family = [*(catalog[s] for s in head.siblings), head]
        done = {t.name: Repaired(t.name) for t in family}
        for member in family:
            repair_log(lake, member, remembered(catalog, lake, member), done[member.name])
        _recover_ledger(lake, head, done[head.name])
        _agree(runner, head, done)
        for member in family:
            _repair_files(runner, head, member, done)
    for part in done.values():
        report.lines += part.lines
        if part.lost_rows:
            report.lost.append(f"{part.table}: {part.lost_rows} rows could not be recovered")
    if any(part.is_changed for part in done.values()):
        _build(runner, head, {p for part in done.values() for p in part.rebuild}, report)
    if catalog.source_of(head) and report.lines:
        report.lost += _not_in_landing(runner, head)
    return report


def _agree(runner: Runner, head: Table, done: dict[str, Repaired]) -> None:
    """Where the version of a sibling that the head names was lost, take the family back to one that is whole."""
    cut = {s: n for s in head.siblings if (n := done[s].first_lost) is not None}
    version = runner.lake.open(head)
    if version is None or not any(_entry(version, s) >= n for s, n in cut.items()):
        return
    if runner.catalog.source_of(head):
        _list_files_again(runner, version, done[head.siblings[0]])
    else:
        _take_back(runner.catalog, runner.lake, head, cut, done)


def _take_back(catalog: Catalog, lake: Lake, head: Table, cut: dict[str, int], done: dict[str, Repaired]) -> None:
    """Restore the newest version of a family whose siblings are all there; it is built again from there."""
    newest, note = lake.open(head), done[head.name].lines
    if newest is None:
        return
    for number in range(newest.number - 1, -1, -1):
        try:
            older = lake.at(newest, number)
        except MissingVersion:
            break
        named = {s: older.entry(f"sibling:{s}") for s in head.siblings}
        if any(v is None or v >= cut.get(s, v + 1) for s, v in named.items()) or older.damaged():
            continue
        entries = {f"sibling:{s}": v for s, v in named.items() if v is not None}
        lake.restore(head, number, {**entries, "digest": 0}, {LOST: "true"})
        note.append(f"{head.name}: taken back to version {number}, the newest one whose siblings are all there; it is built again")
        done[head.name].rebuild.add(None)
        return
    entries = {"digest": 0}
    for name in head.siblings:
        sibling = lake.open(catalog[name])
        entries[f"sibling:{name}"] = lake.publish(catalog[name], sibling, [], "all", {}, {LOST: "true", "reason": "repair"})
    lake.publish(head, newest, [], "all", entries, {LOST: "true", "reason": "repair: no version has all its siblings"})
    note.append(f"{head.name}: emptied, since no version has all its siblings; it is built again")
    done[head.name].rebuild.add(None)


def _entry(head: Version, sibling: str) -> int:
    """The version of a sibling that the head names; -1 for none."""
    named = head.entry(f"sibling:{sibling}")
    return -1 if named is None else named


def _recover_ledger(lake: Lake, table: Table, done: Repaired) -> None:
    """Rows of an appended ledger whose commits were lost: their files are still there."""
    if not _is_appended(table) or done.first_lost is None or (version := lake.open(table)) is None:
        return
    rows = unnamed_rows(version)
    if rows.num_rows:
        folder = lake.folder(table) / f"run={new_run_id()}"
        write_arrow(rows, table, folder)
        lake.publish(table, version, staged_files(folder), None, {}, {"reason": "repair: rows of lost commits"})
    done.lines.append(f"{table.name}: {rows.num_rows} rows of the lost versions recovered from their files")


def _is_appended(table: Table) -> bool:
    return table.kind == "ledger" and not table.inputs


def _list_files_again(runner: Runner, version: Version, done: Repaired) -> None:
    """The list of files that bronze took in, made from the rows that it holds. Refused files are looked at again by the next run."""
    head, lake = version.table, runner.lake
    files, landing = runner.catalog[head.siblings[0]], runner.settings.landing
    damaged = version.damaged(footers=True)
    intact = [str(version.root / f.path) for f in version.files if f not in damaged]
    held = read_files(head, version.root, intact, ["_file", "_sha256", "_intake", "_landed_at", "day"])
    by = held.group_by(["_file", "_sha256", "_intake", "_landed_at"]).aggregate([("day", "count"), ("day", "min"), ("day", "max")])
    taken = sorted(by.to_pylist(), key=lambda r: r["_intake"])
    newest = {r["_file"]: r["_intake"] for r in taken}
    # With rows missing too, nobody knows whose: every file that landing still holds is taken in again.
    digest = "" if damaged else parse_digest(runner.catalog.sources[head.name])
    rows = [{
        **{n: r[n] for n in ("_file", "_sha256", "_intake", "_landed_at")}, "_parse": digest, "_size": _size(landing / r["_file"]),
        "_mtime_ns": None, "row_count": r["day_count"], "first_day": r["day_min"], "last_day": r["day_max"],
        "is_current": newest[r["_file"]] == r["_intake"], "refusal": None,
    } for r in taken]  # fmt: skip
    folder = lake.folder(files) / f"run={new_run_id()}"
    write_arrow(pa.Table.from_pylist(rows, schema=arrow_schema(files)), files, folder)
    made = lake.publish(files, lake.open(files), staged_files(folder), "all", {}, {LOST: "true", "reason": "repair: from the rows"})
    lake.publish(head, version, [], None, {f"sibling:{files.name}": made}, {MOVES: "true", "reason": "repair: files listed again"})
    done.lines.append(f"{files.name}: listed again from the rows of {head.name}, {len(rows)} file versions")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _repair_files(runner: Runner, head: Table, member: Table, done: dict[str, Repaired]) -> None:
    catalog, lake = runner.catalog, runner.lake
    version, mine = lake.open(member), done[member.name]
    if version is not None and member.name != head.name:
        version = lake.open_sibling(lake.open(head), member) or version
    if version is None or not version.damaged(footers=True):
        return
    newest = lake.open(member)
    if newest is not None and newest.number == version.number:
        version = from_older_versions(lake, version, mine)
    damaged = version.damaged(footers=True)
    if not damaged:
        return
    mine.lines += [f"{member.name}: {why}" for why in list(damaged.values())[:5]]
    owner = lake.open(head)
    if catalog.source_of(head) and member.name != head.name and owner:
        _list_files_again(runner, owner, mine)
    elif catalog.source_of(head):
        _forget_files(catalog, lake, version, mine)
    elif _is_appended(member) or head.prospective or head.kind == "ledger":
        entries = {"digest": 0} if not _is_appended(member) else {}
        drop_damaged(lake, version, entries, mine)
        mine.rebuild.add(None)
    else:
        mine.rebuild |= {f.partition for f in damaged}


def _forget_files(catalog: Catalog, lake: Lake, version: Version, done: Repaired) -> None:
    """Take damaged files out of bronze, and have every landing file that had rows in them taken in again."""
    head = version.table
    files = catalog[head.siblings[0]]
    known = lake.open_sibling(version, files)
    rows = known.read() if known else pa.table({})
    lost = version.damaged(footers=True)
    whole = [p for p in version.rows if p not in {f.partition for f in lost}]
    left = version.read(["_intake"], partitions=whole)["_intake"].to_pylist()
    for partition in {f.partition for f in lost}:
        intact = [f for f in version.files if f.partition == partition and f not in lost]
        left += read_files(head, version.root, [str(version.root / f.path) for f in intact], ["_intake"])["_intake"].to_pylist()
    held: dict[int, int] = {}
    for intake in left:
        held[intake] = held.get(intake, 0) + 1
    content = rows.to_pylist()
    affected = [r for r in content if r["refusal"] is None and held.get(r["_intake"], 0) < (r["row_count"] or 0)]
    for row in affected:
        row["_parse"], row["_mtime_ns"] = "", None
    entries: dict[str, int] = {}
    if known is not None:
        folder = lake.folder(files) / f"run={new_run_id()}"
        write_arrow(pa.Table.from_pylist(content, schema=rows.schema), files, folder)
        entries[f"sibling:{files.name}"] = lake.publish(files, lake.open(files), staged_files(folder), "all", {}, {"reason": "repair"})
    touched = sorted({d for r in affected for d in version.rows if d and r["first_day"] and r["first_day"] <= d <= r["last_day"]})
    about = {TOUCHED: "[" + ", ".join(f'"{d}"' for d in touched) + "]", "reason": "repair: without damaged files"}
    lake.exchange(version, lost, [], entries, about)
    names = ", ".join(sorted({r["_file"] for r in affected}))
    done.lines.append(f"{head.name}: {len(lost)} damaged files taken out; taken in again from landing: {names or 'nothing'}")
    done.rebuild.add(None)


def _not_in_landing(runner: Runner, head: Table) -> list[str]:
    """Files with lost rows that landing no longer holds: nothing gives them back but the source."""
    version = runner.lake.open(head)
    files = runner.lake.open_sibling(version, runner.catalog[head.siblings[0]])
    rows = files.read().to_pylist() if files else []
    asked = [r for r in rows if r["_parse"] == "" and r["is_current"] and r["refusal"] is None]
    held = pc.value_counts(version.read(["_intake"])["_intake"]).to_pylist() if version else []
    counts = {h["values"]: h["counts"] for h in held}
    return [
        f"{r['_file']}: {r['row_count'] - counts.get(r['_intake'], 0) or 'perhaps some'} of {r['row_count']} rows; "
        "landing holds it no more: deliver it again"
        for r in asked
        if not (runner.settings.landing / r["_file"]).is_file()
    ]


def _build(runner: Runner, head: Table, partitions: set[Partition], report: Report) -> None:
    """Build the damaged partitions again, stale or not; where that isn't a matter of days, all that is stale."""
    if _is_appended(head):
        return
    days = sorted(p for p in partitions if p is not None)
    if None in partitions and head.partition is None and not runner.catalog.source_of(head):
        with runner.lake.lock(head):
            if version := runner.lake.open(head):
                runner.lake.publish(head, version, [], None, {"digest": 0}, {"reason": "repair: to be built again"})
    if head.name == CALENDAR and days:
        with runner.lake.lock(head):
            if version := runner.lake.open(head):
                broken = list(version.damaged(footers=True))
                runner.lake.exchange(version, broken, [], {}, {"reason": "repair: to be built again"})
        days = []
    ranges: list[tuple[date | None, date | None]] = [(d, last_day(d, head.partition)) for d in days if head.partition]
    results = [runner.build(head, first, last) for first, last in ranges or [(None, None)]]
    if ranges and None in partitions:
        results.append(runner.build(head))
    runner.record(results[-1:])
    for r in results:
        report.lines.append(f"{head.name}: {r.outcome}" + (f" - {r.message}" if r.message else ""))
        if r.is_bad:
            report.failed.append(f"{head.name}: {r.message}; repair what it reads, then run again")
