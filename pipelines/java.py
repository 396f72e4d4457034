"""Spark needs Java 17 or newer: check it before anything else, install it where that may be done, or say how."""

import os
import shutil
import subprocess
import sys

from pipelines.doctor import java


def main() -> int:
    """0 when Java is there (perhaps by now)."""
    found = java()
    if not found.mend:
        return 0
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        print(f"Java: {found.state}. Installing openjdk-17-jre-headless from Debian's packages ...", flush=True)
        for step in (["update", "-qq"], ["install", "-y", "-qq", "openjdk-17-jre-headless"]):
            subprocess.run(["apt-get", *step], check=False, stdout=subprocess.DEVNULL)
        found = java()
    if found.mend:
        print(f"Java: {found.state}. {found.mend}", file=sys.stderr)
    return int(bool(found.mend))


if __name__ == "__main__":
    sys.exit(main())
