"""Write `.env` with random secrets for `docker compose`; what is there already stays as it is. Needs nothing but Python."""

import base64
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


def main() -> None:
    """Add the secrets that the file doesn't hold yet; only its owner may read it, whatever its mode was."""
    held = FILE.read_text().splitlines() if FILE.exists() else []
    names = {line.partition("=")[0] for line in held}
    new = [f"{name}={make()}" for name, make in MAKERS.items() if name not in names]
    FILE.touch(mode=0o600)
    FILE.chmod(0o600)  # before anything is written, whoever made it
    FILE.write_text("\n".join([*held, *new]) + "\n")
    told = f"{len(new)} secret(s) made, {len(MAKERS) - len(new)} kept"
    print(f"{FILE}: {told}. The user of Airflow's page is admin, the password LAKE_ADMIN_PASSWORD.")


if __name__ == "__main__":
    main()
