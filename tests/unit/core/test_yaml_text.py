"""The reader of YAML: odd documents are one error line, soon."""

from time import process_time

import pytest

from creditrisk.core.dvc_lock import read_lock
from creditrisk.core.errors import InputError
from creditrisk.core.params import read_yaml
from creditrisk.core.yaml_text import parse_yaml
from creditrisk.schema import load_schema

DEEP = "a: " + "[" * 3000 + "]" * 3000
DEEPER = "[" * 200_000
BLOCKS = "\n".join(f"{' ' * level}a:" for level in range(3000)) + " 1"
LAUGHS = "a0: &a0 [ha]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12)
)
MERGED = "a0: &a0 {x: 1}\n" + "".join(
    f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 10)}]}}\n" for i in range(1, 12)
)
CHAIN = "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 3000))
ITSELF = "a: &a [*a]"


@pytest.mark.parametrize("text", [DEEP, DEEPER, BLOCKS, CHAIN, ITSELF, LAUGHS, MERGED])
@pytest.mark.parametrize("read", [read_yaml, load_schema, read_lock])
def test_a_document_that_would_explode_is_one_line(tmp_path, text, read):
    path = tmp_path / "some.yaml"
    path.write_text(text)
    start = process_time()
    with pytest.raises(InputError) as caught:
        read(path)
    assert process_time() - start < 2
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_the_lines_say_what_is_wrong():
    with pytest.raises(InputError, match=r"a\.yaml: line 51: more than 50 values within values"):
        parse_yaml(BLOCKS, "a.yaml")
    with pytest.raises(InputError, match="aliases stand for more than 10000 values"):
        parse_yaml(LAUGHS, "a.yaml")


@pytest.mark.parametrize(
    "text", ["a: !!int ''", "a: !!timestamp x", "a: !!bool x", "a: " + "9" * 5000, b"a: \xff"]
)
def test_a_value_that_does_not_fit_its_type_is_one_line(text):
    with pytest.raises(InputError, match="not YAML"):
        parse_yaml(text, "a.yaml")


@pytest.mark.parametrize("as_text", [True, False])
def test_a_key_that_occurs_twice_is_refused_also_in_another_form(as_text):
    for text in ("a: 1\nb: 2\na: 3\n", "caf\u00e9: 1\ne: 2\ncafe\u0301: 3\n"):
        with pytest.raises(InputError, match=r"line 3: .*: occurs twice"):
            parse_yaml(text, "a.yaml", as_text)


def test_aliases_and_merges_of_a_usual_size_are_read():
    tree = parse_yaml("x: &x {a: 1}\ny: {<<: *x, b: [*x, *x]}\n", "a.yaml")
    assert tree == {"x": {"a": 1}, "y": {"a": 1, "b": [{"a": 1}, {"a": 1}]}}
    assert parse_yaml("a: [1, no, 2.0]\n", "a.yaml", as_text=True) == {"a": ["1", "no", "2.0"]}
