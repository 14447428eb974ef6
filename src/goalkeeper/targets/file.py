"""A stored model whose format has its own program to compute it: a black box, or with a twin."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from goalkeeper.core.application import Answers
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.domain import Domain
from goalkeeper.core.errors import NotOffered, TargetError
from goalkeeper.core.power import View
from goalkeeper.core.stored_numbers import Stored
from goalkeeper.targets.inputs import prepared
from goalkeeper.targets.outputs import Outputs
from goalkeeper.targets.returned import ClassIndex, call_model, labels_of, scores_of
from goalkeeper.targets.torch import TorchTarget

if TYPE_CHECKING:
    from torch import nn

TINY = float(np.finfo(np.float64).tiny)  # the logarithm of a probability of 0 stays finite
AGREE = 1e-4  # probabilities of a twin may differ by this

# Classes (n,) as the model writes them or None, probabilities (n, classes) or None. Without
# classes, the class of the highest probability is the answer.
Reply = tuple[Any, Floats | None]


class FileTarget:
    """A stored model that its own library computes.

    Parameters
    ----------
    reply
        Takes what `prepared` makes of inputs, and returns classes `(n,)` (or None) and
        probabilities `(n, classes)` in the order of the application's classes (or None).
    classes
        The application's classes.
    domain
        What an input looks like, as `reply` takes it.
    sample
        A few inputs `(m, ...)`: it is tried on them.
    path
        The stored file or folder.
    what
        What errors call it, e.g. `the ONNX model m.onnx`.
    """

    def __init__(
        self,
        reply: Callable[[Any], Reply],
        classes: Sequence[str],
        domain: Domain,
        *,
        sample: Inputs,
        path: Path,
        what: str,
    ) -> None:
        self._reply, self.domain = reply, domain
        self.classes = tuple(classes)
        self._index = ClassIndex(classes)
        self._path, self._what = path, what
        self._twin: TorchTarget | None = None
        if len(sample) == 0:
            raise TargetError(f"{what} cannot be tried without inputs; give a sample")
        self._scored = self._called(sample)[1] is not None
        self.answer(sample, self.offers)

    @property
    def offers(self) -> View:
        """Gradients where there is a twin; else scores, or labels only."""
        if not self._scored:
            return View.LABELS
        return View.SCORES if self._twin is None else View.GRADIENTS

    def with_twin(self, twin: nn.Module, sample: Inputs) -> FileTarget:
        """Copy this target, with a torch module that computes the same.

        Attacks get its gradients; answers still come from the stored model.

        Parameters
        ----------
        twin
            Takes inputs `(n, ...)` of the domain and returns logits `(n, classes)`.
        sample
            Inputs `(m, ...)` on which both must give the same probabilities.

        Raises
        ------
        NotOffered
            The stored model gives classes only, or the twin computes something else.
        """
        if not self._scored:
            raise NotOffered("it gives classes only")
        theirs = self.answer(sample, View.SCORES).scores
        try:
            known = Outputs(len(self._index), what=f"the torch form of {self._what}")  # logits
            module = TorchTarget(twin, self.classes, self.domain, self._path, outputs=known)
            ours = module.answer(sample, View.SCORES).scores
        except TargetError as error:
            raise NotOffered(f"its torch form cannot be computed ({error})") from error
        shares = theirs / theirs.sum(axis=1, keepdims=True)  # sigmoids of classes need not sum to 1
        gap = float(np.abs(ours - shares).max())
        if not gap <= AGREE:
            raise NotOffered(f"its torch form differs from the stored model by up to {gap:.2g}")
        changed = copy.copy(self)
        changed._twin = module  # noqa: SLF001 - of its own kind
        return changed

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`; logits are the logarithms of the probabilities.

        Raises
        ------
        TargetError
            The model failed, or returned something that is not an answer.
        NotOffered
            The model has no answers of this view.
        """
        if view > self.offers:
            raise NotOffered(f"{self._what} gives {self.offers.name.lower()}, not {view.name}")
        n, width = len(x), len(self._index)
        if n == 0:
            nothing = np.empty((0, width))
            return Answers(np.empty(0, dtype=np.int64), nothing, nothing).cut(self.offers)
        raw, found = self._called(x)
        scores = None if found is None else scores_of(found, n, width, self._what)
        if raw is not None:
            labels = labels_of(raw, n, self._index, self._what)
        elif scores is not None:
            labels = scores.argmax(axis=1).astype(np.int64)
        else:
            raise TargetError(f"{self._what} gave neither classes nor scores")
        logits = None if scores is None else np.log(np.maximum(scores, TINY))
        return Answers(labels, scores, logits).cut(view)

    def parameters(self) -> Mapping[str, Any]:
        """Return the numbers of the twin by name; raises NotOffered where there is none."""
        return self._read().parameters()

    def with_parameters(self, parameters: Mapping[str, Any]) -> TorchTarget:
        """Return the twin with other numbers as a target; raises NotOffered without a twin."""
        return self._read().with_parameters(parameters)

    def stored_numbers(self) -> Stored:
        """Return the stored numbers of the twin; raises NotOffered where there is none."""
        return self._read().stored_numbers()

    def with_stored_numbers(self, numbers: Mapping[str, Any]) -> TorchTarget:
        """Return the twin with other stored numbers; raises NotOffered without a twin."""
        return self._read().with_stored_numbers(numbers)

    def network(self, count: Callable[[int, int], None]) -> nn.Module:
        """Return the metered twin; raises NotOffered where there is none."""
        return self._read().network(count)

    def artefact(self) -> Path:
        """Path of the stored model."""
        if not self._path.exists():  # a model that was in memory only
            raise NotOffered(f"no stored file was given for {self._what}")
        return self._path

    def _read(self) -> TorchTarget:
        if self._twin is None:
            raise NotOffered(f"{self._what} has no differentiable form that is known here")
        return self._twin

    def _called(self, x: Inputs) -> Reply:
        labels, scores = call_model(self._reply, prepared(x, self.domain), self._what)
        return labels, scores
