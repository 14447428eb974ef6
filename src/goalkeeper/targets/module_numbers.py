"""The numbers that a torch module stores, at the precision in which it stores them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.errors import NotOffered
from goalkeeper.core.stored_numbers import BFLOAT16, Stored, is_stored_kind
from goalkeeper.targets.tensors import need_torch

if TYPE_CHECKING:
    from torch import Tensor, nn


def read(module: nn.Module) -> Stored:
    """Copy the parameters and stored buffers of a module, by their names in it.

    Numbers of torch's quantised layers are the bytes that they keep (`name.weight`), with the
    scale of these. Tensors that several layers share count once.
    """
    found = {name: _as_array(tensor) for name, tensor in _tensors(module)}
    for name, layer in _quantised(module):
        weight, bias = layer.weight(), layer.bias()
        found[f"{name}.weight"] = weight.int_repr().cpu().numpy().copy()
        found[f"{name}.scale"] = _scales(weight)
        if bias is not None:
            found[f"{name}.bias"] = bias.detach().cpu().numpy().copy()
    return {n: v for n, v in found.items() if v.size and is_stored_kind(v.dtype)}


def write(module: nn.Module, numbers: Mapping[str, NDArray[Any]]) -> None:
    """Put other numbers in the place of those of the same name; raises NotOffered for others."""
    torch, left = need_torch(), dict(numbers)
    with torch.no_grad():
        for name, tensor in _tensors(module):
            if name in left:
                tensor.copy_(_as_tensor(left.pop(name), tensor))
    for name, layer in _quantised(module):
        keys = [f"{name}.{part}" for part in ("weight", "scale", "bias")]
        if any(key in left for key in keys):
            _write_quantised(layer, *(left.pop(key, None) for key in keys))
    if left:
        raise NotOffered(f"the module stores no numbers of the name {sorted(left)[0]!r}")


def readable(state: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return the tensors of a module's state as arrays; bfloat16, which numpy lacks, as float32."""
    torch = need_torch()
    tensors = {n: v.detach().cpu() for n, v in state.items() if isinstance(v, torch.Tensor)}
    tensors = {n: v.dequantize() if v.is_quantized else v for n, v in tensors.items()}
    return {
        name: (value.float() if value.dtype == torch.bfloat16 else value).numpy().copy()
        for name, value in tensors.items()
    }


def _tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """List parameters and buffers that are part of the stored state, each once."""
    stored = module.state_dict().keys()
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if name in stored and not tensor.is_quantized:
            yield name, tensor


def _as_array(tensor: Tensor) -> NDArray[Any]:
    torch, kept = need_torch(), tensor.detach().cpu().contiguous()
    if kept.dtype == torch.bfloat16:
        words = kept.view(torch.int16).numpy().view(np.uint16)
        return np.array(words).view(BFLOAT16).reshape(kept.shape)
    known = kept.dtype in (torch.float64, torch.float32, torch.float16, torch.int8, torch.uint8)
    return np.array(kept.numpy()) if known else np.empty(0)


def _as_tensor(values: NDArray[Any], like: Tensor) -> Tensor:
    torch = need_torch()
    if values.dtype == BFLOAT16:
        words = np.ascontiguousarray(values).view(np.int16)
        found: Tensor = torch.from_numpy(words.copy()).view(torch.bfloat16)
    else:
        found = torch.as_tensor(np.array(values))
    if found.dtype != like.dtype or found.numel() != like.numel():
        raise NotOffered(
            f"{found.dtype} of shape {tuple(found.shape)} does not fit {like.dtype} of shape "
            f"{tuple(like.shape)}"
        )
    return found.reshape(like.shape)


# ---- torch's quantised layers --------------------------------------------------------------------


def _quantised(module: nn.Module) -> Iterator[tuple[str, Any]]:
    """List the layers that keep their weights packed: they have methods in place of parameters."""
    for name, layer in module.named_modules():
        weight = getattr(layer, "weight", None)
        if hasattr(layer, "set_weight_bias") and callable(weight):
            found = weight()
            if getattr(found, "is_quantized", False):
                yield name, layer


def _scales(weight: Any) -> NDArray[Any]:
    torch = need_torch()
    if weight.qscheme() in (torch.per_tensor_affine, torch.per_tensor_symmetric):
        return np.array([weight.q_scale()])
    scales: NDArray[Any] = weight.q_per_channel_scales().double().numpy().copy()
    return scales


def _write_quantised(layer: Any, numbers: Any, scales: Any, bias: Any) -> None:
    torch, old = need_torch(), layer.weight()
    numbers = old.int_repr() if numbers is None else torch.as_tensor(np.array(numbers))
    scales = _scales(old) if scales is None else np.asarray(scales)
    bias = layer.bias() if bias is None else torch.as_tensor(np.array(bias))
    if old.qscheme() in (torch.per_tensor_affine, torch.per_tensor_symmetric):
        new = torch._make_per_tensor_quantized_tensor(  # noqa: SLF001 - the only way from bytes
            numbers, float(scales[0]), old.q_zero_point()
        )
    else:
        new = torch._make_per_channel_quantized_tensor(  # noqa: SLF001
            numbers,
            torch.as_tensor(np.array(scales)),
            old.q_per_channel_zero_points(),
            old.q_per_channel_axis(),
        )
    layer.set_weight_bias(new, bias)
