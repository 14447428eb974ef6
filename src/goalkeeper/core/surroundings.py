"""Settings of the whole process that the user's code may change: kept apart from ours."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

KINDS = ("divide", "over", "under", "invalid")  # of odd numbers, as numpy calls them


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Working folder, recursion limit, numpy's reaction to odd numbers, and torch's defaults."""

    folder: str
    recursion: int
    numbers: tuple[str, ...]
    torch: tuple[Any, ...]

    @classmethod
    def now(cls) -> Surroundings:
        """Read the settings."""
        numpy: Any = sys.modules.get("numpy")
        torch: Any = sys.modules.get("torch")
        try:
            folder = os.getcwd()  # noqa: PTH109 - thousands of times a second
        except OSError:  # it was removed
            folder = ""
        return cls(
            folder,
            sys.getrecursionlimit(),
            tuple(map(numpy.geterr().get, KINDS)) if hasattr(numpy, "geterr") else (),
            (torch.get_default_dtype(), torch.is_grad_enabled())
            if hasattr(torch, "is_grad_enabled")  # not while torch itself is being imported
            else (),
        )

    def restore(self, other: Surroundings) -> None:
        """Set again what differs from `other`, which is how things are."""
        if self.folder and self.folder != other.folder:
            with suppress(OSError):
                os.chdir(self.folder)
        if self.recursion != other.recursion:
            with suppress(RecursionError):
                sys.setrecursionlimit(self.recursion)
        if self.numbers and self.numbers != other.numbers:
            numpy = sys.modules["numpy"]
            numpy.seterr(**dict(zip(KINDS, self.numbers, strict=True)))
        if self.torch and self.torch != other.torch:
            torch = sys.modules["torch"]
            torch.set_default_dtype(self.torch[0])
            torch.set_grad_enabled(self.torch[1])


class Apart:
    """Gives the user's code the settings it made, and takes them back when it returns."""

    def __init__(self) -> None:
        self._changes: tuple[Surroundings, Surroundings] | None = None  # from, to

    def forget(self) -> None:
        """Start again from our own settings: what one application changed is none of another's."""
        self._changes = None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Run the user's code in its own settings."""
        ours = Surroundings.now()
        if self._changes is not None:
            self._theirs(ours).restore(ours)
        try:
            yield
        finally:
            after = Surroundings.now()
            if after.torch and not ours.torch:
                ours = replace(ours, torch=(sys.modules["torch"].float32, True))
            if after != ours:
                self._changes = (ours, after)
                ours.restore(after)
            else:
                self._changes = None

    def _theirs(self, ours: Surroundings) -> Surroundings:
        """Return what the user's code changed last time, and ours where it changed nothing."""
        assert self._changes is not None  # noqa: S101 - asked by `kept` only
        before, after = self._changes
        return Surroundings(
            *(
                getattr(after if getattr(after, name) != getattr(before, name) else ours, name)
                for name in ("folder", "recursion", "numbers", "torch")
            )
        )


APART = Apart()  # of this process, as the settings are
