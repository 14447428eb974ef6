"""What an attacker claims of training records, and whether a claim singles one out."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain
from operator import and_
from typing import Any

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Data, Floats, Ints, row_keys
from goalkeeper.core.errors import DataError
from goalkeeper.core.text import TERM, terms
from goalkeeper.games.artefact_leak.word_regions import WordRegions

TOLERANCE = 1e-6  # of a column's range: what storing as float32 and undoing a scaler may cost


@dataclass(frozen=True, eq=False)
class WordSets:
    """Claims that exactly one training text has all words of a set."""

    sets: tuple[frozenset[str], ...]

    def __len__(self) -> int:
        return len(self.sets)


@dataclass(frozen=True, eq=False)
class Regions:
    """Claims that exactly one training record lies in a region; a record itself has no width.

    Parameters
    ----------
    low, high
        Bounds `(m, d)` in the units of the inputs (images are flattened); may be infinite.
    classes
        The class of the claimed record `(m,)`; -1 where no class is claimed.
    open_below
        Columns `(d,)` of which a region does not hold its lower bound, as a leaf of a tree; None:
        no column.
    """

    low: Floats
    high: Floats
    classes: Ints
    open_below: Bools | None = None

    def __len__(self) -> int:
        return len(self.classes)


Claims = WordSets | WordRegions | Regions


def claim_records(x: Floats, classes: Ints) -> Regions:
    """Claim whole records `(m, ...)`."""
    flat = np.asarray(x, dtype=np.float64).reshape(len(x), math.prod(np.shape(x)[1:]))
    return Regions(flat, flat, np.asarray(classes, dtype=np.int64))


def check_claims(claims: Claims, data: Data, most: int) -> Claims:
    """Check the form of claims, and drop repeated ones: nothing is claimed twice.

    Raises
    ------
    DataError
        There are too many claims, or they do not fit the inputs.
    """
    if not isinstance(claims, WordSets | WordRegions | Regions):
        raise DataError(
            f"claims must be WordSets, WordRegions or Regions, given {type(claims).__name__}"
        )
    if len(claims) > most:
        raise DataError(f"{len(claims)} claims were made, {most} are allowed")
    if isinstance(claims, WordRegions):
        return claims.without_repeated()
    if isinstance(claims, WordSets):
        lower = (frozenset(word.lower() for word in words) for words in claims.sets)
        return WordSets(tuple(dict.fromkeys(words for words in lower if words)))
    width = int(np.prod(data.x.shape[1:]))
    shapes = {claims.low.shape, claims.high.shape}
    if shapes != {(len(claims), width)} or np.isnan([claims.low, claims.high]).any():
        raise DataError(
            f"regions need low and high of shape {(len(claims), width)}, without NaN; given "
            f"{claims.low.shape} and {claims.high.shape}"
        )
    both = np.column_stack([claims.low, claims.high, claims.classes])
    first = sorted({key: i for i, key in reversed(list(enumerate(row_keys(both))))}.values())
    return replace(
        claims, low=claims.low[first], high=claims.high[first], classes=claims.classes[first]
    )


def match_single_records(claims: Claims, data: Data, person: str | None = None) -> Bools:
    """Return which claims `(m,)` hold for exactly one record of the data, or one person.

    Records that are equal count as one. A region is claimed to hold one record, whoever's it is.
    """
    if isinstance(claims, WordSets):
        named = person is not None and person in data.columns
        owner = data.columns[str(person)] if named else np.array(row_keys(data.x))
        found = [{owner[row] for row in rows} for rows in _find_texts(claims.sets, data.x)]
        return np.array([len(owners) == 1 for owners in found], dtype=bool)
    if isinstance(claims, WordRegions):
        return np.array([len(texts) == 1 for texts in _find_different(claims, data)], dtype=bool)
    return np.array([len(inside) == 1 for inside in _find_inside(claims, data)], dtype=bool)


def has_single_words(app: Application) -> bool:
    """Return whether any word of the training texts occurs with one person or record only."""
    data = app.data.train
    named = app.person is not None and app.person in data.columns
    owners = data.columns[str(app.person)] if named else np.array(row_keys(data.x))
    found: dict[str, set[Any]] = defaultdict(set)
    for text, owner in zip(data.x, owners, strict=True):
        for word in set(terms(str(text).lower())):
            found[word].add(owner)
    return any(len(owners) == 1 for owners in found.values())


def count_singled_out(claims: Claims, data: Data) -> int:
    """Count the different records of the data that some claim singles out."""
    if isinstance(claims, WordSets):
        keys = np.array(row_keys(data.x))
        hits = [{keys[row] for row in rows} for rows in _find_texts(claims.sets, data.x)]
    elif isinstance(claims, WordRegions):
        hits = list(_find_different(claims, data))
    else:
        hits = list(_find_inside(claims, data))
    return len(set(chain.from_iterable(hit for hit in hits if len(hit) == 1)))


def shuffled_columns(data: Data, rng: np.random.Generator) -> Data:
    """Permute every column of rows `(n, d)` on its own: realistic values, no real record.

    Held-out records never equal a training record, as the parts are disjoint. Where inputs have
    few possible values, blind guesses do, and must not count for the attack.
    """
    flat = np.asarray(data.x, dtype=np.float64).reshape(len(data), -1).copy()
    for column in range(flat.shape[1]):
        flat[:, column] = rng.permutation(flat[:, column])
    return Data(x=flat, y=data.y)


def measure_widths(claims: Regions, data: Data) -> Floats:
    """Measure how much each region leaves open: mean share of the columns' ranges, `(m,)`."""
    flat = np.asarray(data.x, dtype=np.float64).reshape(len(data), -1)
    least, most = np.nanmin(flat, axis=0), np.nanmax(flat, axis=0)
    varied = most > least
    low, high = np.clip(claims.low, least, most), np.clip(claims.high, least, most)
    share = (high - low)[:, varied] / (most - least)[varied]
    return np.asarray(share.mean(axis=1)) if varied.any() else np.zeros(len(claims))


def _find_inside(claims: Regions, data: Data) -> Iterable[set[bytes]]:
    """Yield the keys of the different records in each region."""
    flat = np.asarray(data.x, dtype=np.float64).reshape(len(data), -1)
    keys = np.array(row_keys(flat), dtype=object)
    if not len(flat):
        yield from (set() for _ in range(len(claims)))
        return
    known = np.where(np.isnan(flat), -np.inf, flat)  # a missing value is in no bounded region
    spread = np.where(np.isfinite(known), known, np.nan)
    slack = TOLERANCE * np.maximum(np.nan_to_num(_ranges(spread)), 1e-9)
    order = np.argsort(known, axis=0)
    # A binary search along the column with most different values leaves few rows to compare.
    lead = int(np.argmax([len(np.unique(column)) for column in known.T]))
    rows, values = order[:, lead], known[order[:, lead], lead]
    opened = np.zeros(flat.shape[1], dtype=bool)
    if claims.open_below is not None:
        opened[claims.open_below] = True
    for low, high, label in zip(claims.low, claims.high, claims.classes, strict=True):
        # A record on the edge of two leaves is in one of them, so that nothing is allowed for.
        exact = opened & (high > low)
        least = np.where(exact, np.nextafter(low, np.inf), low - slack)
        most = np.where(exact, high, high + slack)
        first = np.searchsorted(values, least[lead], side="left")
        last = np.searchsorted(values, most[lead], side="right")
        near = rows[first:last]
        hit = ((known[near] >= least) & (known[near] <= most)).all(axis=1)
        if label >= 0:
            hit &= data.y[near] == label
        yield set(keys[near[hit]].tolist())


def _ranges(values: Floats) -> Floats:
    """Return the range of each column `(d,)` of values `(n, d)`; NaN counts for nothing."""
    least = np.where(np.isnan(values), np.inf, values).min(axis=0)
    most = np.where(np.isnan(values), -np.inf, values).max(axis=0)
    return np.asarray(np.maximum(most - least, 0.0))


def _find_different(claims: WordRegions, data: Data) -> Iterable[set[bytes]]:
    """Yield the keys of the different texts in each region."""
    keys = row_keys(data.x)
    yield from ({keys[row] for row in rows} for rows in claims.find_rows(data))


def _find_texts(sets: Sequence[frozenset[str]], x: Iterable[str]) -> Iterable[set[int]]:
    """Yield the rows of the texts that have all words of each set."""
    lower = [str(text).lower() for text in x]
    wanted = Counter(chain.from_iterable(sets))
    rows: dict[str, set[int]] = defaultdict(set)
    for row, text in enumerate(lower):
        for word in set(terms(text)):
            if word in wanted:
                rows[word].add(row)
    for word in wanted:
        if not TERM.fullmatch(word):  # several words, or what other vectorisers take for one
            rows[word] = {row for row, text in enumerate(lower) if word in text}
    for words in sets:
        yield reduce(and_, (rows[word] for word in sorted(words, key=lambda w: len(rows[w]))))
