"""A target that takes its time over unusual inputs: the weakened application."""

from __future__ import annotations

from dataclasses import dataclass, replace

from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import PARTS, Inputs, row_keys
from goalkeeper.core.power import View
from goalkeeper.core.text import terms
from goalkeeper.games.shared.base_targets import WrappedTarget

MOST = 30  # times that a weakened target answers the same input
UNKNOWN = 8  # times, for rows and images that are none of its records


@dataclass(frozen=True, eq=False)
class SlowTarget(WrappedTarget):
    """A target that answers an input again and again where it finds it unusual.

    Texts are unusual by how many different words they hold for their length, rows and images
    unless they are among its own records.
    """

    known: frozenset[bytes]

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        answers = self.target.answer(x, view)
        for i, times in enumerate(self._times(x)):
            for _ in range(times):
                self.target.answer(x[i : i + 1], view)
        return answers

    def _times(self, x: Inputs) -> list[int]:
        if x.dtype == object:
            shares = [16 * len(set(terms(text))) / (len(text) + 1) for text in x]
            return [int(min(MOST, share**2)) for share in shares]
        return [0 if key in self.known else UNKNOWN for key in row_keys(x)]


def slowed(app: Application) -> Application:
    """Weaken an application: unusual inputs are answered many times over."""
    known: frozenset[bytes] = frozenset()
    if app.domain.kind != "text":
        known = frozenset(key for part in PARTS for key in row_keys(getattr(app.data, part).x))
    return replace(app, target=SlowTarget(app.target, known))
