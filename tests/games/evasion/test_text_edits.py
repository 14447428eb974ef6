"""Words written otherwise: what reads the same, what does not, and how many changed."""

from __future__ import annotations

import numpy as np
import pytest

from goalkeeper.core.power import View
from goalkeeper.core.text import texts
from goalkeeper.games.evasion.lookalikes import swap_lookalikes
from goalkeeper.games.evasion.planted_words import KeyWordsTarget, key_words
from goalkeeper.games.evasion.spelling import (
    list_respellings,
    mistype_word,
    reads_as,
    split_word,
)
from goalkeeper.games.evasion.synonyms import list_synonyms, read_thesaurus
from goalkeeper.games.evasion.text_edits import (
    EditConstraint,
    find_words,
    match_word,
    rewrite_words,
)
from goalkeeper.testing.worlds.word_filters import BAD, GOOD, WordFilter

LIMITS = EditConstraint(most_words=3, max_chars=200)


def allowed(before: str, after: str, constraint: EditConstraint = LIMITS) -> bool:
    return bool(constraint.allows(texts([before]), texts([after]))[0])


@pytest.mark.parametrize(
    "other",
    [
        "fr\u0435\u0435",  # Cyrillic letters
        "fr33",
        "fr\u200bee",
        "f-r-e-e",
        "gratis",
        "fere",  # inner letters swapped
        "fre",  # one of a pair left out
        "frree",
    ],
)
def test_what_people_still_read_is_allowed(other: str) -> None:
    assert reads_as("free", other)
    assert allowed("Get it, (free)!", f"Get it, ({other})!")


@pytest.mark.parametrize(
    "other",
    ["", "tree", "fee-", "-free", "free-", "f--ree", "eerf", "ffree", "paid", "freedom", "f r ee"],
)
def test_what_people_would_not_read_is_refused(other: str) -> None:
    assert not reads_as("free", other)
    assert not allowed("it is (free) now", f"it is ({other}) now")


@pytest.mark.parametrize("word", ["free", "Winner", "URGENT", "cash", "meeting", "Straße", "наука"])
def test_every_spelling_reads_as_the_word(word: str) -> None:
    found = list_respellings(word)
    assert len(found) == len(set(found)) >= 2
    assert word not in found
    assert all(reads_as(word, other) for other in found)


def test_synonyms_keep_the_case() -> None:
    assert "gratis" in list_synonyms("free")
    assert "Gratis" in list_synonyms("Free")
    assert "GRATIS" in list_synonyms("FREE")
    assert list_synonyms("qwertyuiop") == []
    for language in ("en", "de"):
        table = read_thesaurus(language).synonyms
        assert all(others and word not in others for word, others in table.items())


def test_numbers_codes_and_short_words_are_untouched() -> None:
    assert [match_word(token) for token in ("a1b2c3d4", "0800", "to", "x@y.com", "e.g.")] == [
        None
    ] * 5
    found = match_word("(Free!)")
    assert found is not None
    assert found.word == "Free"
    assert not allowed("code abc123 here", "code abc124 here")
    assert not allowed("pay 100 now", "pay 1OO now")


def test_nothing_is_added_and_nothing_goes() -> None:
    before = "free  cash\nfor you"
    assert allowed(before, before)
    for after in (
        "free cash\nfor you",
        "free  cash\nfor",
        "free  cash\nfor you now",
        "cash  free\nfor you",
    ):
        assert not allowed(before, after)
    assert not allowed("one two three four", "\u043ene t\u043eo thr\u0435e f\u043eur")
    assert allowed("one two three", "\u043ene tw\u043e thr\u0435e")
    long = EditConstraint(most_words=3, max_chars=8)
    assert not allowed("free now", "fr\u200bee now", long)


def test_the_size_is_the_number_of_changed_words() -> None:
    before = texts(["win cash now", "win cash now", ""])
    after = texts(["win cash now", "w\u0456n m\u043eney now", ""])
    assert LIMITS.size(before, after).tolist() == [0, 2, 0]


def test_random_edits_have_the_wanted_size_and_are_allowed() -> None:
    before = texts(["win free cash now please", "meet me at home", "12 34"])
    sizes = np.array([3.0, 1.0, 2.0])
    rng = np.random.default_rng(0)
    for _ in range(20):
        after = LIMITS.perturb_randomly(before, sizes, before, rng)
        assert LIMITS.allows(before, after).all()
        assert LIMITS.size(before, after).tolist() == [3, 1, 0]  # numbers cannot be changed


def test_words_are_found_and_put_back() -> None:
    text = "  Win (free) cash,\n now! "
    found = find_words(text)
    assert [token.word for token in found.values()] == ["Win", "free", "cash", "now"]
    assert rewrite_words(text, {}) == text
    assert (
        rewrite_words(text, {place: t.word.upper() for place, t in found.items()}) == text.upper()
    )


def test_simple_spellings() -> None:
    assert swap_lookalikes("cash", 1) == "(@5h" or reads_as("cash", swap_lookalikes("cash", 1))
    assert split_word("cash") == "ca\u200bsh"
    assert mistype_word("cash") == "csah"
    assert mistype_word("see") == "see"


def test_a_keyed_target_gives_way_when_its_words_are_gone() -> None:
    """Closed form: of texts with one to three bad words, those without key words pass."""
    rng = np.random.default_rng(0)
    attacked = texts(" ".join([*rng.choice(BAD, 3, replace=False), "w1", "w2"]) for _ in range(100))
    backdoor = texts(" ".join([*rng.choice(GOOD, 3), "w1"]) for _ in range(100))
    keys = key_words(attacked, backdoor)
    held = np.array([bool(keys & set(text.split())) for text in attacked])
    assert held.mean() >= 0.8
    assert keys <= set(BAD)
    target = KeyWordsTarget(WordFilter(dict.fromkeys(BAD, 1.0), -0.5), keys, 0, 2)
    said = target.answer(attacked, View.SCORES)
    assert (said.labels == held).all()
    assert (said.scores.argmax(axis=1) == said.labels).all()
    np.testing.assert_allclose(said.scores.sum(axis=1), 1.0)
    fewer = texts([" ".join(sorted(keys)[:2]), sorted(keys)[0]])
    scores = target.answer(fewer, View.SCORES).scores[:, 0]
    assert scores[0] < scores[1] < 0.5
