"""An attacker's copy of a model: what changing one stored number does to its answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from goalkeeper.attacks.bit_flips._features import TermCounts, expand_features, weighs_otherwise
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Data, Floats, Inputs
from goalkeeper.core.errors import GoalkeeperError, NotGranted
from goalkeeper.core.power import View
from goalkeeper.core.stored_numbers import BFLOAT16, as_floats

FAR = 50.0  # log-odds; an input that is farther from any other class counts as this far
PROBED = 300  # columns that are looked at one by one, because a scaler moves them
ASKED = 150  # inputs that a model without slopes is asked about in every trial
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

    guided = True  # slopes say which numbers matter

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
    """A linear model by its weights as they act on inputs, after each change of what is stored.

    What is stored are weights beside scalers, and with them go through `parameters()`. Weights
    that are only scaled on the way, as those on words are, are followed without asking for that.

    Parameters
    ----------
    stored
        The stored numbers by name; they are copied.
    access
        What rewrites the model, and reads it.
    data
        Inputs that harm is measured on, with their true classes.
    """

    def __init__(self, stored: Mapping[str, NDArray[Any]], access: Access, data: Data) -> None:
        super().__init__(stored, data.y)
        self._access, self._x = access, data.x
        self._known = access.parameters()
        self._counts = TermCounts.of(self._known, data.x)
        self.x = expand_features(self._known, data.x, self._counts)
        self._raw = self._scores(self._known)
        self._weights = self._find_weights()

    def _scores(self, known: Mapping[str, Any]) -> Floats:
        x = self.x
        if known is not self._known and weighs_otherwise(known, self._known):
            x = expand_features(known, self._x, self._counts)
        with np.errstate(all="ignore"):
            return np.asarray(x @ known["weights"].T + known["bias"])

    def logits(self, name: str = "", index: int = 0, value: Any = 0) -> Floats:
        """Change a column of the scores, or read the weights of a model with this change."""
        raw = self._raw
        if name in self._weights:
            old = float(self.stored[name].reshape(-1)[index])
            row, column = divmod(index, self.x.shape[1])
            way = self._weights[name]
            moved = self.x[:, column] * way.scale[row, column] + way.shift[row, column]
            with np.errstate(all="ignore"):  # numbers near the largest there is
                step = np.where(moved == 0, 0.0, (float(value) - old) * moved)
                raw = raw.copy()
                raw[:, row] = raw[:, row] + step
        elif name:
            try:
                raw = self._scores(self._read(self._changed(name, index, value)))
            except (GoalkeeperError, ArithmeticError):  # it fails visibly: no harm of this kind
                return np.eye(len(self._access.classes))[self.y] * FAR
        return raw if raw.shape[1] > 1 else np.concatenate([-raw / 2, raw / 2], axis=1)

    def _read(self, numbers: Mapping[str, NDArray[Any]]) -> Mapping[str, Any]:
        with np.errstate(all="ignore"):
            return self._access.tamper(lambda known: numbers).parameters()

    def _changed(self, name: str, index: int, value: Any) -> Mapping[str, NDArray[Any]]:
        changed = self.stored[name].copy()
        changed.reshape(-1)[index] = value
        return {**self.stored, name: changed}

    def slopes(self, name: str) -> Floats:
        """Take the mean of what moves the best other class ahead, over inputs still correct.

        Of numbers that are no weights nothing is known: each is as good as any other.
        """
        if name not in self._weights:
            return np.asarray(self._access.rng.normal(size=self.stored[name].size))
        right, other = find_correct(self.logits(), self.y)
        k = self._raw.shape[1]
        pull = np.zeros((len(self.y), max(k, 2)))
        rows = np.flatnonzero(right)
        pull[rows, other[rows]] += 1.0
        pull[rows, self.y[rows]] -= 1.0
        if k == 1:
            pull = (pull[:, 1:] - pull[:, :1]) / 2
        way = self._weights[name]
        found = pull.T @ self.x * way.scale + pull.sum(axis=0)[:, None] * way.shift
        return np.asarray((found / len(self.y)).reshape(-1))

    def write(self, name: str, index: int, value: Any) -> None:
        """Change one number for good."""
        super().write(name, index, value)
        known = self._read(self.stored)
        self._raw = self._scores(known)
        if name not in self._weights:  # a scale, or what words weigh
            self.x = expand_features(known, self._x, self._counts)
            self._known, self._weights = known, self._find_weights()

    def _find_weights(self) -> dict[str, _Way]:
        """Find the arrays of weights that reach the inputs scaled one by one, and by how much."""
        found: dict[str, _Way] = {}
        for name, values in self.stored.items():
            if values.shape == np.shape(self._known["weights"]) and values.dtype.kind == "f":
                try:
                    way = self._find_way(name)
                except (GoalkeeperError, ArithmeticError):
                    continue
                if way is not None:
                    found[name] = way
        return found

    def _find_way(self, name: str) -> _Way | None:
        """Write other weights, and see what these become where they meet the inputs."""
        kind, shape = self.stored[name].dtype, self.stored[name].shape

        def write(numbers: Floats) -> tuple[Floats, Floats]:
            known = self._read({**self.stored, name: numbers.astype(kind)})
            return known["weights"], known["bias"]

        none, bias = write(np.zeros(shape))
        scale = write(np.ones(shape))[0] - none
        tried = self._access.rng.normal(size=shape).astype(kind)
        weights, moved = write(tried)
        with np.errstate(all="ignore"):
            if not np.allclose(weights, none + scale * tried):
                return None
        if np.allclose(moved, bias, rtol=1e-9):
            return _Way(scale, np.zeros(shape))
        if shape[1] > PROBED:
            return None
        columns = np.eye(shape[1])
        shift = np.stack([write(np.tile(c, (shape[0], 1)))[1] - bias for c in columns], axis=1)
        return _Way(scale, shift)


@dataclass(frozen=True, eq=False, slots=True)
class _Way:
    """How stored weights reach the inputs: each moves a score by `x * scale + shift`, `(k, d)`."""

    scale: Floats
    shift: Floats


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
            changed.view(-1)[index] = self._worth(value).to(changed)
            state = {**state, key: changed}
        with torch.no_grad():
            out = torch.func.functional_call(self._network, state, (self._x,))
        return np.asarray(out.double().cpu().numpy())

    def _worth(self, value: Any) -> Any:
        """Return a stored number as a tensor; numpy has no bfloat16."""
        kept = np.asarray(value)
        return self._torch.as_tensor(as_floats(kept) if kept.dtype == BFLOAT16 else kept)

    def slopes(self, name: str) -> Floats:
        """Take the gradient of the mean margin of inputs still correct, for whole numbers too.

        Where no gradients lead through the network, all are 0.
        """
        if self._slopes is None:
            self._slopes = self._gradients()
        return self._slopes[name]

    def _gradients(self) -> dict[str, Floats]:
        torch = self._torch
        right, other = find_correct(self.logits(), self.y)
        state = {self._keys[name]: self._state[self._keys[name]].detach() for name in self.stored}
        leaves = {
            key: (value.clone() if value.is_floating_point() else value.float()).requires_grad_()
            for key, value in state.items()
        }
        out = torch.func.functional_call(self._network, {**self._state, **leaves}, (self._x,))
        rows = torch.as_tensor(np.flatnonzero(right), device=out.device)
        places = torch.arange(len(rows), device=out.device)
        chosen = out[rows]
        ahead = chosen[places, torch.as_tensor(other[right], device=out.device)]
        behind = chosen[places, torch.as_tensor(self.y[right], device=out.device)]
        margin = (ahead - behind).sum() / len(self.y)
        if not margin.requires_grad:
            return {name: np.zeros(self.stored[name].size) for name in self.stored}
        found = torch.autograd.grad(margin, list(leaves.values()), allow_unused=True)
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
        self._state[key].view(-1)[index] = self._worth(value).to(self._state[key])
        self._slopes = None


@final
class QueriedCopy(ModelCopy):
    """Any other model that can be rewritten: its answers are asked for, nothing more is known.

    The attacker has the model, and asks a copy of its own about the first few inputs.
    """

    guided = False

    def __init__(self, stored: Mapping[str, NDArray[Any]], access: Access, data: Data) -> None:
        super().__init__(stored, data.y[:ASKED])
        self._access, self._x = access, data.x[:ASKED]
        self._written: set[str] = set()

    def write(self, name: str, index: int, value: Any) -> None:
        """Change one number for good."""
        super().write(name, index, value)
        self._written.add(name)

    def logits(self, name: str = "", index: int = 0, value: Any = 0) -> Floats:
        """Rewrite a copy, and ask it for scores."""
        stored = {key: self.stored[key] for key in self._written}
        if name:
            changed = self.stored[name].copy()
            changed.reshape(-1)[index] = value
            stored[name] = changed
        classes = len(self._access.classes)
        try:
            with np.errstate(all="ignore"):
                answers = self._access.tamper(lambda known: stored).query(self._x)
        except (GoalkeeperError, ArithmeticError):  # it fails visibly: no harm of this kind
            return np.eye(classes)[self.y] * FAR
        try:
            return np.log(np.maximum(answers.scores, 1e-300))
        except NotGranted:  # the model says classes only
            return np.eye(classes)[answers.labels]

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
    """Follow a linear model by its weights, if that answers as the real one."""
    try:
        known = access.parameters()
        weights = known.get("weights")
        if weights is None or len(weights) not in (1, len(access.classes)) or weights.ndim != 2:
            return None
        if (
            expand_features(known, data.x, TermCounts.of(known, data.x)).shape[1]
            != weights.shape[1]
        ):
            return None
        copy = LinearModelCopy(stored, access, data)
    except GoalkeeperError:  # it is not linear, or shows no weights
        return None
    labels = access.query(data.x).labels
    same = (copy.logits().argmax(axis=1) == labels).mean()
    return copy if same >= AGREE else None
