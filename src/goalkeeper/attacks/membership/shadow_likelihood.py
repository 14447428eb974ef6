"""Distinguish members by a likelihood-ratio test against shadow models with and without each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.attacks.membership._shadows import ask_shadows, refuse_without_recipe
from goalkeeper.attacks.membership._signal import all_alike, logit_confidence
from goalkeeper.attacks.membership._weighing import match_law, run_tests, weigh_tests
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Floats
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.membership import Membership


@final
@dataclass(frozen=True, kw_only=True)
class ShadowLikelihood(Attack[Data, Floats]):
    """Compare the target with shadow models that saw each record and with others that did not.

    `models` shadow models are trained on random halves of the attacker's similar data and the
    candidate records, every record in exactly half of them. The target's confidence in a record
    is then tested against a Student t law fitted to the models with it, and one fitted to the
    models without it. One query a record; the cost is training.

    The signal fits the model: laws of the log odds, laws of the probability itself, and how much
    likelier the target finds the record than a mean model are joined, with weights by which they
    distinguish best what the shadow models themselves were trained on.

    Deviations from the paper (online LiRA): this joining; variances are shrunk towards the pooled
    ones of models with and models without, apart, and predictive t laws replace normal ones. An
    attacker who knows the recipe only in part also looks at the target's confidences after they
    were given the distribution of the shadow models', and takes the mean of both scores.
    """

    game: ClassVar = Membership
    variant: ClassVar[str] = "membership.shadow"
    reference: ClassVar[str] = (
        "Carlini et al. 2022, Membership inference attacks from first principles, Algorithm 1"
    )
    uses: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.FULL, algorithm=Grade.FULL))
    most: ClassVar[Budget] = Budget(queries=1, compute_h=1000.0)
    grows: ClassVar[Mapping[str, int]] = {"models": 16}
    models: int = 64

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse an application without a recipe."""
        return refuse_without_recipe(app)

    def run(self, question: Data, access: Access) -> Floats:
        """Return the log odds that each record is a member, `(n,)`; earlier from fewer models."""
        answers = access.query(question.x, np.arange(len(question)))
        if all_alike(answers.scores):
            return np.zeros(len(question))
        target = logit_confidence(answers.scores, question.y)
        exact = access.granted.knowledge.algorithm is Grade.FULL
        score = np.zeros(len(question))
        for shadow, member in ask_shadows(question, access, self.models, logit_confidence):
            signals = [target] if exact else [target, match_law(target, shadow)]
            joined = weigh_tests(shadow, member)
            tests = (run_tests(signal, shadow, member) for signal in signals)
            score = np.mean([joined.decision_function(test) for test in tests], axis=0)
            access.checkpoint(score)
        return np.asarray(score)
