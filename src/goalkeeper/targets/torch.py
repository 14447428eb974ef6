"""PyTorch modules as targets, and the metered differentiable form that gradient attacks use."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from goalkeeper.core.application import Answers
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.domain import Domain, TableDomain, TextDomain
from goalkeeper.core.errors import MissingExtra, NotOffered, TargetError
from goalkeeper.core.power import View
from goalkeeper.targets.inputs import prepared
from goalkeeper.targets.returned import ClassIndex, call_model, scores_of, softmax

if TYPE_CHECKING:
    from torch import Tensor, nn

BATCH = 512  # inputs that pass through the module at once

Count = Callable[[int, int], None]  # is told of rows passed forward, rows passed backward


def is_module(value: Any) -> bool:
    """Tell whether a value is a torch module, without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.nn.Module)


def need_torch() -> Any:
    """Import torch, or say in one line what to install."""
    try:
        import torch
    except ImportError as error:
        raise MissingExtra("torch", "torch") from error
    return torch


class TorchTarget:
    """A trained module that answers with logits.

    The module gets float tensors in the domain's own units: `(n, channels, height, width)` for
    images, `(n, d)` for rows, so scaling belongs into the module. A module for texts also has
    `encode(texts)`, which returns whole numbers `(n, length)`; those it gets. It returns
    `(n, classes)` logits, or `(n, 1)` towards class 1 where there are two classes. It always
    answers in evaluation mode and float32, in batches, on the device its parameters are on.

    Parameters
    ----------
    module
        A trained module. It is copied; training or changing it later changes nothing here.
    classes
        The application's classes, in the order of the logits.
    domain
        What an input looks like.
    path
        The stored file of the parameters, if there is one.
    """

    def __init__(
        self,
        module: nn.Module,
        classes: Sequence[str | int],
        domain: Domain,
        path: Path | None = None,
    ) -> None:
        torch = need_torch()
        if not isinstance(module, torch.nn.Module):
            raise TargetError(f"{type(module).__name__} is not a torch.nn.Module")
        if getattr(domain, "named", False):
            raise TargetError(
                "a torch module takes numbers: tables with categories need a function "
                "(model.function) that turns them into tensors"
            )
        if isinstance(domain, TextDomain):
            encoder(module)
        self.module = copy.deepcopy(module).eval()
        for parameter in self.module.parameters():
            parameter.requires_grad = False
        self.domain, self._path = domain, path
        self.classes = tuple(str(c) for c in classes)
        self._width = len(ClassIndex(classes))
        self._what = f"the module {type(module).__name__}"

    @property
    def offers(self) -> View:
        """Gradients: a module can be read; but texts have no gradients."""
        return View.LOGITS if isinstance(self.domain, TextDomain) else View.GRADIENTS

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`; raises TargetError when the module fails."""
        if len(x) == 0:
            nothing = np.empty((0, self._width))
            return Answers(np.empty(0, dtype=np.int64), nothing, nothing).cut(view)
        logits = self._logits(x)
        return Answers(logits.argmax(axis=1).astype(np.int64), softmax(logits), logits).cut(view)

    def parameters(self) -> Mapping[str, Any]:
        """Return every parameter and buffer by its name in the module.

        A module that is one linear layer (flattening aside) also gives `weights` and `bias` as
        linear models do.
        """
        state = {k: v.detach().cpu().numpy().copy() for k, v in self.module.state_dict().items()}
        return {**_linear(self.module), **state}

    def with_parameters(self, parameters: Mapping[str, Any]) -> TorchTarget:
        """Copy this target with other parameters; the stored file stays the old one.

        Names that the module does not have are left aside, so that what `parameters()` gives
        can be changed and given back.
        """
        torch = need_torch()
        changed = TorchTarget(self.module, self.classes, self.domain, self._path)
        state = changed.module.state_dict()
        for name, old in state.items():
            if name in parameters:
                state[name] = torch.tensor(np.asarray(parameters[name])).to(old)
        changed.module.load_state_dict(state)
        return changed

    def network(self, count: Count) -> nn.Module:
        """Return the metered differentiable form, `(n, ...)` to logits `(n, classes)`.

        Raises NotOffered where inputs are texts.
        """
        if isinstance(self.domain, TextDomain):
            raise NotOffered("texts have no differentiable form")
        return metered(self.module, self._width, count)

    def artefact(self) -> Path:
        """Path of the stored parameters; raises NotOffered when none was given."""
        if self._path is None:
            raise NotOffered("no stored file was given for this module")
        return self._path

    def _logits(self, x: Inputs) -> Floats:
        torch, device = need_torch(), _device(self.module)
        out = []
        with torch.inference_mode():
            for start in range(0, len(x), BATCH):
                block = rows_of(x[start : start + BATCH], self.domain, self.module).to(device)
                out.append(two_columns(call_model(self.module, block, self._what), self._width))
        raw = torch.cat(out).double().cpu().numpy()
        return scores_of(raw, len(x), self._width, self._what)


def rows_of(x: Inputs, domain: Domain, module: nn.Module | None) -> Tensor:
    """Turn inputs `(n, ...)` into the tensor that a module takes; texts need the module.

    Raises
    ------
    TargetError
        The module for texts has no `encode`, or that returns something else.
    """
    torch = need_torch()
    if isinstance(domain, TextDomain):
        return encode_texts(x, module)
    rows = prepared(np.asarray(x), domain) if isinstance(domain, TableDomain) else x
    made: Tensor = torch.as_tensor(np.array(rows, dtype=np.float32))  # a module may write to it
    return made


def encoder(module: Any) -> Callable[[list[str]], Any]:
    """Return the method that turns texts into numbers; raises TargetError where there is none."""
    encode = getattr(module, "encode", None)
    if not callable(encode):
        raise TargetError(
            f"{type(module).__name__} has no encode(); a module for texts needs a method "
            "encode(texts) that returns whole numbers (n, length), which its forward() then takes"
        )
    return encode  # type: ignore[no-any-return]


def encode_texts(x: Inputs, module: Any) -> Tensor:
    """Turn texts `(n,)` into whole numbers `(n, length)` by the module's own method."""
    torch = need_torch()
    found = torch.as_tensor(encoder(module)([str(text) for text in x]))
    if found.ndim != 2 or len(found) != len(x) or found.is_floating_point():
        raise TargetError(
            f"encode() of {type(module).__name__} returned {found.dtype} of shape "
            f"{tuple(found.shape)} for {len(x)} texts; return whole numbers (n, length), padded "
            "to equal length with a number that stands for no word"
        )
    made: Tensor = found.long()
    return made


def _device(module: nn.Module) -> Any:
    first = next(module.parameters(), None)
    return "cpu" if first is None else first.device


def two_columns(logits: Tensor, width: int) -> Tensor:
    """Write one logit towards class 1 as the logits of two classes, -z/2 and z/2."""
    torch = need_torch()
    if logits.ndim == 1:
        logits = logits[:, None]
    if width == 2 and logits.shape[1] == 1:
        logits = torch.cat([-logits / 2, logits / 2], dim=1)
    return logits


def metered(module: nn.Module, width: int, count: Count) -> nn.Module:
    """Wrap a module so that every row that passes forward or backward is counted."""
    torch, place = need_torch(), _device(module)

    class Metered(torch.nn.Module):  # type: ignore[misc, name-defined]
        """The attacker's own copy of the model."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = module

        def forward(self, x: Tensor) -> Tensor:
            """Return logits `(n, classes)`, where the inputs are."""
            count(len(x), 0)
            logits = two_columns(self.inner(x.to(place)), width).to(x.device)
            if logits.requires_grad:
                logits.register_hook(lambda gradient: count(0, len(gradient)))
            return logits

    wrapped: nn.Module = Metered().eval()
    return wrapped


def _linear(module: nn.Module) -> dict[str, Any]:
    """Read a module that is one linear layer, flattening aside."""
    torch = need_torch()
    plain = (torch.nn.Flatten, torch.nn.Identity)
    leaves = [m for m in module.modules() if not list(m.children())]
    layers = [m for m in leaves if not isinstance(m, plain)]
    if len(layers) != 1 or not isinstance(layers[0], torch.nn.Linear):
        return {}
    if not isinstance(module, torch.nn.Linear | torch.nn.Sequential):
        return {}  # a module of one's own may do anything between its layers
    layer = layers[0]
    bias = torch.zeros(layer.out_features) if layer.bias is None else layer.bias
    return {
        "weights": layer.weight.detach().cpu().double().numpy(),
        "bias": bias.detach().cpu().double().numpy(),
    }
