"""The functions that a mapping may call, and why some others are refused. What isn't listed is refused too.

A signature has one letter per argument: t text, D number, i whole number (bounded), c the same written as it is, k the
same but 0, b boolean, d date, s instant, a list of texts, x any (all alike), and literals in quotes: l text, r regular
expression, f datetime pattern, z time zone. What follows `?` may be left out; `*` repeats the last. Then the result's
letter (l whole number, x as the arguments), then a template where the function itself could raise.
"""

_WHOLE = "CASE WHEN abs({0}) < 9.0E18D THEN %s({0}) END"
_EPOCH = "try_cast(try_cast(%s AS DECIMAL(18, 6)) AS TIMESTAMP)"

_PLAIN = {
    "t>t": "upper lower ucase lcase initcap reverse md5 sha1 sha soundex",
    "t>l": "length char_length character_length len ascii crc32 json_array_length",
    "tt>l": "instr levenshtein",
    "tt>b": "contains startswith endswith",
    "t?t>t": "btrim",
    "ti>t": "left right repeat",
    "ti?i>t": "substring substr",
    "tit>t": "lpad rpad",
    "tti>t": "substring_index",
    "ttk>t": "split_part",
    "tt?t>t": "replace",
    "ttt>t": "translate",
    "t*>t": "concat",
    "tt*>t": "concat_ws",
    "tr>b": "regexp_like rlike regexp",
    "tr>l": "regexp_count regexp_instr",
    "tr>t": "regexp_substr",
    "tr?c>t": "regexp_extract",
    "trl>t": "regexp_replace",
    "tl>t": "get_json_object",
    "tr>a": "split",
    "D>D": "abs sign signum sqrt cbrt exp expm1 ln log2 log10 log1p sin cos tan asin acos atan radians degrees rint",
    "D>b": "isnan",
    "DD>D": "pow power atan2 hypot nanvl try_divide try_add try_subtract try_multiply try_mod",
    "D?D>D": "log",
    "d>l": "year quarter month weekofyear dayofweek weekday dayofyear day dayofmonth",
    "s>l": "hour minute second unix_seconds unix_millis",
    "di>d": "date_add date_sub add_months dateadd",
    "d>d": "last_day",
    "dd>l": "datediff date_diff",
    "ss>D": "months_between",
    "dl>d": "trunc",
    "ls>s": "date_trunc",
    "sf>t": "date_format",
    "sz>s": "from_utc_timestamp to_utc_timestamp",
    "xx*>x": "coalesce nvl ifnull greatest least",
    "xx>x": "nullif",
    "x>b": "isnull isnotnull",
    "t*>a": "array",
    "a>l": "size cardinality array_size",
    "a>a": "array_distinct sort_array array_compact",
    "at>b": "array_contains",
    "at>t": "array_join",
    "ai>t": "get",
    "ak>t": "element_at try_element_at",
}

FUNCTIONS: dict[str, tuple[str, str, str]] = {
    call: (signature.split(">")[0], signature.split(">")[1], "") for signature, calls in _PLAIN.items() for call in calls.split()
} | {
    "sha2": ("ti", "t", ""),
    "round": ("D?c", "D", ""),
    "bround": ("D?c", "D", ""),
    "floor": ("D", "l", _WHOLE % "floor"),
    "ceil": ("D", "l", _WHOLE % "ceil"),
    "ceiling": ("D", "l", _WHOLE % "ceil"),
    "mod": ("DD", "D", "try_mod({0}, {1})"),
    "pmod": ("DD", "D", "pmod({0}, nullif({1}, 0.0D))"),
    "element_at": ("ak", "t", "try_element_at({0}, {1})"),
    "locate": ("tt", "l", ""),
    "make_date": ("iii", "d", "to_date(try_make_timestamp({0}, {1}, {2}, 0, 0, 0))"),
    "timestamp_seconds": ("D", "s", _EPOCH % "{0}"),
    "timestamp_millis": ("D", "s", _EPOCH % "({0} / 1000)"),
    "timestamp_micros": ("D", "s", _EPOCH % "({0} / 1000000)"),
}

MAKE_NULL = {"coalesce", "nvl", "ifnull", "nullif", "get", "element_at", "get_json_object", "greatest", "least"}
"""Beside CASE, IF and try_*: where null may be what the writer meant."""

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
        _STOPS: "assert_true raise_error",
    }.items()
    for name in names.split()
}
