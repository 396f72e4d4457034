"""Engines live as long as the process that starts them: killed, it leaves nothing behind, and nothing hangs without one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.doctor import java
from tests.conftest import CHECKOUT

needs_java = pytest.mark.skipif(bool(java().mend), reason=f"Apache Spark: {java().mend}")


def environment(folder: Path, **settings: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK_", "PYSPARK_", "LAKE_"))}
    return kept | {"LAKE_STATE_ROOT": str(folder), "LAKE_ROOT": str(folder / "lake"), "PYTHONPATH": str(CHECKOUT)} | settings


def processes_with(word: str) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in status.read_bytes():
                found.append(int(status.parent.name))
        except OSError:
            continue
    return found


COUNT = "from lake.engine import session; print(session().range(7).count(), flush=True); import time; time.sleep(60)"


@needs_java
@pytest.mark.parametrize("when", ["starting", "running"])
def test_a_killed_process_leaves_no_spark_behind(tmp_path: Path, when: str) -> None:
    env = environment(tmp_path, LAKE_ENGINE="spark", LAKE_ENGINE_MEMORY="512m")
    owner = subprocess.Popen([sys.executable, "-c", COUNT], env=env, stdout=subprocess.PIPE, cwd=CHECKOUT)
    if when == "running":
        assert owner.stdout and owner.stdout.readline().strip() == b"7"
    else:
        until = time.monotonic() + 60
        while not processes_with(str(tmp_path)) and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(1.5)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    until = time.monotonic() + 40
    while (left := processes_with(str(tmp_path))) and time.monotonic() < until:
        time.sleep(0.3)
    assert not left


def test_an_endpoint_that_is_not_there_is_named_at_once(tmp_path: Path) -> None:
    env = environment(tmp_path, SPARK_REMOTE="sc://127.0.0.1:1")
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", COUNT], env=env, capture_output=True, text=True, timeout=120, cwd=CHECKOUT)
    assert done.returncode == 1
    assert "no Spark Connect session at sc://127.0.0.1:1" in done.stderr
    assert time.monotonic() - began < 60


def test_a_fork_of_a_process_with_an_engine_is_refused(tmp_path: Path) -> None:
    """Threads don't survive a fork: without the check its first query would wait for ever."""
    code = """
import os
from lake.engine import EngineFailed, session
assert session().range(3).count() == 3
pid = os.fork()
if not pid:
    try:
        session()
    except EngineFailed as error:
        print(error, flush=True)
    os._exit(0)
os.waitpid(pid, 0)
"""
    done = subprocess.run([sys.executable, "-c", code], env=environment(tmp_path), capture_output=True, text=True, timeout=60, cwd=CHECKOUT)
    assert "start engines after forking" in done.stdout, done.stderr
