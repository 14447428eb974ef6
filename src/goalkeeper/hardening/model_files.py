"""The file of a hardened model, in a form that opens without goalkeeper."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import joblib

from goalkeeper.compute.files import write_whole
from goalkeeper.core.application import Target
from goalkeeper.targets import SklearnTarget

__all__ = ["write_model"]

ESTIMATOR, PARAMETERS = "model.joblib", "model.safetensors"


def write_model(target: Target, folder: Path) -> str:
    """Write the model behind the answers of an application.

    An estimator is written with joblib; of a torch module its parameters, as safetensors, which
    open in what the application's own function builds.

    Parameters
    ----------
    target
        The model, with whatever stands between it and those who ask.
    folder
        Where it is written.

    Returns
    -------
    str
        The path; empty for a model that has no such form, as several models that vote.
    """
    model = _behind(target)
    if isinstance(model, SklearnTarget):
        stream = BytesIO()
        joblib.dump(model.model, stream)
        return _write(folder / ESTIMATOR, stream.getvalue())
    module = getattr(model, "module", None)
    if hasattr(module, "state_dict"):
        return _write(folder / PARAMETERS, _parameters(module))
    return ""


def _behind(target: Any) -> Any:
    """Return the model itself, behind all that defences put before it."""
    while (inner := getattr(target, "inner", None)) is not None:
        target = inner
    return target


def _parameters(module: Any) -> bytes:
    from safetensors.torch import save

    # Copies: the format takes no parameter twice, as layers have that share one.
    state = {name: a.detach().cpu().clone().contiguous() for name, a in module.state_dict().items()}
    content: bytes = save(state)
    return content


def _write(path: Path, content: bytes) -> str:
    write_whole(path, content)
    return str(path)
