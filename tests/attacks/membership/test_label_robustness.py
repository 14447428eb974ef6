"""Membership from labels: exact where the rule is known, and no score is ever needed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from goalkeeper.attacks.membership.label_robustness import LabelRobustness, perturb_records
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import Data, Inputs
from goalkeeper.core.domain import Column, TableDomain, TextDomain
from goalkeeper.core.power import Budget, View
from tests.attacks.membership.gaussian import application
from tests.contract.harness import enough


class Above:
    """Class 1 where the first column is above 0; labels only."""

    offers = View.LABELS

    def answer(self, x: Inputs, view: View) -> Answers:
        return Answers((np.asarray(x)[:, 0] > 0).astype(np.int64))


TABLE = TableDomain(columns=(Column(name="a"), Column(name="b")))


def opened(queries: float, n: int) -> Access:
    app: Application = replace(application(0, n=60), target=Above(), domain=TABLE)  # type: ignore[arg-type]
    granted = replace(enough(LabelRobustness), budget=Budget(queries=queries))
    terms = Terms(
        granted=granted,
        rng=np.random.default_rng(0),
        victim=np.random.SeedSequence(0),
        campaigns=n,
    )
    return Access(app, terms)


def records() -> Data:
    """Records at known distances from the boundary; the last one is answered wrongly."""
    x = np.array([[0.1, 0.0], [0.5, 1.0], [1.0, -1.0], [2.0, 0.0], [1.0, 0.0]])
    return Data(x=x, y=np.array([1, 1, 1, 1, 0]))


@pytest.mark.requirement("S16", "S48")
def test_the_score_estimates_the_distance_to_the_boundary() -> None:
    """The share that keeps its class is Phi(distance / noise): 4 sigma of 4,000 versions."""
    data = records()
    attack = LabelRobustness(versions=4000, strength=0.5)
    score = attack.run(data, opened(4001, 5))
    sigma = 0.5 * data.x[:, 0].std()
    want = 1 + norm.cdf(data.x[:4, 0] / sigma)
    assert score[4] == 0
    np.testing.assert_allclose(score[:4], want, atol=4 * 0.5 / np.sqrt(4000))


def test_spends_what_there_is_and_no_more() -> None:
    access = opened(6, 5)
    LabelRobustness().run(records(), access)
    assert access.spent.queries == 5 * 6
    assert len(access.checkpoints) == 4  # after 1, 2, 3 and 5 queries


def test_changes_keep_to_the_domain() -> None:
    domain = TableDomain(
        columns=(
            Column(name="n", low=0, high=1),
            Column(name="k", kind="integer", low=0, high=9),
            Column(name="c", kind="category", categories=("x", "y", "z")),
            Column(name="h0", kind="integer", low=0, high=1),
            Column(name="h1", kind="integer", low=0, high=1),
        ),
        one_hot=((3, 4),),
    )
    rng = np.random.default_rng(0)
    x = np.column_stack([
        rng.random(200), rng.integers(10, size=200), rng.integers(3, size=200),
        np.eye(2)[[0, 1] * 100],
    ])  # fmt: skip
    out = perturb_records(x, domain, np.full(5, 0.5), rng)
    assert domain.valid(out).all()
    for column in range(5):
        assert (out[:, column] != x[:, column]).any()


def test_texts_lose_words_and_gain_none() -> None:
    x = np.array(["one two three four five six"] * 50, dtype=object)
    out = perturb_records(x, TextDomain(), np.array([0.3]), np.random.default_rng(0))
    kept = [text.split() for text in out]
    assert all(set(words) <= set(x[0].split()) for words in kept)
    assert 3.5 < np.mean([len(words) for words in kept]) < 4.9
