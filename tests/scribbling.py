"""A sloppy attack's in-place edits: write to whatever was handed out, if that is possible."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def scribble(value: Any, *, past_numpy: bool = False) -> int:
    """Write to arrays, containers and weights at any depth; return how many arrays were found.

    `past_numpy`: also as `torch.from_numpy` does, which knows nothing of numpy's read-only flag.
    """
    if isinstance(value, np.ndarray):
        _write(value, past_numpy=past_numpy)
        return 1
    if isinstance(value, Mapping):
        found = sum(scribble(part, past_numpy=past_numpy) for part in value.values())
        _clear(value)
        return found
    if isinstance(value, list | tuple | set | frozenset):
        found = sum(scribble(part, past_numpy=past_numpy) for part in value)
        _clear(value)
        return found
    if hasattr(value, "state_dict"):
        for tensor in [*value.parameters(), *value.buffers()]:
            tensor.data.add_(1)
        return 1
    if is_dataclass(value) and not isinstance(value, type):
        return sum(scribble(getattr(value, f.name), past_numpy=past_numpy) for f in fields(value))
    public = {k: v for k, v in getattr(value, "__dict__", {}).items() if not k.startswith("_")}
    return sum(scribble(part, past_numpy=past_numpy) for part in public.values())


def _write(array: Any, *, past_numpy: bool) -> None:
    """Write other content than there was."""
    if not array.size:
        return
    try:
        array[...] = copy.copy(array[::-1]) if array.dtype == object else ~array.astype(bool)
    except ValueError:  # read-only
        assert not array.flags.writeable
        if past_numpy:
            _write_past_numpy(array)


def _write_past_numpy(array: Any) -> None:
    import torch

    if array.dtype.kind in "fiu" and min(array.strides, default=0) >= 0:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns, once in a process, and writes all the same
            torch.from_numpy(array).add_(1)


def _clear(container: Any) -> None:
    if hasattr(container, "clear"):
        container.clear()
