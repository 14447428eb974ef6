"""Which outputs of an ONNX graph are its answer, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from goalkeeper.core.data import Floats
from goalkeeper.core.errors import TargetError
from goalkeeper.targets.file import Reply
from goalkeeper.targets.onnx.session import OnnxModel
from goalkeeper.targets.returned import ClassIndex, softmax

SUM = 1e-3  # probabilities of an input sum to 1 up to this
REGRESSORS = ("LinearRegressor", "TreeEnsembleRegressor", "SVMRegressor")
SAME_VALUES = ("Identity", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Dropout")
Scale = Literal["probabilities", "logits"]


@dataclass(frozen=True, eq=False)
class GraphAnswer:
    """How the answer is read.

    Parameters
    ----------
    name
        What errors call the model.
    index
        The application's classes.
    labels
        Output with the class of each input; empty: none.
    scores
        Output with numbers for each class; empty: none.
    scale
        What these numbers are.
    places
        Index, among the application's classes, of each column of the scores.
    """

    name: str
    index: ClassIndex
    labels: str
    scores: str
    scale: Scale = "probabilities"
    places: tuple[int, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The outputs that are computed."""
        return tuple(name for name in (self.labels, self.scores) if name)

    def read(self, values: Mapping[str, Any]) -> Reply:
        """Turn outputs into classes and probabilities."""
        labels = values[self.labels].reshape(-1) if self.labels else None
        if not self.scores:
            return labels, None
        columns = self.columns(values[self.scores])
        found = softmax(columns) if self.scale == "logits" else columns
        out = np.empty_like(found)
        out[:, list(self.places)] = found
        return labels, out

    def columns(self, values: Any) -> Floats:
        """Return one column a class `(n, classes)`, in the order of the model."""
        if isinstance(values, list):
            keys = list(values[0])
            return np.array([[entry[key] for key in keys] for entry in values], dtype=np.float64)
        numbers = np.asarray(values, dtype=np.float64)
        numbers = numbers.reshape(len(numbers), -1)
        if numbers.shape[1] == 1 and len(self.index) == 2:  # towards class 1
            if self.scale == "logits":
                return np.concatenate([-numbers / 2, numbers / 2], axis=1)
            return np.concatenate([1 - numbers, numbers], axis=1)
        if numbers.shape[1] != len(self.index):
            raise TargetError(
                f"{self.name} gives {numbers.shape[1]} scores an input, but the application lists "
                f"{len(self.index)} classes: {', '.join(self.index.names)}; list every class that "
                "the model was trained on, in its order"
            )
        return numbers


def outputs_of(
    model: OnnxModel, values: Mapping[str, Any], index: ClassIndex, kind: str = ""
) -> GraphAnswer:
    """Find out how the answer is read.

    Parameters
    ----------
    model
        The graph.
    values
        All of its outputs for some inputs, by name.
    index
        The application's classes.
    kind
        What the user says of the answers (`model.answers`); empty: nothing.

    Raises
    ------
    TargetError
        The graph has no output that is an answer of a classifier with these classes.
    """
    labels = [o.name for o in model.outputs if _is_label(o)]
    scores = [o for o in model.outputs if not _is_label(o)]
    _refuse_numbers(model, [o.name for o in scores])
    found = GraphAnswer(
        model.name, index, labels[0] if labels else "", _chosen(model, scores, index)
    )
    if kind == "labels" and found.labels:
        return replace(found, scores="")
    if not found.scores:
        return found
    declared: Scale | None = "probabilities" if kind == "probabilities" else None
    declared = "logits" if kind in ("logits", "log-probabilities") else declared
    scale = declared or _scale(model, found.scores, values[found.scores])
    found = replace(found, scale=scale)
    return replace(found, places=_places(model, found, values))


def _is_label(output: Any) -> bool:
    inner = output.type.removeprefix("tensor(").removesuffix(")")
    return inner in ("string", "bool") or (inner.startswith(("int", "uint")))


def _chosen(model: OnnxModel, scores: Sequence[Any], index: ClassIndex) -> str:
    """Choose the output with one number a class."""
    if len(scores) > 1:
        last = [o for o in scores if o.shape and o.shape[-1] == len(index)]
        scores = last or [o for o in scores if o.type.startswith("seq(map")]
        if len(scores) != 1:
            names = ", ".join(o.name for o in model.outputs)
            raise TargetError(
                f"{model.name} has the outputs {names}, and it is not clear which of them is the "
                "answer; store it with one output of one number a class"
            )
    return str(scores[0].name) if scores else ""


def _refuse_numbers(model: OnnxModel, names: Sequence[str]) -> None:
    producers = producers_of(model.graph)
    for name in names:
        last = last_node(producers, name)
        if last is not None and last.op_type in REGRESSORS:
            raise TargetError(
                f"{model.name} ends in a {last.op_type}: it answers with numbers, and is not a "
                "classifier"
            )


# ---- what the numbers are ---------------------------------------------------------------------


def producers_of(graph: Any) -> dict[str, Any]:
    """Map the name of each value to the node that computes it."""
    return {name: node for node in graph.node for name in node.output if name}


def last_node(producers: Mapping[str, Any], name: str) -> Any:
    """Return the node that computes a value, those aside that leave numbers as they are."""
    node = producers.get(name)
    while node is not None and node.op_type in SAME_VALUES:
        node = producers.get(node.input[0])
    return node


def _scale(model: OnnxModel, name: str, raw: Any) -> Scale:
    """Find out what the scores are, by the last operator and by the values."""
    if isinstance(raw, list):
        raw = [list(entry.values()) for entry in raw]
    last = last_node(producers_of(model.graph), name)
    ends = last is not None and last.op_type in ("Sigmoid", "Softmax")
    return scale_of(np.asarray(raw, dtype=np.float64).reshape(len(raw), -1), squashed=ends)


def scale_of(numbers: Floats, *, squashed: bool) -> Scale:
    """Distinguish probabilities `(n, k)` from logits.

    Parameters
    ----------
    numbers
        The scores of some inputs.
    squashed
        Whether they are known to come from a softmax or sigmoid.
    """
    inside = bool((numbers >= 0).all() and (numbers <= 1 + SUM).all())
    sums = bool((np.abs(numbers.sum(axis=1) - 1) <= SUM).all())
    certain = squashed or sums or numbers.shape[1] == 1
    return "probabilities" if inside and certain else "logits"


# ---- the order of the classes -----------------------------------------------------------------


def _places(model: OnnxModel, found: GraphAnswer, values: Mapping[str, Any]) -> tuple[int, ...]:
    """Find the place of each column of the scores among the application's classes.

    By the names in the answers, else by those in the graph, else by the order of the columns.
    """
    raw, what = values[found.scores], model.name
    width = found.columns(raw).shape[1]
    names: Sequence[Any] = ()
    if isinstance(raw, list):
        names = list(raw[0])
    elif found.labels:
        names = _class_names(model.graph)
    if len(names) != width:
        names = range(width) if _are_places(found, values) else ()
    if not names:
        raise TargetError(
            f"{what} gives names of classes and scores, but not which column of the scores is "
            "which class; store it so that it gives the scores by name (ZipMap), or classes only"
        )
    places = tuple(found.index.of(name, what) for name in names)
    if sorted(places) != list(range(len(found.index))):
        raise TargetError(
            f"{what} knows the classes {list(names)}, but the application lists "
            f"{list(found.index.names)}; list every class of the model"
        )
    return places


def _are_places(found: GraphAnswer, values: Mapping[str, Any]) -> bool:
    return not found.labels or values[found.labels].dtype.kind in "iub"


def _class_names(graph: Any) -> list[Any]:
    """Read the classes that a classifier of the graph lists, in the order of its columns."""
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.name in ("classlabels_strings", "classlabels_ints", "classlabels_int64s"):
                return [s.decode() for s in attribute.strings] or list(attribute.ints)
    listed = {n.input[0] for n in graph.node if n.op_type == "ArrayFeatureExtractor"}
    from onnx import numpy_helper

    for tensor in graph.initializer:
        if tensor.name in listed and len(tensor.dims) == 1:
            values = numpy_helper.to_array(tensor).tolist()
            return [v.decode() if isinstance(v, bytes) else v for v in values]
    return []
