"""Both chains in DuckDB SQL, bronze to features, as somebody would write them for these sources alone."""

from collections.abc import Iterable, Sequence

import duckdb

from tests.bench.peers.measures import SITE, TWO_YEARS_DAYS, Measure, Task


class Lake:
    """A database in memory and a folder of Parquet files, a file a table."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.db = duckdb.connect(config={"threads": 2})
        self.db.execute("SET TimeZone = 'UTC'")
        task.out.mkdir(parents=True, exist_ok=True)

    def keep(self, name: str, sql: str) -> None:
        """Write the rows of a query, and read them from there from now on."""
        file = self.task.out / f"{name}.parquet"
        self.db.execute(f"COPY ({sql}) TO '{file}' (FORMAT parquet, COMPRESSION zstd)")
        self.db.execute(f"CREATE VIEW {name} AS SELECT * FROM '{file}'")
        self.task.laps.lap(name)

    def json_lines(self, pattern: str, fields: Iterable[str]) -> str:
        """Lines with a number that rises with file and line; a broken line has only nulls."""
        columns = ", ".join(f"{f}: 'VARCHAR'" for f in fields)
        files = self.task.files(pattern)
        read = f"read_ndjson({files}, columns={{{columns}}}, ignore_errors=true, filename=true)"
        return f"SELECT row_number() OVER () AS n, replace(filename, '{self.task.landing}/', '') AS _file, * EXCLUDE (filename) FROM {read}"

    def csv(self, pattern: str) -> str:
        """The same of CSV files with a header."""
        options = "delim=',', quote='\"', header=true, all_varchar=true, ignore_errors=true, null_padding=true, filename=true"
        read = f"read_csv({self.task.files(pattern)}, {options})"
        return f"SELECT row_number() OVER () AS n, replace(filename, '{self.task.landing}/', '') AS _file, * EXCLUDE (filename) FROM {read}"

    def calendar(self, bronze: str) -> None:
        """Days from the first one that a reading tells to the as-of day."""
        last = f"DATE '{self.task.as_of}'"
        day = f"CAST({instant('timestamp')} AT TIME ZONE 'UTC' AT TIME ZONE '{SITE}' AS DATE)"
        self.db.execute(f"""
            CREATE TABLE calendar AS
            WITH bounds AS (SELECT min({day}) FILTER ({day} BETWEEN {last} - {TWO_YEARS_DAYS} AND {last}) AS first FROM {bronze})
            SELECT CAST(d AS DATE) AS day, CAST((d + INTERVAL 1 DAY) AT TIME ZONE '{SITE}' AT TIME ZONE 'UTC' AS TIMESTAMP) AS ends_at
            FROM bounds, unnest(generate_series(CAST(first AS TIMESTAMP), CAST({last} AS TIMESTAMP), INTERVAL 1 DAY)) AS t(d)""")


def instant(text: str) -> str:
    """An ISO instant in UTC, and nothing else."""
    return f"CASE WHEN {text} LIKE '____-__-__T__:__:__Z' THEN TRY_CAST(left({text}, 19) AS TIMESTAMP) END"


def number(m: Measure) -> str:
    value = f"round_even(TRY_CAST({m.source} AS DOUBLE) * {m.steps}, 0) / {m.steps}"
    return f"{value} AS {m.name}, trim(coalesce({m.source}, '')) = '' AS is_without_{m.name}"


def is_valid(m: Measure) -> str:
    """Absent, or readable and possible."""
    return f"(is_without_{m.name} OR coalesce({m.name} BETWEEN {m.low} AND {m.high}, false))"


def rounded(value: str, steps: int) -> str:
    return f"round_even(({value}) * {steps}, 0) / {steps}"


def counted(value: str, steps: int) -> str:
    """In whole steps of the resolution, which add up exactly."""
    return f"CAST(round_even({value} * {steps}, 0) AS BIGINT)"


def summed(measures: Sequence[tuple[str, int]], where: str = "") -> str:
    """From readings to the first grain."""
    kept = f" FILTER ({where})" if where else ""
    return ", ".join(
        f"count({name}){kept} AS {name}_count, sum({counted(name, steps)}){kept} / {steps} AS {name}_sum, "
        f"min({name}){kept} AS {name}_min, max({name}){kept} AS {name}_max, "
        f"sum({counted(name, steps)} * {counted(name, steps)}){kept} / {steps**2} AS {name}_square_sum"
        for name, steps in measures
    )


def added(measures: Sequence[tuple[str, int]]) -> str:
    """From one grain to a coarser one, with the mean."""
    return ", ".join(
        f"CAST(sum({name}_count) AS BIGINT) AS {name}_count, sum({counted(f'{name}_sum', steps)}) / {steps} AS {name}_sum, "
        f"min({name}_min) AS {name}_min, max({name}_max) AS {name}_max, {mean(name, steps)} AS {name}_mean"
        for name, steps in measures
    )


def mean(name: str, steps: int) -> str:
    total = f"sum({counted(f'{name}_sum', steps)})"
    return rounded(f"{total} / (nullif(sum({name}_count), 0) * {steps})", steps)


def moments(measures: Sequence[tuple[str, int]], time: str) -> str:
    """By day: sums of 1, x, x², t, t² and tx, in whole numbers."""
    return ", ".join(
        f"CAST(sum({n}_count) AS HUGEINT) AS {n}_n, sum({counted(f'{n}_sum', s)}) AS {n}_x, "
        f"sum({counted(f'{n}_square_sum', s * s)}) AS {n}_xx, sum({n}_count * {time}) AS {n}_t, "
        f"sum({n}_count * {time} * {time}) AS {n}_tt, sum({counted(f'{n}_sum', s)} * {time}) AS {n}_tx"
        for n, s in measures
    )


def looked_back(measures: Sequence[tuple[str, int]], days: int) -> str:
    """Sums of moments of the last days, of rows `d` joined to the described day `s`."""
    names = [f"{n}_{m}" for n, _ in measures for m in ("n", "x", "xx", "t", "tt", "tx")]
    return ", ".join(f"CAST(coalesce(sum(d.{n}) FILTER (d.day > s.day - {days}), 0) AS HUGEINT) AS {n}_{days}" for n in names)


def levels(measures: Sequence[tuple[str, int]], days: int, times_a_day: int, with_trend: bool = True) -> str:
    """Mean, sample standard deviation and least-squares slope a day."""
    found = []
    for name, steps in measures:
        n, x, xx, t, tt, tx = (f"{name}_{m}_{days}" for m in ("n", "x", "xx", "t", "tt", "tx"))
        spread = f"sqrt(CAST({n} * {xx} - {x} * {x} AS DOUBLE) / (CAST({n} AS DOUBLE) * CAST({n} - 1 AS DOUBLE))) / {steps}"
        run, rise = f"({n} * {tt} - {t} * {t})", f"({n} * {tx} - {t} * {x})"
        slope = f"CAST({rise} AS DOUBLE) / CAST({run} AS DOUBLE) / {steps} * {times_a_day}"
        found += [
            f"CASE WHEN {n} > 0 THEN {rounded(f'CAST({x} AS DOUBLE) / CAST({n} * {steps} AS DOUBLE)', steps)} END AS {name}_mean_{days}d",
            f"CASE WHEN {n} > 1 THEN {rounded(spread, 1_000_000)} END AS {name}_std_{days}d",
        ]
        if with_trend:
            found.append(f"CASE WHEN {run} > 0 THEN {rounded(slope, 1_000_000)} END AS {name}_trend_{days}d")
    return ", ".join(found)
