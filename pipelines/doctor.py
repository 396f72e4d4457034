"""Whether this machine and the settings can run the lake; beside each problem, its mend."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

from pydantic import ValidationError

from lake.catalog import CatalogError, catalog
from lake.settings import CHECKOUT, Settings, mistakes

GIB = 2**30
OTHER_NAMES = {"LAKE_SIMULATE", "LAKE_ADMIN_PASSWORD", "LAKE_AIRFLOW_DATABASE", "LAKE_PROOF_DAYS", "LAKE_TESTS_KEEP_SPARK"}
"""Read elsewhere than in `lake.settings`: by the DAGs, the containers and the tests."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `mend` is empty when all is well."""

    what: str
    state: str
    mend: str = ""


def java_major(text: str) -> int | None:
    """Major version in the output of `java -version`.

    >>> java_major('openjdk version "17.0.15" 2025-04-15'), java_major('java version "1.8.0_202"'), java_major("none")
    (17, 8, None)
    """
    _, _, rest = text.partition('version "')
    parts = rest.partition('"')[0].replace("-", ".").split(".")
    numbers = [int(p) for p in parts if p.isdigit()]
    if not numbers:
        return None
    return numbers[1] if numbers[0] == 1 and len(numbers) > 1 else numbers[0]


def _python() -> Finding:
    v = sys.version_info
    mend = "" if (3, 11) <= v[:2] < (3, 14) else "install Python 3.11, 3.12 or 3.13 and `make clean setup`"
    return Finding("Python", f"{v.major}.{v.minor}.{v.micro}", mend)


def java() -> Finding:
    """The Java that a local Apache Spark would start."""
    java = str(Path(os.environ["JAVA_HOME"]) / "bin" / "java") if os.environ.get("JAVA_HOME") else shutil.which("java")
    mend = "Debian or Ubuntu: sudo apt-get install openjdk-17-jre-headless; macOS: brew install openjdk@17; then set JAVA_HOME"
    if not java:
        return Finding("Java", "not found", mend)
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=20).stderr
    except OSError as error:
        return Finding("Java", f"{java} can't be started: {error.strerror}", mend)
    major = java_major(said)
    return Finding(
        "Java", f"{major or 'unknown version'} ({java})", "" if major and major >= 17 else f"Spark 4 needs Java 17 or newer. {mend}"
    )


def _ports() -> Iterator[Finding]:
    uses = {8080: "Airflow, with `make up`", 8501: "dashboard"}
    for port, use in uses.items():
        yield Finding(f"Port {port}", f"{'in use' if _answers('127.0.0.1', port) else 'free'}: {use}")


def _memory() -> Finding:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    except (ValueError, OSError):
        return Finding("Memory", "unknown")
    return Finding(
        "Memory",
        f"{total:.0f} GiB",
        "" if total >= 4 else "give the machine 4 GiB, or set LAKE_ENGINE_MEMORY=512m and simulate at a smaller --scale",
    )


def _disk(folder: Path, name: str) -> Finding:
    there = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(there).free / GIB
    if not os.access(there, os.W_OK):
        return Finding(name, f"{folder} can't be written", f"give yourself the right to write there, or move it with {name}")
    return Finding(name, f"{folder}, {free:.0f} GiB free", "" if free >= 2 else f"free some space, or move it to another disk with {name}")


def _published(s: Settings, footers: bool) -> Iterator[Finding]:
    """Every file of every newest version is there with its size; every log can be read, and lacks nothing that others have read."""
    from lake.storage import DamagedTable, Lake, MissingVersion
    from pipelines.lost_versions import missing_versions

    tables, lake, files, damaged = catalog(), Lake(s.lake_root, s), 0, 0
    for table in tables.tables.values():
        try:
            head = next((t for t in tables.tables.values() if table.name in t.siblings), None)
            version = lake.open(table)
            if version and head and (named := lake.open_sibling(lake.open(head), table)):
                version = named
            problems = list(version.damaged(footers).values()) if version else []
            files += len(version.files) if version else 0
            if version and (lost := missing_versions(tables, lake, table)):
                problems.append(lost)
        except DamagedTable as error:
            problems = list(error.problems)
        except MissingVersion as error:
            problems = [str(error)]
        if problems:
            damaged += 1
            more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
            yield Finding("Table", f"{table.name}: {'; '.join(problems[:3])}{more}", f"`python -m pipelines repair {table.name}`")
    if not damaged:
        yield Finding("Tables", f"{files} data files of the newest versions are all there")


def _engine(s: Settings) -> Iterator[Finding]:
    """The engine that the settings choose, what it needs, and what the others would need."""
    kind = "remote" if s.spark_remote else s.engine
    others = "LAKE_ENGINE=spark would need Java 17, SPARK_REMOTE=sc://host:port a Spark Connect server"
    if kind == "sail":
        mend = "" if find_spec("pysail") else "pysail is missing: `make setup`; or use LAKE_ENGINE=spark, which needs Java 17"
        yield Finding("Engine", f"Sail in this process, {s.engine_memory} of memory; needs no Java ({others})", mend)
    elif kind == "spark":
        yield Finding("Engine", f"local Apache Spark, {s.engine_memory} heap; needs Java 17 (LAKE_ENGINE=sail, the default, needs none)")
        yield java()
    else:
        host, port = _address(s.spark_remote)
        yield Finding(
            "Engine",
            f"Spark Connect at {host}:{port}; needs no Java here (without SPARK_REMOTE: Sail in this process)",
            "" if _answers(host, port) else f"nothing answers at {host}:{port}: start the server, or unset SPARK_REMOTE",
        )


def _address(remote: str) -> tuple[str, int]:
    """Host and port of a Spark Connect address.

    >>> _address("sc://spark.example:7077/;token=secret"), _address("sc://localhost")
    (('spark.example', 7077), ('localhost', 15002))
    """
    host, _, port = remote.removeprefix("sc://").partition("/")[0].partition(";")[0].partition(":")
    return host, int(port) if port.isdigit() else 15002


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=3):
            return True
    except OSError:
        return False


def _unknown_names() -> Iterator[Finding]:
    """Environment variables that look like settings and are none: a mistyped name is otherwise never noticed."""
    fields = Settings.model_fields.values()
    known = {str(a) for f in fields for a in (getattr(f.validation_alias, "choices", None) or [f.validation_alias])} | OTHER_NAMES
    for name in sorted(n for n in os.environ if n.startswith("LAKE_") and n not in known):
        close = get_close_matches(name, known, 1)
        yield Finding(name, "is no setting", f"unset it{f', or write {close[0]}' if close else ''}")


def findings(footers: bool = False) -> list[Finding]:
    """Everything looked at, problems included."""
    found = [_python(), _memory(), *_ports(), *_unknown_names()]
    try:
        s = Settings()
    except ValidationError as error:
        return [*found, *(Finding("Setting", line, "change it, or unset it") for line in mistakes(error))]
    found += [*_engine(s), _disk(s.lake_root, "LAKE_ROOT"), _disk(s.report_root, "REPORT_ROOT"), _disk(s.state_root, "LAKE_STATE_ROOT")]
    found.append(Finding("Time zone", s.site_time_zone))
    try:
        broken = catalog().broken
    except CatalogError as error:
        return [*found, Finding("Catalog", str(error), "change the declaration or the setting that it names")]
    for mistake in dict.fromkeys(broken.values()):
        found.append(Finding("Mapping file", mistake, "mend it; `python -m pipelines check-source MAPPING FILE` tries it on a file"))
    found += _published(s, footers)
    if not (CHECKOUT / "requirements.lock").is_file():
        found.append(Finding("Lock file", "missing", "requirements.lock belongs to the checkout: `git checkout requirements.lock`"))
    return found


def doctor(as_json: bool, footers: bool = False) -> int:
    """Print findings; 1 when one needs mending."""
    found = findings(footers)
    problems = [f for f in found if f.mend]
    if as_json:
        print(json.dumps({"ok": not problems, "findings": [asdict(f) for f in found]}, indent=2))
        return int(bool(problems))
    for f in found:
        print(f"{'PROBLEM' if f.mend else 'ok':<8} {f.what:<16} {f.state}")
        if f.mend:
            print(f"{'':<8} {'':<16} mend: {f.mend}")
    print("Ready." if not problems else f"{len(problems)} problem(s) to mend.")
    return int(bool(problems))
