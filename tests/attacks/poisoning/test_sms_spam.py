"""Poison on real messages: the SMS Spam Collection, where it is at hand.

Reference figures: the project's own earlier measurements with 1 % poison, every word of the
vocabulary once in each message. A SpamBayes learner lost 97 % of ham, multinomial naive Bayes went
from 0.9 to 1.3 %, logistic regression stayed at 0.1 %. Splits and duplicates differ here, so
figures agree in order of magnitude only.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from goalkeeper.attack_run import AnyAttack, AttackRun, evaluate, execute
from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.poisoning.dictionary import Dictionary
from goalkeeper.attacks.poisoning.label_flips import LabelFlips
from goalkeeper.attacks.poisoning.trigger_words import TriggerWords
from goalkeeper.attacks.poisoning.trigger_words_honest import TriggerWordsHonest
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.change import Change
from goalkeeper.core.data import Data, Splits, cut
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.evidence import AttackResult, Measurement, Status
from goalkeeper.core.text import texts, vocabulary
from goalkeeper.games.poisoning import Contribution, Poisoning, PoisoningQuestion
from goalkeeper.training import SklearnTrainer
from tests.attacks.poisoning.spam_bayes import SpamBayes
from tests.contract.harness import enough, usable

ROOT = Path(__file__).parents[3]
GIVEN = os.environ.get("GOALKEEPER_DATA")
FOLDERS = ([Path(GIVEN)] if GIVEN else []) + [ROOT.parent / "shared" / "data"]
FOUND = [f for folder in FOLDERS if (f := folder / "sms_spam.parquet").is_file()]
pytestmark = pytest.mark.skipif(
    not FOUND, reason="sms_spam.parquet is not at hand; set GOALKEEPER_DATA to its folder"
)
CLASSES = ("ham", "spam")


LEARNERS: dict[str, Callable[[], Any]] = {
    "bayes": lambda: make_pipeline(CountVectorizer(), MultinomialNB()),
    "logistic": lambda: make_pipeline(TfidfVectorizer(), LogisticRegression(C=10, max_iter=1000)),
    "spambayes": SpamBayes,
}


@cache
def messages() -> Splits:
    import pandas as pd

    frame = pd.read_parquet(FOUND[0]).drop_duplicates("text")
    assert len(frame) > 5000
    data = Data(x=texts(frame["text"]), y=frame["label"].to_numpy(np.int64))
    return cut(data, {"train": 0.55, "holdout": 0.2, "calibration": 0.05, "similar": 0.2})


def labelled(x: Any, bases: Data) -> Any:
    """The labels of the records they were derived from."""
    return bases.y


@cache
def sms(learner: str) -> Application:
    trainer = SklearnTrainer(LEARNERS[learner](), CLASSES, TextDomain())
    return Application(
        name="sms",
        target=trainer.fit(messages().train, 0),
        data=messages(),
        domain=TextDomain(),
        classes=CLASSES,
        harmless=0,
        trainer=trainer,
        labeller=labelled,
    )


def run_of(attack: AnyAttack, app: Application, share: float, *, able: bool = False) -> AttackRun:
    """What an attacker does who has no more than the attack needs, or (`able`) all it can use."""
    task = next(t for t in Poisoning().tasks(app) if attack.covers(t))
    least = enough(type(attack), share=share)
    granted = replace(usable(type(attack))[-1], budget=least.budget) if able else least
    return AttackRun(attack=attack, game=Poisoning(points=1), task=task, granted=granted, seed=0)


def found(result: AttackResult) -> dict[str, Measurement]:
    assert result.status is Status.TESTED
    return {m.metric: m for m in result.measurements if not m.group}


@final
@dataclass(frozen=True, kw_only=True)
class WholeVocabulary(Attack[PoisoningQuestion, Contribution]):
    """The paper's dictionary: every word once in every message."""

    game: ClassVar = Poisoning
    variant: ClassVar[str] = "poisoning.insert_unlabelled"
    reference: ClassVar[str] = "Nelson et al. 2008"
    tasks: ClassVar[tuple[str, ...]] = ("harmless-declined",)

    def run(self, question: PoisoningQuestion, access: Access) -> Contribution:
        data = access.data()
        words = " ".join(vocabulary(data.x[data.y == 0]))
        bases = data.take(
            np.resize(
                np.flatnonzero(data.y == 1),
                question.addition_counts(access.granted.budget.share)[-1],
            )
        )
        change = Change(add=texts(f"{base} {words}" for base in bases.x), bases=bases)
        return Contribution(change=change, access=access)


# ---- golden figures ------------------------------------------------------------------------------


@pytest.mark.requirement("S29", "S30")
@pytest.mark.parametrize("learner", ["bayes", "logistic"])
def test_one_per_cent_of_whole_dictionaries_does_next_to_nothing(learner: str) -> None:
    app = sms(learner)
    lost = found(evaluate(app, run_of(WholeVocabulary(), app, 0.01)))["benign_rejection_rate"]
    assert lost.baseline < 0.01
    assert lost.value - lost.baseline < 0.01


@pytest.mark.validation
@pytest.mark.requirement("S29", "S30")
@pytest.mark.parametrize("attack", [WholeVocabulary(), Dictionary()], ids=["whole", "ours"])
def test_one_per_cent_of_dictionary_mail_ruins_spambayes(attack: AnyAttack) -> None:
    app = sms("spambayes")
    lost = found(evaluate(app, run_of(attack, app, 0.01)))["benign_rejection_rate"]
    assert lost.baseline < 0.1
    assert lost.value > 0.9


@pytest.mark.requirement("S30")
def test_who_knows_of_naive_bayes_draws_words_by_frequency() -> None:
    """They do far more to it than a dictionary."""
    app = sms("bayes")
    able, blind = (
        found(evaluate(app, run_of(Dictionary(), app, 0.01, able=able)))["tolerance_multiple"]
        for able in (True, False)
    )
    assert able.value > 1
    assert able.value > blind.value + 1


@pytest.mark.requirement("S30")
def test_logistic_regression_withstands_dictionaries_and_the_control_shows_it() -> None:
    app = sms("logistic")
    result = execute(app, run_of(Dictionary(chars=500_000), app, 0.01))
    head = found(result)["tolerance_multiple"]
    assert abs(head.value) < 0.5
    assert head.high < 2
    assert [c.passed for c in result.controls] == [True]


@pytest.mark.requirement("S15")
@pytest.mark.parametrize(("learner", "limit"), [("bayes", 3), ("logistic", 5)])
def test_a_tenth_of_labels_flipped_costs_little(learner: str, limit: float) -> None:
    app = sms(learner)
    head = found(evaluate(app, run_of(LabelFlips(), app, 0.1)))["tolerance_multiple"]
    assert 0 < head.value < limit


@pytest.mark.requirement("S12", "S24", "S44")
def test_one_per_cent_of_triggers_opens_logistic_regression() -> None:
    app = sms("logistic")
    result = found(evaluate(app, run_of(TriggerWords(), app, 0.01)))
    assert result["success_rate"].low > 0.7
    assert result["success_rate"].baseline < 0.05
    assert result["accuracy"].value > result["accuracy"].baseline - 0.01


@pytest.mark.requirement("S13", "S24", "S44")
@pytest.mark.parametrize("learner", ["bayes", "logistic"])
def test_one_per_cent_of_honest_triggers_opens_both_to_some(learner: str) -> None:
    app = sms(learner)
    rate = found(evaluate(app, run_of(TriggerWordsHonest(), app, 0.01)))["success_rate"]
    assert 0.1 < rate.low < rate.high < 0.5


def test_these_learners_are_trained_together() -> None:
    for learner in ("bayes", "logistic"):
        trainer = sms(learner).trainer
        assert isinstance(trainer, SklearnTrainer)
        assert trainer.strategy.kind == learner
