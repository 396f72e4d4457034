"""Write `.env` with random secrets for `docker compose`; what is there already stays as it is. Needs nothing but Python."""

import base64
import os
import secrets
from pathlib import Path

FILE = Path(__file__).resolve().parent.parent / ".env"
MAKERS = {
    "POSTGRES_PASSWORD": lambda: secrets.token_urlsafe(24),
    "LAKE_ADMIN_PASSWORD": lambda: secrets.token_urlsafe(18),
    "AIRFLOW_SESSION_SECRET": lambda: secrets.token_urlsafe(48),
    "AIRFLOW_JWT_SECRET": lambda: secrets.token_urlsafe(48),
    "AIRFLOW_FERNET_KEY": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
}
IMAGE_USER = 50000
"""Who runs in the containers where root writes `.env`."""


def main() -> None:
    """Add the secrets that the file doesn't hold yet; only its owner may read it, whatever its mode was."""
    held = FILE.read_text().splitlines() if FILE.exists() else []
    names = {line.partition("=")[0] for line in held}
    new = [f"{name}={make()}" for name, make in MAKERS.items() if name not in names]
    user = [] if "LAKE_UID" in names else [f"LAKE_UID={os.getuid() or IMAGE_USER}"]
    FILE.touch(mode=0o600)
    FILE.chmod(0o600)  # before anything is written, whoever made it
    FILE.write_text("\n".join([*held, *new, *user]) + "\n")
    _landing(dict(line.partition("=")[::2] for line in [*held, *user]))
    told = f"{len(new)} secret(s) made, {len(MAKERS) - len(new)} kept"
    print(f"{FILE}: {told}. The user of Airflow's page is admin, the password LAKE_ADMIN_PASSWORD.")


def _landing(values: dict[str, str]) -> None:
    """The folder for files: made here, since Docker would make it for root."""
    folder = FILE.parent / values.get("LAKE_LANDING", "landing")
    folder.mkdir(parents=True, exist_ok=True)
    if not os.getuid():
        os.chown(folder, int(values["LAKE_UID"]), -1)


if __name__ == "__main__":
    main()
