"""The extraction game marks what a substitute knows, not what it could still ask."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from goalkeeper.core.access import Access, Checkpoint, Terms
from goalkeeper.core.application import Application
from goalkeeper.core.cost import Cost
from goalkeeper.core.data import Inputs
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import DataError, NotGranted
from goalkeeper.core.evidence import AttackResult, Gain, Status
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.games.base import Marking
from goalkeeper.games.extraction import Extraction
from goalkeeper.games.extraction.game import TASK
from goalkeeper.games.extraction.substitutes import copy_without_queries, measure_parameter_error
from goalkeeper.games.shared.measuring import thinned_checkpoints
from goalkeeper.games.shared.simple_targets import LinearTarget
from goalkeeper.games.tallies import beats_baseline
from goalkeeper.training import SklearnTrainer
from tests.attacks.extraction.doors import access_to, around, mailbox, random_linear, table

GAME = Extraction()


class Says:
    """A substitute that gives fixed answers."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def predict(self, x: Inputs) -> Any:
        return self.answer(x) if callable(self.answer) else np.full(len(x), self.answer)


def power(data: Grade = Grade.NONE) -> Power:
    return Power(
        knowledge=Knowledge(data=data),
        capabilities=Capability.M2,
        view=View.LABELS,
        budget=Budget(queries=1000),
    )


def evaluate(
    app: Application, *substitutes: Any, data: Grade = Grade.NONE, spent: int = 10
) -> AttackResult:
    points = [
        Checkpoint(s, Cost(queries=spent * (i + 1)), np.array([spent * (i + 1)]))
        for i, s in enumerate(substitutes)
    ]
    rng = np.random.default_rng(0)
    return GAME.mark(
        Marking(
            app=app,
            task=TASK,
            deal=GAME.deal(app, TASK, rng),
            answers=points,
            granted=power(),
            attacker=power(data),
            rng=rng,
            victim=np.random.SeedSequence(3),
        )
    )


@pytest.fixture
def app() -> Application:
    return around(random_linear(4, 2, 0, 2.0), table(4), 2)


def truth(app: Application) -> Any:
    target = app.target
    assert isinstance(target, LinearTarget)
    return LinearTarget(target.weights.copy(), target.bias.copy())


def knows(app: Application) -> Says:
    known = truth(app)
    return Says(lambda x: known.answer(x, View.LABELS).labels)


@pytest.mark.requirement("S32", "S46")
def test_agreement_is_counted_beside_the_best_without_queries(app: Application) -> None:
    result = evaluate(app, knows(app))
    tally = result.trials[-1].tally
    assert isinstance(tally, Gain)
    labels = app.target.answer(app.data.holdout.x, View.LABELS).labels
    assert (tally.successes, tally.n) == (400, 400)
    assert tally.baseline_successes == max(np.bincount(labels))
    assert beats_baseline(tally)
    assert result.measurements[0].metric == "normalised_gain"
    assert result.measurements[0].value == 1.0
    assert result.curve is not None
    assert result.curve.x == (10.0,)


def test_the_most_frequent_answer_gains_nothing(app: Application) -> None:
    labels = app.target.answer(app.data.holdout.x, View.LABELS).labels
    result = evaluate(app, Says(int(np.bincount(labels).argmax())))
    assert result.measurements[0].value == 0.0
    assert not beats_baseline(result.trials[-1].tally)


@pytest.mark.requirement("S46")
def test_who_has_data_is_compared_with_what_data_alone_gives() -> None:
    """Also where the attack was granted none of that data."""
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10, max_iter=1000))
    app = mailbox(pipeline, 1200)
    app = replace(app, trainer=SklearnTrainer(pipeline, app.classes, app.domain))
    own = SklearnTrainer(pipeline, app.classes, app.domain).fit(app.data.similar, 0)
    same = Says(lambda x: own.answer(x, View.LABELS).labels)
    alone, beside = evaluate(app, same), evaluate(app, same, data=Grade.PARTIAL)
    assert alone.measurements[0].low > 0.5
    assert beside.measurements[0].value < 0.3
    assert not beats_baseline(beside.trials[-1].tally)


def test_attackers_who_know_the_same_are_compared_with_one_copy(app: Application) -> None:
    knows_some, knows_none = (
        Power(knowledge=Knowledge(data=Grade.PARTIAL, algorithm=grade))
        for grade in (Grade.PARTIAL, Grade.NONE)
    )
    first = copy_without_queries(app, knows_some)
    assert first is not None
    assert copy_without_queries(app, replace(knows_some, budget=Budget(queries=5))) is first
    assert copy_without_queries(app, knows_none) is not first
    assert copy_without_queries(replace(app), knows_some) is not first


@pytest.mark.parametrize("hidden", ["attribute", "closure", "method", "application", "target"])
def test_a_substitute_that_could_still_ask_is_refused(app: Application, hidden: str) -> None:
    access = access_to(app, 100, View.LABELS)
    door = access.query
    substitute = {
        "attribute": lambda: Says(access),
        "closure": lambda: Says(lambda x: access.query(x).labels),
        "method": lambda: Says([{"deep": (door,)}]),
        "application": lambda: Says(app),
        "target": lambda: Says(app.target),
    }[hidden]()
    with pytest.raises(NotGranted, match="stands on its own"):
        evaluate(app, substitute)
    access.checkpoint(knows(app))
    if hidden != "target":  # a copy of the target cannot be told from a substitute
        access.checkpoint(substitute)
        with pytest.raises(NotGranted, match="stands on its own"):
            evaluate(app, access.checkpoints[-1].answer)


def test_marking_asks_nothing_through_the_access(app: Application) -> None:
    access = access_to(app, 100, View.LABELS)
    copy = knows(app)
    access.query(app.data.similar.x[:5])
    access.checkpoint(copy)
    evaluate(app, *[point.answer for point in access.checkpoints])
    assert access.spent.queries == 5


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda x: np.zeros(3, dtype=int), "one class for each"),
        (lambda x: np.zeros(len(x)), "float64"),
        (lambda x: np.full(len(x), 7), "7 to 7"),
    ],
)
def test_answers_that_are_no_classes_are_refused(app: Application, answer: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        evaluate(app, Says(answer))


@pytest.mark.requirement("S17")
def test_the_curve_has_six_points_chosen_by_spending() -> None:
    points = [Checkpoint(i, Cost(queries=i), np.array([i])) for i in range(1, 101)]
    spent = [int(p.queries[0]) for p in thinned_checkpoints(points)]
    assert len(spent) <= 6
    assert spent[0] == 1
    assert spent[-1] == 100
    again = Checkpoint("later", Cost(queries=100), np.array([100]))
    assert thinned_checkpoints([*points, again])[-1].answer == "later"


@pytest.mark.requirement("S34")
def test_parameters_are_compared_up_to_what_is_common(app: Application) -> None:
    class Copied(Says):
        def __init__(self, weights: Any, bias: Any) -> None:
            super().__init__(0)
            self.parameters = {"weights": weights, "bias": bias}

    target = truth(app)
    difference = np.diff(target.weights, axis=0), np.diff(target.bias)
    for weights, bias in ((target.weights + 3, target.bias - 1), difference):
        found = measure_parameter_error(app, Copied(weights, bias))
        assert found is not None
        assert found[0] < 1e-12
    wrong = measure_parameter_error(app, Copied(target.weights * 1.1, target.bias))
    assert wrong is not None
    assert wrong[0] == pytest.approx(0.1, abs=1e-9)
    assert measure_parameter_error(app, Says(0)) is None
    assert measure_parameter_error(app, Copied(target.weights[:, :2], target.bias)) is None
    names = [m.metric for m in evaluate(app, Copied(target.weights, target.bias)).measurements]
    assert names[-2:] == ["queries per parameter", "largest relative error of a parameter"]


@pytest.mark.parametrize("classes", [2, 4])
def test_the_positive_control_is_a_balanced_rule(classes: int) -> None:
    app = around(random_linear(5, classes, 0), table(5), classes)
    weak = GAME.weakened(app, TASK, np.random.default_rng(0))
    parameters = weak.target.parameters()
    assert np.count_nonzero(np.ptp(np.vstack([parameters["weights"], np.zeros(5)]), axis=0)) == 2
    labels = weak.target.answer(app.data.holdout.x, View.LABELS).labels
    assert np.bincount(labels, minlength=classes).min() > 0.1 * len(labels)
    for view in (View.SCORES, View.LOGITS):
        said = weak.target.answer(app.data.holdout.x, view)
        assert (said.scores.argmax(axis=1) == labels).all()


def test_the_positive_control_of_texts_is_a_rule_on_six_words() -> None:
    app = mailbox(make_pipeline(TfidfVectorizer(), LogisticRegression()), 300)
    weak = GAME.weakened(app, TASK, np.random.default_rng(0))
    assert len(weak.target.parameters()["vocabulary"]) == 6
    labels = weak.target.answer(app.data.holdout.x, View.LABELS).labels
    assert 0.2 < labels.mean() < 0.8


def test_bounds_are_needed_for_uniform_points() -> None:
    open_ended = TableDomain(columns=(Column(name="x"), Column(name="y", low=0, high=1)))
    for domain, there in ((open_ended, False), (table(2), True)):
        app = around(random_linear(2, 2, 0), domain, 2)
        names = [m.metric for m in evaluate(app, knows(app)).measurements]
        assert ("fidelity on uniform points" in names) == there


def test_few_unseen_inputs_are_not_enough(app: Application) -> None:
    few = replace(app, data=replace(app.data, holdout=app.data.holdout.take(slice(0, 20))))
    unfit = GAME.unfit(few, TASK)
    assert unfit is not None
    assert "30" in unfit.reason
    assert not unfit.proven
    assert GAME.unfit(app, TASK) is None


def test_one_answer_for_everything_is_said_to_be_so(app: Application) -> None:
    weights, bias = np.zeros((2, 4)), np.array([1.0, 0.0])
    result = evaluate(replace(app, target=LinearTarget(weights, bias)), Says(0))
    assert result.status is Status.TESTED
    assert not beats_baseline(result.trials[-1].tally)
    assert any("the same answer to every unseen input" in caveat for caveat in result.caveats)


def test_what_is_asked_says_nothing_of_the_truth(app: Application) -> None:
    dealt = GAME.deal(app, TASK, np.random.default_rng(0))
    assert dealt.question.classes == ("k0", "k1")
    assert dealt.campaigns == 1
    assert GAME.smaller().inputs == 300
    terms = Terms(granted=power(), rng=np.random.default_rng(0), victim=np.random.SeedSequence(0))
    with pytest.raises(NotGranted):
        Access(app, terms).data()
    assert GAME.estimate(app, TASK, power()).queries == 4000
