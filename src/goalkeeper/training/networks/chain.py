"""Read a module as a chain of stages, so that many of its kind can be trained together.

A `Sequential` and a class of the user's own are read alike: torch's symbolic trace says in which
order a forward pass calls its layers. What is read is then compared with the module itself on a few
inputs, so that a misreading can never become a wrong model.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from goalkeeper.targets.outputs import HEADS, Outputs
from goalkeeper.targets.torch import need_torch, two_columns
from goalkeeper.training.networks import stages
from goalkeeper.training.networks.stages import Stage, Step

if TYPE_CHECKING:
    from torch import Tensor, fx, nn

PROBES = 4  # inputs on which a chain is compared with its module; a misreading shows in any
# Relative to the largest logit: additions in another order differ by some 1e-6 in float32, and a
# chain that was misread differs by much more.
MAX_DIFFERENCE = 1e-4
# Layers and functions without parameters that do the same to every record.
ACTIVATIONS = ("GELU", "SiLU", "Mish", "ELU", "SELU", "CELU", "LeakyReLU", "Softplus", "Softsign")
OTHER_LAYERS = (
    *("Hardtanh", "ReLU6", "Hardswish", "LogSigmoid"),
    *("ZeroPad2d", "Upsample", "Unflatten"),
)
POOLING = ("MaxPool1d", "MaxPool2d", "AvgPool1d", "AvgPool2d", "AdaptiveAvgPool1d")
ADAPTIVE_POOLING = ("AdaptiveAvgPool2d", "AdaptiveMaxPool2d")
PER_RECORD = frozenset([*ACTIVATIONS, *OTHER_LAYERS, *POOLING, *ADAPTIVE_POOLING])
FUNCTIONS = frozenset(
    {
        *(n.lower() for n in (*ACTIVATIONS, *OTHER_LAYERS) if n not in ("LeakyReLU", "Unflatten")),
        *("leaky_relu", "max_pool1d", "max_pool2d", "avg_pool1d", "avg_pool2d"),
        *("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool2d"),
        "boolean_dispatch",  # what torch's trace calls some pooling functions
    }
)
ACTIVATION_METHODS = {name.lower(): name for name in stages.IN_PLACE_ACTIVATIONS}


class UnreadableModule(Exception):
    """What keeps a module from being read, in words that follow "one after the other:"."""


@dataclass(frozen=True, eq=False)
class Chain:
    """A module as stages, from inputs `(g, b, ...)` to logits `(g, b, outputs)`.

    `numbers` counts all parameters and buffers, `passing` all numbers between layers for one
    input, `widest` those between the two layers that have most.
    """

    stages: tuple[Stage, ...]
    convolves: bool
    numbers: int = 0
    passing: int = 0
    widest: int = 1

    @property
    def names(self) -> list[str]:
        """Names of all parameters and buffers."""
        return [name for stage in self.stages for name in stage.names]

    def halved(self) -> Chain:
        """Multiply linear layers in bfloat16."""
        half = [
            stages.Linear(s.names, s.activation, half=True) if isinstance(s, stages.Linear) else s
            for s in self.stages
        ]
        return replace(self, stages=tuple(half))


def read_chain(module: nn.Module, sample: Tensor, outputs: Outputs | None = None) -> Chain:
    """Read a module, and check on a few inputs `(n, ...)` that it was understood.

    `outputs` says what the module returns; the chain ends in the logits behind that.

    Raises
    ------
    Unreadable
        It is not a chain of known layers, or what was read answers otherwise than the module.
    """
    outputs = outputs or Outputs(0)
    headed = outputs.kind != "logits"
    if headed and outputs.head < 0:
        raise UnreadableModule("its logits are found by inverting what it returns")
    stages_found = _merge_activations(list(_stages_of(module.train(), headed=headed)))
    convolves = any(type(m).__name__ == "Conv2d" for m in module.modules())
    chain, state = Chain(tuple(stages_found), convolves), module.state_dict()
    if sorted(chain.names) != sorted(state):
        raise UnreadableModule(
            "its layers share parameters, or have some that forward() does not use"
        )
    forward = partial(outputs.logits, module.eval()) if headed else module.eval()
    sizes = _compare_with_module(chain, module.state_dict(), forward, sample[:PROBES])
    numbers = sum(a.numel() for a in state.values())
    return replace(chain, numbers=numbers, passing=sum(sizes), widest=max(sizes))


def _compare_with_module(
    chain: Chain, state: Mapping[str, Tensor], forward: Callable[[Tensor], Tensor], sample: Tensor
) -> list[int]:
    """Compare a chain with its module; return how many numbers of one input pass each place."""
    torch = need_torch()
    h, sizes = sample[None], [sample[0].numel()]
    with torch.no_grad():
        try:
            expected = forward(sample)
            for stage in chain.stages:
                h, _ = stage.forward([state[name][None] for name in stage.names], h, Step())
                sizes.append(h[0, 0].numel())
        except Exception as error:  # trained alone, a module that fails says what is wrong with it
            raise UnreadableModule("its forward() does more than its layers say") from error
    if h[0].shape != expected.shape and h.shape[-1] == 1:
        h = two_columns(h[0], expected.shape[-1])[None]
    tolerance = MAX_DIFFERENCE * (float(expected.abs().max()) + 1.0)
    if h[0].shape != expected.shape or float((h[0] - expected).abs().max()) > tolerance:
        raise UnreadableModule("its forward() does more than its layers say")
    return sizes


def _merge_activations(stages_found: list[Stage]) -> list[Stage]:
    """Put an activation behind a linear layer into it, where it costs one pass less."""
    out: list[Stage] = []
    for stage in stages_found:
        last = out[-1] if out else None
        activation = getattr(stage, "activation", "")
        if (
            activation
            and not stage.names
            and isinstance(last, stages.Linear)
            and not last.activation
        ):
            out[-1] = stages.Linear(last.names, activation)
        else:
            out.append(stage)
    return out


# ---- from the graph of a forward pass to stages --------------------------------------------------


def _stages_of(module: nn.Module, *, headed: bool) -> Iterator[Stage]:
    """Yield the stages of a module, without the last function where that is a head."""
    if not list(module.children()):
        stage = _stage_of_layer("", module)
        return iter(() if stage is None else (stage,))
    try:
        graph = need_torch().fx.symbolic_trace(module)
    except Exception as error:  # a forward() that cannot be traced may raise anything
        raise UnreadableModule("what its forward() does depends on the input") from error
    return _follow_chain(graph, headed=headed)


def _follow_chain(graph: fx.GraphModule, *, headed: bool) -> Iterator[Stage]:
    """Follow the one chain from input to output."""
    layers, last, done = dict(graph.named_modules()), None, False
    heads = [node for node in graph.graph.nodes if headed and _name_of(node, layers) in HEADS]
    for node in graph.graph.nodes:
        if node.op == "placeholder":
            if last is not None:
                raise UnreadableModule("its forward() takes more than one input")
            last = node
        elif node.op == "output":
            done = node.args[0] is last
        elif _reads_shape(node, last):
            continue
        else:
            if not node.args or node.args[0] is not last or _has_side_input(node, last):
                raise UnreadableModule("its layers are not one chain")
            stage = None if node in heads[-1:] else _stage_of_node(node, layers)
            if stage is not None:
                yield stage
            last = node
    if not done:
        raise UnreadableModule("its forward() returns more than logits")


def _name_of(node: fx.Node, layers: Mapping[str, nn.Module]) -> str:
    """Name the function that a node calls, a layer as the function that it stands for."""
    if node.op == "call_module":
        kind = type(layers[str(node.target)]).__name__
        return {"LogSoftmax": "log_softmax"}.get(kind, kind.lower())
    return str(getattr(node.target, "__name__", node.target)).rstrip("_")


def _reads_shape(node: fx.Node, last: fx.Node | None) -> bool:
    """Tell whether a node only asks for the shape of something, as `x.view(x.size(0), -1)` does."""
    asked = node.args[0] if node.args else None
    if node.op == "call_method":
        return node.target == "size"
    if node.target is getattr and node.args[1] == "shape":
        return True
    named = getattr(asked, "target", None)
    return node.target is operator.getitem and asked is not last and named in ("size", getattr)


def _has_side_input(node: fx.Node, last: fx.Node | None) -> bool:
    """Tell whether a node takes something computed beside the chain, shapes aside."""
    inputs = [n for n in node.all_input_nodes if n is not last]
    return any(not _reads_shape(n, last) for n in inputs)


def _stage_of_node(node: fx.Node, layers: dict[str, nn.Module]) -> Stage | None:
    if node.op == "call_module":
        return _stage_of_layer(str(node.target), layers[str(node.target)])
    name = str(getattr(node.target, "__name__", node.target)).rstrip("_")
    if node.op == "get_attr":
        raise UnreadableModule("its forward() uses parameters of its own")
    if name in ("view", "reshape", "flatten"):
        return stages.Flatten()  # whether it does that is seen when chain and module are compared
    if name in ACTIVATION_METHODS:
        return _activation_stage(ACTIVATION_METHODS[name])
    if name == "dropout":
        return _read_dropout(node)
    if node.op == "call_function" and name in FUNCTIONS:
        keywords = {k: v for k, v in node.kwargs.items() if k != "inplace"}
        function: Any = node.target
        return stages.apply_per_record(partial(_call, function, node.args[1:], keywords))
    raise UnreadableModule(f"{name}() in its forward() has no form for many networks")


def _call(function: Callable[..., Any], args: Any, kwargs: dict[str, Any], h: Tensor) -> Tensor:
    result: Tensor = function(h, *args, **kwargs)
    return result


def _read_dropout(node: fx.Node) -> Stage:
    given: tuple[Any, ...] = node.args[1:]
    values: dict[str, Any] = dict(zip(("p", "training"), given, strict=False)) | dict(node.kwargs)
    on = values.get("training", True)
    return stages.Dropout(float(values.get("p", 0.5)) if on else 0.0)


def _activation_stage(name: str) -> Stage:
    layer = getattr(need_torch().nn, name)()
    stage = stages.apply_per_record(layer)
    stage.activation = name
    return stage


def _stage_of_layer(name: str, layer: nn.Module) -> Stage | None:
    kind = type(layer).__name__
    if not type(layer).__module__.startswith("torch.nn."):
        raise UnreadableModule(f"{kind} has no form for many networks")
    names = tuple(f"{name}.{key}" if name else key for key in layer.state_dict())
    if kind == "Identity":
        return None
    if kind in stages.IN_PLACE_ACTIVATIONS:
        return _activation_stage(kind)
    if kind in PER_RECORD:
        layer_copy: Any = copy(layer)
        if hasattr(layer_copy, "inplace"):
            layer_copy.inplace = False  # what it would overwrite is needed on the way back
        return stages.apply_per_record(layer_copy)
    make = _MAKERS.get(kind)
    if make is None:
        raise UnreadableModule(f"{kind} has no form for many networks")
    return make(names, layer)


def _make_linear(names: tuple[str, ...], layer: Any) -> Stage:
    del layer
    return stages.Linear(names)


def _make_flatten(names: tuple[str, ...], layer: Any) -> Stage:
    del names
    if (layer.start_dim, layer.end_dim) != (1, -1):
        raise UnreadableModule("Flatten of some dimensions has no form for many networks")
    return stages.Flatten()


def _make_norm(names: tuple[str, ...], layer: Any) -> Stage:
    if not layer.affine or not layer.track_running_stats or layer.momentum is None:
        raise UnreadableModule(
            f"{type(layer).__name__} without weights, running means or momentum has no form for "
            "many networks"
        )
    return stages.BatchNorm(names, layer.eps, layer.momentum)


def _make_convolution(names: tuple[str, ...], layer: Any) -> Stage:
    if layer.groups != 1 or layer.padding_mode != "zeros":
        raise UnreadableModule("Conv2d with groups or other padding has no form for many networks")
    return stages.batched_convolution(names, layer)


def _make_bag(names: tuple[str, ...], layer: Any) -> Stage:
    plain = (layer.max_norm, layer.sparse, layer.scale_grad_by_freq, layer.include_last_offset)
    if any(plain) or layer.mode not in ("sum", "mean"):
        raise UnreadableModule("EmbeddingBag with unusual options has no form for many networks")
    return stages.embedding_bag(names[0], layer)


_MAKERS: Mapping[str, Callable[[tuple[str, ...], Any], Stage]] = {
    "Linear": _make_linear,
    "Flatten": _make_flatten,
    "Dropout": lambda names, layer: stages.Dropout(layer.p),
    "BatchNorm1d": _make_norm,
    "BatchNorm2d": _make_norm,
    "Conv2d": _make_convolution,
    "EmbeddingBag": _make_bag,
}
