"""Wrong reactions: learn from answers which ordinary inputs the model errs on, and send those."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.core.data import Data, Floats, Inputs, Ints
from goalkeeper.core.power import Budget
from goalkeeper.core.text import terms
from goalkeeper.games.chosen_inputs import ChosenInputs, InputPool

BATCHES = (0.25, 0.5, 1.0)  # shares of the inputs to learn from, after which a choice is handed in
WORDS = 5_000  # the most frequent ones, that are told apart


@final
@dataclass(frozen=True, kw_only=True)
class WrongReactions(Attack[InputPool, Ints]):
    """Query ordinary inputs, learn what goes with errors, and choose by that among others.

    No input is changed. To ask until one is misclassified finds no more than chance does; what an
    attacker adds is to learn which words, columns or pixels go with errors, and to choose inputs by
    these, without asking about them.

    Deviations from the source: it names the threat that the system reacts wrongly to an output;
    searching ordinary inputs for it, and learning where, is ours.
    """

    game: ClassVar[type[ChosenInputs]] = ChosenInputs
    variant: ClassVar[str] = "output.reaction"
    reference: ClassVar[str] = (
        "Gilmer, Adams, Goodfellow, Andersen, Dahl: Motivating the Rules of the Game for "
        "Adversarial Example Research (arXiv 1807.06732, 2018): errors on unchanged inputs serve "
        "an attacker as well"
    )
    tasks: ClassVar[tuple[str, ...]] = ("chosen-inputs",)
    most: ClassVar[Budget] = Budget(queries=10_000, share=0.0, compute_h=1.0)
    version: ClassVar[int] = 2

    def run(self, question: InputPool, access: Access) -> Ints:
        """Learn from more and more inputs, and hand in a choice after each batch."""
        practice = question.practice
        features = _describe(np.concatenate([practice.x, question.x]))
        known, others = features[: len(practice)], features[len(practice) :]
        most = int(min(len(practice), access.left()[question.slots]))
        error = np.zeros(0)
        chosen = question.rows(0)
        for share in BATCHES:
            rows = np.arange(len(error), int(share * most))
            if len(rows):
                error = np.concatenate([error, _ask(practice.take(rows), question.slots, access)])
            expected = _expect(known[: len(error)], error, others)
            shape = question.slots, question.size
            chosen = question.rows(0) + expected.reshape(shape).argmax(axis=1)
            access.checkpoint(chosen)
        return chosen


def _ask(data: Data, campaign: int, access: Access) -> Floats:
    """Return 1 for each input that is misclassified, else 0, `(n,)`."""
    answers = access.query(data.x, np.full(len(data), campaign))
    return np.asarray(answers.labels != data.y, dtype=np.float64)


def _expect(known: Floats, error: Floats, others: Floats) -> Floats:
    """Regress the error on each feature alone, and add up what they say of others `(n, d)`."""
    if len(error) < 2:
        return np.zeros(len(others))
    mean = known.mean(axis=0)
    centred = known - mean
    spread = (centred**2).mean(axis=0)
    varies = spread > 1e-12
    slope = np.zeros(len(mean))
    slope[varies] = ((error - error.mean()) @ centred)[varies] / len(error) / spread[varies]
    return np.asarray((others - mean) @ slope)


def _describe(x: Inputs) -> Floats:
    """Return features `(n, d)`: which words a text has, or the numbers of a row or an image."""
    if x.dtype == object:
        from sklearn.feature_extraction.text import CountVectorizer

        vectoriser = CountVectorizer(analyzer=terms, binary=True, max_features=WORDS)
        try:
            return np.asarray(vectoriser.fit_transform(x).toarray(), dtype=np.float64)
        except ValueError:  # not one word
            return np.zeros((len(x), 1))
    rows = np.asarray(x, dtype=np.float64).reshape(len(x), int(np.prod(x.shape[1:])))
    return np.nan_to_num(rows)
