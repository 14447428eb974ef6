"""A plain Python function as a target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers
from goalkeeper.core.data import Inputs
from goalkeeper.core.domain import Domain
from goalkeeper.core.errors import NotOffered, TargetError
from goalkeeper.core.power import View
from goalkeeper.targets.inputs import prepared
from goalkeeper.targets.returned import ClassIndex, call_model, labels_of, scores_of


class PythonTarget:
    """A function that answers a batch: labels `(n,)`, or scores `(n, classes)`.

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
        A few inputs `(m, ...)` to find out, by one call, whether it gives labels or scores.
    path
        The stored file behind the function, if there is one.
    what
        What errors call it (default: the function, by its name).
    """

    def __init__(
        self,
        function: Callable[[Any], Any],
        classes: Sequence[str | int],
        domain: Domain,
        *,
        sample: Inputs,
        path: Path | None = None,
        what: str = "",
    ) -> None:
        self.function, self.domain = function, domain
        self._index, self._path = ClassIndex(classes), path
        name = getattr(function, "__name__", type(function).__name__)
        self._what = what or f"the function {name}"
        if len(sample) == 0:
            raise TargetError(f"{self._what} cannot be tried without inputs; give a sample")
        raw = np.asarray(call_model(function, prepared(sample, domain), self._what))
        self._scored = raw.ndim == 2 and raw.shape[1] > 1
        self._check_fractions(raw)
        self.answer(sample[:1], self.offers)

    @property
    def offers(self) -> View:
        """Scores, or labels only."""
        return View.SCORES if self._scored else View.LABELS

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        if view > self.offers:
            raise NotOffered(f"{self._what} gives {self.offers.name.lower()}, not {view.name}")
        n, width = len(x), len(self._index)
        if n == 0:
            empty = np.empty(0, dtype=np.int64)
            return Answers(empty, np.empty((0, width)) if self._scored else None)
        raw = call_model(self.function, prepared(x, self.domain), self._what)
        if not self._scored:
            return Answers(labels_of(raw, n, self._index, self._what))
        scores = scores_of(raw, n, width, self._what)
        return Answers(scores.argmax(axis=1).astype(np.int64), scores)

    def parameters(self) -> Mapping[str, Any]:
        """Refuse: a function has no parameters to read."""
        raise NotOffered(f"{self._what} has no parameters that can be read")

    def artefact(self) -> Path:
        """Path of the stored file; raises NotOffered when none was given."""
        if self._path is None:
            raise NotOffered(f"no stored file was given for {self._what}")
        return self._path

    def _check_fractions(self, raw: Any) -> None:
        """Refuse one fraction an input: it could be the score of either class."""
        if self._scored or raw.dtype.kind != "f" or bool((raw == np.round(raw)).all()):
            return
        raise TargetError(
            f"{self._what} returned one fraction for every input, shape {raw.shape}; return "
            f"labels (n,), or scores with one column a class (n, {len(self._index)})"
        )
