"""An ONNX model in memory, and onnxruntime that computes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from goalkeeper.core.errors import MissingExtra, TargetError
from goalkeeper.targets.onnx.inputs import Feeds

EXTRA = "onnx"
QUIET = 4  # onnxruntime then prints nothing but what ends the process


class OnnxModel:
    """A model that onnxruntime computes: one thread of the CPU, no operators of other libraries.

    It can be copied and pickled: the session is made again from the content.

    Parameters
    ----------
    content
        The bytes of the model, weights included.
    name
        What errors call it.
    """

    def __init__(self, content: bytes, name: str) -> None:
        self.content, self.name = content, name
        self.inputs: Sequence[Any] = tuple(self._session.get_inputs())
        self.outputs: Sequence[Any] = tuple(self._session.get_outputs())

    def run(self, names: Sequence[str], feeds: Mapping[str, Any]) -> list[Any]:
        """Compute the outputs with these names."""
        return list(self._session.run(list(names), dict(feeds)))

    @cached_property
    def graph(self) -> Any:
        """The graph, as the package onnx reads it."""
        return read_proto(self.content, self.name).graph

    @cached_property
    def _session(self) -> Any:
        runtime = _need("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = QUIET
        try:
            return runtime.InferenceSession(
                self.content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # each of its errors is a class of its own
            line = " ".join(str(error).split())[:200]
            raise TargetError(f"onnxruntime cannot use {self.name}: {line}") from error

    def __getstate__(self) -> dict[str, Any]:
        return {"content": self.content, "name": self.name}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]


def read_proto(content: bytes, name: str) -> Any:
    """Parse a model; raises TargetError where the bytes are none."""
    onnx = _need("onnx")
    try:
        proto = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf has an error class for each of its implementations
        raise TargetError(f"{name} cannot be read: it is no complete ONNX model") from error
    if not proto.graph.output:
        raise TargetError(f"{name} cannot be read: its graph has no output")
    return proto


def with_external_data(content: bytes, path: Path) -> tuple[bytes, tuple[Path, ...]]:
    """Put weights that are kept beside the file into the model, and name their files.

    Raises
    ------
    TargetError
        A file lies outside of the model's folder, or is missing.
    """
    onnx = _need("onnx")
    proto = read_proto(content, path.name)
    names = sorted({name for tensor in _tensors(proto) if (name := _location(tensor))})
    if not names:
        return content, ()
    files = tuple(_inside(path, name) for name in names)
    try:
        onnx.load_external_data_for_model(proto, str(path.parent))
    except Exception as error:  # the package has errors of its own beside those of files
        raise TargetError(f"the weights of {path.name} cannot be read: {error}") from error
    return proto.SerializeToString(), files


def _inside(path: Path, name: str) -> Path:
    """Find a file of weights; it must lie in the folder of the model."""
    pure, file = PurePosixPath(name), path.parent / name
    folder = path.parent.resolve()
    if pure.is_absolute() or ".." in pure.parts or folder not in file.resolve().parents:
        raise TargetError(f"{path.name} keeps weights outside of its folder ({name})")
    if not file.is_file():
        raise TargetError(f"{path.name} keeps weights in {name}, which is not there")
    return file


def _location(tensor: Any) -> str:
    if tensor.data_location != _need("onnx").TensorProto.EXTERNAL:
        return ""
    return str(next((e.value for e in tensor.external_data if e.key == "location"), ""))


def _tensors(message: Any) -> Iterator[Any]:
    """Yield every tensor of a message, in whatever part of it."""
    onnx = _need("onnx")
    if isinstance(message, onnx.TensorProto):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for part in value if hasattr(value, "__len__") else (value,):
            yield from _tensors(part)


def _need(package: str) -> Any:
    """Import a package, or say in one line what to install."""
    import importlib

    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingExtra(package, EXTRA) from error


# ---- many inputs -------------------------------------------------------------------------------

Runner = Callable[[Any], Mapping[str, Any]]


def runner(model: OnnxModel, feeds: Feeds, names: Sequence[str]) -> Runner:
    """Return what computes outputs by name for a whole array of inputs."""

    def run(x: Any) -> Mapping[str, Any]:
        found: dict[str, list[Any]] = {name: [] for name in names}
        for rows, block in feeds.blocks(x):
            for name, value in zip(names, model.run(names, block), strict=True):
                found[name].append(value[:rows])
        return {name: _joined(parts) for name, parts in found.items()}

    return run


def _joined(parts: Sequence[Any]) -> Any:
    if isinstance(parts[0], list):  # of dictionaries, one an input
        return [entry for part in parts for entry in part]
    return np.concatenate(parts)
