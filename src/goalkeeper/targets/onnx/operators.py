"""ONNX operators in torch: each takes the node's inputs and attributes and returns its outputs.

Source: https://onnx.ai/onnx/operators/ (the semantics at inference, opset 7 and later).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from goalkeeper.core.errors import NotOffered
from goalkeeper.targets.torch import need_torch

if TYPE_CHECKING:
    from torch import Tensor

Attributes = Mapping[str, Any]
Values = Sequence[Any]  # tensors; None for an optional input that is not given
Operator = Callable[[Values, Attributes], Any]

# Numbers of types in ONNX: float, uint8, int8, int32, int64, bool, float16, double.
DTYPES = {1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 9: "bool"}
DTYPES |= {10: "float16", 11: "float64"}


def _binary(function: Callable[[Any, Any], Any]) -> Operator:
    return lambda v, a: function(v[0], v[1])


def _unary(name: str) -> Operator:
    return lambda v, a: getattr(need_torch(), name)(v[0])


def _matmul(v: Values, a: Attributes) -> Any:
    return v[0] @ v[1]


def _gemm(v: Values, a: Attributes) -> Any:
    left = v[0].T if a.get("transA", 0) else v[0]
    right = v[1].T if a.get("transB", 0) else v[1]
    product = a.get("alpha", 1.0) * (left @ right)
    return product if _absent(v, 2) else product + a.get("beta", 1.0) * v[2]


def _absent(v: Values, place: int) -> bool:
    return len(v) <= place or v[place] is None


def _divide(x: Tensor, y: Tensor) -> Any:
    whole = not (x.is_floating_point() or y.is_floating_point())
    return need_torch().div(x, y, rounding_mode="trunc" if whole else None)


# ---- activations ------------------------------------------------------------------------------


def _leaky_relu(v: Values, a: Attributes) -> Any:
    return need_torch().nn.functional.leaky_relu(v[0], a.get("alpha", 0.01))


def _elu(v: Values, a: Attributes) -> Any:
    return need_torch().nn.functional.elu(v[0], a.get("alpha", 1.0))


def _softmax(v: Values, a: Attributes) -> Any:
    return need_torch().softmax(_same_axis(v[0], a), dim=a.get("axis", -1))


def _log_softmax(v: Values, a: Attributes) -> Any:
    return need_torch().log_softmax(_same_axis(v[0], a), dim=a.get("axis", -1))


def _same_axis(x: Tensor, a: Attributes) -> Tensor:
    """Refuse what old and new versions of an operator compute differently."""
    if a.get("axis", -1) not in (-1, x.ndim - 1):
        raise NotOffered("a softmax over an axis that is not the last")
    return x


def _clip(v: Values, a: Attributes) -> Any:
    low = a.get("min") if _absent(v, 1) else v[1]
    high = a.get("max") if _absent(v, 2) else v[2]
    out = v[0]
    out = out if low is None else need_torch().maximum(out, need_torch().as_tensor(low).to(out))
    return out if high is None else need_torch().minimum(out, need_torch().as_tensor(high).to(out))


# ---- images -----------------------------------------------------------------------------------


def _padding(a: Attributes, x: Tensor, kernel: Sequence[int]) -> list[int]:
    """Return the padding as torch.nn.functional.pad wants it: last axis first, before and after."""
    spatial = len(kernel)
    strides, dilations = a.get("strides", [1] * spatial), a.get("dilations", [1] * spatial)
    auto = a.get("auto_pad", "NOTSET")
    if auto in ("NOTSET", "VALID"):
        pads = list(a.get("pads", [0] * 2 * spatial)) if auto == "NOTSET" else [0] * 2 * spatial
        pairs = [(pads[i], pads[i + spatial]) for i in range(spatial)]
    else:
        pairs = []
        for i, size in enumerate(x.shape[2:]):
            span = (kernel[i] - 1) * dilations[i] + 1
            total = max((-(-size // strides[i]) - 1) * strides[i] + span - size, 0)
            less, more = total // 2, total - total // 2
            pairs.append((less, more) if auto == "SAME_UPPER" else (more, less))
    return [p for pair in reversed(pairs) for p in pair]


def _conv(v: Values, a: Attributes) -> Any:
    torch, x, weights = need_torch(), v[0], v[1]
    spatial = x.ndim - 2
    functions = {1: "conv1d", 2: "conv2d", 3: "conv3d"}
    padded = torch.nn.functional.pad(x, _padding(a, x, tuple(weights.shape[2:])))
    return getattr(torch.nn.functional, functions[spatial])(
        padded,
        weights,
        None if _absent(v, 2) else v[2],
        stride=tuple(a.get("strides", [1] * spatial)),
        dilation=tuple(a.get("dilations", [1] * spatial)),
        groups=a.get("group", 1),
    )


def _pool(v: Values, a: Attributes, name: str, filler: float, **more: Any) -> Any:
    torch, x, kernel = need_torch(), v[0], list(a["kernel_shape"])
    pads = _padding(a, x, kernel)
    ceil = bool(a.get("ceil_mode", 0))
    if ceil and any(pads):
        raise NotOffered("pooling that pads and also rounds sizes up")
    function = getattr(torch.nn.functional, f"{name}{x.ndim - 2}d")
    padded = torch.nn.functional.pad(x, pads, value=filler)
    strides = tuple(a.get("strides", [1] * len(kernel)))
    return function(padded, tuple(kernel), stride=strides, ceil_mode=ceil, **more)


def _max_pool(v: Values, a: Attributes) -> Any:
    dilations = tuple(a.get("dilations", [1] * len(a["kernel_shape"])))
    return _pool(v, a, "max_pool", float("-inf"), dilation=dilations)


def _average_pool(v: Values, a: Attributes) -> Any:
    if any(d != 1 for d in a.get("dilations", ())):
        raise NotOffered("an average over a window with gaps")
    mean = _pool(v, a, "avg_pool", 0.0)
    if a.get("count_include_pad", 0) or not any(_padding(a, v[0], list(a["kernel_shape"]))):
        return mean
    return mean / _pool([need_torch().ones_like(v[0])], a, "avg_pool", 0.0)


def _global_average(v: Values, a: Attributes) -> Any:
    return v[0].mean(dim=tuple(range(2, v[0].ndim)), keepdim=True)


def _batch_normalisation(v: Values, a: Attributes) -> Any:
    if a.get("training_mode", 0):
        raise NotOffered("batch normalisation in training mode")
    x, scale, bias, mean, variance = v
    return need_torch().nn.functional.batch_norm(
        x, mean, variance, scale, bias, eps=a.get("epsilon", 1e-5)
    )


# ---- shapes -----------------------------------------------------------------------------------


def _flatten(v: Values, a: Attributes) -> Any:
    axis = a.get("axis", 1)
    first = 1
    for size in v[0].shape[:axis]:
        first *= size
    return v[0].reshape(first, -1)


def _reshape(v: Values, a: Attributes) -> Any:
    wanted = v[1].tolist()
    keep = not a.get("allowzero", 0)
    shape = [v[0].shape[i] if size == 0 and keep else size for i, size in enumerate(wanted)]
    return v[0].reshape(shape)


def _transpose(v: Values, a: Attributes) -> Any:
    return v[0].permute(tuple(a.get("perm", reversed(range(v[0].ndim)))))


def _axes(v: Values, a: Attributes) -> list[int] | None:
    given = a.get("axes") if _absent(v, 1) else v[1].tolist()
    return None if given is None else list(given)


def _squeeze(v: Values, a: Attributes) -> Any:
    axes = _axes(v, a)
    return v[0].squeeze() if axes is None else v[0].squeeze(tuple(axes))


def _unsqueeze(v: Values, a: Attributes) -> Any:
    axes, out = _axes(v, a) or [], v[0]
    rank = out.ndim + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        out = out.unsqueeze(axis)
    return out


def _concat(v: Values, a: Attributes) -> Any:
    return need_torch().cat(list(v), dim=a["axis"])


def _gather(v: Values, a: Attributes) -> Any:
    data, places, axis = v[0], v[1], a.get("axis", 0) % v[0].ndim
    size = data.shape[axis]
    flat = need_torch().where(places < 0, places + size, places).reshape(-1)
    picked = data.index_select(axis, flat)
    return picked.reshape((*data.shape[:axis], *places.shape, *data.shape[axis + 1 :]))


def _shape(v: Values, a: Attributes) -> Any:
    sizes = list(v[0].shape)[a.get("start", 0) : a.get("end")]
    return need_torch().tensor(sizes, dtype=need_torch().int64)


def _slice(v: Values, a: Attributes) -> Any:
    x = v[0]
    starts = a["starts"] if _absent(v, 1) else v[1].tolist()
    ends = a["ends"] if _absent(v, 2) else v[2].tolist()
    axes = a.get("axes", list(range(len(starts)))) if _absent(v, 3) else v[3].tolist()
    steps = [1] * len(starts) if _absent(v, 4) else v[4].tolist()
    if min(steps) < 1:
        raise NotOffered("a slice that runs backwards")
    cut = [slice(None)] * x.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        cut[axis] = slice(start, end, step)
    return x[tuple(cut)]


def _cast(v: Values, a: Attributes) -> Any:
    if a["to"] not in DTYPES:
        raise NotOffered("a cast to texts")
    return v[0].to(getattr(need_torch(), DTYPES[a["to"]]))


def _constant(v: Values, a: Attributes) -> Any:
    for name in ("value", "value_float", "value_int", "value_floats", "value_ints"):
        if name in a:
            return need_torch().as_tensor(a[name])
    raise NotOffered("a constant that is no number")


def _mean(v: Values, a: Attributes) -> Any:
    axes = _axes(v, a) or list(range(v[0].ndim))
    return v[0].mean(dim=tuple(axes), keepdim=bool(a.get("keepdims", 1)))


# ---- classical models -------------------------------------------------------------------------


def linear_scores(v: Values, a: Attributes) -> Any:
    """Return what a LinearClassifier computes before its `post_transform`."""
    torch, x = need_torch(), v[0]
    bias = torch.tensor(a["intercepts"], dtype=torch.float32).to(x.device)
    weights = torch.tensor(a["coefficients"], dtype=torch.float32).to(x.device)
    rows = x.reshape(len(x), -1).float()
    if weights.numel() % rows.shape[1]:
        raise NotOffered("a linear classifier whose weights do not fit its inputs")
    scores = rows @ weights.reshape(-1, rows.shape[1]).T
    return scores + bias if bias.numel() else scores


def _linear_classifier(v: Values, a: Attributes) -> Any:
    """Return (no classes, scores)."""
    scores, after = linear_scores(v, a), a.get("post_transform", "NONE")
    if after == "LOGISTIC":
        scores = scores.sigmoid()
    elif after == "SOFTMAX":
        scores = scores.softmax(dim=-1)
    elif after != "NONE":
        raise NotOffered(f"a linear classifier with the transform {after}")
    return None, scores


def _scaler(v: Values, a: Attributes) -> Any:
    torch, x = need_torch(), v[0].float()
    offset, scale = (torch.tensor(a[k], dtype=torch.float32).to(x) for k in ("offset", "scale"))
    return (x - offset) * scale


def _normaliser(v: Values, a: Attributes) -> Any:
    x, norm = v[0].float(), a.get("norm", "MAX")
    if norm == "MAX":
        size = x.amax(dim=-1, keepdim=True)
    elif norm == "L1":
        size = x.abs().sum(dim=-1, keepdim=True)
    else:
        size = x.pow(2).sum(dim=-1, keepdim=True).sqrt()
    return x / need_torch().where(size == 0, need_torch().ones_like(size), size)


def _first(v: Values, a: Attributes) -> Any:
    return v[0]


OPERATORS: Mapping[str, Operator] = {
    "Abs": _unary("abs"), "Add": _binary(lambda x, y: x + y), "AveragePool": _average_pool,
    "BatchNormalization": _batch_normalisation, "Cast": _cast, "Clip": _clip, "Concat": _concat,
    "Constant": _constant, "Conv": _conv, "Div": _binary(_divide), "Dropout": _first, "Elu": _elu,
    "Erf": _unary("erf"), "Exp": _unary("exp"), "Flatten": _flatten, "Gather": _gather,
    "Gemm": _gemm, "GlobalAveragePool": _global_average, "Identity": _first,
    "LeakyRelu": _leaky_relu, "LinearClassifier": _linear_classifier, "Log": _unary("log"),
    "LogSoftmax": _log_softmax, "MatMul": _matmul, "MaxPool": _max_pool,
    "Mul": _binary(lambda x, y: x * y), "Neg": _unary("neg"), "Normalizer": _normaliser,
    "Pow": _binary(lambda x, y: x**y), "ReduceMean": _mean, "Relu": _unary("relu"),
    "Reshape": _reshape, "Scaler": _scaler, "Shape": _shape, "Sigmoid": _unary("sigmoid"),
    "Slice": _slice, "Softmax": _softmax, "Sqrt": _unary("sqrt"), "Squeeze": _squeeze,
    "Sub": _binary(lambda x, y: x - y), "Tanh": _unary("tanh"), "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}  # fmt: skip
DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
