"""A model that is handed over in Python: which key of a file it stands for, and its target."""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from goalkeeper.core.errors import DescriptionError, TargetError
from goalkeeper.core.power import View
from goalkeeper.describe.kinds import Model, ModelContext, ModelFile, any_of, file_kinds
from goalkeeper.describe.kinds._estimators import is_fitted, wrap_fitted
from goalkeeper.describe.kinds.torch_module import wrap_trained

TRAINS = 3  # arguments of a function that trains: inputs, classes, seed
WANTED = (
    "an estimator, fitted or not",
    "a trained torch, Keras or ONNX model",
    "a Booster",
    "a function",
    "a class or function that builds the model",
    "a target",
    "the path of a model file",
)


@dataclass(frozen=True, eq=False)
class GivenModel:
    """A model, and the key under `model` at which a file would name it.

    Parameters
    ----------
    key
        `build`, `function` and `file` as in a file; `object` for a trained model in memory, which
        no file can name.
    value
        The function, the path, or the model.
    name
        What to call it.
    """

    key: Literal["build", "function", "file", "object"]
    value: Any
    name: str


def recognise(model: Any) -> GivenModel:
    """Find out what was handed over as the model.

    Raises
    ------
    DescriptionError
        It is nothing that can be assessed.
    """
    name = getattr(model, "__name__", _final_name(model)).replace("<lambda>", "function")
    if isinstance(model, str | Path):
        return GivenModel("file", str(model), Path(model).stem)
    if inspect.isclass(model):
        return GivenModel("build", model, name)
    if _is_trained(model):
        return GivenModel("object", model, name)
    if hasattr(model, "fit"):
        return GivenModel("build", lambda: model, name)
    if inspect.isroutine(model) or callable(model):
        required = _required(model)
        if required in (0, TRAINS):
            return GivenModel("build", model, name)
        if required == 1:
            return GivenModel("function", model, name)
    raise DescriptionError(
        f"goalkeeper cannot assess an object of the type {type(model).__name__} as a model",
        key="model",
        expected=any_of(WANTED),
        given=_shown(model),
        advice="give the path of the model's file, or a function that takes inputs (n, ...) and "
        "returns a class for each, or scores (n, classes)",
    )


def wrap_object(model: Any, context: ModelContext) -> Model:
    """Make a target of a trained model in memory, as its kind does of its file.

    Raises
    ------
    DescriptionError, DataError, TargetError
        It does not fit classes or data.
    """
    if _is_target(model):
        return Model(
            target=model, trainer=None, domain=context.domain, compute=context.cpu_settings,
            caveats=("the model is a target: attacks that retrain it cannot be tested",),
        )  # fmt: skip
    for kind in file_kinds().values():
        content = kind.content_of(model)
        if content is not None:
            digest = hashlib.sha256(content).hexdigest()
            return kind.load(ModelFile(Path(type(model).__name__), digest, content), context)
    if _is_module(model):
        return wrap_trained(model, context)
    if context.form.build is not None or context.form.training is not None:
        raise TargetError(
            f"`build` and `training` are for a torch module, but the model is a "
            f"{type(model).__name__}"
        )
    return wrap_fitted(model, context)


# ---- what it is ---------------------------------------------------------------------------------


def _is_trained(model: Any) -> bool:
    """Tell whether a model answers as it is: its kind is found when it is wrapped."""
    if _is_target(model) or _is_module(model):
        return True
    if callable(getattr(model, "predict", None)):
        return not hasattr(model, "fit") or _is_keras(model) or is_fitted(model)
    return any(kind.content_of(model) is not None for kind in file_kinds().values())


def _is_target(model: Any) -> bool:
    return isinstance(getattr(model, "offers", None), View) and hasattr(model, "answer")


def _is_module(model: Any) -> bool:
    from goalkeeper.targets.torch import is_module

    return is_module(model)


def _is_keras(model: Any) -> bool:
    return any(c.__module__.partition(".")[0] == "keras" for c in type(model).__mro__)


def _final_name(model: Any) -> str:
    """Name an estimator by its last step, where it is a pipeline."""
    from sklearn.pipeline import Pipeline

    # An estimator of the user's own may call a number of its settings `steps`.
    final = model.steps[-1][1] if isinstance(model, Pipeline) else model
    return type(final).__name__


def _required(function: Any) -> int:
    """Count the arguments without which a function cannot be called; -1 if that is not known."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 1  # written in C: most of these take inputs
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return sum(p.default is p.empty and p.kind not in variable for p in parameters)


def _shown(model: Any) -> str:
    kind = type(model)
    return f"{kind.__module__}.{kind.__qualname__}"
