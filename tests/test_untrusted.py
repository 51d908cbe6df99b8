"""The gate through which text from outside comes in: whatever it holds, reading it ends soon and does no more."""

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lsst.ts.calibscripts.config import LatissConfig, read_yaml
from lsst.ts.calibscripts.ground.untrusted import (
    InputError,
    Limits,
    applying,
    check_schema,
    check_values,
    load_yaml,
    parse_json,
    read_standard_input,
    read_text,
    schema_validator,
)

FEW = Limits(characters=2000, depth=5, values=50, members=10, digits=5)


def nested(levels: int) -> str:
    return "".join(f"{' ' * level}a{level}:\n" for level in range(levels))


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


def merges(levels: int) -> str:
    lines = ["a0: &a0 {x: 1, y: 2}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (nested(300), "line 30: nested more than 30 levels deep"),
        ("[" * 100_000, "line 1: nested more than 30 levels deep"),
        ("{a: " * 100_000, "line 1: nested more than 30 levels deep"),
        ("- " * 100_000, "line 1: nested more than 30 levels deep"),
        ("? " * 100_000, "line 1: nested more than 30 levels deep"),
        ("a: &a [*a]", "line 1: an alias stands within what it stands for"),
        ("a: &a\n  b: {c: *a}", "line 2: an alias stands within what it stands for"),
        ("a: *b", "line 1, column 4: not YAML: found undefined alias 'b'"),
        (bomb(9), "values, each counted wherever an alias repeats it"),
        (merges(9), "values, each counted wherever an alias repeats it"),
        ("\n".join(f"k{n}: 1" for n in range(30_000)), "line 1: 30,000 properties of one mapping are more than"),
        ("\n".join(f"k{n}: 1" for n in range(500_000)), "more than 1,000,000 characters"),
        ("n_bias: " + "9" * 5000, "line 1: 9999999999... is longer than 100 digits"),
        ("n_bias: 1" + ":1" * 5000, "line 1: 1:1:1:1:1:... is longer than 100 digits"),
        ("n_bias: 1." + "0" * 5000, "line 1: 1.00000000... is longer than 100 digits"),
        ("n_bias: 0x" + "f" * 5000, "line 1: 0xffffffff... is longer than 100 digits"),
        ("a: !!int x", "line 1, column 4: not YAML: cannot be read as int"),
        ("a: !!timestamp x", "line 1, column 4: not YAML: cannot be read as timestamp"),
        ("a: !!bool x", "line 1, column 4: not YAML: cannot be read as bool"),
        ("a: 2001-01-01T00:00:00+99:99", "line 1, column 4: not YAML: cannot be read as timestamp"),
        ("a: !!binary é", "line 1, column 4: not YAML: failed to convert base64 data into ascii"),
        ("? [a]\n: b", "line 1, column 3: not YAML: found unhashable key"),
        ('a: "\\ud800"', "line 1: an escape \\ud800 to \\udfff by itself is not a character"),
        ('a: "\\UFFFFFFFF"', "not YAML"),
        ("a: \x07", "unacceptable character #x0007"),
        ("!!python/object/apply:os.system [true]", "could not determine a constructor for the tag"),
        ("a: 1\n---\nb: 2", "not YAML: but found another document"),
    ],
)  # fmt: skip
def test_yaml_that_is_more_than_anybody_means(text: str, problem: str) -> None:
    begun = time.process_time()
    with pytest.raises(InputError) as caught:
        load_yaml(text)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
    assert time.process_time() - begun < 30


def test_aliases_and_merges_within_the_limits_are_read() -> None:
    text = "a: &a {x: [1, 2]}\nb: *a\nc: {<<: *a, y: 3}\n"
    assert load_yaml(text) == {"a": {"x": [1, 2]}, "b": {"x": [1, 2]}, "c": {"x": [1, 2], "y": 3}}
    # What is merged is not given twice.
    assert read_yaml("a: &a {n_bias: 1}\nb: {<<: *a, n_bias: 2}\n") == (
        {"a": {"n_bias": 1}, "b": {"n_bias": 2}},
        (),
    )


def outcome(read: Callable[[], Any]) -> str:
    try:
        return repr(read())
    except (InputError, yaml.YAMLError):
        return "refused"
    except (AttributeError, LookupError, ValueError):
        # The constructors of numbers and dates of yaml.
        return "refused"


YAML = st.text(alphabet="ab:=[]{}, \n\t'\"#-1.&*!|>?%@`\\~<_$\x85\ufeff", max_size=30)


@settings(max_examples=500)
@given(
    st.lists(
        st.one_of(YAML, st.sampled_from(["a: ", "- ", "b:\n", "[1, ", "&x ", "*x", "2026-02-30", "1:30"]))
    )
)
@example(["[", "1?]"])
def test_the_gate_reads_what_salobj_reads(parts: list[str]) -> None:
    text = "".join(parts)
    ours = outcome(lambda: load_yaml(text))
    theirs = outcome(lambda: yaml.safe_load(text))
    # What refers to itself is all that is refused although yaml reads it.
    assert ours == theirs or (ours == "refused" and "*" in text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[" * 200 + "]" * 200, "nested more than 30 levels deep"),
        ("[" * 100_000, "nested more than 30 levels deep"),
        ('{"n": ' + "9" * 5000 + "}", "9999999999... is a number of 5,000 digits, more than 100"),
        ('{"a": "\\ud800"}', "an escape \\ud800 to \\udfff by itself is not a character"),
        ('{"a": 1,\n }', "line 2, column 2: not JSON: "),
        ("", "line 1, column 1: not JSON: Expecting value"),
        ("[" + "1," * 200_000 + "1]", "more than 100,000 values"),
        ("1" * 1_000_001, "more than 1,000,000 characters"),
        ("{" + ",".join(f'"k{n}": 1' for n in range(3000)) + "}", "3,000 properties of one mapping"),
    ],
)
def test_json_that_is_more_than_anybody_means(text: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_json(text)
    assert problem in str(caught.value)


def test_json() -> None:
    assert parse_json('{"a": [1, -2.5e3, null, "\\ud83d\\ude00"]}') == {"a": [1, -2500.0, None, "😀"]}


@given(st.recursive(st.none() | st.integers(0, 9), lambda inner: st.lists(inner, max_size=4), max_leaves=60))
def test_values_are_counted_with_their_depth(value: Any) -> None:
    def depth(item: Any) -> int:
        return 1 + max(map(depth, item), default=0) if isinstance(item, list) else 0

    def count(item: Any) -> int:
        return len(item) + sum(map(count, item)) if isinstance(item, list) else 0

    fits = depth(value) <= FEW.depth and count(value) <= FEW.values
    try:
        check_values(value, FEW)
    except InputError:
        assert not fits
    else:
        assert fits


def test_values_that_refer_to_themselves_are_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InputError, match="levels deep"):
        check_values(endless)


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes("a: é\r\nb: 1\r".encode())
    assert read_text(path) == "a: é\nb: 1\n"
    path.write_bytes("a: 1\nb: é\n".encode("latin-1"))
    for place, problem in [
        (path, "line 2: byte 0xe9 is not UTF-8: save the file with this encoding"),
        (tmp_path / "no", "^No such file"),
        (tmp_path, "^Is a directory"),
        (Path("x\0y"), "^embedded null byte"),
        (Path("/dev/zero"), "more than 2,000 characters"),
    ]:
        with pytest.raises(InputError, match=problem):
            read_text(place, FEW)
    path.write_text("é" * 2001)
    with pytest.raises(InputError, match="more than 2,000 characters"):
        read_text(path, FEW)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("n: é".encode())))
    assert read_standard_input() == "n: é"
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="standard input is closed"):
        read_standard_input()


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ("$ref: '#/definitions/x'", "$ref '/definitions/x' leads to nothing in this schema"),
        ("$ref: http://localhost:1/x.json", "$ref 'http://localhost:1/x.json' leads to nothing in this schema"),
        ("$ref: file:///etc/passwd", "$ref 'file:///etc/passwd' leads to nothing in this schema"),
        ("{$id: 'http://localhost:1/', $ref: other}", "$ref 'other' leads to nothing"),
        ("definitions: {x: {$ref: '#/definitions/x'}}\n$ref: '#/definitions/x'", "a $ref leads to itself"),
        ("definitions: {x: 5}\n$ref: '#/definitions/x/y'", "a part of it is not a schema"),
        ("required: [a]\n$ref: '#/required/0'", "a part of it is not a schema"),
        (
            "patternProperties: {'^b': {pattern: (a+)+$}}",
            "checking values against the schema takes more than 5 s",
        ),
    ],
)  # fmt: skip
def test_a_schema_refers_to_nothing_outside_of_it(schema: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        applying(lambda: list(schema_validator(load_yaml(schema)).iter_errors({"a": 1, "b": "a" * 60 + "!"})))
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_schema_may_refer_to_itself_and_to_json_schema() -> None:
    schema = load_yaml(
        "definitions: {n: {type: integer}}\n"
        "properties: {a: {$ref: '#/definitions/n'}, b: {$ref: 'http://json-schema.org/draft-07/schema#'}}"
    )
    check_schema(schema)
    errors = schema_validator(schema).iter_errors({"a": "x", "b": {"type": 3}})
    assert [[*error.path] for error in errors] == [["a"], ["b", "type"]]
    for wrong in ("type: objekt", "5", "[]", "pattern: '('"):
        with pytest.raises(InputError):
            check_schema(load_yaml(wrong))


def test_values_of_a_script_are_limited_however_they_were_read() -> None:
    from lsst.ts.calibscripts.check import check_values as check_configuration
    from lsst.ts.calibscripts.config.scripts import SCRIPTS

    record = next(record for record in SCRIPTS.values() if record.model is LatissConfig)
    endless: dict[str, Any] = {"test_case": {}}
    endless["test_case"]["again"] = endless
    assert check_configuration(record, endless).problems == ("nested more than 30 levels deep",)
    assert "more than 100,000 values" in check_configuration(record, yaml.safe_load(bomb(7))).problems[0]
