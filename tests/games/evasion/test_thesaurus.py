"""Synonyms: of two licensed thesauri, in the form of the word and the language of the text."""

from __future__ import annotations

from importlib.resources import files

import pytest

from goalkeeper.core.text import texts
from goalkeeper.games.evasion.synonyms import (
    GROUPS,
    find_text_language,
    list_synonyms,
    read_thesaurus,
)
from goalkeeper.games.evasion.text_edits import EditConstraint

FOLDER = files("goalkeeper.games.evasion").joinpath("thesaurus")
LIMITS = EditConstraint(most_words=3, max_chars=500)


def test_the_tables_are_small_and_come_with_their_licences() -> None:
    sizes = [len(FOLDER.joinpath(f"{name}.txt.gz").read_bytes()) for name in ("en", "de")]
    assert sum(sizes) <= 500_000
    notice = FOLDER.joinpath("NOTICE.txt").read_text("utf-8")
    assert "WordNet 3.0, Copyright 2006 by Princeton University" in notice
    assert "WordNet 3.0 Copyright 2006" in FOLDER.joinpath("LICENSE-WordNet.txt").read_text("utf-8")
    lesser = FOLDER.joinpath("LICENSE-OpenThesaurus.txt").read_text("utf-8")
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in lesser


@pytest.mark.parametrize(
    ("word", "other", "language"),
    [
        ("movies", "films", "en"),
        ("Purchased", "Bought", "en"),
        ("helped", "assisted", "en"),
        ("Anfang", "Beginn", "de"),
        ("schnelle", "eilige", "de"),
        ("Meinungen", "Auffassungen", "de"),
        ("tmrw", "tomorrow", "en"),
    ],
)
def test_synonyms_have_the_form_of_the_word(word: str, other: str, language: str) -> None:
    assert other in list_synonyms(word, language)


def test_words_of_another_language_have_no_synonyms() -> None:
    assert list_synonyms("prize", "de") == []
    assert list_synonyms("prize", "") == []
    assert list_synonyms("деньги") == []


def test_names_are_left_alone() -> None:
    names = sorted(read_thesaurus("en").names - set(GROUPS.split()))
    some = [name for name in names if list_synonyms(name)][:50]
    assert len(some) == 50
    assert not any(list_synonyms(name.capitalize()) for name in some)


def test_the_language_of_the_text_decides() -> None:
    german = "Das Treffen ist am Anfang der Woche, bitte komm nicht zu spät"
    english = "The anfang of this message is here and you can win a prize"
    assert find_text_language(german) == "de"
    assert find_text_language(english) == "en"
    assert find_text_language("Вы выиграли приз, деньги ждут") == ""
    assert LIMITS.allows(texts([german]), texts([german.replace("Anfang", "Beginn")]))[0]
    assert not LIMITS.allows(texts([english]), texts([english.replace("anfang", "beginn")]))[0]
    assert LIMITS.allows(texts([english]), texts([english.replace("prize", "award")]))[0]
