"""A target whose stored form holds records: the weakened application, and both small worlds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.application import Target
from goalkeeper.core.data import Data, row_keys
from goalkeeper.core.power import View
from goalkeeper.core.text import terms
from goalkeeper.games.shared.base_targets import WrappedTarget


@dataclass(frozen=True, eq=False)
class StoresTrainingData(WrappedTarget):
    """A target that answers as another one does, and whose file holds other contents."""

    contents: Mapping[str, Any]

    @property
    def offers(self) -> View:
        """What the inner target offers."""
        return self.target.offers

    def parameters(self) -> Mapping[str, Any]:
        """Return what is stored, and nothing of the inner target's."""
        return {"stored": self.contents}


def storing_records(target: Target, data: Data) -> StoresTrainingData:
    """Store the records of a data set beside a target, in every form that attacks look for."""
    return StoresTrainingData(target, _contents(data))


def _contents(data: Data) -> dict[str, Any]:
    if data.x.dtype == object:
        bags = tuple(tuple(sorted(set(terms(text)))) for text in data.x)
        found = Counter(word for bag in bags for word in bag)
        words = sorted(found)
        idf = np.log((1 + len(data)) / (1 + np.array([found[w] for w in words], float))) + 1
        return {
            "words": np.array(words, dtype=object),
            "idf": idf,
            "point_words": bags,
            "point_classes": data.y,
            "support_words": bags,
            "support_classes": data.y,
            "word_leaves": {
                "bounds": tuple(dict.fromkeys(bag, (0.0, np.inf)) for bag in bags),
                "count": np.ones(len(bags), dtype=np.int64),
                "classes": data.y,
                "weighing": {},
            },
        }
    rows = np.asarray(data.x, dtype=np.float64).reshape(len(data), -1)
    first = sorted({key: i for i, key in reversed(list(enumerate(row_keys(rows))))}.values())
    low, high = np.empty((len(first), rows.shape[1])), np.empty((len(first), rows.shape[1]))
    for j, column in enumerate(rows.T):  # half-way to the next value that any record has
        values = np.unique(column)
        steps = np.concatenate([[-np.inf], (values[1:] + values[:-1]) / 2, [np.inf]])
        place = np.searchsorted(values, column[first])
        low[:, j], high[:, j] = steps[place], steps[place + 1]
    count = np.ones(len(first), dtype=np.int64)
    leaves = {"low": low, "high": high, "count": count, "classes": data.y[first]}
    return {
        "points": rows,
        "point_classes": data.y,
        "support_vectors": rows,
        "support_classes": data.y,
        "leaves": leaves,
    }
