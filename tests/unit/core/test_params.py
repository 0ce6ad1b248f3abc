"""Parameters: numbers are finite, names show."""

import math

import pytest
from pydantic import ValidationError

from creditrisk.core.params import Name, Number, Seed, Strict


class Block(Strict):
    share: float = 0.5
    number: Number = 1.0
    seed: Seed = 0
    name: Name = "a"


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("field", ["share", "number", "seed"])
def test_no_number_is_infinite_or_none(field, value):
    with pytest.raises(ValidationError):
        Block(**{field: value})


@pytest.mark.parametrize("value", [True, "inf", "nan", "x", None, [1], 10**400])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ValidationError):
        Block(number=value)


def test_a_number_may_be_written_as_dvc_reads_it():
    # For YAML 1.1, `1e9` is a text; DVC's YAML 1.2 has a number there.
    assert Block(number="1e9").number == 1e9


@pytest.mark.parametrize("seed", [-1, 2**31, 2**32 - 1, 2**64, True])
def test_a_seed_leaves_room_for_sums_in_32_bits(seed):
    with pytest.raises(ValidationError):
        Block(seed=seed)


def test_names_are_in_form_nfc_and_show():
    assert Block(name="e\u0301t\u00e9").name == "\u00e9t\u00e9"
    with pytest.raises(ValidationError, match="U\\+200B ZERO WIDTH SPACE"):
        Block(name="a\u200b")
