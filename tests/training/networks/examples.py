"""Small networks of every kind that is trained together, and data that they learn."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from goalkeeper.core.data import Bools, Data
from goalkeeper.core.domain import Column, Domain, ImageDomain, TableDomain, TextDomain

torch = pytest.importorskip("torch")
nn = torch.nn
functional = torch.nn.functional
TABLE = TableDomain(columns=tuple(Column(name=f"c{i}") for i in range(6)))
IMAGES = ImageDomain(shape=(2, 6, 5))
TEXTS = TextDomain()
CLASSES = ("a", "b", "c")
WORDS = [f"w{i}" for i in range(40)]


def relu() -> Any:
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


def deep() -> Any:
    inner = nn.Sequential(nn.Linear(8, 8, bias=False), nn.Sigmoid())
    return nn.Sequential(nn.Flatten(), nn.Linear(6, 8), nn.Tanh(), inner, nn.Linear(8, 3))


def linear() -> Any:
    return nn.Linear(6, 3)


def dropout() -> Any:
    return nn.Sequential(nn.Dropout(0.1), nn.Linear(6, 8), nn.GELU(), nn.Dropout(), nn.Linear(8, 3))


def normal() -> Any:
    """No bias in front of a normalisation: its slope is mere rounding, which Adam enlarges."""
    return nn.Sequential(nn.Linear(6, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


def scaled() -> Any:
    return nn.Sequential(nn.BatchNorm1d(6), nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


class Own(nn.Module):  # type: ignore[misc, name-defined]
    """A class of the user's own, with layers called as functions."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Linear(6, 8, bias=False), nn.BatchNorm1d(8)
        self.second = nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        h = functional.relu(self.norm(self.first(x.view(x.size(0), -1))))
        h = functional.dropout(h, 0.2, training=self.training)
        return self.second(h)


class Convolutions(nn.Module):  # type: ignore[misc, name-defined]
    """A small convolutional network."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.second = nn.Conv2d(4, 5, (2, 3), stride=2, padding=(0, 1), bias=False)
        self.last = nn.Linear(5, 3)

    def forward(self, x: Any) -> Any:
        h = functional.max_pool2d(functional.relu(self.norm(self.first(x))), 2)
        h = functional.leaky_relu(self.second(h), 0.1, inplace=True)
        return self.last(torch.flatten(functional.adaptive_avg_pool2d(h, 1), 1))


def same_size() -> Any:
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, padding="same", dilation=2), nn.ReLU(inplace=True), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(18, 3),
    )  # fmt: skip


class Bag(nn.Module):  # type: ignore[misc, name-defined]
    """Bags of embedded words: number 0 stands for nothing."""

    def __init__(self, mode: str = "mean", lone: int | None = 0) -> None:
        super().__init__()
        self.bag = nn.EmbeddingBag(50, 6, mode=mode, padding_idx=lone)
        self.last = nn.Linear(6, 3)

    def encode(self, texts: list[str]) -> Any:
        rows = [[1 + zlib.crc32(w.encode()) % 49 for w in t.split()] for t in texts]
        out = torch.zeros(len(rows), max([len(r) for r in rows] + [1]), dtype=torch.long)
        for i, row in enumerate(rows):
            out[i, : len(row)] = torch.tensor(row)
        return out

    def forward(self, ids: Any) -> Any:
        return self.last(functional.relu(self.bag(ids)))


def sums() -> Any:
    return Bag("sum", None)


Build = Callable[[], Any]
NETWORKS: dict[str, tuple[Build, Domain]] = {
    "relu": (relu, TABLE),
    "deep": (deep, TABLE),
    "linear": (linear, TABLE),
    "dropout": (dropout, TABLE),
    "normal": (normal, TABLE),
    "scaled": (scaled, TABLE),
    "own": (Own, TABLE),
    "convolutions": (Convolutions, IMAGES),
    "same_size": (same_size, IMAGES),
    "bag": (Bag, TEXTS),
    "sums": (sums, TEXTS),
}


def data_of(domain: Domain, n: int = 150) -> Data:
    """Three classes that overlap."""
    rng = np.random.default_rng(0)
    if isinstance(domain, TextDomain):
        y = rng.integers(0, 3, n)
        chance = rng.dirichlet(np.full(len(WORDS), 0.3), 3)
        texts = [" ".join(rng.choice(WORDS, rng.integers(1, 12), p=chance[c])) for c in y]
        return Data(x=np.array(texts, dtype=object), y=y)
    shape = (6,) if isinstance(domain, TableDomain) else domain.shape
    x = rng.normal(size=(n, *shape))
    rule = x.reshape(n, -1) @ rng.normal(size=(int(np.prod(shape)), 3))
    return Data(x=x, y=np.argmax(rule + rng.normal(scale=0.3, size=(n, 3)), axis=1))


def subsets(models: int, n: int = 150) -> Bools:
    """Masks of quite different sizes, so that some trainings end earlier."""
    rng = np.random.default_rng(1)
    return np.asarray(rng.random((models, n)) < rng.uniform(0.1, 0.9, (models, 1)))
