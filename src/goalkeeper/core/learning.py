"""How an application keeps learning from user feedback, as its description says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from goalkeeper.core.data import Ints

RETRAINED, PARTIAL_FIT, FUNCTION = "retrained", "partial_fit", "function"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """How the application keeps learning from user feedback.

    Parameters
    ----------
    share
        Most feedback of an attacker that one round takes, as a share of the training data.
    rounds
        Updates that a teacher can take part in before somebody looks by other means; 0: the
        application does not learn from feedback.
    review
        Share of feedback, drawn at random, that a person labels again.
    monitor
        Loss of accuracy on a fixed reference set at which an alarm is raised and learning stops;
        None: nobody watches.
    snapshots
        Earlier versions that are kept and can be restored; 0: none.
    learning
        What happens after each round. `retrained`: the model is trained from scratch on its
        training data and all feedback so far. `partial_fit`: the model that serves is updated
        with the feedback of this round alone. `function`: `update` does that.
    update
        The application's own `update(model, x, y)` or `update(model, x, y, seed)`; `y (m,)` are
        indices of classes. It changes the model, or returns another one.
    batch
        Records an update takes at once; None: a network's own batch, else all of a round.
    repeats
        How often each record of feedback is learnt: so many copies of it where the model is
        retrained, so many passes over the round where it is updated.
    shuffle
        Whether the feedback of a round is mixed before it is learnt, in place of its own order.
    rate
        Learning rate of a network's updates; None: that of its training.
    others
        Honest feedback of other users in each round, as a share of the training data; it comes
        before that of the attacker.
    """

    share: float = 0.05
    rounds: int = 10
    review: float = 0.0
    monitor: float | None = None
    snapshots: int = 0
    learning: str = RETRAINED
    update: Callable[..., Any] | None = None
    batch: int | None = None
    repeats: int = 1
    shuffle: bool = False
    rate: float | None = None
    others: float = 0.0

    @property
    def in_place(self) -> bool:
        """Whether the model that serves is updated, and not trained from scratch."""
        return self.learning != RETRAINED

    @property
    def forgets(self) -> bool:
        """Whether other people's later feedback undoes what was learnt before."""
        return self.in_place and self.others > 0

    @property
    def declared(self) -> tuple[object, ...]:
        """Everything that decides results; a function's content is among the hashes of files."""
        names = [f.name for f in fields(self) if f.name != "update"]
        return tuple(getattr(self, name) for name in names)

    def steps(
        self, rows: int, rng: np.random.Generator, batch: int | None = None
    ) -> Iterator[Ints]:
        """Yield the records of each update of one round, as places among `rows` records.

        `batch` is what the model takes at once where the description does not say.
        """
        size = self.batch or batch or max(1, rows)
        for _ in range(self.repeats):
            order = rng.permutation(rows) if self.shuffle else np.arange(rows)
            for start in range(0, rows, size):
                yield order[start : start + size]
