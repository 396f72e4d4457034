"""Both chains in plain PySpark, bronze to features, as somebody would write them for these sources alone: what they share."""

from collections.abc import Sequence
from functools import reduce
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from tests.bench.peers.measures import SITE, TWO_YEARS_DAYS, Measure, Task

Summed = Sequence[tuple[str, int]]


class Lake:
    """A session and a folder of Parquet folders, one a table."""

    def __init__(self, task: Task) -> None:
        from lake.engine import session

        self.task = task
        self.spark: SparkSession = session()
        task.out.mkdir(parents=True, exist_ok=True)

    def keep(self, name: str, rows: DataFrame) -> DataFrame:
        """Write rows, and read them from there from now on."""
        folder = str(self.task.out / f"{name}.parquet")
        rows.write.option("compression", "zstd").parquet(folder)
        self.task.laps.lap(name)
        return self.spark.read.parquet(folder)

    def lines(self, pattern: str) -> DataFrame:
        """Lines of files, with where each is from; `_row` rises with file and line. Not every engine has `input_file_name`."""
        found = []
        for i, file in enumerate(self.task.files(pattern)):
            name = F.lit(str(Path(file).relative_to(self.task.landing)))
            row = F.lit(i << 45) + F.monotonically_increasing_id()
            found.append(self.spark.read.text(file).select("value", name.alias("_file"), row.alias("_row")))
        return reduce(DataFrame.union, found)

    def json_lines(self, pattern: str, fields: Sequence[str]) -> DataFrame:
        """A broken line has only nulls."""
        read = F.from_json("value", ", ".join(f"`{f}` string" for f in fields))
        return self.lines(pattern).select("_file", "_row", read.alias("r")).select("_file", "_row", "r.*")

    def csv(self, pattern: str, fields: Sequence[str]) -> DataFrame:
        """Cells without quotes, which these sources don't write; the engines' readers stop at a line cut short, or skip it unsaid."""
        cells = F.split("value", ",")
        kept = self.lines(pattern).filter(~F.col("value").startswith(fields[0] + ","))
        return kept.select("_file", "_row", *(F.get(cells, F.lit(i)).alias(f) for i, f in enumerate(fields)))

    def calendar(self, bronze: DataFrame) -> DataFrame:
        """Days from the first one that a reading tells to the as-of day."""
        last, day = F.lit(self.task.as_of), local_day(instant("timestamp"))
        first = bronze.select(day.alias("d")).filter(F.col("d").between(F.date_sub(last, TWO_YEARS_DAYS), last)).agg(F.min("d").alias("d"))
        days = first.select(F.explode(F.sequence("d", last)).alias("day"))
        return self.keep("calendar", days.withColumn("ends_at", F.to_utc_timestamp(F.date_add("day", 1).cast("timestamp"), SITE)))


def instant(text: str) -> Column:
    """An ISO instant in UTC, and nothing else."""
    return F.try_to_timestamp(F.col(text), F.lit("yyyy-MM-dd'T'HH:mm:ssX"))


def local_day(at: Column) -> Column:
    return F.from_utc_timestamp(at, SITE).cast("date")


def text(name: str) -> Column:
    return F.nullif(F.trim(F.col(name)), F.lit(""))


def whole(value: Column) -> Column:
    """The nearest whole number, halves to the even one, on every engine."""
    shift = F.lit(1.5 * 2.0**52)
    return (value + shift) - shift


def rounded(value: Column, steps: int) -> Column:
    return whole(value * F.lit(float(steps))) / F.lit(float(steps))


def counted(value: Column, steps: int) -> Column:
    """In whole steps of the resolution, which add up exactly."""
    return whole(value * F.lit(float(steps))).cast("bigint")


def number(m: Measure) -> Column:
    return rounded(F.col(m.source).try_cast("double"), m.steps)


def typed(rows: DataFrame, columns: dict[str, Column], measures: Sequence[Measure], valid: Column) -> DataFrame:
    """Readings with their day and whether all of each is readable and possible."""
    absent = {f"is_without_{m.name}": text(m.source).isNull() for m in measures}
    read = rows.select("_file", "_row", *(c.alias(n) for n, c in columns.items()), *(c.alias(n) for n, c in absent.items()))
    read = read.withColumn("day", local_day(F.col("measured_at")))
    possible = [
        F.col(f"is_without_{m.name}") | F.coalesce(F.col(m.name).between(float(m.low), float(m.high)), F.lit(False)) for m in measures
    ]
    return read.withColumn("is_valid", F.coalesce(reduce(Column.__and__, possible, valid), F.lit(False))).drop(*absent)


def newest(rows: DataFrame, key: Sequence[str]) -> DataFrame:
    """Of valid rows with one key the last of the last file; a window over all rows, or the largest struct, costs Sail ten times as much."""
    kept = rows.filter("is_valid").drop("is_valid")
    again = kept.groupBy(*key).agg(F.count("*").alias("n"), F.max("_row").alias("last")).filter("n > 1").drop("n")
    joined = kept.join(F.broadcast(again), list(key), "left")
    return joined.filter(F.col("last").isNull() | (F.col("_row") == F.col("last"))).drop("last", "_row")


def summed(measures: Summed, where: Column | None = None) -> list[Column]:
    """From readings to the first grain."""
    found = []
    for name, steps in measures:
        value = F.col(name) if where is None else F.when(where, F.col(name))
        found += [
            F.count(value).alias(f"{name}_count"),
            (F.sum(counted(value, steps)) / F.lit(float(steps))).alias(f"{name}_sum"),
            F.min(value).alias(f"{name}_min"),
            F.max(value).alias(f"{name}_max"),
            (F.sum(counted(value, steps) * counted(value, steps)) / F.lit(float(steps**2))).alias(f"{name}_square_sum"),
        ]
    return found


def added(measures: Summed) -> list[Column]:
    """From one grain to a coarser one."""
    found = []
    for name, steps in measures:
        found += [
            F.sum(f"{name}_count").alias(f"{name}_count"),
            (F.sum(counted(F.col(f"{name}_sum"), steps)) / F.lit(float(steps))).alias(f"{name}_sum"),
            F.min(f"{name}_min").alias(f"{name}_min"),
            F.max(f"{name}_max").alias(f"{name}_max"),
        ]
    return found


def means(measures: Summed) -> dict[str, Column]:
    """From count and sum."""
    return {
        f"{n}_mean": rounded(counted(F.col(f"{n}_sum"), s) / F.nullif(F.col(f"{n}_count") * F.lit(float(s)), F.lit(0.0)), s)
        for n, s in measures
    }


def moments(measures: Summed, time: Column) -> dict[str, Column]:
    """By row: 1, x, x², t, t² and tx of each measure, in whole numbers that add up."""
    found: dict[str, Column] = {}
    for name, steps in measures:
        n, x = F.col(f"{name}_count"), counted(F.col(f"{name}_sum"), steps)
        xx = counted(F.col(f"{name}_square_sum"), steps**2)
        found |= {
            f"{name}_n": n, f"{name}_x": x, f"{name}_xx": xx, f"{name}_t": n * time, f"{name}_tt": n * time * time, f"{name}_tx": x * time,
        }  # fmt: skip
    return found


def looked_back(
    described: DataFrame, days: DataFrame, asset: str, windows: Sequence[int], names: Sequence[str], newest: dict[str, str]
) -> DataFrame:
    """Sums of the last days, a day seen by as many later ones as windows reach."""
    ago = days.withColumn("ago", F.explode(F.array(*(F.lit(i) for i in range(max(windows)))))).withColumn(
        "day", F.expr("date_add(day, ago)")
    )
    sums = [F.coalesce(F.sum(F.when(F.col("ago") < w, F.col(n))), F.lit(0)).alias(f"{n}_{w}") for w in windows for n in names]
    most = [F.max(c).alias(n) for n, c in newest.items()]
    return described.join(ago, [asset, "day"], "left").groupBy(asset, "day", "ends_at").agg(*sums, *most)


def levels(measures: Summed, days: int, times_a_day: int, with_trend: bool = True) -> list[Column]:
    """Mean, sample standard deviation and least-squares slope a day."""
    found = []
    for name, steps in measures:
        n, x, xx, t, tt, tx = (F.col(f"{name}_{m}_{days}").cast("decimal(38,0)") for m in ("n", "x", "xx", "t", "tt", "tx"))
        count, unit = F.col(f"{name}_n_{days}"), F.lit(float(steps))
        spread = F.sqrt((n * xx - x * x).cast("double") / (count.cast("double") * (count - 1))) / unit
        run = n * tt - t * t
        slope = (n * tx - t * x).cast("double") / run.cast("double") / unit * times_a_day
        found += [
            F.when(count > 0, rounded(F.col(f"{name}_x_{days}") / (count * unit), steps)).alias(f"{name}_mean_{days}d"),
            F.when(count > 1, rounded(spread, 1_000_000)).alias(f"{name}_std_{days}d"),
        ]
        if with_trend:
            found.append(F.when(run > 0, rounded(slope, 1_000_000)).alias(f"{name}_trend_{days}d"))
    return found


def silence(hours: int) -> dict[str, Column]:
    seconds = F.unix_seconds("ends_at") - F.unix_seconds("last_reading_at")
    return {"hours_since_last_reading": rounded(seconds / 3600, 100), "is_silent": F.coalesce(seconds > hours * 3600, F.lit(True))}
