"""Torch forms agree with the models they come from, and count what passes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import LinearSVC

from goalkeeper.core.domain import Column, Domain, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View
from goalkeeper.targets.sklearn import SklearnTarget

torch = pytest.importorskip("torch")
TABLE = TableDomain(columns=tuple(Column(name=f"c{i}") for i in range(4)))
IMAGE = ImageDomain(shape=(1, 2, 2))


def data(classes: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    x = rng.random((120, 4))
    return x, (x[:, 0] * 3 * classes / 3).astype(int).clip(0, classes - 1)


def count(forward: int, backward: int) -> None:
    """Count nothing."""


def mlp(activation: Any) -> MLPClassifier:
    return MLPClassifier((6, 5), activation=activation, max_iter=20, random_state=0)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("domain", [TABLE, IMAGE], ids=["table", "image"])
@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        LinearSVC(),
        make_pipeline(StandardScaler(), LogisticRegression()),
        mlp("relu"),
        make_pipeline(StandardScaler(), MinMaxScaler(), mlp("tanh")),
        mlp("logistic"),
        mlp("identity"),
    ],
    ids=["logistic", "svm", "scaled", "relu", "twice scaled tanh", "sigmoid", "identity"],
)
def test_the_network_says_what_the_model_says(model: Any, domain: Domain, classes: int) -> None:
    x, y = data(classes)
    names = ["b", "a", "c"][:classes]  # the application's order is not that of the model
    model.fit(x, np.array(names)[y])
    inputs = x.reshape(-1, 1, 2, 2) if isinstance(domain, ImageDomain) else x
    target = SklearnTarget(model, names, domain)
    logits = target.network(count)(torch.as_tensor(inputs)).numpy()
    said = target.answer(inputs, View.LOGITS)
    assert (logits.argmax(axis=1) == said.labels).all()
    centred = logits - logits.mean(axis=1, keepdims=True)
    expected = said.logits - said.logits.mean(axis=1, keepdims=True)
    assert np.allclose(centred, expected, atol=1e-6)


def test_gradients_flow_and_every_row_is_counted() -> None:
    x, y = data(2)
    rows = [0, 0]

    def counted(forward: int, backward: int) -> None:
        rows[0] += forward
        rows[1] += backward

    target = SklearnTarget(LogisticRegression().fit(x, y), [0, 1], TABLE)
    inputs = torch.as_tensor(x[:7]).requires_grad_()
    target.network(counted)(inputs)[:, 1].sum().backward()
    weights = target.parameters()["weights"][0]
    assert np.allclose(inputs.grad.numpy(), np.tile(weights / 2, (7, 1)))
    assert rows == [7, 7]


def test_what_has_no_differentiable_form_says_so() -> None:
    x, y = data(2)
    forest = RandomForestClassifier(3, random_state=0).fit(x, y)
    with pytest.raises(NotOffered, match="RandomForestClassifier"):
        SklearnTarget(forest, [0, 1], TABLE).network(count)
    with pytest.raises(NotOffered, match="texts"):
        SklearnTarget(forest, [0, 1], TextDomain()).network(count)
    with pytest.raises(NotOffered, match="knows 2"):
        SklearnTarget(forest, [0, 1, 2], TABLE).network(count)
