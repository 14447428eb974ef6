"""Steal, then evade tables and images: the copy shows the way, and every campaign pays for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.svm import SVC

from goalkeeper.attacks.evasion._substitutes import measure_lead, pick_doubtful
from goalkeeper.attacks.evasion.columns_from_labels import ColumnsFromLabels
from goalkeeper.attacks.evasion.columns_from_substitute import ColumnsFromSubstitute
from goalkeeper.attacks.evasion.gradients_from_substitute import GradientsFromSubstitute, move
from goalkeeper.core.application import Application
from goalkeeper.core.data import Data
from goalkeeper.core.power import View
from goalkeeper.games.evasion import Ending
from goalkeeper.targets import SklearnTarget
from goalkeeper.testing.worlds.evasion import weak_images, weak_rows
from goalkeeper.training.families import fit_family
from tests.attacks.evasion.arena import attacked, dealt, part

FAST = {"questions": 300}


def curved() -> Application:
    """Rows whose classes a kernel machine tells apart by a curve."""
    app = weak_rows(np.random.default_rng(0))
    train = app.data.train
    model = SVC(gamma=0.02).fit(train.x, np.asarray(train.y))
    target = SklearnTarget(model, app.classes, app.domain, indexed=True)
    return replace(app, target=target, trainer=None)


@pytest.mark.parametrize("app", [weak_rows(np.random.default_rng(0)), curved()])
def test_a_copy_of_the_labels_shows_which_entry_to_change(app: Application) -> None:
    """It turns whatever a search by the application's own labels turns."""
    question = part(dealt(app, "harmful-passes").question, range(15))
    answer, access = attacked(ColumnsFromSubstitute(**FAST), app, question, queries=700)
    searched, _ = attacked(ColumnsFromLabels(), app, question, queries=700)
    found, known = (
        question.goal.reached(app.target.answer(a.x, View.LABELS).labels)
        for a in (answer, searched)
    )
    assert known.sum() >= 5
    assert found.sum() >= known.sum()
    assert (access.left() <= 700 - 300).all()  # every campaign paid for the copy


def test_images_follow_the_copy_and_are_made_smaller() -> None:
    pytest.importorskip("torch")
    app = weak_images(np.random.default_rng(0))
    question = part(dealt(app, "harmful-passes-linf").question, range(8))
    attack = GradientsFromSubstitute(networks=1, questions=200)
    answer, access = attacked(attack, app, question, queries=700)
    assert (answer.endings == Ending.BROKEN).all()
    size = question.constraint.size(question.x, answer.x)
    assert size.max() < 0.3  # of the radius 0.3 only what is needed
    assert (access.left() <= 700 - 200).all()


@pytest.mark.parametrize("attack", [ColumnsFromSubstitute, GradientsFromSubstitute])
def test_one_answer_for_everything_teaches_nothing(attack: Any) -> None:
    app = weak_rows(np.random.default_rng(0))
    task = "harmful-passes"
    if attack is GradientsFromSubstitute:
        pytest.importorskip("torch")
        app, task = weak_images(np.random.default_rng(0)), "harmful-passes-linf"
    question = part(dealt(app, task).question, range(5))

    class Always:
        offers = View.LABELS

        def answer(self, x: Any, view: View) -> Any:
            answers = app.target.answer(x, view)
            return replace(answers, labels=np.ones(len(x), dtype=np.int64))

    stuck = replace(app, target=Always())  # type: ignore[arg-type]
    answer, _ = attacked(attack(**FAST), stuck, question, queries=700)
    np.testing.assert_array_equal(answer.x, question.x)


def test_rows_in_doubt_are_asked_first() -> None:
    domain = weak_rows(np.random.default_rng(0)).domain
    x = np.zeros((60, 10))
    x[:, 0] = np.linspace(-20, 20, 60)
    model = fit_family("linear", Data(x=x, y=(x[:, 0] > 0).astype(int)), domain, 0)
    chosen = pick_doubtful(model, x, 5)
    assert np.abs(chosen[:, 0]).max() < 3
    lead = measure_lead(model, x, np.array([False, True]))
    assert ((lead > 0) == (x[:, 0] > 0)).mean() > 0.95


def test_images_move_away_from_what_was_answered() -> None:
    torch = pytest.importorskip("torch")
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2, bias=False))
    with torch.no_grad():
        network[1].weight.copy_(torch.tensor([[1.0, -1.0, 2.0, -2.0], [0.0, 0.0, 0.0, 0.0]]))
    moved = move(network, Data(x=np.zeros((1, 1, 2, 2)), y=np.array([0])), 0.1)
    np.testing.assert_allclose(moved.reshape(-1), [0.1, -0.1, 0.1, -0.1], rtol=1e-6)
