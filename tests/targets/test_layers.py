"""Stored numbers of a perceptron: read, changed and given back."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.power import View
from goalkeeper.targets import SklearnTarget, layers

DOMAIN = TableDomain(columns=tuple(Column(name=f"c{i}") for i in range(3)))


def target() -> tuple[SklearnTarget, np.ndarray]:
    x = np.random.default_rng(0).normal(size=(60, 3))
    y = (x[:, 0] > 0).astype(int)
    model = make_pipeline(StandardScaler(), MLPClassifier((5,), solver="lbfgs", random_state=0))
    return SklearnTarget(model.fit(x, y), ["a", "b"], DOMAIN, indexed=True), x


def test_numbers_come_back_as_they_were_given() -> None:
    first, x = target()
    known = first.parameters()
    assert {k for k in known if k[-1].isdigit()} == {
        "coefs_0", "coefs_1", "intercepts_0", "intercepts_1",
    }  # fmt: skip
    same = first.with_parameters(known)
    want = first.answer(x, View.SCORES).scores
    np.testing.assert_array_equal(same.answer(x, View.SCORES).scores, want)
    zeros = {k: np.zeros_like(v) for k, v in known.items()}
    np.testing.assert_allclose(first.with_parameters(zeros).answer(x, View.SCORES).scores, 0.5)
    np.testing.assert_array_equal(first.answer(x, View.SCORES).scores, want)


def test_other_estimators_have_no_layers() -> None:
    assert layers.read(LogisticRegression()) == {}
