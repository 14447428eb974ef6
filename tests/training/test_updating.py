"""A model that learns in place: exactly what the user's own partial_fit or gradient steps make."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from goalkeeper.core.data import Data
from goalkeeper.core.domain import Column, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.learning import Feedback
from goalkeeper.core.power import View
from goalkeeper.targets import PythonTarget, SklearnTarget
from goalkeeper.training import FunctionTrainer, SklearnTrainer, TorchRecipe, TorchTrainer

IN_PLACE = Feedback(learning="partial_fit")
WORDS = ("offer", "meet", "cash", "lunch", "win", "report", "free", "call")
TABLE = TableDomain(columns=tuple(Column(name=f"c{i}") for i in range(3)))


def texts(n: int, seed: int) -> Data:
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    said = [" ".join(rng.choice(WORDS, 6, p=np.roll([0.2, 0.05] * 4, k))) for k in y]
    return Data(x=np.array(said, dtype=object), y=y)


def rows(n: int, seed: int) -> Data:
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    return Data(x=rng.normal(size=(n, 3)) + y[:, None], y=y)


def same(a: Any, b: Any) -> None:
    for name in ("coef_", "intercept_", "feature_count_", "class_count_"):
        if hasattr(a, name):
            assert np.array_equal(getattr(a, name), getattr(b, name)), name


@pytest.mark.requirement("S20")
@pytest.mark.parametrize(
    ("estimator", "domain", "draw"),
    [
        (make_pipeline(TfidfVectorizer(), SGDClassifier()), TextDomain(max_chars=200), texts),
        (make_pipeline(CountVectorizer(), MultinomialNB()), TextDomain(max_chars=200), texts),
        (make_pipeline(StandardScaler(), SGDClassifier(shuffle=False)), TABLE, rows),
    ],
)
@pytest.mark.parametrize(("batch", "repeats"), [(None, 1), (7, 3)])
def test_an_update_is_partial_fit_done_by_hand(
    estimator: Any, domain: Any, draw: Any, batch: int | None, repeats: int
) -> None:
    train, lesson, asked = draw(80, 0), draw(20, 1), draw(30, 2)
    trainer = SklearnTrainer(estimator, ("a", "b"), domain)
    before = trainer.fit(train, 5)
    stored = copy.deepcopy(before.model[-1])
    hand = copy.deepcopy(before.model)
    features = hand[:-1].transform(lesson.x)
    for _ in range(repeats):
        for start in range(0, 20, batch or 20):
            cut = slice(start, start + (batch or 20))
            hand[-1].partial_fit(features[cut], lesson.y[cut])
    loop = replace(IN_PLACE, batch=batch, repeats=repeats)
    after = trainer.update(before, lesson, 9, loop)
    assert isinstance(after, SklearnTarget)
    same(after.model[-1], hand[-1])
    said = after.answer(asked.x, View.LABELS).labels
    assert np.array_equal(said, hand.predict(asked.x))
    same(before.model[-1], stored)  # the version before is still there to be restored


@pytest.mark.requirement("S20")
@pytest.mark.parametrize(("batch", "rate"), [(None, None), (5, 0.05)])
def test_a_network_takes_the_gradient_steps_that_are_declared(
    batch: int | None, rate: float | None
) -> None:
    import torch

    def build() -> Any:
        first = torch.nn.Linear(9, 6)
        first.bias.requires_grad = False  # frozen by the user
        return torch.nn.Sequential(
            torch.nn.Flatten(), first, torch.nn.ReLU(), torch.nn.Linear(6, 2)
        )

    rng = np.random.default_rng(0)
    x = rng.random((40, 1, 3, 3))
    data = Data(x=x, y=(x.mean(axis=(1, 2, 3)) > 0.5).astype(np.int64))
    recipe = TorchRecipe(epochs=2, batch=8, optimiser="sgd", rate=0.1, schedule="cosine")
    trainer = TorchTrainer(build, ("a", "b"), ImageDomain(shape=(1, 3, 3)), recipe)
    before = trainer.fit(data, 1)
    hand = copy.deepcopy(before.module)
    for name, parameter in hand.named_parameters():
        parameter.requires_grad = name != "1.bias"
    hand.train()
    optimiser = torch.optim.SGD(hand.parameters(), rate or 0.1, momentum=0.9)
    inputs, labels = torch.tensor(x[:12], dtype=torch.float32), torch.tensor(1 - data.y[:12])
    for start in range(0, 12, batch or 8):
        cut = list(range(start, min(start + (batch or 8), 12)))
        optimiser.zero_grad()
        said = hand(inputs[cut])
        torch.nn.functional.cross_entropy(said, labels[cut], reduction="none").mean().backward()
        optimiser.step()
    lesson = Data(x=x[:12], y=1 - data.y[:12])
    after = trainer.update(before, lesson, 3, replace(IN_PLACE, batch=batch, rate=rate))
    for name, value in hand.state_dict().items():
        assert torch.equal(after.module.state_dict()[name], value), name
    assert not torch.equal(after.module[3].weight, before.module[3].weight)


def test_a_single_record_is_learnt_in_spite_of_batch_normalisation() -> None:
    import torch

    trainer = TorchTrainer(
        lambda: torch.nn.Sequential(
            torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2)
        ),
        ("a", "b"),
        TABLE,
        TorchRecipe(epochs=1),
    )
    before = trainer.fit(rows(40, 0), 1)
    after = trainer.update(before, rows(1, 1), 3, IN_PLACE)
    assert not torch.equal(after.module[2].weight, before.module[2].weight)
    assert torch.equal(after.module[1].running_mean, before.module[1].running_mean)


# ---- the application's own function --------------------------------------------------------------


def test_an_own_function_gets_the_model_the_records_and_a_seed() -> None:
    seen: list[Any] = []

    def update(model: Any, x: Any, y: Any, seed: int) -> None:
        seen.append((x.shape, y.tolist(), seed))
        model[-1].intercept_ += 1.0

    trainer = SklearnTrainer(make_pipeline(StandardScaler(), LogisticRegression()), "ab", TABLE)
    before = trainer.fit(rows(60, 0), 0)
    loop = Feedback(learning="function", update=update, batch=2)
    lesson = rows(3, 1)
    after = trainer.update(before, lesson, 4, loop)
    assert isinstance(after, SklearnTarget)
    assert after.model[-1].intercept_ == pytest.approx(before.model[-1].intercept_ + 2)
    assert [s[0] for s in seen] == [(2, 3), (1, 3)]
    assert [s[1] for s in seen] == [lesson.y[:2].tolist(), lesson.y[2:].tolist()]
    assert len({s[2] for s in seen}) == 2


def test_an_own_function_may_return_another_model() -> None:
    def build(x: Any, y: Any, seed: int) -> Any:
        return lambda rows: (rows[:, 0] > 0).astype(int)

    def update(model: Any, x: Any, y: Any) -> Any:
        return lambda rows: 1 - model(rows)

    trainer = FunctionTrainer(build, ("a", "b"), TABLE)
    before = trainer.fit(rows(20, 0), 0)
    after = trainer.update(before, rows(5, 1), 0, Feedback(learning="function", update=update))
    assert isinstance(after, PythonTarget)
    x = rows(30, 2).x
    a, b = (t.answer(x, View.LABELS).labels for t in (before, after))
    assert np.array_equal(a, 1 - b)


# ---- what cannot ---------------------------------------------------------------------------------


def test_a_model_without_partial_fit_is_refused() -> None:
    trainer = SklearnTrainer(LogisticRegression(), ("a", "b"), TABLE)
    assert not trainer.updates_in_place
    with pytest.raises(NotOffered, match="LogisticRegression has no partial_fit"):
        trainer.update(trainer.fit(rows(40, 0), 0), rows(3, 1), 0, IN_PLACE)


def test_a_class_that_was_never_learnt_is_named() -> None:
    trainer = SklearnTrainer(SGDClassifier(), ("a", "b", "c"), TABLE)
    lesson = Data(x=rows(1, 1).x, y=np.array([2]))
    with pytest.raises(NotOffered, match="never learnt the class 'c'"):
        trainer.update(trainer.fit(rows(40, 0), 0), lesson, 0, IN_PLACE)


def test_steps_go_round_by_round_and_mix_where_that_is_declared() -> None:
    rng = np.random.default_rng(0)
    plain = [s.tolist() for s in replace(IN_PLACE, batch=2, repeats=2).steps(3, rng)]
    assert plain == [[0, 1], [2], [0, 1], [2]]
    mixed = np.concatenate(list(replace(IN_PLACE, shuffle=True).steps(50, rng)))
    assert mixed.tolist() != list(range(50))
    assert sorted(mixed.tolist()) == list(range(50))
