"""Change images by the gradients of the attacker's own network, without seeing any answer."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import final

import numpy as np

from goalkeeper.attacks.base import Unfit
from goalkeeper.attacks.evasion._driver import (
    IN_NORMS,
    EvasionAttack,
    Proposal,
    QueryResults,
    State,
)
from goalkeeper.attacks.evasion._momentum import Momentum, train_network
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Inputs
from goalkeeper.core.errors import MissingExtra
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.evasion import EvasionQuestion, NormBall


@dataclass(frozen=True, eq=False, kw_only=True)
class PreparedImages(State):
    """The changed images `(a, ...)`, computed once and handed in."""

    x: Inputs


@final
@dataclass(frozen=True, kw_only=True)
class TransferredGradients(EvasionAttack[PreparedImages]):
    """Train a network on the attacker's own images, and ascend its loss with momentum.

    What misleads one network often misleads another that was trained for the same task. Momentum
    keeps the direction stable, so that the change fits less to peculiarities of this network. The
    whole radius is used, as no answer shows when to stop. Costs no query. An attacker who knows
    the family of the training algorithm trains that, where it has gradients; any other a network
    with one hidden layer.

    Parameters
    ----------
    steps
        Steps of the climb, each 1.5 / steps of the radius.
    momentum
        Of the gradient.
    """

    variant = "evasion.transfer"
    reference = "Dong et al. 2018, Boosting adversarial attacks with momentum, CVPR, Algorithm 1"
    domains = frozenset({"image"})
    tasks = IN_NORMS
    uses = Power(knowledge=Knowledge(algorithm=Grade.PARTIAL))
    most = Budget(queries=0, compute_h=1.0)
    steps: int = 20
    momentum: float = 1.0

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse where torch is not installed."""
        if find_spec("torch") is None:
            missing = MissingExtra("torch", "torch")
            return Unfit(f"the attack trains its own network: {missing}")
        return None

    def start(self, question: EvasionQuestion, streams: Inputs, access: Access) -> PreparedImages:
        """Train, climb, and round to what images may be."""
        constraint = question.constraint
        if not isinstance(constraint, NormBall):
            raise TypeError(f"this attack needs a norm ball, the constraint is {constraint!r}")
        network = train_network(access, access.data(), int(access.rng.integers(2**31)))
        before = np.asarray(question.x, dtype=np.float64)
        climb = Momentum(steps=self.steps, momentum=self.momentum)
        after = climb.ascend([network], before, question.goal.wanted, constraint)
        return PreparedImages(
            done=np.zeros(len(before), dtype=bool), x=constraint.quantise(before, after)
        )

    def propose(self, state: PreparedImages) -> Proposal:
        """Hand in each image once."""
        return Proposal(state.x[:, None], np.ones((len(state.x), 1), dtype=bool))

    def update(self, state: PreparedImages, seen: QueryResults) -> PreparedImages:
        """Stop: there is nothing to learn from."""
        return PreparedImages(done=np.ones(len(state.x), dtype=bool), x=state.x)
