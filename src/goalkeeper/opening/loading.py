"""Load a stored model with the reader that checks it."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Any

from goalkeeper.opening.limits import Allowance, Refused, Unreadable
from goalkeeper.opening.machine import Machine
from goalkeeper.opening.objects import Making
from goalkeeper.opening.packed import ERRORS, kind_of, unpacked
from goalkeeper.opening.rules import Rules
from goalkeeper.opening.scanning import Scan, scan


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file held, and what its parts said while they were loaded.

    Parameters
    ----------
    model
        The object.
    notes
        Warnings, such as that another version of a package wrote the file.
    """

    model: Any
    notes: tuple[str, ...] = ()


def load(content: bytes, trusted: tuple[str, ...] = (), *, lenient: bool = False) -> Loaded:
    """Load a pickle or joblib file: only what is on the list of harmless names.

    Parameters
    ----------
    content
        The whole file; zlib, gzip, bz2, xz and lzma are unpacked.
    trusted
        `package.module.Name` of own classes that are harmless.
    lenient
        Whether bytes behind the pickle are ignored, as Python's own reader does.

    Raises
    ------
    Refused
        It names, calls or changes something else; nothing of that was done.
    Unreadable
        It is no pickle, or cut off.
    """
    limits = Allowance(len(content))
    kind = kind_of(content)
    if kind:
        try:
            content = unpacked(kind, content, limits)
        except ERRORS as error:
            raise Unreadable(f"the {kind} file cannot be unpacked ({str(error)[:80]})") from error
    making = Making(Rules(trusted), limits)
    machine = Machine(content, 0, making)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            model = machine.run()
        except (Refused, Unreadable):
            raise
        except Exception as error:  # a state that the class itself does not accept
            raise Unreadable(f"{type(error).__name__}: {str(error)[:200]}") from error
    if machine.place < len(content) and not lenient:
        raise Refused(f"{len(content) - machine.place:,} bytes follow the model in the file")
    return Loaded(model, tuple(sorted({*making.notes, *(_line(w.message) for w in seen)})))


def _line(message: Any) -> str:
    """Say in one line what a warning says; of another version which ones they are."""
    then = getattr(message, "original_sklearn_version", None)
    if then is not None:
        now = message.current_sklearn_version
        text = f"it was stored by scikit-learn {then}, and is used by {now}: answers may differ"
    else:
        text = (str(message).splitlines() or [""])[0]
    return "".join(c if c.isprintable() else "?" for c in text[:300])


def load_torch(content: bytes) -> Any:
    """Load parameters that `torch.save` wrote, after looking into the file; nothing is run.

    Raises
    ------
    Refused
        The file names something else than tensors and plain values.
    """
    import torch

    found: Scan = scan(content)
    if found.verdict != "clean":
        raise Refused(found.describe())
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
