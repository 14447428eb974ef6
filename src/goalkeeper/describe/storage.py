"""How a described application stores its model, and what it checks before it uses the file."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goalkeeper.core.application import Storage, Target
from goalkeeper.core.errors import NotOffered
from goalkeeper.describe.document import Key
from goalkeeper.describe.references import References

if TYPE_CHECKING:
    from goalkeeper.training import TorchTrainer

KEY: Key = ("model", "integrity")


@dataclass(frozen=True, eq=False)
class Protection:
    """What is checked at start, in words (empty: nothing), and the check itself."""

    words: str
    check: Callable[[Path], bool]


def protection(references: References, said: str | None, digest: str) -> Protection:
    """Return the declared check; `digest` is the hash of the genuine file."""
    if said in (None, "none"):
        return Protection("", _anything)
    if said == "sha256":
        return Protection("sha256", partial(_hashed, digest))
    reference = str(said)
    return Protection(reference, partial(_own, references, reference))


def _anything(path: Path) -> bool:
    return True


def _hashed(digest: str, path: Path) -> bool:
    return hashlib.sha256(path.read_bytes()).hexdigest() == digest


def _own(references: References, reference: str, path: Path) -> bool:
    return bool(references.function(KEY, reference)(path))


def of_pickle(path: Path, guard: Protection, wrap: Callable[[Any], Target]) -> Storage:
    """Store a scikit-learn model as joblib and pickle do; `wrap` makes a target of it."""
    return Storage(
        read=path.read_bytes,
        suffix=path.suffix,
        runs_code=True,
        protection=guard.words,
        check=guard.check,
        load=partial(_unpickled, wrap),
        save=_pickled,
    )


def _unpickled(wrap: Callable[[Any], Target], path: Path) -> Target:
    import warnings

    import joblib

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # told once, when the genuine file was loaded
        return wrap(joblib.load(path))


def _pickled(target: Target) -> bytes:
    import joblib

    model = getattr(target, "model", None)
    if model is None:
        raise NotOffered("another model cannot be stored in the format of this one")
    stream = io.BytesIO()
    joblib.dump(model, stream)
    return stream.getvalue()


def of_weights(path: Path, guard: Protection, trainer: TorchTrainer) -> Storage:
    """Store the parameters of a torch module: nothing in such a file is run."""
    return Storage(
        read=path.read_bytes,
        suffix=path.suffix,
        runs_code=False,
        protection=guard.words,
        check=guard.check,
        load=trainer.load_parameters,
        save=partial(_weights, path.suffix),
    )


def _weights(suffix: str, target: Target) -> bytes:
    module = getattr(target, "module", None)
    if module is None:
        raise NotOffered("another model cannot be stored in the format of this one")
    if suffix == ".safetensors":
        from safetensors.torch import save

        content: bytes = save(module.state_dict())
        return content
    import torch

    stream = io.BytesIO()
    torch.save(module.state_dict(), stream)
    return stream.getvalue()
