"""The indicator words game knows which words a filter looks at, and compares with guessing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.application import Application
from goalkeeper.core.cost import Cost
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.errors import DataError, NotOffered
from goalkeeper.core.evidence import AttackResult, Gain, Status
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.core.text import texts
from goalkeeper.games.base import Marking
from goalkeeper.games.indicator_words import WordIndicators
from goalkeeper.games.indicator_words.game import TASK
from goalkeeper.games.shared.indicators import find_indicators, list_common_words
from goalkeeper.games.shared.simple_targets import LinearTarget
from goalkeeper.games.tallies import beats_baseline
from goalkeeper.testing.worlds import extraction
from goalkeeper.testing.worlds.kit import WORDS
from tests.attacks.extraction.doors import mailbox

GAME = WordIndicators()


class Sealed:
    """A target whose weights cannot be read; with `view`, it answers no more than that."""

    def __init__(self, target: Any, view: View = View.LOGITS) -> None:
        self._target, self.offers = target, view

    def answer(self, x: Any, view: View) -> Any:
        return self._target.answer(x, view)

    def parameters(self) -> Mapping[str, Any]:
        raise NotOffered("sealed")

    def artefact(self) -> Path:
        raise NotOffered("sealed")


@pytest.fixture(scope="module")
def app() -> Application:
    return extraction.rigged("text", np.random.default_rng(0))


def true_words(app: Application) -> list[str]:
    target = app.target
    assert isinstance(target, LinearTarget)
    order = np.argsort(target.weights[0] - target.weights[1], kind="stable")
    return [WORDS[i] for i in order]


def evaluate(app: Application, words: Sequence[str], data: Grade = Grade.NONE) -> AttackResult:
    rng = np.random.default_rng(0)
    granted = Power(
        capabilities=Capability.M2,
        view=View.LABELS,
        budget=Budget(queries=100),
    )
    return GAME.mark(
        Marking(
            app=app,
            task=TASK,
            deal=GAME.deal(app, TASK, rng),
            answers=[Checkpoint(words, Cost(queries=7), np.array([7]))],
            granted=granted,
            attacker=Power(knowledge=Knowledge(data=data)),
            rng=rng,
            victim=np.random.SeedSequence(1),
        )
    )


def tally(result: AttackResult) -> Gain:
    found = result.trials[-1].tally
    assert isinstance(found, Gain)
    return found


@pytest.mark.requirement("S33")
def test_true_indicators_are_counted_beside_drawing_from_the_same_list(app: Application) -> None:
    result = evaluate(app, true_words(app))
    assert tally(result) == Gain(successes=50, n=50, baseline_successes=50, baseline_n=len(WORDS))
    assert beats_baseline(tally(result))
    assert result.measurements[1].metric == "precision at 50"
    assert result.measurements[1].value == 1.0


def test_a_list_in_no_order_gains_nothing(app: Application) -> None:
    shuffled = np.random.default_rng(1).permutation(WORDS).tolist()
    assert not beats_baseline(tally(evaluate(app, shuffled)))


def test_listing_only_what_was_found_is_its_own_baseline(app: Application) -> None:
    """The answer must list all words considered, so that nobody picks a weak baseline."""
    assert tally(evaluate(app, true_words(app)[:50])).baseline_n == 50
    assert evaluate(app, true_words(app)[:50]).measurements[0].value == 0.0


def test_repeated_words_and_capitals_do_not_count_twice(app: Application) -> None:
    best = true_words(app)
    doubled = [w for word in best for w in (word, word.upper())]
    assert tally(evaluate(app, doubled)) == tally(evaluate(app, best))


@pytest.mark.parametrize("answer", ["free", ["free", 3]])
def test_what_is_no_list_of_words_is_refused(app: Application, answer: Any) -> None:
    with pytest.raises(DataError, match="list of words"):
        evaluate(app, answer)


@pytest.mark.requirement("S33")
@pytest.mark.parametrize("view", [View.LOGITS, View.LABELS])
def test_measured_indicators_are_those_of_the_weights(app: Application, view: View) -> None:
    """By scores the same words in the same order; by labels alone mostly the same."""
    used = list_common_words(app.data.train.x, 0.005, 1500)
    some = app.data.holdout.x[:200]
    read = find_indicators(app.target, app, used, some).ranked()[:50]
    measured = find_indicators(Sealed(app.target, view), app, used, some).ranked()[:50]
    assert len(set(read) & set(measured)) >= (50 if view is View.LOGITS else 38)


def test_words_hardly_used_are_no_indicators() -> None:
    x = texts(["rare common", "common other", "other common", "more"])
    assert list_common_words(x, 0.0, 10) == ["common", "other"]
    assert list_common_words(x, 0.75, 10) == ["common"]
    assert list_common_words(x, 0.0, 1) == ["common"]


def test_who_has_data_is_compared_with_what_data_alone_tells() -> None:
    mails = mailbox(make_pipeline(TfidfVectorizer(), LogisticRegression(C=10)), 1500)
    ranked = find_indicators(
        mails.target,
        mails,
        list_common_words(mails.data.train.x, 0.005, 1500),
        mails.data.holdout.x[:4],
    ).ranked()
    everything = list(mails.target.parameters()["vocabulary"])
    words = [*ranked[:20], *[w for w in everything if w not in set(ranked[:20])]]
    alone, beside = evaluate(mails, words), evaluate(mails, words, Grade.PARTIAL)
    assert tally(alone).successes == tally(beside).successes
    assert tally(beside).baseline_n == tally(beside).n == 50
    assert tally(beside).baseline_successes > 5
    assert alone.measurements[0].value > beside.measurements[0].value


def test_several_harmful_classes_count_by_the_strongest() -> None:
    base = extraction.rigged("text", np.random.default_rng(0))
    weights = np.random.default_rng(2).normal(size=(3, len(WORDS)))
    target = LinearTarget(weights, np.zeros(3), WORDS)
    app = replace(base, target=target, classes=("ok", "spam", "fraud"))
    found = find_indicators(target, app, list(WORDS), base.data.holdout.x[:3])
    assert np.allclose(found.pull, weights[1:].max(axis=0) - weights[0])


def test_too_few_indicators_are_not_tested(app: Application) -> None:
    weights = np.zeros((2, len(WORDS)))
    weights[1, :5] = 1.0
    result = evaluate(replace(app, target=LinearTarget(weights, np.zeros(2), WORDS)), list(WORDS))
    assert result.status is Status.NOT_TESTED
    assert "5" in result.reason
    assert not result.trials


def test_words_that_were_never_considered_are_a_caveat(app: Application) -> None:
    result = evaluate(app, [w for w in true_words(app) if w != true_words(app)[0]])
    assert any(caveat.startswith("1 of the 50") for caveat in result.caveats)


def test_the_exhibit_names_words_with_their_true_rank(app: Application) -> None:
    first = true_words(app)[0]
    assert evaluate(app, true_words(app)).exhibits[0].after.startswith(f"{first} (1), ")


def test_the_positive_control_has_forty_indicators() -> None:
    mails = mailbox(make_pipeline(TfidfVectorizer(), LogisticRegression()), 600)
    for classes in (("ham", "spam"), ("a", "b", "c")):
        for harmless in (0, len(classes) - 1):
            app = replace(mails, classes=classes, harmless=harmless)
            weak = GAME.weakened(app, TASK, np.random.default_rng(0))
            used = list_common_words(app.data.train.x, 0.005, 1500)
            found = find_indicators(weak.target, weak, used, app.data.holdout.x[:2]).ranked()
            assert len(found) == 40
            declined = weak.target.answer(app.data.holdout.x, View.LABELS).labels != harmless
            assert 0.3 < declined.mean() < 0.7


def test_who_cannot_be_asked() -> None:
    app = extraction.rigged("text", np.random.default_rng(0))
    assert GAME.unfit(app, TASK) is None
    cases = {
        "no class": replace(app, harmless=None),
        "texts only": replace(app, domain=TableDomain(columns=())),
        "in use": replace(app, data=replace(app.data, train=app.data.train.take(slice(0, 3)))),
    }
    for said, other in cases.items():
        unfit = GAME.unfit(other, TASK)
        assert unfit is not None
        assert said in unfit.reason


def test_measuring_the_truth_is_announced(app: Application) -> None:
    power = Power(budget=Budget(queries=100))
    assert GAME.estimate(app, TASK, power).queries == 100
    sealed = replace(app, target=Sealed(app.target))
    assert GAME.estimate(sealed, TASK, power).queries == 100 + 1500 * 16
    assert GAME.smaller().words == 500


@pytest.mark.requirement("S33")
def test_words_are_in_use_by_the_texts_that_the_attack_has(app: Application) -> None:
    """A word that only the training texts have often is none that this attack could count."""
    word = true_words(app)[0]
    without = texts([" ".join(w for w in str(t).split() if w != word) for t in app.data.similar.x])
    similar = replace(app.data.similar, x=without)
    other = replace(app, data=replace(app.data, similar=similar))
    hits = {}
    for grade in (Grade.NONE, Grade.PARTIAL, Grade.FULL):
        power = Power(
            knowledge=Knowledge(data=grade),
            capabilities=Capability.M2,
            view=View.LABELS,
            budget=Budget(queries=100),
        )
        rng = np.random.default_rng(0)
        result = GAME.mark(
            Marking(
                app=other,
                task=TASK,
                deal=GAME.deal(other, TASK, rng),
                answers=[Checkpoint([word], Cost(queries=7), np.array([7]))],
                granted=power,
                attacker=Power(),
                rng=rng,
                victim=np.random.SeedSequence(1),
            )
        )
        hits[grade] = tally(result).successes
    assert hits == {Grade.NONE: 1, Grade.PARTIAL: 0, Grade.FULL: 1}
