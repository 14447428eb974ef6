"""New records with labels of the attacker's choice, where they mislead a linear model most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.poisoning._points import PointCrafter
from goalkeeper.attacks.poisoning._steps import choose_class, submit_in_steps
from goalkeeper.core.access import Access
from goalkeeper.core.change import Change
from goalkeeper.games.poisoning import Contribution, Poisoning, PoisoningQuestion

MOVED, MOVED_TEXTS = 2, 6  # of so many records one is moved, the others stay as they were


@final
@dataclass(frozen=True, kw_only=True)
class InsertLabelled(Attack[PoisoningQuestion, Contribution]):
    """Add records that the attacker writes and labels, where they mislead a linear model most.

    The attacker trains logistic regression on similar data of its own and moves all points together
    up the slope of the error that the model makes on other data of its own. Every point is a
    possible input: bounds, whole numbers, categories and one-hot groups are kept, pixels are
    rounded, texts get words of the attacker's data behind them. Every second record, of texts five
    of six, is one of the attacker's data as it is, with the wrong label: what bends a linear model
    is no use against one that looks at neighbours, and the other way round. Costs no query, and no
    model of the victim's recipe.

    Deviations: the first paper moves one point at a time against a support vector machine that
    it trains on the victim's data; here all points move at once, against a logistic surrogate, on
    similar data. The second sends words of a dictionary, labelled by the victim.
    """

    game = Poisoning
    variant = "poisoning.insert_labelled"
    reference = (
        "Biggio, Nelson and Laskov 2012, Poisoning attacks against support vector machines, ICML; "
        "Nelson et al. 2008, Exploiting machine learning to subvert your spam filter, LEET"
    )
    tasks: ClassVar[tuple[str, ...]] = ("harmless-declined", "accuracy-drop")

    def run(self, question: PoisoningQuestion, access: Access) -> Contribution:
        """Return the largest contribution that the share allows; smaller ones on the way."""
        crafter = PointCrafter.of(access, choose_class(question, access, access.data()))
        counts = question.addition_counts(access.granted.budget.share)
        if crafter is None or not counts:
            return submit_in_steps(access, (), lambda _: Change())

        plain = crafter.flip_some(access.rng)

        def change(count: int) -> Change:
            points = crafter.craft(count / question.rows, access.rng, strength=1.0)
            written = points.take(np.resize(np.arange(len(points)), count))
            every = MOVED_TEXTS if access.domain.kind == "text" else MOVED
            kept = np.flatnonzero(np.arange(count) % every)
            flipped = plain.take(np.resize(np.arange(len(plain)), len(kept)))
            x, y = written.x.copy(), written.y.copy()
            x[kept], y[kept] = flipped.x, flipped.y
            return Change(add=x, add_labels=y)

        return submit_in_steps(access, counts, change)
