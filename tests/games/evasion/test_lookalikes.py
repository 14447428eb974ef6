# ruff: noqa: RUF001 - letters that look alike are the subject
"""Letters that look alike, in every script, and what still reads as a word."""

from __future__ import annotations

import unicodedata

import pytest

from goalkeeper.core.text import texts
from goalkeeper.games.evasion.lookalikes import GROUPS, LOOKS, list_lookalikes, swap_lookalikes
from goalkeeper.games.evasion.spelling import find_changed_letters, list_respellings, reads_as
from goalkeeper.games.evasion.text_edits import (
    EditConstraint,
    find_words,
    match_word,
    rewrite_words,
    split_parts,
)

LIMITS = EditConstraint(most_words=3, max_chars=200)


def test_every_pair_is_of_different_code_points() -> None:
    for letter, others in LOOKS.items():
        assert others
        assert len(set(others)) == len(others)
        assert letter not in others
        assert all(len(other) == 1 for other in others)


def test_letters_of_other_scripts_survive_normalisation() -> None:
    """NFKC brings together forms of one letter, and leaves letters of two scripts apart."""
    letters = {c for c in GROUPS if c.isalpha() and c not in "µϲϹ"}
    assert all(unicodedata.normalize("NFKC", letter) == letter for letter in letters)
    forms = [(a, b) for a, others in LOOKS.items() for b in others if a > "\u2e00" or b > "\u2e00"]
    assert len(forms) > 500
    for a, b in forms:
        assert unicodedata.normalize("NFKC", a) == unicodedata.normalize("NFKC", b)


def test_letters_of_three_scripts_stand_for_one_another() -> None:
    for latin, cyrillic, greek in zip("aeopxABEHKMOPTX", "аеорхАВЕНКМОРТХ", "αεορχΑΒΕΗΚΜΟΡΤΧ"):  # noqa: B905
        three = {latin, cyrillic, greek}
        assert len(three) == 3
        for letter in three:
            assert three - {letter} <= set(LOOKS[letter])


@pytest.mark.parametrize(
    ("word", "written"),
    [("деньги", "дeньги"), ("приз", "пpиз"), ("ёлка", "ëлкa"), ("χρήμα", "xpήμα"), ("für", "fϋr"),
     ("무료", "\u1106\u116e\u1105\u116d"), ("كتاب", "کتاب")],
)  # fmt: skip
def test_what_people_still_read_in_other_scripts(word: str, written: str) -> None:
    assert word != written
    assert reads_as(word, written)


@pytest.mark.parametrize(
    "word",
    ["деньги", "χρήμα", "für", "مجاني", "חינם", "मुफ्त", "무료", "Straße", "免费", "ฟรี", "カネ"],
)
def test_every_spelling_of_any_script_is_allowed(word: str) -> None:
    ways = list_respellings(word)
    assert ways
    for way in ways:
        assert LIMITS.allows(texts([f"{word}!"]), texts([f"{way}!"]))[0], way
        assert LIMITS.size(texts([f"{word}!"]), texts([f"{way}!"]))[0] == 1


def test_the_case_is_kept() -> None:
    assert swap_lookalikes("ПРИЗ").isupper()
    assert swap_lookalikes("FREE", 0) == "FRЕЕ"


def test_marks_are_no_letters_of_their_own() -> None:
    assert match_word("मुफ्त") is not None
    assert match_word("हम") is None
    assert match_word("무료") is not None
    assert match_word("무") is None
    assert list_lookalikes("ü")
    assert list_lookalikes("ह") == ()


def test_pieces_of_scripts_without_spaces_are_edited_one_by_one() -> None:
    text = "买iPhone吧，免费的。 ok 12"
    assert "".join(split_parts(text)) == text
    found = find_words(text)
    assert [token.word for token in found.values()] == ["买", "吧", "免费", "的"]
    hidden = rewrite_words(text, {place: t.word + "\u200b" for place, t in found.items()})
    four = EditConstraint(most_words=4, max_chars=100)
    assert four.allows(texts([text]), texts([hidden]))[0]
    assert four.size(texts([text]), texts([hidden]))[0] == 4
    assert not LIMITS.allows(texts([text]), texts([hidden]))[0]
    assert not four.allows(texts([text]), texts([text.replace("iPhone", "iPh\u200bone")]))[0]
    assert not four.allows(texts([text]), texts([text.replace("免费", "费免")]))[0]
    assert not four.allows(texts([text]), texts([text.replace("免费", "免.费")]))[0]
    assert find_changed_letters("免费", "免\u200b\u200b费", unspaced=True) is None


def test_signs_that_stand_in_a_text_already_stay() -> None:
    text = "ฟรี\u200bครับ" * 20
    for place in (1, 81, 153):
        edited = text[:place] + "\u2060" + text[place:]
        assert LIMITS.allows(texts([text]), texts([edited]))[0]
    assert not LIMITS.allows(texts([text]), texts([text.replace("\u200b", "", 1)]))[0]


def test_typing_errors_move_letters_with_their_marks() -> None:
    assert reads_as("पुरस्कार", "पुस्रकार")
    assert not reads_as("पुरस्कार", "परस्ुकार")  # a mark that moves without its letter
    assert reads_as("сегодня", "сгеодня")
    assert not reads_as("сегодня", "есгодня")


def test_a_word_of_a_hundred_thousand_letters_is_compared_at_once() -> None:
    """Listing all typing errors of a word would take its length squared."""
    word = "ab" * 50_000
    wide = EditConstraint(most_words=3, max_chars=10**6)
    assert wide.allows(texts([word]), texts([word[:500] + word[501:]]))[0]
    assert not wide.allows(texts([word]), texts([word[:500] + "x" + word[501:]]))[0]
