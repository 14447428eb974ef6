"""PyTorch modules as targets, and the metered differentiable form that gradient attacks use."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from goalkeeper.core.application import Answers
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.domain import Domain, TextDomain
from goalkeeper.core.errors import NotOffered, TargetError
from goalkeeper.core.power import View
from goalkeeper.core.stored_numbers import Stored
from goalkeeper.targets import module_numbers
from goalkeeper.targets.outputs import Outputs, find_outputs
from goalkeeper.targets.returned import ClassIndex, call_model, scores_of, softmax
from goalkeeper.targets.tensors import (
    device_of,
    dtype_of,
    encoder,
    is_module,
    need_torch,
    rows_of,
    two_columns,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["TorchTarget", "is_module", "metered", "need_torch", "rows_of", "two_columns"]

BATCH = 512  # inputs that pass through the module at once

Count = Callable[[int, int], None]  # is told of rows passed forward, rows passed backward


class TorchTarget:
    """A trained module that answers with logits, or with what a last layer makes of them.

    The module gets float tensors in the domain's own units: `(n, channels, height, width)` for
    images, `(n, d)` for rows, so scaling belongs into the module. A module for texts also has
    `encode(texts)`, which returns whole numbers `(n, length)`; those it gets. It returns
    `(n, classes)` logits, or `(n, 1)` towards class 1 where there are two classes; probabilities
    or log-probabilities, whose last function is left out (see `goalkeeper.targets.outputs`); or
    class numbers, which are labels only. A dict, tuple or object may hold the tensor. It always
    answers in evaluation mode and in the precision of its parameters, in batches, on their device.

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
    outputs
        What the module returns; left out, this is found out by trying it.
    """

    def __init__(
        self,
        module: nn.Module,
        classes: Sequence[str | int],
        domain: Domain,
        path: Path | None = None,
        *,
        outputs: Outputs | None = None,
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
        self._known = outputs

    @cached_property
    def outputs(self) -> Outputs:
        """What the module returns; raises TargetError where that cannot be decided."""
        return self._known or find_outputs(self.module, self.domain, self.classes)

    @property
    def offers(self) -> View:
        """Gradients: a module can be read; but texts and class numbers have no gradients."""
        if self.outputs.kind == "labels":
            return View.LABELS
        return View.LOGITS if isinstance(self.domain, TextDomain) else View.GRADIENTS

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`; raises TargetError when the module fails."""
        if view > self.offers:
            raise NotOffered(
                f"{self.outputs.what} gives {self.offers.name.lower()}, not {view.name.lower()}"
            )
        if len(x) == 0:
            nothing = np.empty((0, self._width))
            return Answers(np.empty(0, dtype=np.int64), nothing, nothing).cut(view)
        if self.outputs.kind == "labels":
            blocks = [self.outputs.labels(self.module, block) for block in self._blocks(x)]
            return Answers(np.concatenate(blocks))
        logits = self._logits(x)
        return Answers(logits.argmax(axis=1).astype(np.int64), softmax(logits), logits).cut(view)

    def parameters(self) -> Mapping[str, Any]:
        """Return every parameter and buffer by its name in the module.

        A module that is one linear layer (flattening aside) also gives `weights` and `bias` as
        linear models do.
        """
        return {**_linear(self.module), **module_numbers.readable(self.module.state_dict())}

    def stored_numbers(self) -> Stored:
        """Return parameters and stored buffers by name, at the precision in which they are kept.

        Those of bfloat16 are of the kind `goalkeeper.core.stored_numbers.BFLOAT16`.
        """
        return module_numbers.read(self.module)

    def with_stored_numbers(self, numbers: Mapping[str, Any]) -> TorchTarget:
        """Copy this target with other stored numbers; the stored file stays the old one."""
        changed = TorchTarget(
            self.module, self.classes, self.domain, self._path, outputs=self.outputs
        )
        module_numbers.write(changed.module, numbers)
        return changed

    def with_parameters(self, parameters: Mapping[str, Any]) -> TorchTarget:
        """Copy this target with other parameters; the stored file stays the old one.

        Names that the module does not have are left aside, so that what `parameters()` gives
        can be changed and given back.
        """
        torch = need_torch()
        changed = TorchTarget(
            self.module, self.classes, self.domain, self._path, outputs=self.outputs
        )
        state = changed.module.state_dict()
        for name, old in state.items():
            if name in parameters:
                state[name] = torch.tensor(np.asarray(parameters[name])).to(old)
        changed.module.load_state_dict(state)
        return changed

    def to_tensor(self, x: Inputs) -> Tensor:
        """Turn inputs `(n, ...)` into what the module takes, on its device."""
        return rows_of(x, self.domain, self.module).to(device_of(self.module))

    def network(self, count: Count) -> nn.Module:
        """Return the metered differentiable form, `(n, ...)` to logits `(n, classes)`.

        Raises NotOffered where inputs are texts, or answers class numbers.
        """
        if isinstance(self.domain, TextDomain):
            raise NotOffered("texts have no differentiable form")
        if self.outputs.kind == "labels":
            raise NotOffered(f"{self.outputs.what} returns class numbers: they have no gradients")
        return metered(self.module, self.outputs, count)

    def artefact(self) -> Path:
        """Path of the stored parameters; raises NotOffered when none was given."""
        if self._path is None:
            raise NotOffered("no stored file was given for this module")
        return self._path

    def _blocks(self, x: Inputs) -> Iterator[Tensor]:
        device = device_of(self.module)
        with need_torch().inference_mode():
            for start in range(0, len(x), BATCH):
                yield rows_of(x[start : start + BATCH], self.domain, self.module).to(device)

    def _logits(self, x: Inputs) -> Floats:
        what = self.outputs.what
        out = [
            call_model(partial(self.outputs.logits, self.module), block, what).double().cpu()
            for block in self._blocks(x)
        ]
        return scores_of(need_torch().cat(out).numpy(), len(x), self._width, what)


def metered(module: nn.Module, outputs: Outputs | int, count: Count) -> nn.Module:
    """Wrap a module so that every row that passes forward or backward is counted.

    `outputs` says how its logits are found; a number says that it returns logits of so many
    classes.
    """
    torch, place = need_torch(), device_of(module)
    known = Outputs(outputs) if isinstance(outputs, int) else outputs
    parameters = any(p.is_floating_point() for p in module.parameters())
    dtype = dtype_of(module) if parameters else None

    class Metered(torch.nn.Module):  # type: ignore[misc, name-defined]
        """The attacker's own copy of the model."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = module

        def forward(self, x: Tensor) -> Tensor:
            """Return logits `(n, classes)`, where the inputs are."""
            count(len(x), 0)
            given = x.to(place) if dtype is None else x.to(place, dtype)
            logits = known.logits(self.inner, given).to(x.device)
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
