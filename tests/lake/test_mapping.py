"""What a mapping file may say, what it is told when it is wrong, and what its SQL makes of text."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lake.constraints import NotNull
from lake.contract import Column, Feed, Type
from lake.functions import FUNCTIONS, REFUSED
from lake.mapping import MappingError, load, parse_digest, render, select_digest
from lake.source import Dialect, Source

FEED = Feed(
    "refrigeration", "readings", "Readings",
    (
        Column("unit_id", "string", "Unit", (NotNull(),)),
        Column("measured_at", "timestamp", "When"),
        Column("temperature_c", "double", "Temperature", resolution=0.01),
        Column("cycles", "long", "Cycles"),
    ),
    "cold team",
)  # fmt: skip
FEEDS = {FEED.name: FEED}

HEAD = "feeds: refrigeration.readings\nfiles: refrigeration/readings/*.jsonl*\nformat: jsonl\n"
GOOD = HEAD + "select:\n  unit_id: machine_id\n"


def read(folder: Path, text: str, name: str = "refrigeration_readings.yaml") -> Source:
    (folder / name).write_text(text, encoding="utf-8")
    return load(folder / name, FEEDS)


def complaint(folder: Path, text: str, name: str = "refrigeration_readings.yaml") -> str:
    with pytest.raises(MappingError) as caught:
        read(folder, text, name)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(f"{name}: ")
    return line.removeprefix(f"{name}: ")


def test_a_mapping_file_becomes_a_source(tmp_path: Path) -> None:
    source = read(tmp_path, HEAD + """\
description: Readings of the cold rooms
dialect: {timestamp_formats: ["yyyy-MM-dd'T'HH:mm:ssX"], decimal: ",", time_zone: Europe/Paris}
where: "`[Pièce].Désignation` <> 'TEST'"
select:
  unit_id: concat(machine_id, regexp_extract(_file, '([0-9]+)', 1))
  measured_at: timestamp
  temperature_c: (number(`Durée arrêt (h)`) - 32) / 1.8
  cycles: _row
""")  # fmt: skip
    assert (source.name, source.domain, source.feed) == ("readings", "refrigeration", "feed_refrigeration__readings")
    assert source.bronze == "bronze_refrigeration__readings"
    assert source.columns == ("machine_id", "timestamp", "Durée arrêt (h)", "[Pièce].Désignation")
    assert source.dialect == Dialect("jsonl", decimal=",", time_zone="Europe/Paris", timestamp_formats=("yyyy-MM-dd'T'HH:mm:ssX",))


EXACT = {
    GOOD + "sellect: {}\n": "sellect: unknown key; did you mean select?",
    GOOD.replace("refrigeration.readings", "cold.rooms"): ("feeds: there is no feed 'cold.rooms'; write one of refrigeration.readings"),
    GOOD + "  temprature_c: x\n": ("select.temprature_c: feed_refrigeration__readings has no such column; did you mean temperature_c?"),
    HEAD + "select: {cycles: x}\n": (
        "select.unit_id: missing, but feed_refrigeration__readings promises it is never null; write an expression for it"
    ),
    GOOD + "  measured_at: timestamp\n": ("select.measured_at: an instant is read from text; declare dialect.timestamp_formats"),
    GOOD + "dialect: {time_zone: Europe/Pariss}\n": (
        "dialect.time_zone: 'Europe/Pariss' is not a time zone; write one such as Europe/Paris"
    ),
    GOOD + "  cycles: reflect('java.lang.Runtime', 'x')\n": ("select.cycles: function reflect is not allowed: it runs code of its own"),
    GOOD + "  cycles: uper(x)\n": "select.cycles: function uper is not allowed in a mapping; did you mean upper?",
}


@pytest.mark.parametrize("text", EXACT)
def test_a_mistake_is_one_line_that_says_what_to_do(tmp_path: Path, text: str) -> None:
    assert complaint(tmp_path, text) == EXACT[text]


FILES = [
    # what is written                                              the complaint begins with
    ("- a\n- b\n", "file: is a list"),
    ("", "file: is empty"),
    (GOOD + "  x: [unclosed\n", "line 7: not YAML"),
    (GOOD + "format: csv\n", "line 6: not YAML: key format stands twice"),
    (GOOD.replace("feeds: refrigeration.readings\n", ""), "feeds: missing"),
    (GOOD.replace("format: jsonl\n", ""), "format: missing"),
    (GOOD.replace("jsonl\n", "xml\n"), "format: unknown format 'xml'; write one of csv, jsonl, sqlite, parquet, excel"),
    (HEAD, "select: missing"),
    (HEAD + "select: x\n", "select: is 'x'"),
    (HEAD + "select: {unit_id: 12}\n", "select.unit_id: is 12; write a text"),
    (HEAD + "select: {unit_id: }\n", "select.unit_id: is empty"),
    (GOOD + "where: 1\n", "where: is 1"),
    (GOOD + "description: [a]\n", "description: is a list"),
    (GOOD.replace("refrigeration/readings/", "/etc/"), "files: '/etc/*.jsonl*' leaves landing"),
    (GOOD.replace("refrigeration/readings/", "../"), "files: '../*.jsonl*' leaves landing"),
    (GOOD + "dialect: {separater: ;}\n", "dialect.separater: unknown key; did you mean separator?"),
    (GOOD + "dialect: {format: csv}\n", "dialect.format: unknown key"),
    (GOOD + "dialect: {separator: ;;}\n", "dialect.separator: ';;' can't be used; write one character"),
    (GOOD + "dialect: {quote: ab}\n", "dialect.quote: 'ab' can't be used"),
    (GOOD + "dialect: {decimal: x}\n", "dialect.decimal: 'x' can't be used; write . or ,"),
    (GOOD + "dialect: {encoding: utf-99}\n", "dialect.encoding: 'utf-99' can't be used"),
    (GOOD + "dialect: {encoding: hex}\n", "dialect.encoding: 'hex' can't be used"),
    (GOOD + "dialect: {header_row: yes}\n", "dialect.header_row: is True"),
    (GOOD + "dialect: {header_within: -1}\n", "dialect.header_within: is -1; write the number of lines below header_row"),
    (GOOD + "dialect: {repeats_header: 1}\n", "dialect.repeats_header: is 1; write true or false"),
    (GOOD + "dialect: {comment: '#'}\n", "dialect.comment: '#' can't be used; only CSV files have comments"),
    (GOOD + "dialect: {explode: a..b}\n", "dialect.explode: 'a..b' can't be used; write names with a dot between them"),
    (GOOD + "dialect: {explode_by: t}\n", "dialect.explode_by: 't' can't be used; write explode, too"),
    (GOOD + "dialect: {header_row: 0}\n", "dialect.names: names and header_row: 0 go together"),
    (GOOD + "dialect: {header_row: 0, names: [a]}\n", "select: column machine_id is not in dialect.names"),
    (GOOD + "dialect: {names: [a, a], header_row: 0}\n", "dialect.names: ('a', 'a') can't be used"),
    (GOOD + "dialect: {null_values: [-999]}\n", "dialect.null_values: is not a list of texts"),
    (
        GOOD + "dialect: {timestamp_formats: [YYYY-MM-dd]}\n",
        "dialect.timestamp_formats: 'YYYY-MM-dd' is not a datetime",
    ),
    (GOOD + "dialect: {date_formats: [ddd/MM]}\n", "dialect.date_formats: 'ddd/MM' is not a datetime pattern: ddd has"),
    (GOOD + "dialect: [a]\n", "dialect: is a list"),
    (GOOD.replace("jsonl\n", "sqlite\n"), "dialect.table: missing"),
    (GOOD + "  cycles: day\n", "select.cycles: column day has a name that bronze keeps"),
    (GOOD + "  cycles: _rescued\n", "select.cycles: column _rescued has a name that bronze keeps"),
    (GOOD + "  cycles: Machine_ID\n", "select.cycles: columns machine_id and Machine_ID differ in case only"),
    (GOOD + "  cycles: instant(x, 'yyyy')\n", "select.cycles: a whole number is needed where there is an instant"),
    (GOOD + "where: a + 1\n", "where: true or false is needed where there is a number"),
]


FILES += [
    (GOOD + "description: !!bool xyz\n", "file: can't be read: a tag"),
    (GOOD + "description: !!timestamp xyz\n", "file: can't be read: a tag"),
    (GOOD + "description: !!int xyz\n", "file: can't be read"),
    (GOOD + "description: " + "[" * 3000 + "\n", "file: lists or keys are nested too deeply"),
    (GOOD + "? [a, b]\n: c\n", ""),
]


@pytest.mark.parametrize(("text", "start"), FILES)
def test_mistakes_of_a_file(tmp_path: Path, text: str, start: str) -> None:
    assert complaint(tmp_path, text).startswith(start)


def test_the_name_of_a_file_names_a_table(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD, "refrigeration_site_b.yaml").name == "site_b"
    assert read(tmp_path, GOOD, "other.yaml").name == "other"
    for name in ("refrigeration_Readings.yaml", "refrigeration_a-b.yaml", "refrigeration_a__files.yaml"):
        assert "can't name a table" in complaint(tmp_path, GOOD, name)


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"no\.yaml: file: can't be read"):
        load(tmp_path / "no.yaml", FEEDS)
    (tmp_path / "x.yaml").write_bytes(b"feeds: \xff\xfe")
    with pytest.raises(MappingError, match=r"x\.yaml: file: can't be read"):
        load(tmp_path / "x.yaml", FEEDS)


REFUSALS = [
    ("`reflect`('java.lang.Runtime', 'x')", "function reflect is not allowed: it runs code"),
    ("REFLECT('java.lang.Runtime', 'x')", "function reflect is not allowed: it runs code"),
    ("system.builtin.reflect('x')", "a name with a namespace"),
    ("a.reflect()", "a name with a namespace"),
    ("`system`.`builtin`.`reflect`('x')", "a name with a namespace"),
    ("upper(java_method('a', 'b'))", "function java_method is not allowed: it runs code"),
    ("case when reflect('a') = 'x' then 1 end", "function reflect is not allowed"),
    ("x in (reflect('a'))", "function reflect is not allowed"),
    ("{fn now()}", "function now is not allowed"),
    ("current_date", "function current_date is not allowed"),
    ("unix_timestamp()", "unix_timestamp takes a text"),
    ("my_udf(x)", "function my_udf is not allowed"),
    ("identifier('x')", "function identifier is not allowed"),
    ("count(*)", "function count is not allowed: it works on many rows"),
    ("count(distinct x)", "function count is not allowed"),
    ("sum(x) over ()", "a window (OVER)"),
    ("upper(x) filter (where true)", "FILTER"),
    ("(select 1)", "a subquery"),
    ("x in (select 1)", "a subquery"),
    ("exists(select 1)", "a subquery"),
    ("select 1", "SELECT"),
    ("drop table x", "Drop"),
    ("x; drop table y", "a semicolon"),
    ("x;", "a semicolon"),
    ("*", "a star"),
    ("t.*", "t.* is not a column"),
    ("a.b", "a.b is not a column"),
    ("a.b.c.d", "a.b.c.d is not a column"),
    ("x as y", "an alias"),
    ("transform(split(x, ','), y -> y)", "function transform is not allowed"),
    ("concat(x, y -> y)", "a lambda"),
    (":p", "a parameter"),
    ("?", "a parameter"),
    ("${p}", "a parameter"),
    ("@p", "a parameter"),
    ('"x"', "double quotes are not used here"),
    ("'a''b'", "two quotes in a row"),
    ("x at time zone 'UTC'", "AtTimeZone"),
    ("x collate UNICODE", "Collate"),
    ("x like any ('a', 'b')", "Any"),
    ("x like 'a' escape '!'", "Escape"),
    ("x rlike '('", "'(' is not a regular expression"),
    ("split(x, '(')", "'(' is not a regular expression"),
    ("split(x, y)[0]", "split takes a text in quotes here"),
    ("x like y", "LIKE and RLIKE take a pattern"),
    ("x like 'a\\\\'", "'a\\\\': a backslash in LIKE"),
    ("regexp_extract(x, 'a(b)', 2)", "regexp_extract asks for group 2"),
    ("regexp_extract(x, 'ab')", "regexp_extract asks for group 1"),
    ("regexp_replace(x, 'a', '$1')", "regexp_replace: the replacement asks for a group"),
    ("element_at(split(x, ','), 0)", "element_at takes a whole number other than 0"),
    ("x[0]", "a list is needed where there is text"),
    ("instant(x, 'YYYY')", "'YYYY' is not a datetime pattern: Y means nothing"),
    ("instant(x, y)", "instant takes its pattern as a text"),
    ("number(x, y)", "number takes one argument"),
    ("from_utc_timestamp(instant(x, 'yyyy'), 'Mars')", "'Mars' is not a time zone"),
    ("date_trunc('eon', instant(x, 'yyyy'))", "date_trunc takes one of"),
    ("coalesce(x, 0)", "coalesce mixes a whole number and text; write number(...)"),
    ("case when a = '1' then a else 1 end", "CASE mixes"),
    ("if(a = '1', a)", "if takes a condition and two values"),
    ("upper()", "upper takes 1 argument(s), here it has 0"),
    ("upper(a, b)", "upper takes 1 argument(s), here it has 2"),
    ("cast(x as array<int>)", "a cast to ARRAY<INT> is not allowed"),
    ("cast(x as decimal(40, 2))", "a cast to DECIMAL(40, 2) is not allowed"),
    ("a +", "a + is not a SQL expression"),
    ("a = 'x", "a = 'x is not a SQL expression"),
    ("-- nothing", "there is no expression"),
    ("1e999", "1e999 is too large"),
    ("cast(_row as decimal(3, 9))", "a cast to DECIMAL(3, 9) is not allowed; its scale"),
    ("least(',')", "least takes 2 argument(s)"),
    ("greatest(x)", "greatest takes 2 argument(s)"),
    ("array()", "array takes"),
    ("nvl(x)", "nvl takes 2 argument(s)"),
    ("nvl(a, b, c)", "nvl takes 2 argument(s)"),
    ("from_utc_timestamp(instant(x, 'yyyy'), 'ROC')", "'ROC' is not a time zone"),
    ("from_utc_timestamp(instant(x, 'yyyy'), 'America/Coyhaique')", "'America/Coyhaique' is not a time zone"),
    ("split(x, '(?#c)(?<!ab)')", "'(?#c)(?<!ab)' is not a regular expression"),
    ("x rlike '(?P<n>a)'", "'(?P<n>a)' is not a regular expression"),
    ("x rlike 'a{,5}'", "'a{,5}' is not a regular expression"),
    ("x rlike '{'", "'{' is not a regular expression"),
    ("x rlike '[[a]'", "'[[a]' is not a regular expression"),
    ("x rlike '\\0'", "'\\\\0' is not a regular expression"),
    ("x rlike '\\pLa{,2}'", "'\\\\pLa{,2}' is not a regular expression"),
    ("regexp_extract(x, '(?a)(?u)b', 0)", "'(?a)(?u)b' is not a regular expression"),
    ("x rlike 'a{99999999999}'", "'a{99999999999}' is not a regular expression"),
    ("regexp_extract(x, '(A|B)*', 0)", "'(A|B)*' is not a regular expression"),
    ("regexp_replace(x, 'a*', '-')", "regexp_replace: the pattern matches nothing"),
    ("rpad(x, 99999, '0')", "rpad takes a whole number from 0 to 1000"),
    ("repeat(repeat(x, 99999), 99999)", "repeat takes a whole number from 0 to 1000"),
    ("levenshtein(x, y)", "function levenshtein is not allowed"),
    ("exp(x)", "function exp is not allowed: its last digits differ"),
    ("interval 1 day - x", "an interval can only be added"),
    ("interval '1' day", "an interval can only be"),
    ("floor(" * 24 + "x" + ")" * 24 + " + " * 3000, ""),
    ("[" * 3000, ""),
    ("(" * 4000 + "x" + ")" * 4000, ""),
    ("not " * 2400 + "x", ""),
    ("floor(" * 200 + "x" + ")" * 200, "the expression is nested too deeply"),
    ("1e3-", ""),
]  # fmt: skip


def source_of(select: dict[str, str], where: str = "", **dialect: Any) -> Source:
    return Source("s", "d", "feed_d__f", "*.csv", Dialect("csv", **dialect), select, where)


def feed_of(**types: Any) -> Feed:
    columns = (Column(n, t, "", resolution=0.01 if t == "double" else None) for n, t in types.items())
    return Feed("d", "f", "", tuple(columns), "")


def refusal(sql: str) -> str:
    with pytest.raises(MappingError) as caught:
        render(source_of({"c": sql}), feed_of(c="string"))
    line = str(caught.value)
    assert "\n" not in line
    assert "\x1b" not in line
    return line.removeprefix("bronze_d__s: select.c: ")


@pytest.mark.parametrize(("sql", "start"), REFUSALS)
def test_only_one_scalar_expression_of_listed_functions(sql: str, start: str) -> None:
    assert refusal(sql).startswith(start)


@pytest.mark.parametrize("call", sorted(REFUSED))
def test_refused_functions_are_refused_however_they_are_written(call: str) -> None:
    for sql in (f"{call}()", f"`{call}`()", f"{call.upper()}(x)", f"concat(x, {call}('a'))"):
        assert f"function {call}" in refusal(sql).lower()
    assert "namespace" in refusal(f"system.builtin.{call}()")


def test_nothing_is_both_listed_and_refused() -> None:
    assert not set(FUNCTIONS) & set(REFUSED)


# What the SQL makes of text, on both engines


@pytest.fixture(scope="module", params=["sail", "apache_spark"])
def spark(request: pytest.FixtureRequest) -> SparkSession:
    return request.getfixturevalue(request.param)


def made(spark: SparkSession, source: Source, feed: Feed, rows: list[tuple[str | None, ...]], *names: str) -> list[Any]:
    """For each row, (value, unreadable) of each target column; unreadable is None where it isn't told."""
    rendered = render(source, feed)
    columns = [f"{sql} AS `{c}`" for c, sql in rendered.value.items()]
    columns += [f"{sql} AS `{c}!`" for c, sql in rendered.unreadable.items()]
    frame = spark.createDataFrame(rows, ", ".join(f"`{n}` string" for n in names)).selectExpr(*columns)
    types = {"array<string>": "array<string>", "long": "bigint"}
    found = dict(frame.dtypes)
    assert {c.name: found[c.name] for c in feed.columns} == {c.name: types.get(c.type, c.type) for c in feed.columns}
    return [tuple((r[c.name], r.asDict().get(f"{c.name}!")) for c in feed.columns) for r in frame.collect()]


def column(spark: SparkSession, kind: Type, texts: list[str], sql: str = "x", **dialect: Any) -> list[Any]:
    """The values of one column, `unreadable` where it says so."""
    got = made(spark, source_of({"c": sql}, **dialect), feed_of(c=kind), [(t,) for t in texts], "x")
    return ["unreadable" if flag else value for ((value, flag),) in got]


BAD = "unreadable"
POINT = {
    "12.5": 12.5, " 12.5 ": 12.5, "-1": -1.0, "+1": 1.0, ".5": 0.5, "5.": 5.0, "1e3": 1000.0, "\u00a07\u00a0": 7.0,
    "12,5": BAD, "1 234": BAD, "NaN": BAD, "Infinity": BAD, "-inf": BAD, "1d": BAD, "0x1F": BAD, "abc": BAD, ".": BAD,
    "1e999": BAD, "9" * 400: BAD, "--1": BAD, "": None, "  ": None,
}  # fmt: skip
COMMA = {
    "12,5": 12.5, "1 234,5": 1234.5, "1\u00a0234\u202f567,25": 1234567.25, "1234": 1234.0, "-0,5": -0.5,
    "12.5": BAD, "1 23": BAD, "1,2,3": BAD, "NaN": BAD, "": None,
}  # fmt: skip
WHOLE = {
    "12": 12, "12.0": 12, "-3": -3, "1e3": 1000, "9223372036854775807": 2**63 - 1, "9223372036854775808": BAD,
    "9007199254740993": 9007199254740993, "12.5": BAD, "x": BAD, "NaN": BAD, "": None,
}  # fmt: skip
TRUTH = {"true": True, " Oui ": True, "1": True, "VRAI": True, "yes": True,
         "false": False, "non": False, "0": False, "faux": False, "no": False, "2": BAD, "": None}  # fmt: skip
DATES = {
    "01/02/2026": date(2026, 2, 1), "2026-02-01": date(2026, 2, 1), " 01/02/2026 ": date(2026, 2, 1),
    "31/02/2026": BAD, "13/25/2026": BAD, "1/2/2026": BAD, "01/02/26": BAD, "01/02/2026 x": BAD, "hier": BAD, "": None,
}  # fmt: skip
TEXTS = {"a": "a", " a ": " a ", "": None, " \t\u00a0": None}


def test_text_becomes_what_the_feed_declares_or_is_unreadable(spark: SparkSession) -> None:
    slashes = ("dd/MM/yyyy", "yyyy-MM-dd")
    assert column(spark, "double", list(POINT)) == list(POINT.values())
    assert column(spark, "double", list(COMMA), decimal=",") == list(COMMA.values())
    assert column(spark, "long", list(WHOLE)) == list(WHOLE.values())
    assert column(spark, "boolean", list(TRUTH)) == list(TRUTH.values())
    assert column(spark, "date", list(DATES), date_formats=slashes) == list(DATES.values())
    assert column(spark, "string", list(TEXTS)) == list(TEXTS.values())
    assert column(spark, "array<string>", ["a-b"], "split(x, '-')") == [["a", "b"]]


def test_instants_are_utc_and_offsets_win_over_the_zone(spark: SparkSession) -> None:
    expected = {
        "2026-07-01T10:00:00Z": "2026-07-01 10:00",
        "2026-07-01T10:00:00+02": "2026-07-01 08:00",
        "01/07/2026 10:00": "2026-07-01 08:00",
        "01/01/2026 10:00": "2026-01-01 09:00",
        "29/03/2026 02:30": "2026-03-29 01:30",  # a local time that doesn't exist
        "31/02/2026 10:00": BAD,
        "13/25/2026 10:00": BAD,
        "01/07/2026 25:00": BAD,
        "": None,
    }
    text = "date_format(from_utc_timestamp(instant(x), 'UTC'), 'yyyy-MM-dd HH:mm')"
    formats = ("yyyy-MM-dd'T'HH:mm:ssX", "dd/MM/yyyy HH:mm")
    dialect: dict[str, Any] = {"timestamp_formats": formats, "time_zone": "Europe/Paris"}
    instants = column(spark, "timestamp", list(expected), **dialect)
    assert [i == BAD for i in instants] == [e == BAD for e in expected.values()]
    shown = [None if e == BAD else e for e in expected.values()]
    assert column(spark, "string", list(expected), text, **dialect) == shown


def test_a_pattern_in_the_expression_replaces_the_dialects(spark: SparkSession) -> None:
    source = source_of(
        {"d": "local_date(x, 'dd.MM.yyyy')", "s": "unix_timestamp(x, 'dd.MM.yyyy')", "t": "to_date(x, 'dd.MM.yyyy')"},
        time_zone="Europe/Paris",
    )  # fmt: skip
    midnight = int(datetime(2026, 6, 30, 22, tzinfo=UTC).timestamp())
    day = date(2026, 7, 1)
    got = made(spark, source, feed_of(d="date", s="long", t="date"), [("01.07.2026",), ("31.02.2026",)], "x")
    assert got[0] == ((day, False), (midnight, False), (day, False))
    assert got[1] == ((None, True), (None, True), (None, True))


CALCULATED = {
    # expression                                        type        over x='12', y='0', t='1.5', e='', n=null
    "x + 1": ("long", 13),
    "x * t": ("double", 18.0),
    "x / y": ("double", None),
    "x % y": ("double", None),
    "pmod(x, y)": ("double", None),
    "x div 5": ("long", 2),
    "-x": ("double", -12.0),
    "x > 5": ("boolean", True),
    "x = '12'": ("boolean", True),
    "x in (1, 12)": ("boolean", True),
    "x between 1 and 3": ("boolean", False),
    "x not like '1%'": ("boolean", False),
    "x rlike '^[0-9]+$'": ("boolean", True),
    "not x is null and n is null": ("boolean", True),
    "round(t)": ("long", 2),
    "floor(-t)": ("long", -2),
    "floor(pow(10, 30))": ("long", None),
    "sqrt(-1)": ("double", None),
    "pow(10, 30) * pow(10, 64) * pow(10, 64) * pow(10, 64) * pow(10, 64) * pow(10, 64)": ("double", None),
    "9223372036854775807 + 1": ("long", None),
    "cast(x as int) + cast('3' as int)": ("long", 15),
    "cast(z as double)": ("double", None),
    "z + 1": ("double", None),
    "cast(t as decimal(10, 0))": ("double", 2.0),
    "coalesce(number(n), 7)": ("long", 7),
    "case x when 12 then 'twelve' else 'other' end": ("string", "twelve"),
    "case when x > 5 then null else x end": ("string", None),
    "if(x > 5, number(x), 0)": ("long", 12),
    "nullif(x, '12')": ("string", None),
    "element_at(split(z, '/'), 9)": ("string", None),
    "split(z, '/')[1]": ("string", "b"),
    "split(z, '/')[9]": ("string", None),
    "round(2.675 * x, 2)": ("double", 32.1),
    "concat(t * x, '')": ("string", "18.0"),
    "concat(x / 7, '')": ("string", "1.714286"),
    "concat(-x * 1000000000.0, '')": ("string", "-12000000000.0"),
    "regexp_extract(z, '(\\w)/(\\w)', 2)": ("string", "b"),
    "regexp_extract(z, '(\\\\w)/(\\\\w)', 2)": ("string", "b"),
    "regexp_replace(z, '(a)/', '$1-')": ("string", "a-b"),
    "x || '-' || 1": ("string", "12-1"),
    "lpad(x, 5, '0')": ("string", "00012"),
    "weekday(date '2026-01-04')": ("long", 6),
    "date '2026-01-04' + interval 1 quarter": ("date", date(2026, 4, 4)),
    "date_trunc('year', timestamp '0001-02-03 04:05:06')": ("timestamp", datetime(1, 1, 1)),
    "trunc(date '9999-12-31', 'quarter')": ("date", date(9999, 10, 1)),
    "cast(t as decimal(3, 1))": ("double", 1.5),
    "rpad(x, y + 2000000000, '0')": ("string", None),
    "trim(leading '1' from x)": ("string", "2"),
    "substring(z, 1, x)": ("string", "a/b"),
    "make_date(2026, x, 1)": ("date", date(2026, 12, 1)),
    "make_date(2026, x, 32)": ("date", None),
    "date_add(date '2026-01-01', x)": ("date", date(2026, 1, 13)),
    "date '2026-01-01' + interval 1 month": ("date", date(2026, 2, 1)),
    "add_months(date '2026-01-01', 99999)": ("date", None),
    "date_add(date '2026-01-01', '99999999')": ("date", None),
    "datediff(date '2026-01-13', date '2026-01-01')": ("long", 12),
    "date_format(timestamp '2026-01-01 10:00:00', 'EEE HH')": ("string", "Thu 10"),
    "timestampdiff(hour, timestamp_seconds(0), timestamp_millis(7200000))": ("long", 2),
    "timestamp_seconds(pow(10, 64))": ("timestamp", None),
    "timestampadd(year, 99999, timestamp_seconds(0))": ("timestamp", None),
    "local_date('2026-01-01')": ("date", date(2026, 1, 1)),
    "date '2026-02-31'": ("date", None),
    "_row + 1": ("long", 4),
    "_file": ("string", "f.csv"),
    "`é (h)`": ("string", "w"),
}


def test_expressions_give_values_and_never_raise(spark: SparkSession) -> None:
    feed = feed_of(**{f"c{i}": kind for i, (kind, _) in enumerate(CALCULATED.values())})
    rendered = render(source_of({f"c{i}": sql for i, sql in enumerate(CALCULATED)}), feed)
    row = ("12", "0", "1.5", "", None, "a/b", "w", "f.csv", 3)
    frame = spark.createDataFrame(
        [row], "x string, y string, t string, e string, n string, z string, `é (h)` string, _file string, _row long"
    )
    flags = [f"coalesce({sql}, false) AS `{c}!`" for c, sql in rendered.unreadable.items()]
    found = frame.selectExpr(*(f"{sql} AS {c}" for c, sql in rendered.value.items()), *flags).collect()[0]
    got = {sql: found[f"c{i}"] for i, sql in enumerate(CALCULATED)}
    assert got == {sql: value for sql, (_, value) in CALCULATED.items()}


EVERY = {"t": "x", "D": "x", "i": "x", "n": "x", "m": "x", "w": "2", "k": "1",
         "c": "1", "b": "x", "d": "local_date(x)", "s": "instant(x)", "x": "x",
         "a": "split(x, '-')", "l": "'month'", "r": "'(a)'", "f": "'yyyy'", "z": "'Europe/Paris'"}  # fmt: skip
HOSTILE = ["", " ", "abc", "-1", "0", "1e99", "99999999999999999999", "NaN", "-Infinity", "2026-02-31", "9999-12-31",
           "0001-01-01", "[1", "{}", "$1", "\\", "(", "%", "é\u00a0", "1-2-3", "2026-01-01"]  # fmt: skip


def test_no_listed_function_raises_whatever_the_text(spark: SparkSession) -> None:
    calls: dict[str, str] = {}
    for call, (signature, _, _) in FUNCTIONS.items():
        least = signature.partition("?")[0].rstrip("*")
        for letters in {least, signature.replace("?", "").rstrip("*")}:
            if (call, letters) != ("regexp_extract", "tr"):
                calls[f"c{len(calls)}"] = f"{call}({', '.join(EVERY[i] for i in letters)})"
    calls = {c: f"concat({sql}, '')" if not sql.startswith(_LISTS) else f"array_join({sql}, ',')" for c, sql in calls.items()}
    formats = ("yyyy-MM-dd",)
    rendered = render(source_of(calls, timestamp_formats=formats), feed_of(**dict.fromkeys(calls, "string")))
    rows: list[tuple[str | None]] = [(t,) for t in [*HOSTILE, None]]
    frame = spark.createDataFrame(rows, "x string").selectExpr(*(f"{sql} AS {c}" for c, sql in rendered.value.items()))
    assert len(frame.collect()) == len(rows)


_LISTS = ("split(", "array(", "array_distinct(", "sort_array(", "array_compact(")


def test_unreadable_means_that_the_source_had_something(spark: SparkSession) -> None:
    source = source_of(
        {
            "plain": "x",
            "sum": "x + y",
            "maybe": "case when x = 'off' then null else number(y) end",
            "chosen": "case when x = 'off' then null else y end",
            "tried": "try_cast(x as double)",
            "fixed": "1",
        }
    )
    feed = feed_of(**dict.fromkeys(source.select, "double"))
    #       x      y        plain  sum   maybe chosen tried fixed
    table = {
        ("1", "2"): (False, False, None, False, None, None),
        ("z", "2"): (True, True, None, False, None, None),
        ("z", ""): (True, False, None, False, None, None),
        ("", "z"): (False, False, None, True, None, None),
        ("off", "z"): (True, True, None, False, None, None),
        (None, None): (False, False, None, False, None, None),
    }
    got = made(spark, source, feed, list(table), "x", "y")
    assert [tuple(flag for _, flag in row) for row in got] == list(table.values())


def test_raw_shows_what_the_source_had(spark: SparkSession) -> None:
    source = source_of({"one": "number(`a b`) * 2", "two": "concat(y, `a b`)", "none": "1"})
    rendered = render(source, feed_of(one="double", two="string", none="long", absent="date"))
    assert rendered.raw == {
        "one": "`a b`",
        "two": "concat_ws(' | ', `y`, `a b`)",
        "none": "CAST(NULL AS STRING)",
        "absent": "CAST(NULL AS STRING)",
    }
    assert rendered.value["absent"] == "CAST(NULL AS DATE)"
    assert "absent" not in rendered.unreadable


def test_where_is_never_null(spark: SparkSession) -> None:
    frame = spark.createDataFrame([("a",), ("TEST",), (None,)], "x string")
    where = render(source_of({}, "x <> 'TEST'"), feed_of()).where
    assert [r[0] for r in frame.selectExpr(where).collect()] == [True, False, False]
    assert render(source_of({}), feed_of()).where == "true"


def test_digests_follow_what_decides() -> None:
    feed = feed_of(c="double")
    plain, comma, semicolon = (source_of({"c": "x"}, **d) for d in ({}, {"decimal": ","}, {"separator": ";"}))
    assert parse_digest(plain) == parse_digest(comma) != parse_digest(semicolon)
    assert select_digest(plain, feed) == select_digest(semicolon, feed) != select_digest(comma, feed)
    assert select_digest(plain, feed) == select_digest(source_of({"c": " x -- a comment"}), feed)
