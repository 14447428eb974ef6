"""The internals game knows what its own victims are, and which columns matter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.application import Application
from goalkeeper.core.cost import Cost
from goalkeeper.core.errors import DataError, NotOffered
from goalkeeper.core.evidence import AttackResult, Gain, Status
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.games.base import Dealt, Marking, Task
from goalkeeper.games.internals import Choices, Internals, columns
from goalkeeper.games.internals.game import FAMILY, FEATURES, STRENGTH
from goalkeeper.games.internals.victims import balanced, of_kind, some
from goalkeeper.games.tallies import shown, won
from goalkeeper.targets import PythonTarget
from tests.attacks.internals.tables import application

GAME = Internals()


@pytest.fixture(scope="module")
def app() -> Application:
    return application(load_breast_cancer)


def dealt(app: Application, task: Task, seed: int = 0) -> Dealt[Any, Any]:
    return GAME.deal(app, task, np.random.default_rng(seed))


def evaluate(
    app: Application, task: Task, answer: Any, deal: Dealt[Any, Any], data: Grade = Grade.NONE
) -> AttackResult:
    spent = np.full(deal.campaigns, 7)
    return GAME.mark(
        Marking(
            app=app,
            task=task,
            dealt=deal,
            answers=[Checkpoint(answer, Cost(queries=7), spent)],
            granted=Power(
                knowledge=Knowledge(data=data),
                capabilities=Capability.M2,
                view=View.SCORES,
                budget=Budget(queries=100),
            ),
            rng=np.random.default_rng(0),
            victim=np.random.SeedSequence(1),
        )
    )


def tally(result: AttackResult) -> Gain:
    found = result.trials[-1].tally
    assert isinstance(found, Gain)
    return found


@pytest.mark.requirement("S34")
@pytest.mark.parametrize(("task", "options"), [(FAMILY, 6), (STRENGTH, 5)])
def test_right_guesses_are_counted_beside_naming_one(
    app: Application, task: Task, options: int
) -> None:
    deal = dealt(app, task)
    assert isinstance(deal.question, Choices)
    assert len(deal.question.names) == options
    assert deal.campaigns == len(deal.victims) == 30
    perfect, one = (evaluate(app, task, a, deal) for a in (deal.secret, np.zeros(30, dtype=int)))
    assert (tally(perfect).successes, tally(perfect).n) == (30, 30)
    assert tally(perfect).baseline_successes == tally(one).successes == 30 // options
    assert won(tally(perfect))
    assert not won(tally(one))
    headline = perfect.measurements[0]
    assert headline.metric == "normalised_gain"
    both = (headline.value, headline.low, headline.high)
    assert both == pytest.approx(tuple(shown(tally(perfect))))


def test_answers_that_are_no_guesses_are_refused(app: Application) -> None:
    deal = dealt(app, STRENGTH)
    for answer in (np.zeros(3, dtype=int), np.full(30, 5), np.zeros(30), None):
        with pytest.raises(DataError):
            evaluate(app, STRENGTH, answer, deal)


def test_victims_are_of_the_hidden_kind_and_do_not_share_all_records(app: Application) -> None:
    rng = np.random.default_rng(3)
    (tree, bayes) = of_kind(app, FAMILY.name, np.array([2, 1]), rng)
    names = [type(v.model[-1]).__name__ for v in (tree, bayes)]  # type: ignore[attr-defined]
    assert names == ["DecisionTreeClassifier", "GaussianNB"]
    first, second = (some(app.data.train, 100, rng) for _ in "ab")
    assert len(first) == 100
    assert set(np.unique(first.y)) == set(np.unique(app.data.train.y))
    assert (first.x != second.x).any()


def test_kinds_are_dealt_equally_often() -> None:
    hidden = balanced(30, 6, np.random.default_rng(0))
    assert np.bincount(hidden).tolist() == [5] * 6
    assert (hidden != balanced(30, 6, np.random.default_rng(1))).any()


@pytest.mark.requirement("S33")
def test_the_columns_that_matter_are_read_from_weights_or_measured() -> None:
    app = columns.wide(np.random.default_rng(0), hashed=False)
    weights = app.target.parameters()["weights"][0]
    read, how = columns.influence(app.target, app, app.data.holdout)
    truth = set(np.argsort(-np.abs(weights))[:20])
    assert set(np.argsort(-read)[:20]) == truth
    assert "weight" in how

    class Sealed:
        offers = View.SCORES
        answer = staticmethod(app.target.answer)

        def parameters(self) -> Any:
            raise NotOffered("sealed")

        def artefact(self) -> Any:
            raise NotOffered("sealed")

    measured, how = columns.influence(Sealed(), app, app.data.holdout)
    assert set(np.argsort(-measured)[:20]) == truth
    assert "shuffled" in how


@pytest.mark.requirement("S33")
def test_named_columns_are_counted_beside_drawing_and_own_data(app: Application) -> None:
    deal = dealt(app, FEATURES)
    pull, _ = columns.influence(app.target, app, app.data.holdout)
    names = columns.names_of(app.domain)
    ranked = [names[i] for i in np.argsort(-pull)]
    best = tally(evaluate(app, FEATURES, ranked, deal))
    assert (best.successes, best.n) == (15, 15)
    assert (best.baseline_successes, best.baseline_n) == (15, 30)
    worst = tally(evaluate(app, FEATURES, ranked[::-1], deal))
    assert worst.successes == 0
    informed = tally(evaluate(app, FEATURES, ranked, deal, Grade.PARTIAL))
    assert informed.baseline_n == 15
    assert informed.baseline_successes > 7
    with pytest.raises(DataError, match="names of columns"):
        evaluate(app, FEATURES, ["none such"], deal)


def test_few_columns_or_records_are_not_tested() -> None:
    small = application(load_iris)
    assert "too few to tell" in str(GAME.unfit(small, FEATURES))
    few = replace(small, data=replace(small.data, train=small.data.train.take(slice(0, 50))))
    assert "are too few" in str(GAME.unfit(few, FAMILY))
    assert GAME.unfit(application(load_breast_cancer), FAMILY) is None


def test_columns_that_move_nothing_are_not_tested(app: Application) -> None:
    constant = PythonTarget(
        lambda x: np.tile([0.9, 0.1], (len(x), 1)), app.classes, app.domain, sample=app.data.train.x
    )
    still = replace(app, target=constant)
    result = evaluate(still, FEATURES, columns.names_of(app.domain), dealt(app, FEATURES))
    assert result.status is Status.NOT_TESTED
