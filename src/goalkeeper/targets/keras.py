"""Keras 3 models: read in safe mode, and computed by the backend that the user has chosen."""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from goalkeeper.core.domain import Domain
from goalkeeper.core.errors import MissingExtra, NotOffered, TargetError
from goalkeeper.targets.file import Reply
from goalkeeper.targets.onnx.inputs import Feeds, feeds_of
from goalkeeper.targets.onnx.outputs import GraphAnswer, scale_of
from goalkeeper.targets.returned import ClassIndex
from goalkeeper.targets.torch import need_torch

if TYPE_CHECKING:
    from torch import Tensor, nn

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
BACKEND = "KERAS_BACKEND"
MODULES = frozenset({
    "keras", "keras.activations", "keras.constraints", "keras.initializers", "keras.layers",
    "keras.models", "keras.regularizers", "keras.src.models.functional",
    "keras.src.models.sequential",
})  # fmt: skip
# Layers that run code of their own, or of another library.
CODE = frozenset({
    "FlaxLayer", "JaxLayer", "Lambda", "TFSMLayer", "TorchModuleWrapper", "__lambda__", "function",
})  # fmt: skip
TYPES = {"float32": "float", "float64": "double", "string": "string"}
SQUASHED = ("softmax", "sigmoid")


def unsafe_parts(content: bytes) -> list[str]:
    """Name what in a model is code, a class from outside of Keras, or reads other files.

    Parameters
    ----------
    content
        The archive; only its text is read.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            config = json.loads(archive.read(CONFIG))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise TargetError(f"its configuration cannot be read: {error}") from error
    config.pop("compile_config", None)  # optimiser, loss and metrics are not loaded
    return sorted(set(_unsafe(config)))


def _unsafe(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for part in value:
            yield from _unsafe(part)
    if not isinstance(value, dict):
        return
    name, module = value.get("class_name"), value.get("module")
    registered = value.get("registered_name")
    if isinstance(name, str) and "config" in value:
        known = module is None or module in MODULES
        if name in CODE:
            yield f"the layer {name}" if module != "builtins" else f"the {name} {value['config']}"
        elif not known or registered not in (None, name):
            yield f"the class {registered or f'{module}.{name}'}"
    if isinstance(value.get("vocabulary"), str):
        yield f"the file {value['vocabulary']}"
    for part in value.values():
        yield from _unsafe(part)


class KerasModel:
    """A loaded model, with its inputs as `feeds_of` takes them.

    Parameters
    ----------
    content
        The archive; `unsafe_parts` of it must be empty.
    name
        What errors call it.
    """

    def __init__(self, content: bytes, name: str) -> None:
        self.content, self.name = content, name
        self.model = _read(content, name)
        if len(self.model.outputs) != 1:
            raise TargetError(f"{name} has {len(self.model.outputs)} outputs, and one is needed")
        self.inputs: Sequence[Any] = [
            SimpleNamespace(
                name=x.name, type=f"tensor({TYPES.get(x.dtype, x.dtype)})", shape=x.shape
            )
            for x in self.model.inputs
        ]

    def numbers(self, block: dict[str, Any]) -> Any:
        """Return the output `(n, ...)` for a block of inputs by name."""
        given = [block[entry.name] for entry in self.inputs]
        found = self.model.predict_on_batch(given[0] if len(given) == 1 else given)
        return np.asarray(found, dtype=np.float64)

    @property
    def last(self) -> str:
        """The name of the function that the last layer applies; empty: none is known."""
        return _last(self.model)


@dataclass(frozen=True, eq=False)
class KerasReply:
    """Answers what `prepared` makes of inputs with probabilities `(n, classes)`."""

    model: KerasModel
    feeds: Feeds
    outputs: GraphAnswer

    def __call__(self, x: Any) -> Reply:
        """Return no classes, and probabilities."""
        return self.outputs.read({self.outputs.scores: _numbers(self.model, self.feeds, x)})

    def twin(self) -> nn.Module:
        """Return a torch module from inputs `(n, ...)` of the domain to logits `(n, classes)`.

        Raises
        ------
        NotOffered
            Keras does not compute with torch here, or inputs are no numbers.
        """
        import keras

        if keras.backend.backend() != "torch":
            raise NotOffered(f"Keras computes with {keras.backend.backend()} (see {BACKEND})")
        if any("float" not in part.dtype for part in self.feeds.parts) or self.feeds.batch:
            raise NotOffered("its inputs are no real numbers, or of a fixed number")
        inner = _read(self.model.content, self.model.name)
        probable = self.outputs.scale == "probabilities"
        if probable and _last(inner) in SQUASHED:
            inner.layers[-1].activation = keras.activations.linear
            probable = False
        return _module(inner, self.feeds, probable=probable)


def reply_of(model: KerasModel, domain: Domain, x: Any, classes: Sequence[str]) -> KerasReply:
    """Find out how inputs are given and answers are read; raises TargetError.

    Parameters
    ----------
    model
        The loaded model.
    domain
        What an input looks like.
    x
        Some inputs, as `prepared` makes them.
    classes
        The application's classes, in the order of the model.
    """
    feeds = feeds_of(model, domain)
    numbers = _numbers(model, feeds, x).reshape(len(x), -1)
    scale = scale_of(numbers, squashed=model.last in SQUASHED)
    places = tuple(range(len(classes)))
    outputs = GraphAnswer(model.name, ClassIndex(classes), "", "scores", scale, places)
    outputs.columns(numbers)
    return KerasReply(model, feeds, outputs)


def _numbers(model: KerasModel, feeds: Feeds, x: Any) -> Any:
    return np.concatenate([model.numbers(block)[:rows] for rows, block in feeds.blocks(x)])


def _last(model: Any) -> str:
    return str(getattr(getattr(model.layers[-1], "activation", None), "__name__", ""))


def _module(inner: Any, feeds: Feeds, *, probable: bool) -> nn.Module:
    torch = need_torch()

    class KerasNetwork(torch.nn.Module):  # type: ignore[misc, name-defined]
        """A Keras model, with what inputs of the domain need in front of it."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Tensor) -> Tensor:
            """Return logits `(n, classes)`, or one column towards class 1."""
            parts = [feeds.tensor(part, x) for part in feeds.parts]
            found: Tensor = self.inner(parts[0] if len(parts) == 1 else parts, training=False)
            found = found.reshape(len(x), -1)
            if not probable:
                return found
            tiny = float(np.finfo(np.float32).tiny)
            if found.shape[1] == 1:
                return found.clamp_min(tiny).log() - (1 - found).clamp_min(tiny).log()
            return found.clamp_min(tiny).log()

    module: nn.Module = KerasNetwork()
    return module


# ---- loading ----------------------------------------------------------------------------------


def _read(content: bytes, name: str) -> Any:
    """Load a model in safe mode, from the very bytes that were checked."""
    keras = _need_keras()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model.keras"
        copy.write_bytes(content)
        _refuse_links(copy, name)
        try:
            model = keras.models.load_model(copy, compile=False, safe_mode=True)
        except Exception as error:  # layers raise whatever their settings lead to
            lines = str(error).strip().splitlines() or ["no reason given"]
            raise TargetError(f"Keras cannot load {name}: {lines[0][:300]}") from error
    if not getattr(model, "inputs", None):
        raise TargetError(f"{name} does not say what its inputs are: build it before it is saved")
    return model


def _refuse_links(path: Path, name: str) -> None:
    """Refuse weights that stand in other files, which HDF5 would read."""
    import h5py

    with zipfile.ZipFile(path) as archive:
        try:
            weights = h5py.File(io.BytesIO(archive.read(WEIGHTS)), "r")
        except (OSError, KeyError) as error:
            raise TargetError(f"the weights of {name} cannot be read") from error
    with weights:
        for where in _groups(weights):
            for key in where:
                link = where.get(key, getlink=True)
                inside = isinstance(link, h5py.HardLink)
                if not inside or getattr(where[key], "external", None):
                    raise TargetError(f"the weights of {name} are not in it, but linked ({key})")


def _groups(group: Any) -> Iterator[Any]:
    import h5py

    yield group
    for key in group:
        if isinstance(group.get(key, getlink=True), h5py.HardLink) and isinstance(
            group[key], h5py.Group
        ):
            yield from _groups(group[key])


def _need_keras() -> Any:
    """Import Keras with the user's backend, or with torch where none was chosen."""
    if "keras" not in sys.modules and BACKEND not in os.environ:
        os.environ[BACKEND] = "torch"
        try:
            return _imported()
        finally:
            os.environ.pop(BACKEND, None)  # another thread may have taken it away
    return _imported()


def _imported() -> Any:
    try:
        import keras
    except ImportError as error:
        if error.name == "keras":
            raise MissingExtra("keras", "keras") from error
        raise TargetError(f"Keras cannot use its backend ({error}); set {BACKEND}=torch") from error
    return keras
