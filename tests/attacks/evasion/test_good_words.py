"""The three ways to find good words: against closed forms, brute force, and real messages."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from goalkeeper.attacks._words import read_word_list
from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.evasion.good_words_blind import GoodWordsBlind
from goalkeeper.attacks.evasion.good_words_from_labels import GoodWordsFromLabels
from goalkeeper.attacks.evasion.good_words_from_weights import GoodWordsFromWeights
from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Floats, cut
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.power import Budget, View
from goalkeeper.core.text import terms
from goalkeeper.games.evasion import Ending, Evasion, Submission
from goalkeeper.stats import clopper_pearson
from goalkeeper.targets import SklearnTarget
from goalkeeper.testing.worlds.word_filters import BAD, GOOD, WordFilter
from tests.attacks.evasion.arena import asking, attacked, dealt, opened, part, ruled, weak
from tests.contract.harness import enough

WORDS = ("alpha", "beta", "gamma", "delta", "free", "cash")


def filtering(model: Any) -> Application:
    """An application around a fitted model; its own data play no part."""
    target = SklearnTarget(model, ("harmless", "harmful"), TextDomain(), indexed=True)
    return replace(weak(), target=target)


def linear(weights: Sequence[float], bias: float, vectoriser: Any) -> Any:
    """A fitted pipeline over WORDS with these weights towards harmful."""
    order = np.argsort(WORDS)
    vectoriser.fit([" ".join(WORDS), *WORDS])
    model = LogisticRegression().fit(np.eye(len(WORDS)), [0, 1] * (len(WORDS) // 2))
    model.coef_ = np.array([weights])[:, order]
    model.intercept_ = np.array([bias])
    return make_pipeline(vectoriser, model)


def sizes(answer: Submission, x: Sequence[str]) -> list[float]:
    constraint = asking(x, wanted=0).constraint
    return [float(v) for v in constraint.size(asking(x, wanted=0).x, answer.x)]


# ---- full knowledge of the weights ---------------------------------------------------------------


@pytest.mark.requirement("S22", "S23")
@pytest.mark.parametrize("payload", range(1, 8))
def test_the_fewest_words_against_counts_are_known_and_found(payload: int) -> None:
    """Score = 2 * payload - 1 - 0.71 * best words: the minimum is a division."""
    app = filtering(linear([-0.71, -0.5, 0, 0, 2, 2], -1, CountVectorizer()))
    x = [" ".join(["free"] * payload)]
    answer, _ = attacked(GoodWordsFromWeights(), app, asking(x, wanted=0), queries=100)
    fewest = int(np.floor((2 * payload - 1) / 0.71)) + 1
    assert answer.endings[0] == Ending.BROKEN
    assert sizes(answer, x) == [fewest]


@pytest.mark.parametrize("setting", [{"norm": "l2"}, {"norm": "l1"}, {"sublinear_tf": True}])
@pytest.mark.parametrize("wanted", [0, 1])
def test_the_fewest_words_under_a_norm_agree_with_brute_force(
    setting: dict[str, Any], wanted: int
) -> None:
    weights = np.array([-2.0, -1.7, -1.1, 0.2, 1.9, 1.6]) * (1 if wanted == 0 else -1)
    model = linear(weights.tolist(), 0.05 if wanted == 0 else -0.05, TfidfVectorizer(**setting))
    x = ["free cash delta", "free free cash alpha", "cash free free free"]
    answer, _ = attacked(GoodWordsFromWeights(), filtering(model), asking(x, wanted), queries=100)
    assert sizes(answer, x) == [_fewest(model, text, wanted) for text in x]


def _fewest(model: Any, text: str, wanted: int) -> int:
    for size in range(1, 7):
        tries = [f"{text} {' '.join(c)}" for c in combinations_with_replacement(WORDS, size)]
        if (model.predict(tries) == wanted).any():
            return size
    raise AssertionError("brute force found nothing")


def test_any_of_several_classes_can_be_left() -> None:
    """Three topics, naive Bayes: each word weighs the same and a tie goes to the first class."""
    texts = ["goal match team", "vote law party", "film song actor"] * 4
    model = make_pipeline(CountVectorizer(), MultinomialNB()).fit(texts, [0, 1, 2] * 4)
    app = replace(
        weak(),
        target=SklearnTarget(model, ("sport", "politics", "art"), TextDomain(), indexed=True),
        classes=("sport", "politics", "art"),
        harmless=None,
    )
    question = asking(["goal match", "film"], wanted=0)
    goal = replace(question.goal, wanted=np.array([[0, 1, 1], [1, 1, 0]], dtype=bool))
    question = replace(question, goal=goal, y=np.array([0, 2]))
    answer, _ = attacked(GoodWordsFromWeights(), app, question, queries=100)
    assert set(answer.endings) == {Ending.BROKEN}
    assert question.constraint.size(question.x, answer.x).tolist() == [3.0, 1.0]


def test_a_model_without_readable_weights_does_not_fit() -> None:
    unfit = GoodWordsFromWeights().unfit(ruled(lambda text: 1))
    assert unfit is not None
    assert not unfit.proven
    assert GoodWordsFromWeights().unfit(weak()) is None


# ---- labels only ---------------------------------------------------------------------------------


@pytest.mark.requirement("S16", "S17", "S22", "S30")
@pytest.mark.parametrize(("task", "fewest"), [("harmful-passes", 2), ("harmless-declined", 3)])
def test_labels_alone_lead_to_the_few_words_that_suffice(task: str, fewest: int) -> None:
    app = weak()
    question = dealt(app, task).question
    answer, access = attacked(GoodWordsFromLabels(), app, question, queries=1000)
    assert set(answer.endings) == {Ending.BROKEN}
    assert question.constraint.size(question.x, answer.x).max() == fewest
    assert access.spent.queries / len(question.x) < 60


def test_one_rare_word_that_lets_every_text_pass_is_found() -> None:
    """It is neither typical nor an everyday word, but stands in a text that the attacker has."""
    app = weak()
    held = [set(terms(text)) for text in app.data.similar.x[app.data.similar.y == app.harmless]]
    key = next(w for w in sorted(held[0]) if w.startswith("w") and sum(w in t for t in held) == 1)
    app = ruled(lambda text: int(key not in terms(text) and bool(set(BAD) & set(terms(text)))))
    question = dealt(app, "harmful-passes").question
    few = part(question, range(8))
    granted = enough(GoodWordsFromLabels, queries=200).joined(GoodWordsFromLabels.uses)
    granted = replace(granted, budget=Budget(queries=200))
    answer = GoodWordsFromLabels().run(few, opened(app, granted, len(few.x)))
    assert set(answer.endings) == {Ending.BROKEN}
    assert few.constraint.size(few.x, answer.x).max() == 1


def test_good_words_among_many_bad_ones_are_found_on_a_barely_declined_part() -> None:
    """Whole blocks only make it worse, so that growing fails: the words must be tested."""
    good = set(read_word_list("everyday")[100:110])
    weights = dict.fromkeys(read_word_list("everyday"), 0.25) | dict.fromkeys(good, -4.0)
    app = replace(weak(), target=WordFilter(weights | {"payload": 1.0}, -0.5))
    question = asking(["write to me payload now", "payload"], wanted=0)
    answer, access = attacked(GoodWordsFromLabels(batch=4), app, part(question, [0]), queries=2000)
    assert answer.endings[0] == Ending.BROKEN
    assert question.constraint.size(question.x[:1], answer.x)[0] <= 2
    assert access.spent.queries > 100  # it had to test


def test_the_payload_is_whole_in_every_answer() -> None:
    app = weak()
    question = dealt(app, "harmful-passes").question
    answer, _ = attacked(GoodWordsFromLabels(), app, question, queries=1000)
    for before, after in zip(question.x, answer.x, strict=True):
        assert after.startswith(before + "\n")


# ---- no view at all ------------------------------------------------------------------------------


@pytest.mark.requirement("S22", "S30")
def test_public_lists_hold_the_words_everybody_knows() -> None:
    assert len(read_word_list("everyday")) > 1400
    assert set(GOOD) <= set(read_word_list("everyday"))
    assert set(BAD) <= set(read_word_list("advert"))
    assert all(word == word.lower() and word.isalpha() for word in read_word_list("everyday"))


def test_words_never_exceed_the_limits() -> None:
    question = asking(["a b", "c"], wanted=0, most_words=7)
    answer, _ = attacked(GoodWordsBlind(), weak(), question, queries=0)
    assert sizes(answer, ["a b", "c"]) == [7, 7]
    assert question.constraint.allows(question.x, answer.x).all()


# ---- real messages -------------------------------------------------------------------------------


def _messages() -> Data:
    """The SMS Spam Collection (Almeida, Hidalgo, Yamakami 2011), if it lies at hand."""
    beside = Path(__file__).parents[4] / "shared" / "data"
    file = Path(os.environ.get("GOALKEEPER_DATA", beside)) / "sms_spam.parquet"
    if not file.exists():
        pytest.skip("no sms_spam.parquet: set GOALKEEPER_DATA to the folder that holds it")
    import pandas as pd

    table = pd.read_parquet(file)
    return Data(x=table["text"].to_numpy(dtype=object), y=table["label"].to_numpy(dtype=np.int64))


@pytest.fixture(scope="module")
def sms() -> Application:
    return messages_app()


def messages_app() -> Application:
    """A filter of tf-idf and logistic regression, trained on the real messages."""
    parts = cut(_messages(), {"train": 0.6, "holdout": 0.38, "calibration": 0.01, "similar": 0.01})
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(max_iter=1000))
    model.fit(parts.train.x, parts.train.y)
    target = SklearnTarget(model, ("ham", "spam"), TextDomain(), indexed=True)
    return replace(weak(), target=target, data=parts, classes=("ham", "spam"))


def count_added(attack: Attack[Any, Any], app: Application) -> Floats:
    """Words added to 200 detected spams at most until each passed, infinite where it never did."""
    question = dealt(app, "harmful-passes", Evasion(n=200)).question
    answer, _ = attacked(attack, app, question, queries=1000)
    passes = app.target.answer(answer.x, View.LABELS).labels == 0
    return np.where(passes, question.constraint.size(question.x, answer.x), np.inf)


@pytest.mark.requirement("S22")
def test_on_real_messages_weights_beat_a_fixed_list_of_good_words(sms: Application) -> None:
    """Source: spec, evasion, section 4: 20.5 / 62 / 97 / 100 % with 5 / 10 / 20 / 60 words.

    A fixed list for all messages is what this attack does better, message by message; the upper
    bound fails to cover an equal rate with probability below 0.025 at each of the four points.
    """
    added = count_added(GoodWordsFromWeights(), sms)
    for words, published in ((5, 0.205), (10, 0.62), (20, 0.97), (60, 1.0)):
        assert clopper_pearson(int((added <= words).sum()), len(added)).high >= published
    assert np.median(added) <= 9


@pytest.mark.requirement("S22")
def test_on_real_messages_labels_suffice(sms: Application) -> None:
    added = count_added(GoodWordsFromLabels(), sms)
    assert np.isfinite(added).mean() > 0.95
    assert np.median(added) < 40
