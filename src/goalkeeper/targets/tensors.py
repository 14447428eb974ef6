"""Inputs and parameters as torch tensors."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from goalkeeper.core.data import Inputs
from goalkeeper.core.domain import Domain, TableDomain, TextDomain
from goalkeeper.core.errors import MissingExtra, TargetError
from goalkeeper.targets.inputs import prepared

if TYPE_CHECKING:
    from torch import Tensor, nn


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


def device_of(module: nn.Module) -> Any:
    """Return where a module's parameters are."""
    first = next(module.parameters(), None)
    return "cpu" if first is None else first.device


def dtype_of(module: nn.Module) -> Any:
    """Return the type of numbers that a module takes: that of its parameters, else float32."""
    floats = (p.dtype for p in module.parameters() if p.is_floating_point())
    return next(floats, need_torch().float32)


def rows_of(x: Inputs, domain: Domain, module: nn.Module | None, dtype: Any = None) -> Tensor:
    """Turn inputs `(n, ...)` into the tensor that a module takes; texts need the module.

    Numbers are of the type `dtype`, else of that of the module's parameters.

    Raises
    ------
    TargetError
        The module for texts has no `encode`, or that returns something else.
    """
    torch = need_torch()
    if isinstance(domain, TextDomain):
        return encode_texts(x, module)
    rows = prepared(np.asarray(x), domain) if isinstance(domain, TableDomain) else x
    if dtype is None:
        dtype = torch.float32 if module is None else dtype_of(module)
    precise = np.float64 if dtype == torch.float64 else np.float32
    # A copy, as a module may write to it.
    made: Tensor = torch.as_tensor(np.array(rows, dtype=precise)).to(dtype)
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


def two_columns(logits: Tensor, width: int) -> Tensor:
    """Write one logit towards class 1 as the logits of two classes, -z/2 and z/2."""
    torch = need_torch()
    if logits.ndim == 1:
        logits = logits[:, None]
    if width == 2 and logits.shape[1] == 1:
        logits = torch.cat([-logits / 2, logits / 2], dim=1)
    return logits
