"""The real scheduler in a folder of its own, and its REST API as a client sees it."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
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
        return self.ended(dag, lambda found: bool(found["dag_run_id"] == run))

    def ended(self, dag: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until the run that is wanted has ended."""
        until = time.monotonic() + 600
        while True:
            runs = self.call("GET", f"/api/v2/dags/{dag}/dagRuns?limit=100")["dag_runs"]
            found = next((r for r in runs if wanted(r)), None)
            if found and found["state"] in ("success", "failed"):
                return dict(found)
            assert time.monotonic() < until, runs
            time.sleep(1)

    def updated(self, run: str) -> set[str]:
        """Names of the assets that a run updated."""
        events = self.call("GET", "/api/v2/assets/events?limit=1000")["asset_events"]
        return {e["name"] for e in events if e["source_run_id"] == run}

    def log(self, dag: str, run: str, task: str) -> str:
        return json.dumps(self.call("GET", f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/1"))

    def tasks(self, dag: str, run: str) -> dict[str, str]:
        """State of each task of a run."""
        told = self.call("GET", f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances")["task_instances"]
        return {t["task_id"]: t["state"] for t in told}


def listening(home: Path) -> dict[str, set[str]]:
    """Addresses that the processes of the started Airflow listen on, by what the process calls itself."""
    leaders = set(json.loads((home / "server.json").read_text()).values())
    sockets = {}
    for name, length in (("tcp", 4), ("tcp6", 16)):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            parts = line.split()
            if parts[3] == "0A":
                raw, port = parts[1].split(":")
                packed = b"".join(bytes.fromhex(raw[i : i + 8])[::-1] for i in range(0, length * 2, 8))
                sockets[f"socket:[{parts[9]}]"] = f"{ip_address(packed)}:{int(port, 16)}"
    found: dict[str, set[str]] = {}
    for process in (p for p in Path("/proc").iterdir() if p.name.isdigit()):
        try:
            if os.getpgid(int(process.name)) not in leaders:
                continue
            links = {os.readlink(f) for f in (process / "fd").iterdir()}
            title = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        except OSError:
            continue
        if own := {sockets[f] for f in links if f in sockets}:
            found.setdefault(title, set()).update(own)
    return found


@contextmanager
def scheduler(home: Path, env: dict[str, str]) -> Iterator[Api]:
    """`make up`, and `make down` whatever happens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    env = {"LAKE_SCHEDULE": "never", **env, "AIRFLOW_HOME": str(home), "AIRFLOW__API__PORT": port}

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
