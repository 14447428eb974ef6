"""Membership by the loss around a record: exact where the loss is known everywhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from goalkeeper.attacks.membership.neighbour_loss import NeighbourLoss, add_noise
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import Data, Inputs
from goalkeeper.core.domain import Column, ImageDomain, TableDomain
from goalkeeper.core.power import Budget, View
from tests.attacks.membership.gaussian import application
from tests.contract.harness import enough

TABLE = TableDomain(columns=(Column(name="a"),))
CATEGORY = Column(name="c", kind="category", categories=("x", "y", "z"))


class Waves:
    """The logit of class 1 is the cosine of the only column."""

    offers = View.SCORES

    def answer(self, x: Inputs, view: View) -> Answers:
        p = expit(np.cos(np.asarray(x)[:, 0]))
        scores = np.column_stack([1 - p, p])
        return Answers(scores.argmax(axis=1), scores)


def opened(queries: float, n: int) -> Access:
    app: Application = replace(application(0, n=60), target=Waves(), domain=TABLE)  # type: ignore[arg-type]
    terms = Terms(
        granted=replace(enough(NeighbourLoss), budget=Budget(queries=queries)),
        rng=np.random.default_rng(0),
        victim=np.random.SeedSequence(0),
        campaigns=n,
    )
    return Access(app, terms)


def records() -> Data:
    """Records of class 1 where its logit is largest, smallest, and between; one of class 0."""
    return Data(x=np.pi * np.array([[0.0], [1.0], [0.5], [0.0]]), y=np.array([1, 1, 1, 0]))


@pytest.mark.requirement("S48")
def test_the_score_is_the_share_of_neighbours_with_a_higher_loss() -> None:
    """On the slope it is one half: 4 sigma of 400 neighbours."""
    score = NeighbourLoss(neighbours=400).run(records(), opened(401, 4))
    assert score[[0, 1, 3]].tolist() == [1, 0, 0]
    assert abs(score[2] - 0.5) < 4 * 0.5 / np.sqrt(400)


@pytest.mark.parametrize(("queries", "checkpoints"), [(6, 4), (2, 1), (100, 6)])
def test_spends_what_there_is_and_no_more_than_it_needs(queries: int, checkpoints: int) -> None:
    """After 1, 2, 4, 5 neighbours of 6 queries; after 1, 2, 4, ... 32 of 100."""
    access = opened(queries, 4)
    NeighbourLoss().run(records(), access)
    assert access.spent.queries == 4 * min(queries, 33)
    assert len(access.checkpoints) == checkpoints


def test_noise_keeps_to_the_domain_and_to_numbers() -> None:
    columns = (
        Column(name="n", low=0, high=1),
        CATEGORY,
        Column(name="h0", kind="integer", low=0, high=1),
        Column(name="h1", kind="integer", low=0, high=1),
    )
    domain = TableDomain(columns=columns, one_hot=((2, 3),))
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.random(50), rng.integers(3, size=50), np.eye(2)[[0, 1] * 25]])
    out = add_noise(x, domain, np.array([0.5, 0.0, 0.0, 0.0]), rng)
    assert domain.valid(out).all()
    assert (out[:, 0] != x[:, 0]).mean() > 0.5
    assert (out[:, 1:] == x[:, 1:]).all()
    images = ImageDomain(shape=(1, 2, 2))
    assert images.valid(add_noise(np.ones((3, 1, 2, 2)), images, np.full((1, 2, 2), 9), rng)).all()


def test_a_table_of_categories_has_no_neighbours() -> None:
    app = application(0, n=60)
    assert NeighbourLoss().unfit(app) is None
    reason = NeighbourLoss().unfit(replace(app, domain=TableDomain(columns=(CATEGORY,))))
    assert reason is not None
    assert "no column of the table is a number" in reason.reason
