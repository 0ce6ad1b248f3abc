"""Text forms: which texts are one, and which characters do not show."""

import random
import sys
import time
import unicodedata

import pytest

from creditrisk.core.text import (
    SHORT,
    caseless,
    code_key,
    fold,
    hidden_character,
    normalise,
    same_text,
)

ALL = [chr(point) for point in range(0, sys.maxunicode + 1, 7)]


def test_nfc_and_nfd_of_every_character_are_one():
    assert [c for c in ALL if fold(unicodedata.normalize("NFD", c)) != fold(c)] == []
    assert normalise("Cafe\u0301") == "Caf\u00e9"


def test_an_accent_finds_its_letter_over_a_character_that_does_not_show():
    assert normalise("e\u200d\u0301") == "\u00e9"


@pytest.mark.parametrize(
    "unseen", ["\u200b", "\ufeff", "\u2060", "\u00ad", "\u202e", "\u3164", "\ufe0f", "\U000e0041"]
)
def test_what_takes_no_room_is_dropped_and_named(unseen):
    assert normalise(f"a{unseen}b") == "ab"
    assert hidden_character(f"a{unseen}b").startswith(f"U+{ord(unseen):04X}")


@pytest.mark.parametrize("control", ["\x00", "\x1b", "\x7f", "\x85", "\u2028", "\t", "\n"])
def test_control_characters_are_blanks_and_named(control):
    assert normalise(f"a{control}b") == "a b"
    assert hidden_character(f"a{control}b").startswith(f"U+{ord(control):04X}")


def test_only_what_normalising_leaves_alone_counts_as_shown():
    shown = [c for c in ALL if hidden_character(c) is None]
    assert [c for c in shown if normalise(c) != unicodedata.normalize("NFC", c)] == []
    assert [c for c in ALL if normalise(normalise(c)) != normalise(c)] == []
    assert hidden_character("Straße 12\u00a0€, 東京\u3000駅") is None


def test_codes_are_exact_numbers_of_any_length():
    assert code_key("9007199254740993") != code_key("9007199254740992")
    assert code_key("9007199254740993.0") == code_key(" 9007199254740993 ")
    assert code_key("1" + "0" * 400) != code_key("1" + "0" * 399 + "1")
    assert code_key("2") == code_key("2.0") == code_key("+2") == code_key("0.2e1") == 2


@pytest.mark.parametrize("word", ["nan", "Infinity", "1_000", "0x1F", "\u0661", "1e" + "9" * 30])
def test_words_that_python_reads_as_numbers_are_words(word):
    assert code_key(word) == word.casefold()


def test_texts_that_are_one_are_found():
    assert same_text(["a", "\u00e9", "e\u0301"]) == ("\u00e9", "e\u0301")
    assert same_text(["a", "A", 1, 1]) is None


MARKS = [c for c in ALL if unicodedata.combining(c)] + ["\u0f73", "\u0f75", "\u0f81"]


def test_marks_in_any_order_come_out_as_unicode_orders_them():
    rng = random.Random(1)
    for _ in range(300):
        some = rng.choices([*MARKS, "e", "\u00e9", "\u01d6", "\u1100", "\u1161"], k=SHORT + 20)
        text = "".join(c for c in some if normalise(c))
        assert normalise(text) == unicodedata.normalize("NFC", text)


def test_no_other_character_falls_into_marks_alone():
    every = map(chr, range(sys.maxunicode + 1))
    bare = (c for c in every if not unicodedata.combining(c))
    found = {c for c in bare if unicodedata.combining(unicodedata.normalize("NFD", c)[0])}
    assert found == {"\u0f73", "\u0f75", "\u0f81"}


@pytest.mark.parametrize("work", [normalise, fold, caseless])
def test_the_time_grows_with_the_number_of_marks_and_not_with_its_square(work):
    def seconds(text: str) -> float:
        start = time.process_time()
        work(text)
        return time.process_time() - start

    ordered, in_turn = "a" + "\u0316" * 30_000 + "\u0301" * 30_000, "a" + "\u0301\u0316" * 30_000
    assert seconds(in_turn) < 30 * max(seconds(ordered), 0.001)
    assert work(in_turn) == work(ordered)
