"""A plain Python function as a target."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers
from goalkeeper.core.data import Inputs
from goalkeeper.core.domain import Domain
from goalkeeper.core.errors import NotOffered, TargetError
from goalkeeper.core.power import View
from goalkeeper.core.stored_numbers import Stored
from goalkeeper.targets.answers import AnswerReader, Declared
from goalkeeper.targets.holdings import count_kept
from goalkeeper.targets.inputs import prepared
from goalkeeper.targets.returned import call_model


class PythonTarget:
    """A function that answers a batch: labels `(n,)`, or scores `(n, classes)`.

    It may return them in any form that `AnswerReader` knows. It offers labels, scores, or logits
    where it answers on the scale of logits.

    Parameters
    ----------
    function
        Takes texts `(n,)`, rows `(n, d)` (a DataFrame when the domain is named) or flattened
        images `(n, pixels)`.
    classes
        The application's classes, in the order of the columns of the scores.
    domain
        What an input looks like.
    sample
        Inputs `(m, ...)` to find out, by one call, what it answers with: hundreds, if possible of
        training and of unseen data.
    path
        The stored file behind the function, if there is one.
    declared
        What the user says of the answers, and what errors call the function (default: by its
        name).
    """

    # A function that gives classes is taken at its word: it is the model, with nothing behind it.
    hides_scores = False

    def __init__(
        self,
        function: Callable[[Any], Any],
        classes: Sequence[str | int],
        domain: Domain,
        *,
        sample: Inputs,
        path: Path | None = None,
        declared: Declared | None = None,
    ) -> None:
        self.function, self.domain = function, domain
        self._path = path
        name = getattr(function, "__name__", type(function).__name__)
        declared = declared or Declared(what=f"the function {name}")
        self._what, self._width = declared.what, len(classes)
        if len(sample) == 0:
            raise TargetError(f"{self._what} cannot be tried without inputs; give a sample")
        raw = call_model(function, prepared(sample, domain), self._what)
        self.reader = AnswerReader.decide(raw, len(sample), classes, declared)
        self.reader.read(raw, len(sample))

    def with_function(self, function: Callable[[Any], Any]) -> PythonTarget:
        """Copy this target with another function that answers in the same form."""
        changed = copy.copy(self)
        changed.function = function
        return changed

    @property
    def offers(self) -> View:
        """Labels, scores or logits."""
        return self.reader.offers

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        if view > self.offers:
            raise NotOffered(f"{self._what} gives {self.offers.name.lower()}, not {view.name}")
        n = len(x)
        if n == 0:
            nothing = np.empty((0, self._width))
            return Answers(np.empty(0, dtype=np.int64), nothing, nothing).cut(self.offers)
        raw = call_model(self.function, prepared(x, self.domain), self._what)
        return self.reader.read(raw, n)

    @cached_property
    def kept(self) -> int | None:
        """How many numbers and words the function keeps or refers to; None: not known."""
        return count_kept(self.function)

    def parameters(self) -> Mapping[str, Any]:
        """Refuse: a function has no parameters to read."""
        raise NotOffered(f"{self._what} has no parameters that can be read")

    def stored_numbers(self) -> Stored:
        """Refuse: what a function computes with is not known."""
        raise NotOffered(
            f"{self._what} is a function, which shows none of the numbers it computes with"
        )

    def artefact(self) -> Path:
        """Path of the stored file; raises NotOffered when none was given."""
        if self._path is None or not self._path.exists():  # a model that was in memory only
            raise NotOffered(f"no stored file was given for {self._what}")
        return self._path
