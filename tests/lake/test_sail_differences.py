"""Where Sail 0.7.2 differs from Apache Spark: the smallest case of each, expected to fail.

One that passes fails the suite (strict): then Sail was mended, and the rendering that goes around it may go. Reported to lakehq/sail as
far as it was found: weekday is mended by the open pull request 1487; of the others no report was found.
"""

from typing import Any

import pytest
from pyspark.sql import SparkSession

# expression, and what Apache Spark answers; the detour stands in lake.functions unless it says otherwise
DIFFERENCES: list[tuple[str, Any]] = [
    ("weekday(DATE '2026-01-04')", 6),
    ("rint(0.5D)", 0.0),
    ("substring('abc', -10, 9)", "ab"),
    ("left('abc', -1)", ""),
    ("substring('abc', CAST(NULL AS INT))", None),
    ("array_contains(array('a', NULL), 'b')", None),
    ("isnan(CAST(NULL AS DOUBLE))", False),
    ("nullif(0.0D, -0.0D)", None),
    ("unix_seconds(TIMESTAMP '1969-12-31 23:59:59.5Z')", -1),
    ("CAST(trunc(DATE '0001-02-03', 'year') AS STRING)", "0001-01-01"),
    ("CAST(date_trunc('day', TIMESTAMP '0001-02-03 04:05:06Z') AS STRING)", "0001-02-03 00:00:00"),
    ("timestampdiff(DAY, TIMESTAMP '2026-01-01 23:00:00Z', TIMESTAMP '2026-01-02 01:00:00Z')", 0),
    ("try_divide(1.0D, 2.0D)", 0.5),  # lake.expressions
    ("try_add(1.0D, 2.0D)", 3.0),
    ("CAST(1.0E8D AS STRING)", "1.0E8"),  # lake.conversions
    ("CAST(try_cast('1e3' AS DECIMAL(10, 2)) AS DOUBLE)", 1000.0),
    ("try_to_timestamp('+2026-01-01', 'yyyy-MM-dd')", None),
    ("try_to_timestamp('5 July 2026', 'd MMM yyyy')", None),
    ("CAST(try_to_timestamp('2026-01-01z', 'yyyy-MM-ddX') AS STRING)", "2026-01-01 00:00:00"),
    ("regexp_extract('a٣', '\\\\d', 0)", ""),  # lake.regex
    ("regexp_replace('a', '(a)', '$1x')", "ax"),
    ("regexp_replace('abc', 'a*', '-')", "--b-c-"),
    ("split('ab', '')", ["a", "b"]),
    (
        "CAST(from_utc_timestamp(TIMESTAMP '2500-07-01 12:00:00Z', 'Europe/Paris') AS STRING)",
        "2500-07-01 14:00:00",
    ),  # no detour: rules of zones end
]


@pytest.mark.parametrize(("sql", "expected"), DIFFERENCES)
def test_apache_spark_answers_as_written_here(apache_spark: SparkSession, sql: str, expected: Any) -> None:
    assert apache_spark.sql(f"SELECT {sql}").collect()[0][0] == expected


@pytest.mark.xfail(strict=True)
@pytest.mark.parametrize(("sql", "expected"), DIFFERENCES)
def test_sail_answers_otherwise(sail: SparkSession, sql: str, expected: Any) -> None:
    assert sail.sql(f"SELECT {sql}").collect()[0][0] == expected
