"""The image of the containers holds all of our code, and nothing of a lake."""

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

PACKAGES = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["mypy"]["packages"]


def is_sent(path: str) -> bool:
    """Whether Docker sends a file to the build: the last line of `.dockerignore` that names it or a folder above it decides."""
    above = [path, *(p.as_posix() for p in Path(path).parents if p != Path("."))]
    sent = True
    for line in (CHECKOUT / ".dockerignore").read_text().split():
        if any(fnmatchcase(p, line.removeprefix("!")) and p.count("/") == line.count("/") for p in above):
            sent = line.startswith("!")
    return sent


@pytest.mark.parametrize("package", PACKAGES)
def test_all_code_is_in_the_image(package: str) -> None:
    code = [f.relative_to(CHECKOUT).as_posix() for kind in ("*.py", "*.yaml") for f in (CHECKOUT / package).rglob(kind)]
    assert [f for f in code if not is_sent(f)] == []
    assert f"COPY {package} ./{package}\n" in (CHECKOUT / "Dockerfile").read_text()


@pytest.mark.parametrize("path", [".env", ".git/HEAD", "lake/_keys/pseudonym.key", "lake/_truth/fleet/x", "lake/gold/a/b", "tests/x.py"])
def test_no_data_and_no_secret_is(path: str) -> None:
    assert not is_sent(path)
