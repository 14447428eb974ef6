"""An MLflow model: a folder whose file `MLmodel` says which file in it is the model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from goalkeeper.core.errors import TargetError
from goalkeeper.describe.kinds.base import FileKind, Model, ModelContext, ModelFile, any_of

DESCRIPTION = "MLmodel"
# By flavour, in the order in which they are tried: the keys that name the file, and where it is
# where none of them does.
PLACES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "onnx": (("data",), ("model.onnx",)),
    "xgboost": (("data",), ("model.ubj", "model.json", "model.xgb")),
    "lightgbm": (("data",), ("model.lgb",)),
    "catboost": (("data",), ("model.cb", "model.cbm")),
    "keras": (("data",), ("data/model.keras", "model.keras")),
    "transformers": (("model_binary",), ("model",)),
    "sklearn": (("pickled_model",), ("model.skops", "model.pkl")),
}
INSIDE = ("model.keras", "data/model.keras")  # where the name is that of a folder
CODE = "is stored with its Python code, which is never run"
REFUSED = {
    "pytorch": f"a torch module {CODE}: store its state dict, and name it in model.weights beside "
    "model.build, or log it as ONNX",
    "tensorflow": "a TensorFlow SavedModel is not read: save it in Keras 3, or log it as ONNX",
    "python_function": f"a model of its own {CODE}: call it in a function of your own "
    "(model.function)",
}


class MLflowFolder(FileKind):
    """`model.file` is an MLflow model: the file in it is loaded as if it had been named itself."""

    about = "an MLflow model (a folder, or a URI models:/ or runs:/)"
    advice = f"log the model with one of the flavours {any_of(PLACES)}"

    def recognises(self, file: ModelFile) -> bool:
        """Look for the description."""
        return (file.path / DESCRIPTION).is_file()

    def inner(self, file: ModelFile) -> Path:
        """Find the file that is the model; raises TargetError where no flavour is known."""
        folder = file.path
        try:
            found = yaml.safe_load((folder / DESCRIPTION).read_text(encoding="utf-8"))
            flavors = dict(found["flavors"])
        except (yaml.YAMLError, UnicodeError, KeyError, TypeError, ValueError) as error:
            raise TargetError(f"{DESCRIPTION} of {folder.name} lists no flavours") from error
        for name, (keys, defaults) in PLACES.items():
            if name in flavors:
                return _place(folder, name, dict(flavors[name] or {}), keys, defaults)
        for name, reason in REFUSED.items():
            if name in flavors:
                raise TargetError(f"{folder.name} has the MLflow flavour {name}: {reason}")
        named = ", ".join(map(str, flavors)) or "none"
        raise TargetError(f"{folder.name} has MLflow flavours that are not known here: {named}")

    def load(self, file: ModelFile, context: ModelContext) -> Model:
        """Refuse: the file in the folder is loaded by its own kind."""
        raise TargetError(f"{file.path.name} is a folder around a model, and is not loaded itself")


def _place(
    folder: Path,
    flavor: str,
    settings: Mapping[str, Any],
    keys: tuple[str, ...],
    defaults: tuple[str, ...],
) -> Path:
    """Return the file or folder of a flavour; it must lie in the folder of the model."""
    named = [str(settings[key]) for key in keys if settings.get(key)]
    candidates = [*(f"{name}/{inside}" for name in named for inside in INSIDE), *named, *defaults]
    for name in candidates:
        path = folder / name
        if not path.exists():
            continue
        if folder.resolve() not in path.resolve().parents:
            raise TargetError(f"{DESCRIPTION} of {folder.name} names a file outside of it ({name})")
        return path
    missing = (named or list(defaults))[0]
    raise TargetError(f"{folder.name} lacks the file of its MLflow flavour {flavor} ({missing})")
