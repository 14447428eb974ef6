"""A sloppy attack's in-place edits: write to whatever was handed out, if that is possible."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def scribble(value: Any) -> int:
    """Write to arrays, containers and weights at any depth; return how many arrays were found."""
    if isinstance(value, np.ndarray):
        _write(value)
        return 1
    if isinstance(value, Mapping):
        found = sum(scribble(part) for part in value.values())
        _clear(value)
        return found
    if isinstance(value, list | tuple | set | frozenset):
        found = sum(scribble(part) for part in value)
        _clear(value)
        return found
    if hasattr(value, "state_dict"):
        for tensor in [*value.parameters(), *value.buffers()]:
            tensor.data.add_(1)
        return 1
    if is_dataclass(value) and not isinstance(value, type):
        return sum(scribble(getattr(value, f.name)) for f in fields(value))
    public = {k: v for k, v in getattr(value, "__dict__", {}).items() if not k.startswith("_")}
    return sum(scribble(part) for part in public.values())


def _write(array: Any) -> None:
    """Write other content than there was."""
    if not array.size:
        return
    try:
        array[...] = copy.copy(array[::-1]) if array.dtype == object else ~array.astype(bool)
    except ValueError:  # read-only
        assert not array.flags.writeable


def _clear(container: Any) -> None:
    if hasattr(container, "clear"):
        container.clear()
