# ruff: noqa: RUF001 - letters that look alike are the subject
"""Letters, marks and words of any script."""

from __future__ import annotations

import time

import numpy as np
import pytest

from goalkeeper.core.data import row_keys
from goalkeeper.core.languages import find_language
from goalkeeper.core.scripts import count_words, is_word, list_clusters, split_pieces
from goalkeeper.core.text import TERM, kept, terms, texts


@pytest.mark.parametrize(
    ("text", "letters"),
    [("free", 4), ("मुफ्त", 3), ("นี่", 1), ("mi\u0302e\u0303n", 4), ("می\u200cخوا", 5), ("무료", 2)],
)
def test_marks_belong_to_their_letter(text: str, letters: int) -> None:
    found = list_clusters(text)
    assert len(found) == letters
    assert "".join(found) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a free prize, now", 4),
        ("हमें मुफ्त पुरस्कार", 3),
        ("무료 현금", 2),
        ("免费奖品", 2),
        ("免费奖品多", 3),
        ("买iPhone吧", 2),
        ("你好，免费。", 2),
        ("ฟรีครับ", 3),
        ("", 0),
    ],
)
def test_two_characters_of_a_script_without_spaces_count_as_a_word(text: str, words: int) -> None:
    assert count_words(text) == words


def test_words_of_spaced_scripts_are_those_of_the_usual_vectorisers() -> None:
    for text in (
        "Free café, it's x1 A",
        "Выигрыш: деньги 5",
        "ΧΡΗΜΑ γράμμα",
        "무료 현금",
        "اربح مالا",
    ):
        assert terms(text) == TERM.findall(text.lower())


def test_runs_give_pairs_of_neighbours_and_marks_stay() -> None:
    assert terms("免费奖品iPhone") == ["免费", "费奖", "奖品", "iphone"]
    assert terms("मुफ्त नकद") == ["मुफ्त", "नकद"]
    assert split_pieces("免费奖品多") == ["免费", "奖品", "多"]
    assert is_word("मुफ्त")
    assert not is_word("two words")


def test_what_stands_between_punctuation_is_kept_whole() -> None:
    assert kept("免费。", "你好，免费。再见。")
    assert not kept("免费。", "免我费。")
    assert kept("a b", "a x b")
    assert not kept("a b", "a xb")


@pytest.mark.parametrize("piece", ["免费", "e" + "\u0301" * 20, "word ", "a\u200bb", "ฟรี", "x"])
def test_long_texts_take_time_in_proportion(piece: str) -> None:
    """A hundred thousand characters in two seconds: quadratic code would take hours."""
    text = (piece * 100_000)[:100_000]
    start = time.perf_counter()
    assert count_words(text) >= 0
    assert kept(text, text)
    terms(text)
    list_clusters(text)
    assert time.perf_counter() - start < 2


def test_half_a_surrogate_pair_has_a_key() -> None:
    keys = row_keys(texts(["\ud800", "\ud801", "free"]))
    assert len(set(keys)) == 3


def test_the_language_is_the_one_that_knows_most_words() -> None:
    english = terms("The prize is yours and you can claim it now")
    german = terms("Der Preis ist für dich und nicht für mich")
    french = terms("Le chat mange du pain dans la maison")
    found = [find_language(words, {}) for words in (english, german, french, [])]
    assert found == ["en", "de", "", ""]
    assert find_language(["bargeld", "x1", "77"], {"de": frozenset(["bargeld"])}) == "de"


def test_a_random_mixture_of_scripts_is_put_together_again() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        codes = rng.integers(1, 0xD7FF, 40).tolist()
        text = "".join(map(chr, codes))
        assert "".join(list_clusters(text)) == text
        assert kept(text, text)
        assert count_words(text) >= 0
