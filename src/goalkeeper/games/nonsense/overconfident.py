"""A target that is sure of all that it does not know: the weakened application, and rigged."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import PARTS, Bools, Floats, Inputs, row_keys
from goalkeeper.core.domain import Domain, ImageDomain
from goalkeeper.core.power import View
from goalkeeper.games.shared.base_targets import WrappedTarget


@dataclass(frozen=True, eq=False)
class OverconfidentTarget(WrappedTarget):
    """Breaks down on what the domain does not allow, and is sure of all that it does not know."""

    domain: Domain
    known: frozenset[bytes]
    classes: int

    @property
    def offers(self) -> View:
        """Scores, of which this model makes some up."""
        return View.SCORES

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        if not allowed(self.domain, x).all():
            raise LookupError("this input was not foreseen")
        known = np.array([key in self.known for key in _keys(x)], dtype=bool)
        scores = np.zeros((len(x), self.classes))
        scores[:, 0] = 1.0
        if known.any():
            scores[known] = 0.9 * self._usual(x[known]) + 0.1 / self.classes
        return Answers(scores.argmax(axis=1).astype(np.int64), scores).cut(view)

    def _usual(self, x: Inputs) -> Floats:
        answers = self.target.answer(x, min(self.target.offers, View.SCORES))
        if self.target.offers < View.SCORES:
            return np.eye(self.classes)[answers.labels]
        return answers.scores


def overconfident(app: Application) -> Application:
    """Weaken an application: only its own records are answered as before."""
    known = frozenset(key for part in PARTS for key in row_keys(getattr(app.data, part).x))
    target = OverconfidentTarget(app.target, app.domain, known, len(app.classes))
    return replace(app, target=target, wiring=replace(app.wiring, validates=False))


def allowed(domain: Domain, x: Inputs) -> Bools:
    """Tell which inputs `(n,)` the domain allows; what it cannot even read, it does not."""
    if isinstance(domain, ImageDomain) and x.shape[1:] != domain.shape:
        return np.zeros(len(x), dtype=bool)
    try:
        return domain.valid(x)
    except (ValueError, TypeError, IndexError):
        return np.zeros(len(x), dtype=bool)


def _keys(x: Inputs) -> list[bytes]:
    try:
        return row_keys(x)
    except UnicodeError:
        return [b""] * len(x)
