"""What a torch module returns, and the logits behind it.

A network that ends in Softmax, Sigmoid or LogSoftmax answers with probabilities. Gradients through
such a layer vanish where it is certain, so that an attack that follows them seems to fail, and a
loss that expects logits trains it badly. So this last function is left out wherever logits are
wanted. It is found by what the forward pass calls, whether as a layer or as a function; what cannot
be left out is inverted.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from goalkeeper.core.data import Inputs, Ints
from goalkeeper.core.domain import Domain, TableDomain, TextDomain
from goalkeeper.core.errors import TargetError
from goalkeeper.targets.answers import AnswerReader, Declared, open_holders
from goalkeeper.targets.returned import call_model
from goalkeeper.targets.tensors import device_of, need_torch, rows_of, two_columns

if TYPE_CHECKING:
    from torch import Tensor, nn

# Functions that turn logits into probabilities or their logarithms, and what they give.
HEADS = {
    "softmax": "probabilities",
    "sigmoid": "probabilities",
    "expit": "probabilities",
    "log_softmax": "log-probabilities",
    "logsigmoid": "log-probabilities",  # the layer
    "log_sigmoid": "log-probabilities",  # the function that it calls
}
# Functions whose result can be any number: what ends in one of them are logits.
FREE = frozenset({"linear", "addmm", "mm", "bmm", "matmul", "baddbmm", "einsum", "bilinear"})
FREE |= {"conv1d", "conv2d", "conv3d", "embedding_bag"}
# Functions that only hand on what another one gave.
PASSING = frozenset({"squeeze", "unsqueeze", "view", "reshape", "flatten", "contiguous", "clone"})
PASSING |= {"float", "double", "to", "half", "detach", "size", "dim"}
PASSING |= {"__get__", "__getitem__", "__len__", "type"}
TRIED = 64  # inputs by which it is found out what a module returns
TEXTS = ("some words of a text", "a text", "words", "more of the words")


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a module returns, and how its logits are computed.

    Parameters
    ----------
    width
        How many classes there are.
    kind
        One of `goalkeeper.targets.answers.KINDS`.
    what
        What errors call the module.
    head
        Which call of a function of `HEADS` in a forward pass is left out; -1: none.
    total
        What probabilities sum to, where they are inverted.
    reader
        Reads class numbers.
    followed
        Whether gradients lead from what it returns back to its inputs and parameters.
    """

    width: int
    kind: str = "logits"
    what: str = "the module"
    head: int = -1
    total: float = 1.0
    reader: AnswerReader | None = None
    followed: bool = True

    @property
    def trainable(self) -> bool:
        """Whether it can be trained by what it returns."""
        return self.followed and self.kind != "labels"

    @property
    def sentence(self) -> str:
        """What was found, in one sentence for people."""
        said = f"{self.what} answers with {self.kind}"
        if self.followed and self.kind in ("probabilities", "log-probabilities"):
            how = "left out" if self.head >= 0 else "inverted"
            return f"{said}; its last function is {how} where gradients are followed"
        return said

    def logits(self, module: nn.Module, x: Tensor) -> Tensor:
        """Pass tensors `(n, ...)` through the module; return logits `(n, classes)`.

        Raises
        ------
        TargetError
            It raised, or returned another shape, or gives class numbers only.
        """
        if self.kind == "labels":
            raise TargetError(
                f"{self.what} returns class numbers, which have no gradients; return the logits, "
                "one column a class"
            )
        found = _checked(_tensor(_forward(module, x, self.head), len(x), self.what), len(x), self)
        if self.head < 0 and self.kind == "probabilities":
            found = _inverted(found.double() / self.total, self.width)
        elif self.head < 0 and self.kind == "log-probabilities" and found.shape[1] == 1:
            found = _inverted(found.double().exp(), self.width)
        return two_columns(found, self.width)

    def labels(self, module: nn.Module, x: Tensor) -> Ints:
        """Return the classes `(n,)` that a module of class numbers gives."""
        if self.reader is None:
            raise TargetError(f"{self.what} gives no class numbers")
        return self.reader.read(call_model(module, x, self.what), len(x)).labels


def find_outputs(
    module: nn.Module,
    domain: Domain,
    classes: Sequence[str],
    sample: Inputs | None = None,
    declared: Declared | None = None,
) -> Outputs:
    """Find out what a module returns, by a forward pass of a few inputs.

    Parameters
    ----------
    module
        Trained or not; it is copied.
    domain
        What an input looks like.
    classes
        The application's classes, in the order of the module's columns.
    sample
        Inputs `(m, ...)` to try; left out, inputs of the domain are drawn.
    declared
        What the user says of the answers.

    Raises
    ------
    TargetError
        It raised, or what it returns can be read in two ways.
    """
    declared = declared or Declared(what=f"the module {type(module).__name__}")
    tried = _drawn(domain) if sample is None else sample[:: max(1, len(sample) // TRIED)]
    module = copy.deepcopy(module).eval()
    x = rows_of(tried, domain, module).to(device_of(module))
    found = _found(module, x, classes, declared)
    return found if _leads_back(found, module, x) else replace(found, followed=False)


def _leads_back(found: Outputs, module: nn.Module, x: Tensor) -> bool:
    """Tell whether gradients lead back through a module: under `torch.no_grad` none do."""
    if found.kind == "labels":
        return True
    try:
        with need_torch().enable_grad():
            module.requires_grad_(requires_grad=True)
            if x.is_floating_point():
                x = x.clone().requires_grad_().clone()  # which a module may write to
            return bool(found.logits(module, x).requires_grad)
    except (TargetError, RuntimeError):  # said where gradients are asked for
        return True


def _found(module: nn.Module, x: Tensor, classes: Sequence[str], declared: Declared) -> Outputs:
    """Find out what a module returns for tensors `(n, ...)`."""
    torch = need_torch()
    plain = Outputs(len(classes), what=declared.what)
    watch = _watch()
    with torch.no_grad(), watch:
        raw = call_model(module, x, plain.what)
    found = _tensor(raw, len(x), plain.what)
    if found.is_floating_point() and declared.kind in ("", *HEADS.values()):
        head = _head(watch, found, plain, module, x)
        if head is not None:
            _refuse_contradiction(head, declared)
            return head
    if found.is_floating_point() and not declared.kind and watch.last in FREE:
        _checked(found, len(x), plain)
        return plain
    reader = AnswerReader.decide(raw, len(x), classes, declared)
    return replace(plain, kind=reader.kind, total=reader.total, reader=reader)


def _refuse_contradiction(found: Outputs, declared: Declared) -> None:
    if declared.kind not in ("", found.kind):
        raise TargetError(
            f"{found.what} ends in a function that gives {found.kind}, but model.answers says "
            f"{declared.kind}; correct one of the two"
        )


def _checked(found: Tensor, n: int, outputs: Outputs) -> Tensor:
    """Return answers as `(n, columns)`; raises TargetError for another shape."""
    found = found[:, None] if found.ndim == 1 else found
    width = outputs.width
    allowed = (1, 2) if width == 2 else (width,)
    if found.ndim != 2 or len(found) != n or found.shape[1] not in allowed:
        raise TargetError(
            f"{outputs.what} returned an array of shape {tuple(found.shape)} for {n} inputs; "
            f"return one column for each of the {width} classes, ({n}, {width})"
        )
    return found


def _head(watch: Any, found: Tensor, plain: Outputs, module: Any, x: Tensor) -> Outputs | None:
    """Return the outputs without their last function, where it turned logits into them."""
    torch = need_torch()
    for place in reversed(range(len(watch.heads))):
        name, result = watch.heads[place]
        if not _same(result, found):
            continue
        if found.ndim == 1 and len(found) > 1 and name in ("softmax", "log_softmax"):
            raise TargetError(
                f"{plain.what} ends in {name} over a single column, which gives the same number "
                "to every input",
                "end in a sigmoid, or return one column a class",
            )
        outputs = replace(plain, kind=HEADS[name], head=place)
        with torch.no_grad():
            before = _tensor(_forward(module, x, place), len(x), plain.what)
        after = _applied(name, before)
        if after.shape == found.shape and _same(after, found):
            _checked(found, len(x), outputs)
            return outputs
    return None


def _applied(name: str, logits: Tensor) -> Tensor:
    """Apply a function of `HEADS` to logits `(n,)` or `(n, columns)`."""
    functional = need_torch().nn.functional
    if "softmax" in name:
        if logits.ndim == 1:  # one column: a softmax of a single number says nothing
            return logits
        made: Tensor = getattr(functional, name)(logits, dim=-1)
        return made
    if name in ("logsigmoid", "log_sigmoid"):
        return functional.logsigmoid(logits)  # type: ignore[no-any-return]
    return logits.sigmoid()


def _same(one: Tensor, other: Tensor) -> bool:
    """Tell whether two tensors hold the same numbers, their shape and precision aside."""
    if one.numel() != other.numel():
        return False
    flat = (one.detach().double().reshape(-1), other.detach().double().reshape(-1))
    return bool(need_torch().allclose(*flat, rtol=1e-3, atol=1e-6))


def _inverted(probabilities: Tensor, width: int) -> Tensor:
    """Return the logits of probabilities `(n, columns)`; those of 0 count as the smallest number.

    A sum of 1 is not asked for: what all classes share changes no probability.
    """
    torch = need_torch()
    tiny = torch.finfo(probabilities.dtype).tiny
    logs = probabilities.clamp_min(tiny).log()
    if width == 2 and logs.shape[1] == 1:
        return logs - (1 - probabilities).clamp_min(tiny).log()
    return logs


# ---- forward passes -----------------------------------------------------------------------------


def _forward(module: nn.Module, x: Tensor, head: int) -> Any:
    """Pass `x` through a module, without one of its calls of a function of `HEADS`."""
    if head < 0:
        return module(x)
    with _skip(head):
        return module(x)


def _tensor(raw: Any, n: int, what: str) -> Tensor:
    """Find the tensor in what a module returned; drop axes of length 1."""
    torch = need_torch()
    found, _ = open_holders(raw, n, what)
    if not isinstance(found, torch.Tensor):
        raise TargetError(
            f"{what} returned {type(found).__name__}; return the tensor of logits, (n, classes), "
            "or a dict, tuple or object that holds it as `logits`"
        )
    tensor: Tensor = found
    if n == 1 and (tensor.ndim == 0 or tensor.shape[0] != 1):
        tensor = tensor[None]
    if tensor.ndim > 2:
        tensor = tensor.reshape(tensor.shape[0], *(size for size in tensor.shape[1:] if size != 1))
    if tensor.ndim == 2 and tensor.shape[1] == 1:
        tensor = tensor[:, 0]
    return tensor


def _name(function: Any) -> str:
    name = str(getattr(function, "__name__", "")).removeprefix("special_")
    return name.removeprefix("_").rstrip("_") if not name.startswith("__") else name


def _watch() -> Any:
    """Return a context that notes which functions a forward pass calls."""
    torch = need_torch()

    class _Watch(torch.overrides.TorchFunctionMode):  # type: ignore[misc, name-defined]
        """Keeps the results of functions of `HEADS`, and the name of the last one that counts."""

        def __init__(self) -> None:
            super().__init__()
            self.heads: list[tuple[str, Any]] = []
            self.last = ""

        def __torch_function__(
            self, function: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            del types
            result, name = function(*args, **(kwargs or {})), _name(function)
            if name in HEADS:
                self.heads.append((name, result))
            if name not in PASSING:
                self.last = name
            return result

    return _Watch()


def _skip(head: int) -> Any:
    """Return a context in which one call of a function of `HEADS` gives what it was given."""
    torch = need_torch()

    class Skip(torch.overrides.TorchFunctionMode):  # type: ignore[misc, name-defined]
        """Counts calls."""

        def __init__(self) -> None:
            super().__init__()
            self.calls = 0

        def __torch_function__(
            self, function: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            del types
            if _name(function) in HEADS:
                self.calls += 1
                if self.calls == head + 1:
                    return args[0] if args else (kwargs or {})["input"]
            return function(*args, **(kwargs or {}))

    return Skip()


def _drawn(domain: Domain) -> Inputs:
    """Draw a few inputs of a domain, always the same."""
    if isinstance(domain, TextDomain):
        return np.array(TEXTS, dtype=object)
    rng = np.random.default_rng(0)
    if not isinstance(domain, TableDomain):
        return rng.uniform(domain.low, domain.high, (TRIED, *domain.shape))
    low, high = domain.bounds()
    low, high = np.where(np.isfinite(low), low, -1.0), np.where(np.isfinite(high), high, 1.0)
    drawn = rng.uniform(np.minimum(low, high), np.maximum(low, high), (TRIED, len(low)))
    return domain.project(drawn)
