"""What the containers may see, reach and use, as `docker-compose.yml` says."""

import os
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml

from lake.settings import Settings
from tests.conftest import CHECKOUT

COMPOSE: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = sorted(n for n in SERVICES if n != "postgres")
SECRETS = ("PASSWORD", "SECRET", "FERNET", "SQL_ALCHEMY", "KEY_FILE")
FIXED = {"LAKE_ROOT", "REPORT_ROOT", "LAKE_STATE_ROOT", "MODEL_ROOT", "LAKE_KEY_FILE"}
"""Where things are in the containers: the image and the volumes say it."""


def mounts(service: str) -> dict[str, str]:
    """What is mounted where; `:ro` stays on the source."""
    found = {}
    for line in SERVICES[service].get("volumes", []):
        source, _, rest = line.rpartition(":/") if not line.endswith(":ro") else line.removesuffix(":ro").rpartition(":/")
        found["/" + rest] = source + (":ro" if line.endswith(":ro") else "")
    return found


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"] and service["mem_limit"]
    assert "no-new-privileges:true" in service["security_opt"] and "/tmp" in service["tmpfs"]
    assert all(p.startswith("127.0.0.1:") for p in service.get("ports", []))
    assert "cap_add" not in service or name == "postgres"


def test_the_dashboard_reads_what_it_shows_and_nothing_else() -> None:
    seen = mounts("dashboard")
    assert all(source.endswith(":ro") for source in seen.values())
    assert set(seen) == {
        "/data/lake/bronze/bronze_lake__calendar", "/data/lake/silver", "/data/lake/gold", "/data/models", "/data/reports", "/data/extra",
    }  # fmt: skip
    assert not [n for n in SERVICES["dashboard"]["environment"] if any(s in n for s in SECRETS)]


def test_networks_are_apart() -> None:
    reach = {name: set(service["networks"]) for name, service in SERVICES.items()}
    assert reach["dashboard"] == {"dashboard"} and not any("dashboard" in n for s, n in reach.items() if s != "dashboard")
    assert COMPOSE["networks"]["database"]["internal"] is True
    assert {s for s, n in reach.items() if "database" in n} == set(SERVICES) - {"dashboard"}


def test_only_the_tasks_see_the_lake_and_only_the_first_start_the_password() -> None:
    assert [s for s in OURS if any(t.startswith("/data/lake") for t in mounts(s))] == ["dashboard", "scheduler"]
    assert [s for s in OURS if "LAKE_ADMIN_PASSWORD" in SERVICES[s]["environment"]] == ["airflow-init"]
    assert mounts("scheduler")["/data/lake/landing"] == "${LAKE_LANDING:-./landing}", "a folder that a person can put files into"


def test_settings_reach_the_tasks() -> None:
    given = set(SERVICES["scheduler"]["environment"])
    names = {str(f.validation_alias) for f in Settings.model_fields.values() if isinstance(f.validation_alias, str)}
    assert names - given - FIXED <= {"LAKE_AUDIT_ROWS", "LAKE_LOCK_SECONDS"}
    assert given >= {"LAKE_KEY_FILE", "LAKE_EXTRA", "LAKE_START", "SPARK_REMOTE", "LAKE_ENGINE", "LAKE_RETENTION_DAYS", "LAKE_AIRFLOW_DAYS"}
    assert set(SERVICES["dashboard"]["environment"]) >= {"LAKE_EXTRA", "LAKE_TIME_ZONE", "LAKE_AS_OF"}


def test_every_mounted_folder_is_in_the_image() -> None:
    """Or Docker makes it for root, and nothing of ours may write there."""
    made = (CHECKOUT / "Dockerfile").read_text().partition("mkdir -p")[2].partition("chown")[0].split()
    for service in OURS:
        for target in mounts(service):
            assert target in made or any(m.startswith(target + "/") for m in made), target


def test_the_image_needs_no_java() -> None:
    text = (CHECKOUT / "Dockerfile").read_text()
    assert "${WITH_JAVA:+openjdk-17-jre-headless}" in text and text.count("openjdk") == 1


@pytest.mark.parametrize("mode", [None, 0o644, 0o666])
def test_env_is_read_by_its_owner_only(tmp_path: Path, mode: int | None, capsys: pytest.CaptureFixture[str]) -> None:
    module = runpy.run_path(str(CHECKOUT / "docker" / "env.py"))
    file = tmp_path / ".env"
    if mode is not None:
        file.write_text("POSTGRES_PASSWORD=kept\n")
        file.chmod(mode)
    module["main"].__globals__["FILE"] = file
    module["main"]()
    module["main"]()
    lines = file.read_text().splitlines()
    assert file.stat().st_mode & 0o777 == 0o600
    assert len({line.partition("=")[0] for line in lines}) == len(lines) == 6
    assert (mode is None) != ("POSTGRES_PASSWORD=kept" in lines)
    assert (tmp_path / "landing").is_dir() and (os.getuid() or (tmp_path / "landing").stat().st_uid == 50000)
