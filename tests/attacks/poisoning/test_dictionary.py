"""Which words a dictionary attack sends, and what they do to learners of different kinds."""

from __future__ import annotations

import os
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks.poisoning._words import WordBook
from goalkeeper.attacks.poisoning.dictionary import Dictionary
from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Inputs, Ints, Splits, cut
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.text import terms, texts
from goalkeeper.games.poisoning import Poisoning
from goalkeeper.training import SklearnTrainer
from tests.attacks.poisoning.spam_bayes import SpamBayes
from tests.contract.harness import enough

CLASSES = ("ham", "spam")
GIVEN = os.environ.get("GOALKEEPER_DATA")
FOLDERS = ([Path(GIVEN)] if GIVEN else []) + [Path(__file__).parents[4] / "shared" / "data"]
ENRON = [f for folder in FOLDERS if (f := folder / "enron_spam.parquet").is_file()]


def labelled(x: Inputs, bases: Data) -> Ints:
    """The labels of the records they were derived from."""
    return bases.y


def app_of(data: Splits, learner: object) -> Application:
    trainer = SklearnTrainer(learner, CLASSES, TextDomain())
    return Application(
        name="mail",
        target=trainer.fit(data.train, 0),
        data=data,
        domain=TextDomain(),
        classes=CLASSES,
        harmless=0,
        trainer=trainer,
        labeller=labelled,
    )


def lost(app: Application, share: float, attack: Dictionary | None = None) -> tuple[float, float]:
    """Share of ham that is declined after the attack, and before."""
    game = Poisoning(points=1)
    run = AttackRun(
        attack=attack or Dictionary(),
        game=game,
        task=game.tasks(app)[0],
        granted=enough(Dictionary, share=share),
        seed=0,
    )
    found = {m.metric: m for m in evaluate(app, run).measurements}["benign_rejection_rate"]
    return found.value, found.baseline


# ---- which words ---------------------------------------------------------------------------------


def test_every_word_is_once_in_every_message_where_all_fit() -> None:
    book = WordBook.read(texts(["aa bb bb", "aa cc"]), texts(["dd aa"]), 3)
    assert [sorted(words) for words in book.spread(4, 100)] == [["aa", "bb", "cc", "dd"]] * 4


def test_where_not_all_fit_the_words_that_do_most_come_first() -> None:
    """Much used, short, and rare in harmful messages."""
    harmless = texts(["much rare"] * 20 + ["much"] * 20 + ["spam ordinarily"] * 20)
    book = WordBook.read(harmless, texts(["spam"] * 30), 90)
    sent = Counter(w for message in book.spread(10, 12) for w in message)
    assert sent["much"] == 10, "most used"
    assert sent["rare"] > sent["ordinarily"], "as often used, shorter"
    assert sent["spam"] == 0, "known as harmful already"
    length = sum((len(w) + 1) * n for w, n in sent.items())
    assert length <= 120 + sum(len(w) + 1 for w in book.words), "the room, up to rounding"


def test_words_are_drawn_as_often_as_they_occur() -> None:
    book = WordBook.read(texts(["aa aa aa bb"]), texts(["cc"]), 2)
    drawn = Counter(w for words in book.draw(50, 600, np.random.default_rng(0)) for w in words)
    assert set(drawn) == {"aa", "bb"}
    # 11,500 draws: four standard deviations, exceeded with probability 6e-5.
    assert drawn["aa"] / drawn.total() == pytest.approx(0.75, abs=4 * np.sqrt(0.19 / 11_000))


# ---- what they do --------------------------------------------------------------------------------


@cache
def mails() -> Splits:
    """Draw 30 words a mail; a word's rank in 6,000 decides how often it occurs."""
    rng = np.random.default_rng(0)
    sounds = np.array([c + v for c in "bdfgklmnprstvz" for v in "aeiou"])
    words = np.unique(["".join(rng.choice(sounds, 3)) for _ in range(9000)])[:6000]
    chance = 1 / np.arange(10, len(words) + 10)
    orders = rng.permuted(np.stack([words, words]), axis=1)
    y = np.arange(3000) % 2
    x = texts(" ".join(rng.choice(orders[c], 30, p=chance / chance.sum())) for c in y)
    return cut(Data(x=x, y=y), {"train": 0.5, "holdout": 0.1, "calibration": 0.1, "similar": 0.3})


@pytest.mark.requirement("S29", "S30")
def test_a_dictionary_ruins_a_learner_that_looks_at_single_words() -> None:
    after, before = lost(app_of(mails(), SpamBayes(0.9)), 0.02)
    assert before < 0.05
    assert after > 0.3


@pytest.mark.requirement("S30")
def test_both_ways_are_rehearsed_by_who_knows_the_algorithm() -> None:
    from tests.attacks.poisoning.handing_in import answers_of
    from tests.contract.harness import usable

    sent = {}
    for name, learner in {
        "words": SpamBayes(0.9),
        "counts": make_pipeline(CountVectorizer(), MultinomialNB()),
    }.items():
        app = app_of(mails(), learner)
        _, answers = answers_of(Dictionary(), app, usable(Dictionary)[-1])
        assert answers[-1].change.add is not None
        sent[name] = terms(answers[-1].change.add[0])
    assert len(set(sent["words"])) > 4000, "the whole dictionary"
    assert len(set(sent["counts"])) < 0.8 * len(sent["counts"]), "some words again and again"


@pytest.mark.validation
@pytest.mark.requirement("S29", "S30")
@pytest.mark.skipif(not ENRON, reason="enron_spam.parquet is not at hand; set GOALKEEPER_DATA")
def test_one_per_cent_of_dictionary_mail_costs_spambayes_a_third_of_enron_ham() -> None:
    """Nelson et al. report 36 % of ham, with 10,000 mails of which half are spam."""
    import pandas as pd

    frame = pd.read_parquet(ENRON[0]).drop_duplicates(["subject", "text"])
    frame = frame.groupby("label").sample(7500, random_state=0).sample(frac=1, random_state=0)
    whole = frame["subject"].fillna("") + "\n" + frame["text"].fillna("")
    data = Data(x=texts(whole.str[:5000]), y=frame["label"].to_numpy(np.int64))
    parts = {"train": 10 / 15, "holdout": 1 / 15, "calibration": 0.5 / 15, "similar": 3.5 / 15}
    after, before = lost(app_of(cut(data, parts), SpamBayes(0.9)), 0.01)
    assert before < 0.02
    assert after > 0.3
