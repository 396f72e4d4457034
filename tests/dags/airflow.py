"""The real scheduler in a folder of its own, and its REST API as a client sees it."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conftest import CHECKOUT


def environment(**settings: str) -> dict[str, str]:
    """For Airflow's own processes: their lines aren't counted for coverage, which makes them start half as fast again."""
    known = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_PROCESS")}
    return known | {"PYTHONPATH": str(CHECKOUT)} | settings


class Api:
    """A client that logged in with the password that `make up` made."""

    def __init__(self, address: str, passwords: Path) -> None:
        self.address = address
        user, password = next(iter(json.loads(passwords.read_text()).items()))
        self.token = ""
        self.token = self.call("POST", "/auth/token", {"username": user, "password": password})["access_token"]

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {self.token}"} if self.token else {})}
        request = urllib.request.Request(self.address + path, json.dumps(body).encode() if body else None, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return dict(json.load(answer))

    def unpause(self, dag: str) -> None:
        until = time.monotonic() + 120
        while dag not in {d["dag_id"] for d in self.call("GET", "/api/v2/dags")["dags"]}:
            assert time.monotonic() < until, f"{dag} was never parsed"
            time.sleep(1)
        self.call("PATCH", f"/api/v2/dags/{dag}", {"is_paused": False})

    def run(self, dag: str, conf: dict[str, Any]) -> dict[str, Any]:
        """Trigger a run with parameters, wait until it has ended."""
        run = self.call("POST", f"/api/v2/dags/{dag}/dagRuns", {"logical_date": None, "conf": conf})["dag_run_id"]
        until = time.monotonic() + 600
        while True:
            found = self.call("GET", f"/api/v2/dags/{dag}/dagRuns/{run}")
            if found["state"] in ("success", "failed"):
                return found
            assert time.monotonic() < until, found
            time.sleep(1)

    def tasks(self, dag: str, run: str) -> dict[str, str]:
        """State of each task of a run."""
        told = self.call("GET", f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances")["task_instances"]
        return {t["task_id"]: t["state"] for t in told}


@contextmanager
def scheduler(home: Path, env: dict[str, str]) -> Iterator[Api]:
    """`make up`, and `make down` whatever happens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    env = {**env, "AIRFLOW_HOME": str(home), "AIRFLOW__API__PORT": port, "LAKE_SCHEDULE": "never"}

    def server(what: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "dags.server", what], env=env, cwd=CHECKOUT, capture_output=True, text=True, check=False
        )
        logs = "".join(f"\n{f.name}: {f.read_text()[-3000:]}" for f in (home / "logs" / "servers").glob("*.log"))
        assert done.returncode == 0, done.stdout + done.stderr + logs
        return done.stdout

    try:
        said = server("up")
        assert f"http://127.0.0.1:{port}" in said and "Password  in" in said
        yield Api(f"http://127.0.0.1:{port}", home / "passwords.json")
    finally:
        assert "stopped" in server("down")
