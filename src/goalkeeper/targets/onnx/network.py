"""An ONNX graph as a torch module, for attacks that follow gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from goalkeeper.core.errors import NotOffered
from goalkeeper.targets.onnx.inputs import Feeds
from goalkeeper.targets.onnx.operators import DOMAINS, OPERATORS, linear_scores
from goalkeeper.targets.onnx.outputs import GraphAnswer
from goalkeeper.targets.torch import need_torch, two_columns

if TYPE_CHECKING:
    from torch import Tensor, nn

SMALLEST = float(np.finfo(np.float32).tiny)
PASS = ("ZipMap", "Identity", "Cast", "Dropout")  # they leave the numbers as they are


class Node:
    """One operator of a graph: its type, the names of its values, its attributes."""

    def __init__(self, node: Any) -> None:
        self.op, self.inputs, self.outputs = node.op_type, tuple(node.input), tuple(node.output)
        self.attributes = {entry.name: _attribute(entry) for entry in node.attribute}


def _attribute(entry: Any) -> Any:
    from onnx import helper, numpy_helper

    value = helper.get_attribute_value(entry)
    if isinstance(value, bytes):
        return value.decode()
    if hasattr(value, "data_type"):
        return np.array(numpy_helper.to_array(value))
    return list(value) if hasattr(value, "__len__") and not isinstance(value, str) else value


def needed_nodes(graph: Any, wanted: str) -> list[Any]:
    """Return the nodes that an output needs, in their order; a ZipMap at the end is left out."""
    names, found = {wanted}, []
    for node in reversed(graph.node):  # ONNX lists every node after those it needs
        if names & set(node.output):
            found.append(node)
            names |= set(node.input)
    return found[::-1]


def unknown_operator(nodes: Sequence[Any]) -> str:
    """Name the first operator that has no translation; empty where all have one."""
    for node in nodes:
        if node.op_type != "ZipMap" and (
            node.op_type not in OPERATORS or node.domain not in DOMAINS
        ):
            return f"{node.domain}.{node.op_type}".lstrip(".")
    return ""


def translated(graph: Any, feeds: Feeds, outputs: GraphAnswer) -> nn.Module:
    """Return a module from inputs `(n, ...)` of the domain to logits `(n, classes)`.

    Raises
    ------
    NotOffered
        The graph has an operator that is not known here, or inputs that are no numbers.
    """
    torch = need_torch()
    protos = _known_nodes(graph, feeds, outputs)
    constants = _constants(graph, protos)
    nodes = [Node(proto) for proto in protos]
    producers = {name: node for node in nodes for name in node.outputs if name}
    fixed = {name: f"constant_{i}" for i, name in enumerate(constants)}

    class OnnxNetwork(torch.nn.Module):  # type: ignore[misc, name-defined]
        """Computes a graph node by node."""

        def __init__(self) -> None:
            super().__init__()
            for name, array in constants.items():
                self.register_buffer(fixed[name], torch.as_tensor(array))

        def forward(self, x: Tensor) -> Tensor:
            """Return logits `(n, classes)`, in the order of the application's classes."""
            if feeds.batch == 0 or len(x) < 2:
                return self._computed(x)
            one_by_one: Tensor = torch.cat([self._computed(row) for row in x.split(1)])
            return one_by_one

        def _computed(self, x: Tensor) -> Tensor:
            values: dict[str, Any] = {name: getattr(self, key) for name, key in fixed.items()}
            values |= {part.name: feeds.tensor(part, x) for part in feeds.parts}
            for node in nodes:
                if node.op != "ZipMap":
                    _compute(node, values)
            logits = two_columns(_logits(outputs, values, producers), len(outputs.places))
            back = torch.as_tensor(np.argsort(outputs.places).copy(), device=logits.device)
            ordered: Tensor = logits.index_select(1, back)
            return ordered

    module: nn.Module = OnnxNetwork().eval()
    return module


def _known_nodes(graph: Any, feeds: Feeds, outputs: GraphAnswer) -> list[Any]:
    """Return the nodes that compute the scores; raises NotOffered unless all have a torch form."""
    if feeds.batch > 1:
        raise NotOffered(f"the graph takes exactly {feeds.batch} inputs at once")
    if any("float" not in part.dtype for part in feeds.parts):
        raise NotOffered("an input of the graph is not of real numbers")
    nodes = needed_nodes(graph, outputs.scores)
    unknown = unknown_operator(nodes)
    if unknown:
        raise NotOffered(f"the operator {unknown} has no torch form here")
    return nodes


def _constants(graph: Any, nodes: Sequence[Any]) -> dict[str, Any]:
    """Read the stored numbers that nodes use, by name."""
    from onnx import numpy_helper

    used = {name for node in nodes for name in node.input}
    tensors = [tensor for tensor in graph.initializer if tensor.name in used]
    return {tensor.name: np.array(numpy_helper.to_array(tensor)) for tensor in tensors}


def _compute(node: Node, values: dict[str, Any]) -> None:
    given = [values[name] if name else None for name in node.inputs]
    result = OPERATORS[node.op](given, node.attributes)
    results = result if isinstance(result, tuple) else (result,)
    values.update(zip(node.outputs, results, strict=False))  # optional outputs are not computed


# ---- logits -----------------------------------------------------------------------------------


def _logits(
    outputs: GraphAnswer, values: Mapping[str, Any], producers: Mapping[str, Node]
) -> Tensor:
    """Return logits of the scores; behind a softmax or sigmoid those that went into it.

    They equal the logarithms of the probabilities up to a number that is the same for all classes
    of an input, so that they have gradients where probabilities are 0 or 1 in float32.
    """
    name = outputs.scores
    while name in producers and producers[name].op in PASS:
        name = producers[name].inputs[0]
    found = values[name]
    if outputs.scale == "logits":
        return _flat(found)
    if _flat(found).shape[1] == 1:
        node = producers.get(name)
        if node is not None and node.op == "Sigmoid":
            return _flat(values[node.inputs[0]])
        return _flat(_log(found) - _log(1 - found))
    return _flat(_log_of(name, values, producers))


def _flat(x: Tensor) -> Tensor:
    return x.reshape(len(x), -1)


def _log(x: Tensor) -> Any:
    return x.clamp_min(SMALLEST).log()


def _log_of(name: str, values: Mapping[str, Any], producers: Mapping[str, Node]) -> Any:
    """Return the logarithm of a value, up to a number that is the same for all classes."""
    torch, node = need_torch(), producers.get(name)
    op = "" if node is None else node.op
    if node is None:
        return _log(values[name])
    first = values.get(node.inputs[0]) if node.inputs else None
    if op in PASS or (op == "Normalizer" and node.attributes.get("norm") == "L1"):
        return _log_of(node.inputs[0], values, producers)
    if op == "Softmax":
        return first
    if op == "Sigmoid":
        return torch.nn.functional.logsigmoid(first)
    if op == "LinearClassifier":
        return _log_of_linear(node, values, name)
    if op == "Sub":
        return _log_of_rest(node, values, producers, name)
    if op == "Concat":
        parts = [_log_of_part(part, values, producers) for part in node.inputs]
        return torch.cat(parts, dim=node.attributes["axis"])
    return _log(values[name])


def _log_of_part(name: str, values: Mapping[str, Any], producers: Mapping[str, Node]) -> Any:
    """Return the logarithm of some of the columns, where no number may be left out."""
    node = producers.get(name)
    if node is not None and node.op in ("Sigmoid", "Sub"):
        return _log_of(name, values, producers)
    return _log(values[name])


def _log_of_rest(
    node: Node, values: Mapping[str, Any], producers: Mapping[str, Node], name: str
) -> Any:
    """Return the logarithm of 1 - sigmoid(z), which is that of sigmoid(-z)."""
    one, other = values[node.inputs[0]], producers.get(node.inputs[1])
    if other is None or other.op != "Sigmoid" or not bool((one == 1).all()):
        return _log(values[name])
    return need_torch().nn.functional.logsigmoid(-values[other.inputs[0]])


def _log_of_linear(node: Node, values: Mapping[str, Any], name: str) -> Any:
    scores = linear_scores([values[node.inputs[0]]], node.attributes)
    after = node.attributes.get("post_transform", "NONE")
    if after == "SOFTMAX":
        return scores
    if after == "LOGISTIC":
        return need_torch().nn.functional.logsigmoid(scores)
    return _log(values[name])
