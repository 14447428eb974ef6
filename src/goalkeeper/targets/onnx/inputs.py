"""What the inputs of an ONNX graph are, and how inputs of a domain are given to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from goalkeeper.core.domain import Domain, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.errors import TargetError
from goalkeeper.targets.columns import numbers_of, refuse_words, values_of, words_in, written
from goalkeeper.targets.torch import need_torch

if TYPE_CHECKING:
    from torch import Tensor

TEXT = "string"
TYPES = {
    "float": "float32", "double": "float64", "float16": "float16", TEXT: "object",
    "int64": "int64", "int32": "int32", "int16": "int16", "int8": "int8",
    "uint64": "uint64", "uint32": "uint32", "uint16": "uint16", "uint8": "uint8", "bool": "bool",
}  # fmt: skip
ROWS = 256  # inputs that are computed at once
BYTE = 255


class Graph(Protocol):
    """Something with named inputs of known types and shapes."""

    name: str

    @property
    def inputs(self) -> Sequence[Any]:
        """Each has a name, a type (`tensor(float)`) and a shape, batch included."""
        ...


@dataclass(frozen=True)
class Part:
    """One input of the graph, and what it takes of an input of the application.

    Parameters
    ----------
    name
        Its name in the graph.
    dtype
        Its numpy type.
    shape
        Shape of one input, without the batch.
    columns
        Places of the columns that it takes; None: everything (texts, images).
    order
        Axes of an image `(channels, height, width)` in the order in which the graph has them.
    factor
        What pixels are multiplied by.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    columns: tuple[int, ...] | None = None
    order: tuple[int, int, int] = (0, 1, 2)
    factor: float = 1.0


@dataclass(frozen=True)
class Feeds:
    """Gives inputs of a domain to a graph.

    Parameters
    ----------
    parts
        One for each input of the graph.
    batch
        How many inputs it takes at once; 0: any number.
    image
        Shape `(channels, height, width)` of an image; empty for other inputs.
    unused
        Columns of the application that the graph does not take.
    """

    parts: tuple[Part, ...]
    batch: int
    image: tuple[int, ...] = ()
    unused: tuple[str, ...] = ()

    def blocks(self, x: Any) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield how many inputs a block holds, and the block; a short one is filled up."""
        n, size = len(x), self.batch or ROWS
        for start in range(0, n, size):
            places = np.arange(start, start + size if self.batch else min(n, start + size))
            rows = np.minimum(places, n - 1)
            block = x.iloc[rows] if hasattr(x, "iloc") else x[rows]
            yield min(size, n - start), {part.name: self.fill(part, block) for part in self.parts}

    def fill(self, part: Part, block: Any) -> Any:
        """Return what one input of the graph gets of a block of inputs."""
        if self.image:
            pixels = np.asarray(block).reshape(-1, *self.image) * part.factor
            values = pixels.transpose(0, *(axis + 1 for axis in part.order))
            values = np.rint(values) if part.dtype != "object" and "int" in part.dtype else values
        elif part.columns is None:
            values = np.array([str(text) for text in block], dtype=object)
        else:
            one = values_of if part.dtype == "object" else numbers_of
            values = np.stack([one(block, j) for j in part.columns], axis=-1)
            if part.dtype == "object":
                words = [written(value) for value in values.reshape(-1)]
                values = np.array(words, dtype=object)
        return np.ascontiguousarray(values.reshape(-1, *part.shape).astype(part.dtype))

    def tensor(self, part: Part, x: Tensor) -> Tensor:
        """Return what one input of the graph gets of a tensor `(n, ...)` of inputs."""
        if self.image:
            values = x.reshape(len(x), *self.image) * part.factor
            values = values.permute(0, *(axis + 1 for axis in part.order))
        else:
            values = x[:, list(part.columns or ())]
        dtype = getattr(need_torch(), part.dtype)
        made: Tensor = values.reshape(len(x), *part.shape).to(dtype)
        return made


def feeds_of(model: Graph, domain: Domain) -> Feeds:
    """Find out what the graph takes of an input of the domain; raises TargetError."""
    batches = {_batch(given.shape) for given in model.inputs} - {0}
    if len(batches) > 1:
        raise TargetError(
            f"the inputs of {model.name} have different fixed lengths: {_list(model)}"
        )
    batch = batches.pop() if batches else 0
    if isinstance(domain, TextDomain):
        return Feeds((_texts(model),), batch)
    if isinstance(domain, TableDomain):
        parts, unused = _table(model, domain)
        return Feeds(parts, batch, unused=unused)
    return Feeds((_images(model, domain),), batch, image=domain.shape)


def _batch(shape: Sequence[Any]) -> int:
    return shape[0] if shape and isinstance(shape[0], int) and shape[0] > 0 else 0


def _texts(model: Graph) -> Part:
    found = _only(model, "texts")
    rank = len(found.shape)
    if _dtype(found) != "object" or rank > 2:
        raise TargetError(
            f"{model.name} takes {found.type} of rank {rank}, but the inputs are texts; put what "
            "turns texts into numbers into a function of your own (model.function)"
        )
    return Part(found.name, "object", (1,) * (rank - 1))


def _images(model: Graph, domain: ImageDomain) -> Part:
    found = _only(model, "images")
    dtype, dims = _dtype(found), tuple(found.shape[1:])
    if dtype == "object":
        raise TargetError(f"{model.name} takes texts, but the inputs are images")
    channels, height, width = domain.shape
    layouts: list[tuple[tuple[int, ...], tuple[int, int, int]]] = [
        ((channels, height, width), (0, 1, 2)),
        ((height, width, channels), (1, 2, 0)),
        ((channels * height * width,), (0, 1, 2)),
    ]
    if channels == 1:
        layouts.append(((height, width), (0, 1, 2)))
    for shape, order in layouts:
        if len(shape) == len(dims) and all(_fits(d, s) for d, s in zip(dims, shape, strict=True)):
            scale = BYTE if dtype == "uint8" and domain.high <= 1 else 1.0
            return Part(found.name, dtype, shape, order=order, factor=scale)
    raise TargetError(
        f"{model.name} takes inputs of shape {_shape(found)}, but the images are "
        f"{channels} x {height} x {width} (channels, height, width)"
    )


def _fits(dimension: Any, size: int) -> bool:
    return not isinstance(dimension, int) or dimension <= 0 or dimension == size


def _table(model: Graph, domain: TableDomain) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    names = [column.name for column in domain.columns]
    if len(model.inputs) == 1 and (len(names) > 1 or model.inputs[0].name not in names):
        return (_whole_rows(model, domain),), ()
    given = {_plain(entry.name): entry for entry in model.inputs}
    places = {_plain(name): j for j, name in enumerate(names)}
    missing = [entry.name for plain, entry in given.items() if plain not in places]
    if missing:
        raise TargetError(
            f"{model.name} takes inputs that are no columns of the application "
            f"({', '.join(missing)}); it has {', '.join(names)}; name its inputs in data.features, "
            "or call it in a function of your own (model.function)"
        )
    parts = tuple(_one_column(model, e, places[plain], domain) for plain, e in given.items())
    unused = tuple(name for name in names if _plain(name) not in given)
    return parts, unused


def _plain(name: str) -> str:
    """Write a name as exporters do, which keep letters and digits only."""
    return "".join(c if c.isalnum() else "_" for c in name)


def _whole_rows(model: Graph, domain: TableDomain) -> Part:
    found = model.inputs[0]
    dtype, count = _dtype(found), len(domain.columns)
    if dtype != "object":
        refuse_words(domain, model.name)
    if len(found.shape) != 2 or not _fits(found.shape[1], count):
        raise TargetError(
            f"{model.name} takes inputs of shape {_shape(found)}, but the application has "
            f"{count} columns; name the model's columns, in its order, in data.features"
        )
    return Part(found.name, dtype, (count,), columns=tuple(range(count)))


def _one_column(model: Graph, found: Any, place: int, domain: TableDomain) -> Part:
    column, dtype, rank = domain.columns[place], _dtype(found), len(found.shape)
    if column.name in words_in(domain) and dtype != "object":
        raise TargetError(
            f"{model.name} takes numbers ({found.type}) in {found.name}, but the column holds words"
        )
    if rank > 2 or (rank == 2 and not _fits(found.shape[1], 1)):
        raise TargetError(f"the input {found.name} of {model.name} takes more than one column")
    return Part(found.name, dtype, (1,) * (rank - 1), columns=(place,))


def _only(model: Graph, what: str) -> Any:
    if len(model.inputs) != 1:
        raise TargetError(
            f"{model.name} has {len(model.inputs)} inputs ({_list(model)}); for {what} it must "
            "have one: call it in a function of your own (model.function)"
        )
    return model.inputs[0]


def _dtype(found: Any) -> str:
    inner = str(found.type).removeprefix("tensor(").removesuffix(")")
    if inner not in TYPES:
        raise TargetError(f"the input {found.name} is a {found.type}, which cannot be given")
    return TYPES[inner]


def _shape(found: Any) -> str:
    return "(" + ", ".join("any" if d is None else str(d) for d in found.shape) + ")"


def _list(model: Graph) -> str:
    return ", ".join(f"{entry.name} {entry.type} {_shape(entry)}" for entry in model.inputs)
