"""No copy is handed in below the one that its attacker makes without a question."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks.extraction._blends import blend_near
from goalkeeper.attacks.extraction._contest import Contest
from goalkeeper.attacks.extraction._learning import AnsweredInputs
from goalkeeper.attacks.extraction._own_data import _Pupils
from goalkeeper.attacks.extraction._substitutes import ConstantSubstitute
from goalkeeper.attacks.extraction.equation_solving import EquationSolving
from goalkeeper.attacks.extraction.substitute import SubstituteFromLabels
from goalkeeper.attacks.extraction.substitute_from_data import SubstituteFromData
from goalkeeper.attacks.extraction.substitute_from_scores import SubstituteFromScores
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Inputs, Ints, Splits
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.evidence import Gain
from goalkeeper.core.power import Attacker, Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.games.extraction import Extraction, PublicInterface
from goalkeeper.games.extraction.substitutes import copy_without_queries
from goalkeeper.planning import grants, needs
from goalkeeper.policy import default_policy
from goalkeeper.targets import SklearnTarget
from goalkeeper.training import SklearnTrainer
from goalkeeper.training.kept import KeptTrainings
from goalkeeper.training.own_models import OwnModels
from tests.attacks.extraction.doors import access_to

COLUMNS = 6


def draw(n: int, rng: np.random.Generator) -> Data:
    """Draw two bent classes in the midst of bounds that are far wider."""
    y = rng.integers(0, 2, n)
    x = rng.normal(size=(n, COLUMNS))
    x[:, 0] += np.where(y == 1, 1.5, -1.5)
    x[:, 1] += x[:, 0] ** 2
    return Data(x=x, y=y)


@pytest.fixture(scope="module")
def neighbours() -> Application:
    """Build a model of the neighbours of each input, which is of no form that has equations."""
    rng = np.random.default_rng(0)
    columns = tuple(Column(name=f"c{j}", low=-40, high=40) for j in range(COLUMNS))
    domain = TableDomain(columns=columns)
    data = Splits(
        train=draw(300, rng), holdout=draw(400, rng), calibration=draw(20, rng),
        similar=draw(120, rng),
    )  # fmt: skip
    model = KNeighborsClassifier(9).fit(data.train.x, data.train.y)
    target = SklearnTarget(model, ("a", "b"), domain, indexed=True)
    return Application(
        name="neighbours", target=target, data=data, domain=domain, classes=("a", "b")
    )


def play(attack: Any, app: Application, view: View, queries: float = 800) -> Gain:
    """Run an attack for somebody with similar data, with all that it can use."""
    power = Power(
        knowledge=Knowledge(data=Grade.PARTIAL, algorithm=Grade.PARTIAL),
        capabilities=Capability.M1 | Capability.M2,
        view=view,
        budget=Budget(queries=queries, compute_h=1),
    )
    game, who = Extraction(), Attacker(name="customer", power=power)
    least = game.baseline_power(power)
    enough = needs(attack, default_policy().variant(attack.variant))
    granted = grants(attack, who, enough, least)
    assert len(granted) == 1, "nobody is compared with data that the attack was not granted"
    run = AttackRun(
        attack=attack,
        game=game,
        task=game.tasks(app)[0],
        granted=granted[0],
        seed=0,
        attacker=least,
    )
    tally = evaluate(app, run).trials[-1].tally
    assert isinstance(tally, Gain)
    return tally


@pytest.mark.requirement("S46")
@pytest.mark.parametrize(
    ("attack", "view"),
    [(SubstituteFromLabels(), View.LABELS), (EquationSolving(), View.SCORES)],
    ids=["labels", "equations"],
)
def test_who_finds_no_form_hands_in_what_own_data_give(
    neighbours: Application, attack: Any, view: View
) -> None:
    tally = play(attack, neighbours, view)
    assert tally.successes >= tally.baseline_successes > 0.9 * tally.n


@pytest.mark.validation
@pytest.mark.parametrize(
    ("attack", "view"),
    [(SubstituteFromData(), View.LABELS), (SubstituteFromScores(), View.SCORES)],
    ids=["data", "scores"],
)
def test_substitutes_do_too(neighbours: Application, attack: Any, view: View) -> None:
    tally = play(attack, neighbours, view)
    assert tally.successes >= tally.baseline_successes


@dataclass(frozen=True, eq=False)
class Noisy:
    """A copy that errs on every so-manieth of the inputs."""

    copy: Any
    every: int

    def predict(self, x: Inputs) -> Ints:
        """Return classes `(n,)`."""
        labels = self.copy.predict(x)
        wrong = np.arange(len(x)) % self.every == 0
        return np.asarray(np.where(wrong, 1 - labels, labels))


def test_the_contest_and_the_game_train_the_same_copy(neighbours: Application) -> None:
    contest = Contest.of(access_to(neighbours, 2000, View.LABELS, Grade.PARTIAL))
    power = Power(knowledge=Knowledge(data=Grade.PARTIAL, algorithm=Grade.PARTIAL))
    base = copy_without_queries(neighbours, power)
    x = neighbours.data.holdout.x
    assert contest.own is not None
    assert base is not None
    np.testing.assert_array_equal(contest.own.predict(x), base.predict(x))


def test_the_copy_of_own_data_is_trained_once(
    neighbours: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By two attacks and the game; each attack still counts it as its own."""
    recipe = SklearnTrainer(KNeighborsClassifier(5), neighbours.classes, neighbours.domain)
    app = replace(neighbours, trainer=recipe, lookalike=recipe)
    whole, trained = len(app.data.similar), list[int]()
    fit = SklearnTrainer.fit

    def counted(self: SklearnTrainer, data: Data, seed: int) -> Any:
        trained.append(len(data))
        return fit(self, data, seed)

    monkeypatch.setattr(SklearnTrainer, "fit", counted)
    monkeypatch.setattr(OwnModels, "choose", lambda *given: "recipe0")
    granted = access_to(app, 2000, View.LABELS, Grade.PARTIAL).granted
    doors = [
        Access(
            app,
            Terms(
                granted=granted,
                rng=np.random.default_rng(i),
                victim=np.random.SeedSequence(2),
                trainings=app.once(KeptTrainings),
            ),
        )
        for i in range(2)
    ]
    contests = [Contest.of(door) for door in doors]
    power = Power(knowledge=Knowledge(data=Grade.PARTIAL, algorithm=Grade.PARTIAL))
    base = copy_without_queries(app, power)
    assert trained.count(whole) == 1
    assert base is not None
    for door, contest in zip(doors, contests, strict=True):
        assert contest.own is not None
        assert door.spent.models >= 2, "with the copies that miss a part"
        assert (contest.own.predict(app.data.holdout.x) == base.predict(app.data.holdout.x)).all()


@pytest.mark.parametrize(("answers", "again"), [(80, True), (200, False)])
def test_a_little_that_was_held_back_is_not_worth_another_training(
    neighbours: Application,
    answers: int,
    again: bool,  # noqa: FBT001
) -> None:
    access, rng = access_to(neighbours, 800, View.LABELS, Grade.NONE), np.random.default_rng(0)
    held, answered = (AnsweredInputs(d.x, d.y, None) for d in (draw(20, rng), draw(answers, rng)))
    contest = Contest(access, OwnModels(access.domain), held=held, _paid=True)
    pupils = _Pupils(access, contest)
    pupils._answered, pupils._kinds = answered, ("tree",)
    pupils.teach()
    assert (pupils.finish() is not None) == again


def test_only_answers_replace_the_copy_of_own_data(neighbours: Application) -> None:
    contest = Contest.of(access_to(neighbours, 2000, View.LABELS, Grade.PARTIAL))
    assert contest.challenge(Noisy(contest.own, 10)) is contest.own
    assert contest.challenge(contest.own) is contest.own
    target = neighbours.target

    class Exact:
        def predict(self, x: Inputs) -> Ints:
            return target.answer(x, View.LABELS).labels

    exact = Exact()
    assert contest.challenge(exact) is exact
    assert contest.challenge(Noisy(exact, 10)) is exact


def test_without_a_budget_own_true_classes_stand_in(neighbours: Application) -> None:
    access = access_to(neighbours, 0, View.LABELS, Grade.PARTIAL)
    contest = Contest.of(access)
    assert contest.answers is None
    assert contest.challenge(Noisy(contest.own, 5)) is contest.own


def test_who_has_no_data_hands_in_what_it_found(neighbours: Application) -> None:
    contest = Contest.of(access_to(neighbours, 100, View.LABELS))
    copy = Noisy(None, 2)
    assert contest.own is None
    assert contest.challenge(copy) is copy


@pytest.mark.parametrize("records", [2, 3, 7])
def test_a_handful_of_own_records_suffices_to_run(neighbours: Application, records: int) -> None:
    few = Data(x=neighbours.data.similar.x[:records], y=np.arange(records) % 2)
    data = Splits(
        train=neighbours.data.train, holdout=neighbours.data.holdout,
        calibration=neighbours.data.calibration, similar=few,
    )  # fmt: skip
    app = replace(neighbours, data=data)
    access = access_to(app, 60, View.LABELS, Grade.PARTIAL)
    copy = SubstituteFromData().run(PublicInterface(app.classes), access)
    assert copy.predict(app.data.holdout.x).shape == (400,)


def test_near_inputs_lie_between_an_input_and_one_like_it() -> None:
    rng = np.random.default_rng(0)
    columns = tuple(Column(name=n, kind="integer", low=0, high=1) for n in "abc")
    domain = TableDomain(columns=(*columns, Column(name="x", low=0, high=1)), one_hot=((0, 1, 2),))
    x = np.column_stack([np.eye(3)[rng.integers(0, 3, 40)], rng.random(40)])
    near, place = blend_near(x[:5], x, 50, domain, rng)
    assert domain.valid(near).all()
    assert np.bincount(place).tolist() == [10] * 5
    assert np.abs(near[:, 3] - x[place, 3]).max() < 0.5
    none, _ = blend_near(x[:1], x[:1], 10, domain, rng)
    assert not len(none)


def test_a_copy_stays_where_nothing_tells_that_another_is_better(neighbours: Application) -> None:
    """Without own data nothing is held back but what is asked for it."""
    x = neighbours.data.train.x
    blind, judged = (
        Contest.of(access_to(neighbours, 1000, View.LABELS, data=Grade.NONE)) for _ in range(2)
    )
    asked = AnsweredInputs.of(x[:200], blind.access.query(x[:200]))
    constant = ConstantSubstitute(0)
    assert blind.conclude(constant, asked) is constant
    judged.judge_on(x[200:])
    assert judged.conclude(constant, asked) is not constant
