"""The real Airflow: `python -m dags.server up|down|status` on this machine, `init` and one part at a time in containers.

API server, scheduler and DAG processor run in the background, listen on localhost only, and share secrets made here once.
"""

import argparse
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from importlib import import_module
from pathlib import Path
from runpy import run_module

from dags.__main__ import CHECKOUT, local_environment, migrate, require_valid_settings
from dags.retention import keep_connection

PARTS = ("api-server", "dag-processor", "scheduler")
LIBRARIES = (
    "deltalake", "great_expectations", "pandas", "pyarrow.compute", "pyarrow.dataset", "pyarrow.parquet", "pysail.spark",
    "pyspark.sql.connect.functions", "pyspark.sql.connect.session", "sklearn.ensemble", "sqlglot",
)  # fmt: skip
"""What most tasks load. Tasks are forks of the scheduler: what it has loaded, none of them loads again. Never code of ours: that is read
anew by each task. Importing starts no engine: its threads would not survive the fork, and `lake.engine` starts one for each process."""
USER = "admin"
READY_SECONDS = 180
GRACE_SECONDS = 20
LOG_BYTES = 10 << 20


def home() -> Path:
    """Where Airflow keeps its database, logs and secrets."""
    return Path(os.environ["AIRFLOW_HOME"])


def _secrets() -> dict[str, str]:
    """Random values, made on first use, readable by their owner only."""
    file = home() / "secrets.json"
    if not file.exists():
        _write_secret(file, {"jwt": secrets.token_urlsafe(48), "session": secrets.token_urlsafe(48)})
    file.chmod(0o600)
    return dict(json.loads(file.read_text()))


def _write_secret(file: Path, content: dict[str, str]) -> None:
    """Write a file that nobody else can read at any moment, and that is never there in part."""
    made = file.with_name(f".{file.name}.{os.getpid()}")
    made.unlink(missing_ok=True)
    made.touch(mode=0o600)
    made.write_text(json.dumps(content))
    made.replace(file)


def password_file() -> Path:
    """The file with the password of the one user: `LAKE_ADMIN_PASSWORD`, or a random one made on first use."""
    file, chosen = home() / "passwords.json", os.environ.get("LAKE_ADMIN_PASSWORD")
    if chosen or not file.exists():
        _write_secret(file, {USER: chosen or secrets.token_urlsafe(18)})
    file.chmod(0o600)
    return file


def server_environment() -> None:
    """Settings of the servers and of the tasks they start, where the environment doesn't say otherwise."""
    os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "INFO")  # or the log of a task holds nothing of what it did
    local_environment()
    own, port = _secrets(), os.environ.setdefault("AIRFLOW__API__PORT", "8080")
    defaults = {
        "API__WORKERS": "1", "API__BASE_URL": f"http://127.0.0.1:{port}",
        "API__SECRET_KEY": own["session"], "API_AUTH__JWT_SECRET": own["jwt"],
        "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin", "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(password_file()),
        "SCHEDULER__ENABLE_HEALTH_CHECK": "False", "DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "5", "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "120",
    }  # fmt: skip
    for key, value in defaults.items():
        os.environ.setdefault(f"AIRFLOW__{key}", value)


def address() -> str:
    """Where the page and the REST API are."""
    return os.environ["AIRFLOW__API__BASE_URL"]


def _pids() -> dict[str, int]:
    """Processes that still run, by part."""
    file = home() / "server.json"
    known = dict(json.loads(file.read_text())) if file.exists() else {}
    return {part: pid for part, pid in known.items() if _is_ours(pid)}


def _is_ours(pid: int) -> bool:
    """Whether the process is one of those started here; numbers are given again after a restart of the machine."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()  # Airflow renames its processes once they have started
        return b"airflow" in command or b"dags.server" in command
    except OSError:
        return False


def health() -> dict[str, str]:
    """State of each part as the API server tells it; empty while it doesn't answer."""
    try:
        base = os.environ.get("HEALTH_FROM") or f"http://127.0.0.1:{os.environ['AIRFLOW__API__PORT']}"
        with urllib.request.urlopen(f"{base}/api/v2/monitor/health", timeout=5) as answer:  # noqa: S310 - our own address
            told = json.load(answer)
    except (OSError, ValueError):
        return {}
    return {part: str(told[part]["status"]) for part in ("metadatabase", "scheduler", "dag_processor") if told.get(part)}


def up() -> int:
    """Start what doesn't run yet; return 0 once all parts say they are healthy."""
    require_valid_settings()
    server_environment()
    migrate()
    running = _pids()
    if not running and health():
        print(f"Something else answers at {address()}; choose another port: AIRFLOW__API__PORT=8081 make up")
        return 1
    logs = home() / "logs" / "servers"
    logs.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        if part in running:
            continue
        file = logs / f"{part}.log"
        if file.exists() and file.stat().st_size > LOG_BYTES:
            file.replace(file.with_suffix(".log.1"))
        with file.open("ab") as log:
            command = [sys.executable, "-m", "dags.server", part]
            started = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=CHECKOUT)
        running[part] = started.pid
        (home() / "server.json").write_text(json.dumps(running))
    print("Starting Airflow", end="", flush=True)
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        states = health()
        if len(states) == len(PARTS) and set(states.values()) == {"healthy"}:
            print(f"\nAirflow   {address()}\nUser      {USER}\nPassword  in {password_file()}\nLogs      {logs}\nStop      make down")
            return 0
        if dead := set(PARTS) - set(_pids()):
            print(f"\n{', '.join(sorted(dead))} ended at once; {logs} says why")
            down()
            return 1
        print(".", end="", flush=True)
        time.sleep(1)
    print(f"\nNot ready after {READY_SECONDS} s: {health() or 'no answer'}; {logs} says why. `make down` stops what runs.")
    return 1


def down() -> int:
    """Stop all parts: first asked, then forced."""
    server_environment()
    running = _pids()
    for sign, seconds in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, 5)):
        for pid in _pids().values():
            _signal_group(pid, sign)
        until = time.monotonic() + seconds
        while _pids() and time.monotonic() < until:
            time.sleep(0.2)
    (home() / "server.json").unlink(missing_ok=True)
    print(f"stopped {', '.join(running)}" if running else "Airflow doesn't run")
    return 0


def _signal_group(pid: int, sign: int) -> None:
    try:
        os.killpg(pid, sign)
    except ProcessLookupError:
        return


def status() -> int:
    """Print what runs; exit 0 when everything is healthy."""
    server_environment()
    states = health()
    print(f"{address()}: {states or 'no answer'}; processes {_pids() or 'none'}")
    return int(set(states.values()) != {"healthy"})


def init() -> int:
    """Make or upgrade Airflow's database and the password file; what a container does once, before the parts start."""
    require_valid_settings()
    server_environment()
    migrate()
    print(f"database ready; password of {USER} in {password_file()}")
    return 0


def part(name: str) -> int:
    """Become one part of Airflow, in the foreground."""
    server_environment()
    os.chdir(CHECKOUT)
    sys.argv = ["airflow", name]
    if name == "scheduler":
        for library in LIBRARIES:
            import_module(library)
        keep_connection()
        # the API server reads logs from their folder; what would serve them listens on all interfaces
        sys.argv.append("--skip-serve-logs")
    run_module("airflow", run_name="__main__", alter_sys=True)
    return 0


def healthy(name: str) -> int:
    """Exit 0 when that part says it is healthy."""
    server_environment()
    state = health().get(name, "no answer")
    print(f"{name}: {state}")
    return int(state != "healthy")


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m dags.server", description="The real Airflow on this machine.")
    parser.add_argument("do", choices=("up", "down", "status", "init", "healthy", *PARTS))
    parser.add_argument("of", nargs="?", choices=("metadatabase", "scheduler", "dag_processor"), help="with `healthy`: the part asked for")
    chosen = parser.parse_args(arguments)
    if chosen.do in PARTS:
        return part(chosen.do)
    if chosen.do == "healthy":
        return healthy(chosen.of or "metadatabase")
    return {"up": up, "down": down, "status": status, "init": init}[chosen.do]()


if __name__ == "__main__":
    sys.exit(main())
