"""The functions that a mapping may call, and why some others are refused. What isn't listed is refused too.

Each is rendered so that Sail and Apache Spark give the same cells (tests/lake/test_functions_on_both_engines.py).

A signature has one letter per argument: t text, D number, i whole number (bounded), n the same from 0, c whole number
written as it is, k the same but 0, m from 0 to 1000, w from 0 to 64, b boolean, d date, s instant, a list of texts, x any
(all alike), and literals in quotes: l text, r regular expression, f datetime pattern, z time zone. What follows `?` may be
left out; `*` repeats the last. Then the result's letter (l whole number, x as the arguments), then a template where the
function itself could raise or differ.
"""


def let(value: str, body: str) -> str:
    """SQL in which `_v` stands for a value that is written, and worked out, once."""
    # the NULL makes the list's elements nullable: Sail refuses a lambda over others
    return f"get(transform(array({value}, NULL), _v -> {body}), 0)"


def rounding(digits: int, number: str = "{0}") -> str:
    """Halves away from zero, in arithmetic that is the same everywhere. A last place is added, so that 1.005 is a half."""
    up, down = ("* 1.0D", f"/ 1.0E{-digits}D") if digits < 0 else (f"* 1.0E{digits}D", "/ 1.0D")
    back = f"* 1.0E{-digits}D" if digits < 0 else f"/ 1.0E{digits}D"
    near = f"sign(_v) * floor(abs(_v) {up} {down} * 1.0000000000000002D + 0.5D) {back} + 0.0D"
    return let(number, f"CASE WHEN abs(_v) {up} {down} < 2.2E15D THEN {near} ELSE _v END")


def number(sql: str) -> str:
    """A calculated number without minus zero and NaN, which the engines order differently."""
    return f"nanvl({sql} + 0.0D, CAST(NULL AS DOUBLE))"


def within(kind: str, sql: str) -> str:
    """A calculated date or instant of the years 1 to 9999; later ones can overflow."""
    first, last = ("DATE '0001-01-01'", "DATE '9999-12-31'")
    if kind == "timestamp":
        first, last = ("TIMESTAMP '0001-01-01 00:00:00Z'", "TIMESTAMP '9999-12-31 23:59:59.999999Z'")
    return let(sql, f"CASE WHEN _v BETWEEN {first} AND {last} THEN _v END")


def zoned(sql: str) -> str:
    """An instant before 2100, or null: Sail knows no changes of clocks after."""
    return f"nullif(least({sql}, {_ZONES_END}), {_ZONES_END})"


_ZONES_END = "TIMESTAMP '2100-01-01 00:00:00Z'"
_LIMIT = "nullif(nullif(greatest(least({0}, 9.0E18D), -9.0E18D), 9.0E18D), -9.0E18D)"
_SHIFT = "6755399441055744.0D"


def _epoch(unit: int) -> str:
    """An instant from a number of which so many are a second; rounded to a microsecond."""
    bounds = f"_v >= {-62135596800 * unit}.0D AND _v < {253402300800 * unit}.0D"
    scale = 1000000 // unit
    micros = f"CAST(floor(_v) AS BIGINT) * {scale}L + CAST(floor((_v - floor(_v)) * {scale}.0D + 0.5D) AS BIGINT)"
    return let("{0}", f"CASE WHEN {bounds} THEN timestamp_micros({micros}) END")


_PLAIN = {
    "t>t": "upper lower ucase lcase reverse",
    "t>l": "length char_length character_length len ascii",
    "tt>l": "instr",
    "tt>b": "contains startswith endswith",
    "t?t>t": "btrim",
    "tn>t": "left right",
    "tn?n>t": "substring substr",
    "tmt>t": "lpad rpad",
    "tti>t": "substring_index",
    "ttk>t": "split_part",
    "tl?l>t": "replace",
    "ttt>t": "translate",
    "t*>t": "concat",
    "tt*>t": "concat_ws",
    "tr>b": "regexp_like rlike regexp",
    "tr>l": "regexp_count",
    "tr>t": "regexp_substr",
    "tr?c>t": "regexp_extract",
    "trl>t": "regexp_replace",
    "tr>a": "split",
    "D>D": "abs sign signum",
    "d>l": "year quarter month weekofyear dayofweek dayofyear day dayofmonth",
    "s>l": "hour minute second",
    "d>d": "last_day",
    "dd>l": "datediff date_diff",
    "dl>d": "trunc",
    "ls>s": "date_trunc",
    "sf>t": "date_format",
    "xx*>x": "coalesce",
    "xxx*>x": "greatest least",
    "xx>x": "nvl ifnull nullif",
    "x>b": "isnull isnotnull",
    "tt*>a": "array",
    "a>l": "size cardinality array_size",
    "a>a": "array_distinct sort_array array_compact",
    "al>t": "array_join",
    "an>t": "get",
}

_ADD, _SUB = within("date", "date_add({0}, {1})"), within("date", "date_sub({0}, {1})")

FUNCTIONS: dict[str, tuple[str, str, str]] = {
    call: (signature.split(">")[0], signature.split(">")[1], "") for signature, calls in _PLAIN.items() for call in calls.split()
} | {
    "repeat": ("tm", "t", "CASE WHEN length({0}) * {1} <= 10000 THEN repeat({0}, {1}) END"),
    "round": ("D?c", "D", ""),
    "rint": ("D", "D", let("{0}", f"CASE WHEN abs(_v) < 2.25E15D THEN (_v + {_SHIFT}) - {_SHIFT} ELSE _v END")),
    "floor": ("D", "l", f"floor({_LIMIT})"),
    "ceil": ("D", "l", f"ceil({_LIMIT})"),
    "ceiling": ("D", "l", f"ceil({_LIMIT})"),
    "sqrt": ("D", "D", number("sqrt({0})")),
    "pow": ("Dw", "D", number("aggregate(array_repeat({0}, {1}), 1.0D, (_a, _b) -> _a * _b)")),
    "power": ("Dw", "D", number("aggregate(array_repeat({0}, {1}), 1.0D, (_a, _b) -> _a * _b)")),
    "isnan": ("D", "b", "coalesce(isnan({0}), false)"),
    "mod": ("DD", "D", number("({0} % nullif({1} + 0.0D, 0.0D))")),
    "try_mod": ("DD", "D", number("({0} % nullif({1} + 0.0D, 0.0D))")),
    "pmod": ("DD", "D", number("pmod({0}, nullif({1} + 0.0D, 0.0D))")),
    "try_add": ("DD", "D", number("({0} + {1})")),
    "try_subtract": ("DD", "D", number("({0} - {1})")),
    "try_multiply": ("DD", "D", number("({0} * {1})")),
    "try_divide": ("DD", "D", number("({0} / nullif({1} + 0.0D, 0.0D))")),
    "array_contains": ("at", "b", "coalesce(array_contains(array_compact({0}), {1}), false)"),
    "element_at": ("ak", "t", "try_element_at({0}, {1})"),
    "try_element_at": ("ak", "t", ""),
    "locate": ("tt", "l", ""),
    "weekday": ("d", "l", "((dayofweek({0}) + 5) % 7)"),
    "date_add": ("di", "d", _ADD),
    "dateadd": ("di", "d", _ADD),
    "date_sub": ("di", "d", _SUB),
    "add_months": ("di", "d", within("date", "add_months({0}, {1})")),
    "unix_seconds": ("s", "l", "unix_seconds(date_trunc('second', {0}))"),
    "unix_millis": ("s", "l", "unix_millis(date_trunc('millisecond', {0}))"),
    "from_utc_timestamp": ("sz", "s", within("timestamp", f"from_utc_timestamp({zoned('{0}')}, {{1}})")),
    "to_utc_timestamp": ("sz", "s", within("timestamp", f"to_utc_timestamp({zoned('{0}')}, {{1}})")),
    "make_date": (
        "nnn",
        "d",
        "CAST(try_to_timestamp(concat_ws('-', CAST({0} AS STRING), CAST({1} AS STRING), CAST({2} AS STRING)), 'y-M-d') AS DATE)",
    ),
    "timestamp_seconds": ("D", "s", _epoch(1)),
    "timestamp_millis": ("D", "s", _epoch(1000)),
    "timestamp_micros": ("D", "s", _epoch(1000000)),
}

_DAY = "CAST({0} AS DATE)"
TRUNCATED = {
    "year": "make_date(year({0}), 1, 1)",
    "quarter": "make_date(year({0}), quarter({0}) * 3 - 2, 1)",
    "month": "make_date(year({0}), month({0}), 1)",
    "week": "date_sub(next_day({0}, 'MO'), 7)",
}
"""A date's first of its period. Sail's own `trunc` and `date_trunc` raise before 1677 and after 2262."""

MAKE_NULL = {"coalesce", "nvl", "ifnull", "nullif", "get", "element_at", "greatest", "least"}
"""Beside CASE, IF and try_*: where null may be what the writer meant."""

GROW = ("concat", "concat_ws", "replace", "regexp_replace", "translate", "repeat", "lpad", "rpad", "array_join")
"""What makes texts longer; one inside another is cut at `MOST_TEXT`."""
MOST_TEXT = 32767

CASTS = {
    "string": "text", "text": "text", "tinyint": "long", "smallint": "long",
    "int": "long", "integer": "long", "bigint": "long", "long": "long", "float": "double", "double": "double",
    "real": "double", "boolean": "boolean", "date": "date", "timestamp": "timestamp", "timestamptz": "timestamp",
}  # fmt: skip
"""Types that a cast, or a function of the same name, may turn a value into."""

_CODE = "it runs code of its own"
_TODAY = "it gives another answer each time; steps must give the same rows again"
_PLACE = "it tells of the machine, not of the row; use _file, _source or _row"
_MANY = "it works on many rows; a mapping sees one row at a time"
_DIGITS = "its last digits differ from engine to engine; have the source calculate it, or use + - * / % sqrt and pow(x, 2)"
_UNLIKE = "Spark and the embedded engine don't give the same; lake/functions.py lists those that do"
_STOPS = "it stops the run; a row that breaks a promise goes to quarantine by its contract"

REFUSED = {
    name: why
    for why, names in {
        _CODE: "reflect try_reflect java_method ai_query http_request",
        _TODAY: "rand random randn randstr uniform uuid now current_timestamp current_date curdate localtimestamp "
        "current_time shuffle monotonically_increasing_id",
        _PLACE: "input_file_name input_file_block_start input_file_block_length current_user user session_user version "
        "current_catalog current_database current_schema current_timezone spark_partition_id",
        _MANY: "sum avg mean count count_if min max min_by max_by first last any_value collect_list collect_set "
        "row_number rank lag lead stddev variance median percentile explode posexplode inline stack json_tuple",
        _DIGITS: "exp expm1 ln log log2 log10 log1p cbrt sin cos tan asin acos atan atan2 hypot radians degrees bround nanvl",
        _UNLIKE: "initcap json_array_length get_json_object from_json md5 sha1 sha sha2 crc32 soundex levenshtein regexp_instr "
        "months_between",
        _STOPS: "assert_true raise_error",
    }.items()
    for name in names.split()
}
