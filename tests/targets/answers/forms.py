"""The same right answers in every form in which models return them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

CLASSES = {2: ("deny", "grant"), 3: ("deny", "ask", "grant")}
N = 60


@dataclass(frozen=True)
class Truth:
    """Right logits `(n, k)`, probabilities `(n, k)` and labels `(n,)`."""

    z: Any
    p: Any
    y: Any

    @classmethod
    def draw(cls, k: int) -> Truth:
        z = 2 * np.random.default_rng(k).normal(size=(N, k))
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        return cls(z, p, p.argmax(axis=1))

    @property
    def names(self) -> tuple[str, ...]:
        return CLASSES[self.z.shape[1]]

    @property
    def words(self) -> list[str]:
        return [self.names[i] for i in self.y]


@dataclass(frozen=True)
class Output:
    """An object that holds what a model returned, as libraries make them."""

    logits: Any
    loss: Any = None


def tensor(values: Any, **options: Any) -> Any:
    import torch

    return torch.as_tensor(np.asarray(values)).clone().requires_grad_(**options)


def frame(truth: Truth, name: str = "{}") -> Any:
    backwards = truth.p[:, ::-1]
    return pd.DataFrame(backwards, columns=[name.format(c) for c in truth.names[::-1]])


def best(truth: Truth) -> list[dict[str, Any]]:
    pairs = zip(truth.words, truth.p.max(axis=1), strict=True)
    return [{"label": word, "score": float(p)} for word, p in pairs]


def every(truth: Truth) -> list[list[dict[str, Any]]]:
    """All classes of each input, the likeliest first."""
    order = (-truth.p).argsort(axis=1)
    return [
        [{"label": truth.names[i], "score": float(row[i])} for i in places]
        for row, places in zip(truth.p, order, strict=True)
    ]


Make = Callable[[Truth], Any]

# Scores that must give exactly the probabilities of the truth, by the kind that is found.
SCORES: dict[str, tuple[str, Make]] = {
    "array": ("probabilities", lambda t: t.p),
    "float32": ("probabilities", lambda t: t.p.astype(np.float32)),
    "list": ("probabilities", lambda t: t.p.tolist()),
    "percent": ("probabilities", lambda t: 100 * t.p),
    "frame": ("probabilities", frame),
    "frame, names with more": ("probabilities", lambda t: frame(t, "P({})")),
    "frame without names": ("probabilities", lambda t: pd.DataFrame(t.p)),
    "tensor": ("probabilities", lambda t: tensor(t.p, requires_grad=False)),
    "tensor with gradient": ("probabilities", lambda t: tensor(t.p, requires_grad=True)),
    "list of tensors": ("probabilities", lambda t: list(tensor(t.p, requires_grad=True))),
    "tuple": ("probabilities", lambda t: (t.p, np.zeros(3))),
    "outputs side by side": ("probabilities", lambda t: [t.p, t.y]),
    "dict": ("probabilities", lambda t: {"probabilities": t.p, "label": t.words}),
    "dict of a column a class": ("probabilities", lambda t: dict(zip(t.names, t.p.T, strict=True))),
    "list of dicts": (
        "probabilities",
        lambda t: [dict(zip(t.names[::-1], row[::-1], strict=True)) for row in t.p],
    ),
    "dicts by number": ("probabilities", lambda t: [dict(enumerate(row)) for row in t.p]),
    "all labels with scores": ("probabilities", every),
    "(n, k, 1)": ("probabilities", lambda t: t.p[:, :, None]),
    "log-probabilities": ("log-probabilities", lambda t: np.log(t.p)),
    "logits": ("logits", lambda t: t.z),
    "logits in a dict": ("logits", lambda t: {"logits": t.z, "hidden_states": None}),
    "logits in an object": ("logits", lambda t: Output(tensor(t.z, requires_grad=True))),
}

# The same for two classes, with one number an input.
LONE: dict[str, tuple[str, Make]] = {
    "(n,)": ("probabilities", lambda t: t.p[:, 1]),
    "(n, 1)": ("probabilities", lambda t: t.p[:, [1]]),
    "one logit": ("logits", lambda t: t.z[:, 1] - t.z[:, 0]),
    "series": ("probabilities", lambda t: pd.Series(t.p[:, 1])),
    "likeliest class and its score": ("probabilities", best),
    "frame of label and score": ("probabilities", lambda t: pd.DataFrame(best(t))),
    "dict of label and score": (
        "probabilities",
        lambda t: {"label": t.words, "score": t.p.max(axis=1)},
    ),
}

# Answers that say the class and nothing more.
LABELS: dict[str, Make] = {
    "integers": lambda t: t.y,
    "list of integers": lambda t: t.y.tolist(),
    "whole floats": lambda t: t.y.astype(float),
    "(n, 1)": lambda t: t.y[:, None],
    "tensor": lambda t: tensor(t.y, requires_grad=False),
    "words": lambda t: t.words,
    "array of words": lambda t: np.array(t.words),
    "objects": lambda t: np.array(t.words, dtype=object),
    "bytes": lambda t: np.array(t.words).astype("S"),
    "categories": lambda t: pd.Series(t.words, dtype="category"),
    "words with blanks": lambda t: [f" {word.title()}\n" for word in t.words],
    "numbered labels": lambda t: [f"LABEL_{i}" for i in t.y],
    "numbers as words": lambda t: [str(i) for i in t.y],
    "one-hot integers": lambda t: np.eye(t.z.shape[1], dtype=int)[t.y],
    "one-hot truth values": lambda t: np.eye(t.z.shape[1], dtype=bool)[t.y],
    "dict": lambda t: {"predictions": t.words},
    "frame of one column": lambda t: pd.DataFrame({"prediction": t.words}),
}
LABELS_OF_TWO: dict[str, Make] = {
    "truth values": lambda t: t.y == 1,
    "signs": lambda t: 2 * t.y - 1,
    "signs as floats": lambda t: 2.0 * t.y - 1,
}
