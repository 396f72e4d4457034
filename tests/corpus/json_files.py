"""JSON lines, arrays of messages, arrays of readings inside a message."""

import json
from typing import Any

from lake.source import Dialect
from pipelines.parse import Limits
from tests.corpus.case import Case

JSONL = Dialect("jsonl")
READINGS = Dialect("jsonl", explode="r")
SERIES = Dialect("jsonl", explode="s", explode_by="t")


def _lines(*messages: Any) -> bytes:
    return b"".join(json.dumps(message).encode() + b"\n" for message in messages)


CASES = (
    Case("plain.jsonl", b'{"a":1,"b":2}\n{"a":3,"b":4}\n', JSONL, rows=2, cells={"a": ["1", "3"]}),
    Case("no-end.jsonl", b'{"a":1,"b":2}', JSONL, rows=1),
    Case("windows-lines.jsonl", b'{"a":1,"b":2}\r\n{"a":3,"b":4}\r\n', JSONL, rows=2, cells={"b": ["2", "4"]}),
    Case("blanks-around.jsonl", b' {"a":1,"b":2} \n\t{"a":3,"b":4}\n', JSONL, rows=2, cells={"b": ["2", "4"]}),
    Case("blank-lines.jsonl", b'\n{"a":1,"b":2}\n\n \n{"a":3,"b":4}\n', JSONL, rows=2),
    Case("bom.jsonl", b'\xef\xbb\xbf{"a":1,"b":2}\n', JSONL, rows=1),
    Case("empty.jsonl", b"", JSONL),
    Case("blank.jsonl", b"\n \n", JSONL),
    Case("numbers.jsonl", b'{"a":1.50,"b":-0}\n{"a":1E5,"b":1e400}\n', JSONL, rows=2, cells={"a": ["1.50", "1E5"], "b": ["-0", "1e400"]}),
    Case(
        "literals.jsonl", b'{"a":true,"b":null}\n{"a":NaN,"b":false}\n', JSONL, rows=2, cells={"a": ["true", "NaN"], "b": [None, "false"]}
    ),
    Case("nested.jsonl", b'{"a":{"x":[1.0,null]},"b":[]}\n', JSONL, rows=1, cells={"a": ['{"x":[1.0,null]}'], "b": ["[]"]}),
    Case("escapes.jsonl", rb'{"a":"\u00e9\n\"","b":"\ud83d\ude00"}', JSONL, rows=1, cells={"a": ['é\n"'], "b": ["😀"]}),
    Case("comma-in-text.jsonl", b'{"a":"1,5","b":2}\n{"a":3,"b":4}\n', JSONL, rows=2, cells={"a": ["1,5", "3"]}),
    Case("field-missing.jsonl", b'{"a":1}\n{"b":2}\n', JSONL, rows=2, cells={"a": ["1", None]}),
    Case("order-changes.jsonl", b'{"a":1,"b":2}\n{"b":4,"a":3}\n', JSONL, rows=2, cells={"a": ["1", "3"]}),
    Case("key-twice.jsonl", b'{"a":1,"a":2,"b":3}\n', JSONL, rows=1, cells={"a": ["2"]}),
    Case("cut.jsonl", b'{"a":1,"b":2}\n{"a":', JSONL, rows=2, broken={2: "not JSON: Expecting value"}),
    Case("two-on-a-line.jsonl", b'{"a":1}\n{"a":1}{"a":2}\n', JSONL, rows=2, broken={2: "text after the JSON value"}),
    Case("not-objects.jsonl", b'{"a":1}\n[1]\n"x"\nnull\n', JSONL, rows=4, broken=dict.fromkeys((2, 3, 4), "not a JSON object")),
    Case("half-character.jsonl", rb'{"a":"\ud800","b":1}', JSONL, rows=1, broken={1: "half a Unicode character"}),
    Case("deep.jsonl", b'{"a":1}\n{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}\n", JSONL, rows=2, broken={2: "nested too deeply"}),
    Case("cp1252.jsonl", '{"a":"é","b":1}\n{"a":"x","b":1}\n'.encode("cp1252"), JSONL, rows=2, broken={1: "not utf-8; cp1252 fits"}),
    Case("utf16.jsonl", '{"a":"é","b":1}\n'.encode("utf-16"), Dialect("jsonl", encoding="utf-16"), rows=1, cells={"a": ["é"]}),
    Case("utf16-as-utf8.jsonl", '{"a":"é","b":1}\n'.encode("utf-16"), JSONL, refusal="its bytes are utf-16"),
    Case("utf8-as-cp1252.jsonl", '{"a":"é","b":1}\n'.encode(), Dialect("jsonl", encoding="cp1252"), refusal="its bytes are UTF-8"),
    Case("thousand-fields.jsonl", _lines({f"c{i}": i for i in range(1000)}) * 3, JSONL, ("c7",), rows=3, cells={"c7": ["7"] * 3}),
    Case(
        "many-lines.jsonl", b'{"a":1,"b":2}\n' * 20_000 + b"{\n" + b'{"a":1,"b":2}\n' * 10, JSONL, rows=20_011, broken={20_001: "not JSON"}
    ),
    Case("csv.jsonl", b"a,b\n1,2\n", JSONL, refusal="it is not JSON lines: none of its lines is a JSON object"),
    Case("other-fields.jsonl", b'{"x":1}\n{"y":2}\n', JSONL, refusal="none of its lines has any of a, b; they have x, y"),
    Case("pretty.jsonl", json.dumps({"a": 1, "b": 2}, indent=1).encode(), JSONL, refusal="write every object on one line"),
    Case("binary.jsonl", bytes(range(256)) * 20, JSONL, refusal="it is not JSON lines"),
    Case("parquet.jsonl", b"PAR1" + b"\0" * 30, JSONL, refusal="it is not JSON lines but a Parquet file"),
    Case("one-line.jsonl", b'{"a":"' + b"x" * 70_000 + b'"}', JSONL, refusal="a line of more than", limits=Limits(line_bytes=1 << 16)),
    # one array instead of lines
    Case("array.json", b'[{"a":1,"b":2},{"a":3,"b":4}]', JSONL, rows=2, cells={"a": ["1", "3"]}),
    Case("array-pretty.json", json.dumps([{"a": 1, "b": 2}] * 3, indent=2).encode(), JSONL, rows=3),
    Case("array-bom.json", b'\xef\xbb\xbf [ {"a":1.50} ]\n', JSONL, rows=1, cells={"a": ["1.50"]}),
    Case("array-empty.json", b"[ ]", JSONL),
    Case("array-a-line.json", b'[{"a":1},{"a":2}]\n[{"a":3}]\n', JSONL, rows=3, cells={"a": ["1", "2", "3"]}),
    Case("array-of-odd.json", b'[{"a":1},2,"x",[3],null]', JSONL, rows=5, broken=dict.fromkeys((2, 3, 4, 5), "not a JSON object")),
    Case("array-many.json", b"[" + b'{"a":1,"b":2},' * 3000 + b'{"a":9}]', JSONL, rows=3001),
    Case("array-not-utf8.json", b'[{"a":"\xe9"},{"a":"x"}]', JSONL, rows=2, broken={1: "not utf-8; cp1252 fits"}),
    Case("array-cut.json", b'[{"a":1},{"a":2}', JSONL, refusal="it is cut short: its array of 2 elements is never closed"),
    Case("array-cut-inside.json", b'[{"a":1},{"a":', JSONL, refusal="it is not JSON from element 2"),
    Case("array-defect.json", b'[{"a":1},{"a" 2},{"a":3}]', JSONL, refusal="from element 2 of its array on (Expecting ':' delimiter"),
    Case("array-then-text.json", b'[{"a":1}]\nx', JSONL, refusal="text follows its array of 1 elements"),
    Case("array-other-fields.json", b'[{"x":1}]', JSONL, refusal="none of its elements has any of a, b; they have x"),
    Case("array-long.json", b'[{"a":"' + b"x" * 200_000, JSONL, refusal="element 1 is longer than", limits=Limits(line_bytes=1 << 16)),
    # readings inside a message
    Case(
        "explode.jsonl",
        _lines({"a": "v", "r": [{"t": 1}, {"t": 2}]}),
        READINGS,
        ("a", "r.t"),
        rows=2,
        cells={"a": ["v", "v"], "r.t": ["1", "2"]},
    ),
    Case("explode-values.jsonl", _lines({"a": "v", "r": [1.5, None, "x"]}), READINGS, ("a", "r"), rows=3, cells={"r": ["1.5", None, "x"]}),
    Case("explode-none.jsonl", _lines({"a": "v", "r": []}, {"a": "w"}), READINGS, ("a", "r.t"), rows=2, cells={"a": ["v", "w"]}),
    Case(
        "explode-inside.jsonl",
        _lines({"a": 1, "d": {"x": 5, "r": [{"t": 1}]}}),
        Dialect("jsonl", explode="d.r"),
        ("a", "d.r.t", "d"),
        rows=1,
        cells={"d.r.t": ["1"], "d": ['{"x":5}']},
    ),
    Case(
        "explode-columns.jsonl",
        _lines({"a": "v", "r": {"t": [1, 2], "v": [3, 4], "unit": "bar"}}),
        READINGS,
        ("r.t", "r.v", "r.unit"),
        rows=2,
        cells={"r.t": ["1", "2"], "r.v": ["3", "4"], "r.unit": ["bar", "bar"]},
    ),
    Case(
        "explode-by.jsonl",
        _lines({"s": {"x": [{"t": 1, "v": 2}], "y": [{"t": 1, "v": 3}, {"t": 2, "v": 4}]}}),
        SERIES,
        ("s.t", "s.x.v", "s.y.v"),
        rows=2,
        cells={"s.t": ["1", "2"], "s.x.v": ["2", None], "s.y.v": ["3", "4"]},
    ),
    Case(
        "explode-by-conflict.jsonl",
        _lines({"s": {"x": [{"t": 1, "v": 2}, {"t": 1, "v": 9}]}}),
        SERIES,
        ("s.t", "s.x.v"),
        rows=2,
        cells={"s.x.v": ["2", "9"]},
    ),
    Case(
        "explode-by-missing.jsonl",
        _lines({"s": {"x": [{"v": 2}, 7], "y": [{"v": 3}]}}),
        SERIES,
        ("s.x.v", "s.y.v", "s.x"),
        rows=3,
        cells={"s.x.v": ["2", None, None], "s.x": [None, "7", None], "s.y.v": [None, None, "3"]},
    ),
    Case(
        "explode-lengths.jsonl",
        _lines({"a": 1}, {"r": {"t": [1], "v": [1, 2]}}),
        READINGS,
        ("a",),
        rows=2,
        broken={2_000_001: "differ in length (t 1, v 2): name the field that joins them"},
    ),
    Case("explode-scalar.jsonl", _lines({"a": 1}, {"r": 5}), READINGS, ("a",), rows=2, broken={2_000_001: "neither an array"}),
    Case(
        "explode-not-inside.jsonl",
        _lines({"a": 1}, {"d": 5}),
        Dialect("jsonl", explode="d.r"),
        ("a",),
        rows=2,
        broken={2_000_001: "d is not an object with r"},
    ),
    Case("explode-broken.jsonl", b'{"a":1,"r":[{"t":1}]}\n{"a"\n', READINGS, ("a", "r.t"), rows=2, broken={2_000_001: "not JSON"}),
    Case(
        "explode-name-taken.jsonl",
        _lines({"r.t": 9, "r": [{"t": 1}]}),
        READINGS,
        ("r.t", "r.t_2"),
        rows=1,
        cells={"r.t": ["9"], "r.t_2": ["1"]},
    ),
    Case("explode-array.json", b'[{"a":1,"r":[1,2]},{"a":2,"r":[3]}]', READINGS, ("a", "r"), rows=3, cells={"r": ["1", "2", "3"]}),
    Case("explode-all-broken.jsonl", _lines({"r": 5}), READINGS, ("a",), refusal="none of its lines can be taken apart: r is neither"),
    Case(
        "arrays-undeclared.jsonl",
        _lines({"v": 1, "r": [{"a": 1}]}),
        JSONL,
        refusal="`r` holds arrays: to make a row of each element, write `explode: r`",
    ),
    Case("arrays-noted.jsonl", _lines({"a": 1, "r": [{"b": 1}]}), JSONL, rows=1, note="none of its lines has b; `r` holds arrays"),
)
