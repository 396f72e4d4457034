"""What Airflow keeps of the past: its runs in its database, its logs in files."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

DAY_SECONDS = 86_400
CONNECTION = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
KEPT_CONNECTION = "LAKE_AIRFLOW_DATABASE"
"""Airflow hides its database from tasks, by overwriting the variable above. The one task that cleans it finds it here."""


def keep_connection() -> None:
    """Called by the process that starts tasks, before Airflow overwrites the connection in them."""
    os.environ[KEPT_CONNECTION] = os.environ[CONNECTION]


def clean(days: int) -> str:
    """Remove runs and logs older than so many days; return what was done. Raises RuntimeError with Airflow's own words."""
    connection = os.environ.get(KEPT_CONNECTION) or os.environ[CONNECTION]
    before = datetime.now(UTC) - timedelta(days=days)
    command = [sys.executable, "-m", "airflow", "db", "clean", "--clean-before-timestamp", before.isoformat(), "--skip-archive", "--yes"]
    env = {k: v for k, v in os.environ.items() if not k.startswith(("__AIRFLOW_", "_AIRFLOW_", "AIRFLOW__CORE__SQL_ALCHEMY_CONN"))}
    done = subprocess.run(
        [*command, "--error-on-cleanup-failure"],
        env=env | {CONNECTION: connection},
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
    if done.returncode:
        raise RuntimeError(f"airflow db clean failed: {(done.stdout + done.stderr)[-2000:]}")
    return f"Airflow: runs before {before:%Y-%m-%d} removed, {remove_logs(days)} log file(s)"


def remove_logs(days: int) -> int:
    """Remove log files not written for so many days, and folders that are empty then; return how many files."""
    folder, until = Path(os.environ["AIRFLOW__LOGGING__BASE_LOG_FOLDER"]), time.time() - days * DAY_SECONDS
    idle = [f for f in folder.rglob("*") if not f.is_symlink() and f.stat().st_mtime < until]
    old = [f for f in idle if f.is_file()]
    for file in old:
        file.unlink(missing_ok=True)
    for found in sorted((f for f in idle if f.is_dir()), reverse=True):
        with suppress(OSError):  # not empty, or removed meanwhile
            found.rmdir()
    return len(old)
