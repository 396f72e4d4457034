"""Every setting, typed, in one place, read from the environment."""

from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import AliasChoices, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

CHECKOUT = Path(__file__).resolve().parent.parent
DAILY = "30 0 * * *"
"""After the simulator, which delivers at 00:05; what it delivers starts a run of its own."""
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2200, 1, 1)


class SettingsError(ValueError):
    """Settings that can't be met; one line for each, with its name, its value and what would do."""


class Settings(BaseSettings):
    """Settings of one process. Environment variables carry the names given as aliases; paths are made absolute."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True, env_ignore_empty=True)

    lake_root: Path = Field(CHECKOUT / "lake", validation_alias="LAKE_ROOT", description="where the zones are")
    report_root: Path = Field(CHECKOUT / "quality" / "reports", validation_alias="REPORT_ROOT", description="where validation reports go")
    state_root: Path = Field(CHECKOUT / ".state", validation_alias="LAKE_STATE_ROOT", description="locks, the Spark server's address, keys")
    model_root: Path = Field(
        CHECKOUT / ".models", validation_alias="MODEL_ROOT", description="registry of models: MLflow's database and files"
    )
    extra_domains: str = Field(
        "", validation_alias="LAKE_EXTRA", description="folders with more lake/, pipelines/ modules, separated by ':'"
    )
    site_time_zone: str = Field("Europe/Paris", validation_alias="LAKE_TIME_ZONE", description="time zone whose midnight begins a day")
    as_of: date | None = Field(
        None, validation_alias="LAKE_AS_OF", description="the as-of day; by default yesterday in the site's time zone"
    )
    start: date | None = Field(None, validation_alias="LAKE_START", description="first day of the lake; by default two years before as-of")
    key_path: Path | None = Field(
        None, validation_alias="LAKE_KEY_FILE", description="key of the pseudonyms of persons; by default _keys/pseudonym.key in the lake"
    )
    engine: Literal["sail", "spark"] = Field(
        "sail", validation_alias="LAKE_ENGINE", description="sail: in this process; spark: a local Apache Spark (needs Java 17)"
    )
    spark_remote: str = Field(
        "", validation_alias="SPARK_REMOTE", description="a Spark Connect endpoint (sc://host:port); wins over LAKE_ENGINE"
    )
    engine_memory: str = Field(
        "1g",
        validation_alias="LAKE_ENGINE_MEMORY",
        description="memory that the engine may use before it spills to disk: Sail's pool, or the heap of the local Spark",
        pattern=r"^[1-9][0-9]*[kKmMgG]$",
    )
    engine_cores: str = Field("*", validation_alias="LAKE_ENGINE_CORES", description="cores of the engine; *: all of this machine")
    domains: str = Field(
        "", validation_alias="LAKE_DOMAINS", description="domains that `medallion` builds, separated by ','; empty: all of the catalog"
    )
    schedule: str = Field(
        DAILY,
        validation_alias="LAKE_SCHEDULE",
        description="when the scheduler runs `medallion`, besides when files were simulated: cron in the site's time zone, or `never`",
    )
    parallel_tables: int = Field(
        2, validation_alias="LAKE_PARALLEL_TABLES", description="tables that one run builds at the same time", ge=1
    )
    audit_rows_in_pandas: int = Field(
        1_000_000,
        validation_alias="LAKE_AUDIT_ROWS",
        description="staged rows above which audits run in the engine instead of pandas",
        ge=0,
    )
    lock_seconds: float = Field(
        600.0, validation_alias="LAKE_LOCK_SECONDS", description="how long a run waits for another run of the same table", ge=0
    )
    settle_seconds: float = Field(
        0.0,
        validation_alias=AliasChoices("LAKE_SETTLE_SECONDS"),
        description="age a landing file must have before it counts as complete",
        ge=0,
    )
    retention_days: int = Field(
        30, validation_alias="LAKE_RETENTION_DAYS", description="days that old versions stay readable and can be restored", ge=1
    )
    grace_hours: float = Field(
        6.0, validation_alias="LAKE_GRACE_HOURS", description="age in hours below which upkeep removes no file, whatever it is", gt=0
    )
    airflow_days: int = Field(
        90, validation_alias="LAKE_AIRFLOW_DAYS", description="days that `upkeep` keeps Airflow's runs and logs", ge=1
    )

    @field_validator("lake_root", "report_root", "state_root", "model_root")
    @classmethod
    def absolute(cls, value: Path) -> Path:
        found = value.expanduser().resolve()
        if found.exists() and not found.is_dir():
            raise ValueError("is a file; name a folder")
        return found

    @field_validator("site_time_zone")
    @classmethod
    def known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("is not a time zone; write one such as Europe/Paris") from error
        return value

    @field_validator("as_of", "start")
    @classmethod
    def plausible(cls, value: date | None) -> date | None:
        if value and not FIRST_DAY <= value <= LAST_DAY:
            raise ValueError(f"must lie between {FIRST_DAY} and {LAST_DAY}")
        return value

    @field_validator("schedule")
    @classmethod
    def known_schedule(cls, value: str) -> str:
        from croniter import croniter  # type: ignore[import-untyped]

        if value != "never" and not croniter.is_valid(value):
            raise ValueError("is neither a cron expression, such as 30 0 * * *, nor `never`")
        return value

    @field_validator("spark_remote")
    @classmethod
    def an_endpoint(cls, value: str) -> str:
        if value and not value.startswith("sc://"):
            raise ValueError("is not a Spark Connect endpoint; write sc://host:port")
        return value

    @field_validator("extra_domains")
    @classmethod
    def folders(cls, value: str) -> str:
        if missing := [p for p in value.split(":") if p and not Path(p).is_dir()]:
            raise ValueError(f"no such folder: {', '.join(missing)}")
        return value

    @field_validator("engine_cores")
    @classmethod
    def cores(cls, value: str) -> str:
        if value != "*" and not (value.isdigit() and int(value)):
            raise ValueError("is neither a number above 0 nor *")
        return value

    @model_validator(mode="after")
    def starts_before_it_ends(self) -> "Settings":
        if self.start and self.start > (self.as_of or datetime.now(UTC).date()):
            end = f"LAKE_AS_OF={self.as_of}" if self.as_of else "today"
            raise ValueError(f"LAKE_START={self.start} lies after {end}; the lake would have no day")
        return self

    @property
    def landing(self) -> Path:
        return self.lake_root / "landing"

    @property
    def truth(self) -> Path:
        return self.lake_root / "_truth"

    @property
    def key_file(self) -> Path:
        return (self.key_path or self.lake_root / "_keys" / "pseudonym.key").expanduser().resolve()

    @property
    def chosen_domains(self) -> frozenset[str]:
        return frozenset(d.strip() for d in self.domains.split(",") if d.strip())

    @property
    def extra(self) -> tuple[Path, ...]:
        return tuple(Path(p).resolve() for p in self.extra_domains.split(":") if p)


@cache
def settings() -> Settings:
    """The settings of this process; `settings.cache_clear()` after a change of the environment. Raises SettingsError."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("\n".join(mistakes(error))) from None


def mistakes(error: ValidationError) -> list[str]:
    """One line for each setting that can't be met; of an address only what comes before its parameters, which hold tokens."""
    lines = []
    for e in error.errors():
        name = ".".join(map(str, e["loc"]))
        lines.append((f"{name}={str(e['input']).partition(';')[0]}: " if name else "") + e["msg"].removeprefix("Value error, "))
    return lines
