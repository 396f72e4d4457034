"""Hand-written tables held against ours, cell by cell: rows aligned by key, doubles as they are, without tolerance."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

CHAINS = {
    "refrigeration": {
        "units": "silver_refrigeration__units",
        "readings": "silver_refrigeration__readings",
        **{n: f"gold_refrigeration__{n}" for n in ("indicators", "hourly", "daily", "weekly", "monthly", "features")},
    },
    "fleet": {
        "vehicles": "silver_fleet__vehicles",
        "services": "silver_fleet__services",
        "telemetry": "silver_fleet__telemetry",
        **{n: f"gold_fleet__{n}" for n in ("daily", "weekly", "monthly", "summary_daily", "summary_weekly", "summary_monthly", "features")},
    },
}
"""Tables that both have, by the name that the hand-written chain gives them."""

LEFT_OUT = {
    "_source": "names our mapping file",
    "_row": "engines' readers tell no line numbers",
}
"""Columns that only our tables have, and why. Bronze isn't compared: ours keeps every text, its digest and what was unknown."""


@dataclass(frozen=True)
class Compared:
    """`different`: cells by column that aren't equal; `missing`: our columns that the other table hasn't."""

    table: str
    rows: int
    only_ours: int
    only_theirs: int
    columns: int
    different: dict[str, int]
    missing: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        return not (self.only_ours or self.only_theirs or self.different or self.missing)

    @property
    def line(self) -> str:
        """One line for a person."""
        if self.is_equal:
            return f"{self.table}: equal, {self.rows} rows, {self.columns} columns"
        return (
            f"{self.table}: DIFFERENT, rows only ours {self.only_ours}, only theirs {self.only_theirs}, "
            f"cells {self.different or 'equal'}, columns missing {list(self.missing) or 'none'}"
        )


def compared(chain: str, theirs: Path) -> list[Compared]:
    """Every table of a chain in our lake (as the settings say) against a folder of Parquet files, `<table>.parquet` each."""
    from lake.catalog import catalog
    from lake.settings import settings
    from lake.storage import Lake

    lake = Lake(settings().lake_root)
    found = []
    for name, our_name in CHAINS[chain].items():
        table = catalog()[our_name]
        version = lake.open(table)
        assert version is not None, f"{our_name} was never published"
        found.append(_compared(our_name, table.key, version.uris(), theirs / f"{name}.parquet"))
    return found


def _compared(table: str, key: tuple[str, ...], ours: list[str], theirs: Path) -> Compared:
    db = duckdb.connect(config={"threads": 2})
    db.execute("SET TimeZone = 'UTC'")
    pattern = theirs if theirs.is_file() else theirs / "**" / "*.parquet"
    db.execute(f"CREATE VIEW ours AS SELECT * FROM read_parquet({ours}, hive_partitioning=false)")
    db.execute(f"CREATE VIEW theirs AS SELECT * FROM read_parquet('{pattern}', hive_partitioning=false)")
    mine, other = ({r[0]: r[1] for r in db.sql(f"DESCRIBE {t}").fetchall()} for t in ("ours", "theirs"))
    missing = tuple(c for c in mine if c not in other and c not in LEFT_OUT)
    columns = [c for c in mine if c in other]
    values = [c for c in columns if c not in key]
    on = " AND ".join(f'o."{k}" = CAST(t."{k}" AS {mine[k]})' for k in key)
    cells = ", ".join(f'count(*) FILTER (o."{c}" IS DISTINCT FROM CAST(t."{c}" AS {mine[c]}))' for c in values)
    inner = f"FROM ours o JOIN theirs t ON {on}"
    counts = db.sql(f"SELECT count(*), {cells or '0'} {inner}").fetchall()[0]
    both = counts[0]
    only_ours, only_theirs = (db.sql(f"SELECT count(*) FROM {t}").fetchall()[0][0] - both for t in ("ours", "theirs"))
    different = {c: n for c, n in zip(values, counts[1:], strict=False) if n}
    return Compared(table, both, only_ours, only_theirs, len(columns), different, missing)
