"""Linear models from logits: exact, with one answer an unknown and one more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from goalkeeper.attacks.extraction.equation_solving import EquationSolving
from goalkeeper.attacks.extraction.logit_differences import LogitDifferences
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Application
from goalkeeper.core.data import Data
from goalkeeper.core.domain import Column, Domain, ImageDomain, TableDomain
from goalkeeper.core.power import View
from goalkeeper.games.extraction import PublicInterface
from goalkeeper.targets import SklearnTarget
from goalkeeper.testing.worlds import extraction
from tests.contract.harness import enough


def stolen(
    app: Application, queries: float = 5000, attack: Any = LogitDifferences
) -> tuple[Any, Access]:
    granted = enough(attack, queries=queries)
    terms = Terms(granted=granted, rng=np.random.default_rng(0), victim=np.random.SeedSequence(0))
    access = Access(app, terms)
    return attack().run(PublicInterface(app.classes), access), access


def around(model: Any, classes: int, domain: Domain) -> Application:
    names = [str(i) for i in range(classes)]
    base = extraction.rigged("table", np.random.default_rng(0))
    target = SklearnTarget(model, names, domain, indexed=True)
    return replace(base, target=target, domain=domain, classes=tuple(names))


@pytest.mark.requirement("S16", "S34")
def test_logistic_regression_lies_open_after_31_answers() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(x, y)
    bounds = zip(x.min(axis=0), x.max(axis=0), strict=True)
    domain = TableDomain(
        columns=tuple(Column(name=f"c{i}", low=a, high=b) for i, (a, b) in enumerate(bounds))
    )
    app = around(model, 2, domain)
    copy, access = stolen(app, queries=31)
    assert access.spent.queries == 31
    known = app.target.parameters()
    found = copy.weights[1] - copy.weights[0]
    np.testing.assert_allclose(found, known["weights"][0], rtol=1e-6)
    assert copy.bias[1] - copy.bias[0] == pytest.approx(known["bias"][0], rel=1e-6)


def test_softmax_on_images_lies_open_after_65_answers() -> None:
    x, y = load_digits(return_X_y=True)
    model = LogisticRegression(max_iter=2000).fit(x / 16, y)
    app = around(model, 10, ImageDomain(shape=(1, 8, 8)))
    copy, access = stolen(app)
    assert access.spent.queries == 65 + 8, "eight more, to see that it is linear"
    images = (x / 16).reshape(-1, 1, 8, 8)
    np.testing.assert_array_equal(copy.predict(images), model.predict(x / 16))


@pytest.mark.requirement("S16", "S32")
@pytest.mark.parametrize("steepness", [1, 60])
def test_softmax_on_images_lies_open_to_who_sees_scores(steepness: float) -> None:
    """With weights 60 times as large most scores are 0 or 1, and the middle says nothing."""
    x, y = load_digits(return_X_y=True)
    model = LogisticRegression(max_iter=2000).fit(x / 16, y)
    model.coef_ *= steepness
    model.intercept_ *= steepness
    app = around(model, 10, ImageDomain(shape=(1, 8, 8)))
    copy, access = stolen(app, attack=EquationSolving)
    images = (x / 16).reshape(-1, 1, 8, 8)
    agree = (copy.predict(images) == model.predict(x / 16)).mean()
    assert agree > (0.999 if steepness == 1 else 0.9)
    if steepness == 1:
        assert access.spent.queries == 65 + 8


def test_a_network_is_followed_as_far_as_a_linear_model_goes() -> None:
    torch = pytest.importorskip("torch")
    from goalkeeper.training import TorchRecipe, TorchTrainer

    x, y = load_digits(return_X_y=True)
    domain = ImageDomain(shape=(1, 8, 8))
    base = extraction.rigged("table", np.random.default_rng(0))

    def build() -> Any:
        nn = torch.nn
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))

    names = [str(i) for i in range(10)]
    images = (x / 16).reshape(-1, 1, 8, 8)
    trainer = TorchTrainer(build, names, domain, TorchRecipe(epochs=10, rate=0.01))
    app = replace(
        base,
        target=trainer.fit(Data(x=images, y=y), 0),
        domain=domain,
        classes=tuple(names),
    )
    copy, access = stolen(app)
    assert access.spent.queries == 65 + 8 + 130
    agree = copy.predict(images) == app.target.answer(images, View.LABELS).labels
    assert 0.3 < agree.mean() < 1.0
