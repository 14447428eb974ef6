"""A trained ONNX model, computed by onnxruntime."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from goalkeeper.core.errors import MissingExtra, NotOffered
from goalkeeper.describe.kinds._frames import with_names
from goalkeeper.describe.kinds.base import FileKind, Model, ModelContext, ModelFile, is_of
from goalkeeper.targets.file import FileTarget, Reply
from goalkeeper.targets.inputs import prepared
from goalkeeper.targets.onnx.inputs import feeds_of
from goalkeeper.targets.onnx.network import translated
from goalkeeper.targets.onnx.outputs import GraphAnswer, outputs_of
from goalkeeper.targets.onnx.session import (
    OnnxModel,
    Runner,
    read_proto,
    runner,
    with_external_data,
)
from goalkeeper.targets.onnx.wire import is_onnx
from goalkeeper.targets.returned import ClassIndex, call_model


class ONNXModel(FileKind):
    """`model.file` is an ONNX graph; gradients where each of its operators is known."""

    about = "an ONNX model of a classifier"
    advice = (
        "export a classifier with one output of one number a class, list its classes in `classes` "
        "in its order, and let `data.features` name its columns in its order"
    )

    def recognises(self, file: ModelFile) -> bool:
        """Look at the fields of the outermost message."""
        return not file.path.is_dir() and is_onnx(file.path)

    def content_of(self, model: Any) -> bytes | None:
        """Write a ModelProto as onnx.save does."""
        if not is_of(model, "onnx", "ModelProto"):
            return None
        return bytes(model.SerializeToString())

    def load(self, file: ModelFile, context: ModelContext) -> Model:
        """Open the graph; nothing in the file can run anything but its operators."""
        name = file.path.name
        content, files = with_external_data(file.read(), file.path)
        for path in files:
            context.references.note_hash(path, path.relative_to(file.path.parent).as_posix())
        load = partial(_load, context)
        target, notes = load(content, file.path)
        caveats = ["the model is a stored ONNX graph: attacks that retrain it cannot be tested"]
        return Model(
            target=target,
            trainer=None,
            domain=context.domain,
            compute=context.cpu_settings,
            caveats=(*caveats, *(f"{name}: {note}" for note in notes)),
            storage=context.storage(file, partial(_load_again, load), runs_code=False),
        )


class _Graph:
    """Answers what `prepared` makes of inputs."""

    def __init__(self, run: Runner, outputs: GraphAnswer) -> None:
        self.run, self.outputs = run, outputs

    def __call__(self, x: Any) -> Reply:
        return self.outputs.read(self.run(x))


def _load_again(load: Any, path: Path) -> FileTarget:
    content, _ = with_external_data(path.read_bytes(), path)
    target: FileTarget = load(content, path)[0]
    return target


def _load(context: ModelContext, content: bytes, path: Path) -> tuple[FileTarget, tuple[str, ...]]:
    """Make a target of a graph, and say what is odd about it."""
    read_proto(content, path.name)  # its errors say more than those of onnxruntime
    model = OnnxModel(content, path.name)
    what = f"the ONNX model {path.name}"
    classes, domain, sample = context.classes, context.domain, context.sample
    given = with_names(domain)
    feeds = feeds_of(model, domain)
    x = prepared(sample, given)
    every = [output.name for output in model.outputs]
    first = call_model(runner(model, feeds, every), x, what)
    outputs = outputs_of(model, first, ClassIndex(classes), context.form.answers or "")
    run = runner(model, feeds, outputs.names)
    reply = _Graph(run, outputs)
    target = FileTarget(reply, classes, given, sample=sample, path=path, what=what)
    notes = []
    if feeds.unused:
        notes.append(f"the model does not take the columns {', '.join(feeds.unused)}")
    try:
        if outputs.scores:
            target = target.with_twin(translated(model.graph, feeds, outputs), sample)
    except (NotOffered, MissingExtra) as error:
        notes.append(f"gradients are not available, so that it is a black box: {error}")
    return target, tuple(notes)
