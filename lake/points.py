"""Named points of a publication at which `make chaos` kills the process. Without LAKE_KILL_AT they do nothing."""

import os
import signal

POINTS = ("file taken in", "staged", "audited", "before commit", "between siblings", "after commit", "recorded")


def reached(point: str, table: str) -> None:
    """Die by SIGKILL if LAKE_KILL_AT is `point` or `point@table`."""
    if os.environ.get("LAKE_KILL_AT") in (point, f"{point}@{table}"):
        os.kill(os.getpid(), signal.SIGKILL)
