"""An attacker's copy of a model: what changing one stored number does to its answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from goalkeeper.attacks._linear_text import LinearText
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Data, Floats, Inputs
from goalkeeper.core.errors import GoalkeeperError
from goalkeeper.core.power import View

FAR = 50.0  # log-odds; an input that is farther from any other class counts as this far
AGREE = 0.98  # share of inputs on which a rebuilt linear model must answer as the real one


class ModelCopy(ABC):
    """A copy whose stored numbers can be changed one at a time.

    Parameters
    ----------
    stored
        The stored numbers by name; they are copied.
    y
        True classes of the inputs that harm is measured on, `(n,)`.
    """

    def __init__(self, stored: Mapping[str, NDArray[Any]], y: NDArray[np.int64]) -> None:
        self.stored = {name: values.copy() for name, values in stored.items()}
        self.y = y

    @abstractmethod
    def logits(self, name: str = "", index: int = 0, value: Any = 0) -> Floats:
        """Answer with one number changed (none, if there is no name), `(n, classes)`."""

    @abstractmethod
    def slopes(self, name: str) -> Floats:
        """Return how fast harm grows with each number of an array, flat `(m,)`."""

    def write(self, name: str, index: int, value: Any) -> None:
        """Change one number for good."""
        self.stored[name].reshape(-1)[index] = value

    def harm(self, name: str = "", index: int = 0, value: Any = 0) -> float:
        """Measure harm: the share misclassified, and among equals how near the rest are to it.

        An answer that is not a number does no harm of this kind: it would be noticed.
        """
        with np.errstate(all="ignore"):
            ahead = margins(self.logits(name, index, value), self.y)
        finite = np.where(np.isfinite(ahead), ahead, FAR)
        # the mean margin breaks ties: by its weight it counts as half a per cent of inputs at most
        return float((finite < 0).mean() - 1e-4 * np.clip(finite, -FAR, FAR).mean())


def margins(logits: Floats, y: NDArray[np.int64]) -> Floats:
    """Return how far the true class is ahead of the best other, `(n,)`."""
    rows = np.arange(len(y))
    others = logits.copy()
    others[rows, y] = -np.inf
    return np.asarray(logits[rows, y] - others.max(axis=1))


def find_correct(logits: Floats, y: NDArray[np.int64]) -> tuple[Bools, NDArray[np.int64]]:
    """Tell which inputs are still classified correctly, and each one's best other class."""
    others = np.nan_to_num(logits, nan=-np.inf)
    others[np.arange(len(y)), y] = -np.inf
    return np.asarray(margins(logits, y) > 0), np.asarray(others.argmax(axis=1))


@final
class LinearModelCopy(ModelCopy):
    """A linear model rebuilt from its weights `(k, d)` and bias `(k,)`: every change is exact."""

    def __init__(
        self, stored: Mapping[str, NDArray[Any]], features: Floats, y: NDArray[np.int64]
    ) -> None:
        super().__init__(stored, y)
        self.x = features
        self._raw = self._dense()

    def _dense(self) -> Floats:
        with np.errstate(all="ignore"):
            weights = self.stored["weights"].astype(np.float64)
            return np.asarray(self.x @ weights.T + self.stored["bias"].astype(np.float64))

    def logits(self, name: str = "", index: int = 0, value: Any = 0) -> Floats:
        """Change one column of the scores."""
        raw = self._raw
        if name:
            old = float(self.stored[name].reshape(-1)[index])
            row, column = divmod(index, self.x.shape[1]) if name == "weights" else (index, -1)
            moved = self.x[:, column] if name == "weights" else 1.0
            with np.errstate(all="ignore"):  # numbers near the largest there is
                step = np.where(moved == 0, 0.0, (float(value) - old) * moved)
                raw = raw.copy()
                raw[:, row] = raw[:, row] + step
        if raw.shape[1] > 1:
            return raw
        return np.concatenate([-raw / 2, raw / 2], axis=1)

    def slopes(self, name: str) -> Floats:
        """Take the mean of what moves the best other class ahead, over inputs still correct."""
        right, other = find_correct(self.logits(), self.y)
        k = self._raw.shape[1]
        pull = np.zeros((len(self.y), max(k, 2)))
        rows = np.flatnonzero(right)
        pull[rows, other[rows]] += 1.0
        pull[rows, self.y[rows]] -= 1.0
        if k == 1:
            pull = (pull[:, 1:] - pull[:, :1]) / 2
        if name == "bias":
            return np.asarray(pull.mean(axis=0))
        return np.asarray((pull.T @ self.x / len(self.y)).reshape(-1))

    def write(self, name: str, index: int, value: Any) -> None:
        """Change one number for good."""
        super().write(name, index, value)
        self._raw = self._dense()


@final
class TorchCopy(ModelCopy):
    """A torch module: gradients say which numbers to try, forward passes what they do."""

    def __init__(
        self,
        stored: Mapping[str, NDArray[Any]],
        network: Any,
        x: Inputs,
        y: NDArray[np.int64],
    ) -> None:
        import torch

        super().__init__(stored, y)
        self._torch, self._network = torch, network
        first = next(iter(network.state_dict().values()))
        self._x = torch.as_tensor(np.asarray(x, dtype=np.float32), device=first.device)
        self._state = {key: value.clone() for key, value in network.state_dict().items()}
        self._keys = {key.removeprefix("inner."): key for key in self._state}
        self._slopes: dict[str, Floats] | None = None

    def logits(self, name: str = "", index: int = 0, value: Any = 0) -> Floats:
        """Pass all inputs forward."""
        torch, state = self._torch, self._state
        if name:
            key = self._keys[name]
            changed = state[key].clone()
            changed.view(-1)[index] = torch.as_tensor(value).to(changed)
            state = {**state, key: changed}
        with torch.no_grad():
            out = torch.func.functional_call(self._network, state, (self._x,))
        return np.asarray(out.double().cpu().numpy())

    def slopes(self, name: str) -> Floats:
        """Take the gradient of the mean margin of inputs still correct, for whole numbers too."""
        if self._slopes is None:
            self._slopes = self._gradients()
        return self._slopes[name]

    def _gradients(self) -> dict[str, Floats]:
        torch = self._torch
        right, other = find_correct(self.logits(), self.y)
        leaves = {
            self._keys[name]: self._state[self._keys[name]].detach().float().requires_grad_()
            for name in self.stored
        }
        out = torch.func.functional_call(self._network, {**self._state, **leaves}, (self._x,))
        rows = torch.as_tensor(np.flatnonzero(right), device=out.device)
        places = torch.arange(len(rows), device=out.device)
        chosen = out[rows]
        ahead = chosen[places, torch.as_tensor(other[right], device=out.device)]
        behind = chosen[places, torch.as_tensor(self.y[right], device=out.device)]
        found = torch.autograd.grad(
            (ahead - behind).sum() / len(self.y), list(leaves.values()), allow_unused=True
        )
        return {
            name: np.zeros(self.stored[name].size)
            if slope is None
            else slope.double().cpu().numpy().reshape(-1)
            for name, slope in zip(self.stored, found, strict=True)
        }

    def write(self, name: str, index: int, value: Any) -> None:
        """Change one number for good."""
        super().write(name, index, value)
        key = self._keys[name]
        self._state[key].view(-1)[index] = self._torch.as_tensor(value).to(self._state[key])
        self._slopes = None


@final
class QueriedCopy(ModelCopy):
    """Any other model that can be rewritten: its answers are asked for, nothing more is known."""

    def __init__(self, stored: Mapping[str, NDArray[Any]], access: Access, data: Data) -> None:
        super().__init__(stored, data.y)
        self._access, self._x = access, data.x

    def logits(self, name: str = "", index: int = 0, value: Any = 0) -> Floats:
        """Rewrite a copy, and ask it for scores."""
        stored = self.stored
        if name:
            changed = stored[name].copy()
            changed.reshape(-1)[index] = value
            stored = {**stored, name: changed}
        try:
            with np.errstate(all="ignore"):
                copy = self._access.tamper(lambda known: {**known, **stored})
                scores = copy.query(self._x).scores
        except (GoalkeeperError, ArithmeticError):  # it fails visibly: no harm of this kind
            return np.eye(int(self.y.max()) + 2)[self.y] * FAR
        return np.log(np.maximum(scores, 1e-300))

    def slopes(self, name: str) -> Floats:
        """Nothing is known: every number is as good as any other."""
        return np.asarray(self._access.rng.normal(size=self.stored[name].size))


def copy_model(access: Access, stored: Mapping[str, NDArray[Any]], data: Data) -> ModelCopy:
    """Make the best copy that this model allows."""
    linear = _linear(access, stored, data)
    if linear is not None:
        return linear
    network = _module(access, stored)
    if network is None:
        return QueriedCopy(stored, access, data)
    return TorchCopy(stored, network, data.x, data.y)


def _module(access: Access, stored: Mapping[str, NDArray[Any]]) -> Any:
    """Return the torch module whose parameters are the stored numbers; None if there is none."""
    if access.granted.view < View.GRADIENTS:
        return None
    try:
        network = access.network()
    except GoalkeeperError:  # no differentiable form
        return None
    held = {key.removeprefix("inner.") for key in network.state_dict()}
    return network if held >= set(stored) else None  # else it is a form made from other numbers


def _linear(
    access: Access, stored: Mapping[str, NDArray[Any]], data: Data
) -> LinearModelCopy | None:
    """Rebuild a linear model, and keep it only if it answers as the real one."""
    known = access.parameters()
    weights = stored.get("weights")
    if weights is None or "bias" not in stored or weights.ndim != 2:
        return None
    if len(weights) not in (1, len(access.classes)) or set(stored) != {"weights", "bias"}:
        return None
    features = _features(known, data.x)
    if features is None or features.shape[1] != weights.shape[1]:
        return None
    copy = LinearModelCopy(stored, features, data.y)
    labels = access.query(data.x).labels
    same = (copy.logits().argmax(axis=1) == labels).mean()
    return copy if same >= AGREE else None


def _features(known: Mapping[str, Any], x: Inputs) -> Floats | None:
    """Turn inputs into what weights multiply, `(n, d)`; None for texts of unknown words."""
    if "design" in known:
        return np.asarray(known["design"].expand(x))
    if x.dtype != object:
        return np.asarray(x, dtype=np.float64).reshape(len(x), -1)
    if "vocabulary" not in known:
        return None
    model = LinearText.read(known)
    values = np.stack([model.weigh_counts(model.count_terms(text)) * model.idf for text in x])
    if model.norm is None:
        return values
    power = 2 if model.norm == "l2" else 1
    norms = (np.abs(values) ** power).sum(axis=1, keepdims=True) ** (1 / power)
    return np.asarray(values / np.maximum(norms, 1e-12))
