"""Filters of words of many scripts: broken as their Latin twin is, by letters and by words.

The twins differ in nothing but their letters: word number i of one stands for word number i of the
other, in the same texts. Words of scripts without spaces have two characters and stand side by
side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.evasion.character_edits import CharacterEdits
from goalkeeper.attacks.evasion.good_words_from_labels import GoodWordsFromLabels
from goalkeeper.core.application import Application
from goalkeeper.core.data import PARTS, Data, Splits
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.text import texts, vocabulary
from goalkeeper.games.evasion import Ending, Evasion, EvasionQuestion, Submission
from goalkeeper.testing.worlds.kit import application
from goalkeeper.testing.worlds.word_filters import WordFilter
from tests.attacks.evasion.arena import attacked

N = 20
KIND, LENGTH, FILLERS = 12, 5, 40
ALPHABETS: Mapping[str, str] = {
    "latin": "abcdefghiklmnoprstuvwxyz",
    "cyrillic": "абвгдежзиклмнопрстухцчшы",
    "greek": "αβγδεζηθικλμνξοπρστυφχψω",
    "german": "äöüßaebdfghiklmnorstuvwz",
    "vietnamese": "ăâđêôơưaeouybcdghklmnpst",
    "arabic": "ابتثجحخدذرزسشصضطظعغفقكلم",
    "hebrew": "אבגדהוזחטיכלמנסעפצקרשתםן",
    "hindi": "कखगघचछजझटठडढतथदधनपफबभमयर",
    "korean": "가나다라마바사아자차카타파하거너더러머버서어저처",
    "thai": "กขคงจฉชซฌญฎฏฐฑฒณดตถทธนบป",
    "chinese": "的一是不了在人有我他这中大来上国个到说们为子和你",
    "japanese": "あいうえおかきくけこさしすせそたちつてとなにぬね",
}
MARKS = {"hindi": "िीुूेै्", "thai": "ิีึืุู", "vietnamese": "\u0301\u0300\u0309\u0303\u0323"}
UNSPACED = ("thai", "chinese", "japanese")


def words_of(script: str) -> list[str]:
    """The words of a script, by number: the good ones, the bad ones, and what fills texts."""
    rng = np.random.default_rng(1)
    letters, length = ALPHABETS[script], 2 if script in UNSPACED else LENGTH
    found = dict[str, None]()
    while len(found) < 2 * KIND + FILLERS:
        marks = MARKS.get(script, "")
        drawn = [letters[i] for i in rng.choice(len(letters), length, replace=False)]
        found["".join(c + (marks[i % len(marks)] if marks and i % 2 else "")
                      for i, c in enumerate(drawn))] = None  # fmt: skip
    return list(found)


@cache
def filter_of(script: str) -> Application:
    """A filter that two good words, or three bad ones, turn."""
    words, rng = words_of(script), np.random.default_rng(2)
    join = "" if script in UNSPACED else " "
    fillers = words[2 * KIND :]

    def write(label: int) -> str:
        own, other = (words[KIND : 2 * KIND], words[:KIND])[:: 1 if label else -1]
        drawn = [*rng.choice(fillers, 8), *rng.choice(own, 3, replace=False), rng.choice(other)]
        return join.join(rng.permutation(drawn))

    y = np.repeat([0, 1], 30)
    parts = {part: Data(x=texts(write(int(label)) for label in y), y=y.copy()) for part in PARTS}
    weights = dict.fromkeys(words[:KIND], -1.0) | dict.fromkeys(words[KIND : 2 * KIND], 1.0)
    return application(script, WordFilter(weights, -0.5), Splits(**parts), TextDomain())


def asked(script: str, task: str) -> EvasionQuestion:
    app, game = filter_of(script), Evasion(n=N)
    chosen = next(t for t in game.tasks(app) if t.name == task)
    return game.deal(app, chosen, np.random.default_rng(3)).question


@cache
def broken_by(kind: str, script: str) -> int:
    """How many of 20 texts an attack breaks that sees labels and has no data."""
    answer, question = run(kind, script)
    assert question.constraint.allows(question.x, answer.x).all()
    return int((answer.endings == Ending.BROKEN).sum())


def run(kind: str, script: str) -> tuple[Submission, EvasionQuestion]:
    attacks: dict[str, tuple[Attack[EvasionQuestion, Submission], str]] = {
        "edits": (CharacterEdits(), "harmful-passes-edits"),
        "additions": (GoodWordsFromLabels(), "harmful-passes"),
    }
    attack, task = attacks[kind]
    question = asked(script, task)
    answer, _ = attacked(attack, filter_of(script), question, queries=400)
    return answer, question


@pytest.mark.parametrize("script", sorted(ALPHABETS))
@pytest.mark.parametrize("kind", ["edits", "additions"])
def test_a_filter_of_any_script_is_broken_as_its_latin_twin(kind: str, script: str) -> None:
    latin = broken_by(kind, "latin")
    assert latin >= 0.8 * N
    assert broken_by(kind, script) >= latin - 2


@pytest.mark.parametrize("script", sorted(ALPHABETS))
@pytest.mark.parametrize("task", ["harmful-passes", "harmful-passes-edits"])
def test_random_changes_have_the_wanted_size_in_any_script(script: str, task: str) -> None:
    question, rng = asked(script, task), np.random.default_rng(0)
    sizes = np.full(len(question.x), 4.0)
    after = question.constraint.perturb_randomly(question.x, sizes, question.x, rng)
    assert question.constraint.allows(question.x, after).all()
    assert question.constraint.size(question.x, after).tolist() == [4.0] * N
    assert not any(a == b for a, b in zip(after, question.x, strict=True))


@pytest.mark.parametrize("script", sorted(ALPHABETS))
def test_the_words_of_a_script_are_found_in_its_texts(script: str) -> None:
    found = set(vocabulary(filter_of(script).data.train.x))
    assert set(words_of(script)[: 2 * KIND]) <= found


ODD = (
    "", " ", "\n\n", "a", "12 34", "1e309", "\x00\x00 free", "free\x00", "\u200b", "🎉🎉 free 🎉",
    "👩‍👩‍👧 family", "\u202eeerf\u202c", "x" * 5000, "e" + "\u0301" * 5000, "免" * 3000, "א" * 3000,
    "\ud800 half", "free " * 3000,
)  # fmt: skip


@pytest.mark.parametrize("kind", ["edits", "additions"])
def test_odd_texts_do_not_stop_an_attack(kind: str) -> None:
    task = "harmful-passes-edits" if kind == "edits" else "harmful-passes"
    attack = CharacterEdits() if kind == "edits" else GoodWordsFromLabels()
    whole = asked("latin", task)
    question = replace(whole.take(np.arange(len(ODD))), x=texts(ODD), y=whole.y[: len(ODD)])
    app = filter_of("latin")
    answer, _ = attacked(attack, app, question, queries=60)
    assert len(answer.x) == len(ODD)
    changed = answer.endings == Ending.BROKEN
    assert question.constraint.allows(question.x[changed], answer.x[changed]).all()
    sizes = np.full(len(ODD), 2.0)
    after = question.constraint.perturb_randomly(
        question.x, sizes, question.x, np.random.default_rng(0)
    )
    assert question.constraint.allows(question.x, after).all()
