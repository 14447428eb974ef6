"""What can be right or wrong about class averages: which of two classes has the higher average."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Data, Floats, Ints
from goalkeeper.core.domain import ImageDomain, TableDomain, TextDomain
from goalkeeper.core.errors import DataError
from goalkeeper.core.text import terms
from goalkeeper.games.shared.indicators import list_common_words

MIN_Z = 3.0  # standard errors by which two classes must differ for a question to have an answer
MAX_CORRELATION = 0.5  # from which on two columns count as one
MAX_WORDS = 600  # of a text application, the commonest first
MIN_TEXT_SHARE = 0.005  # of the texts, in which a word must occur
MAX_COLUMNS = 400
AT_A_TIME = 1 << 20  # differences of two classes in a column that are computed together
MIN_CLASS_RECORDS = 5  # of a class that has an average


@dataclass(frozen=True, eq=False)
class ClassAverages:
    """A reconstruction of the average input of every class.

    Parameters
    ----------
    values
        `(classes, d)`: inputs in their own units (images flattened); of texts how typical each
        word is of the class, in any unit that is the same for all classes.
    words
        Of texts, the words `(d,)` that `values` are about; others are taken to be untruth.
    """

    values: Floats
    words: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class FeatureMatrix:
    """Training data as numbers: `matrix (n, d)`, classes `(n,)`, a name for each column."""

    matrix: Floats
    y: Ints
    names: tuple[str, ...]

    def means(self, classes: int) -> Floats:
        """Average of each class `(classes, d)`; NaN for classes of fewer than five records."""
        out = np.full((classes, self.matrix.shape[1]), np.nan)
        for label in range(classes):
            rows = self.matrix[self.y == label]
            if len(rows) >= MIN_CLASS_RECORDS:
                out[label] = rows.mean(axis=0)
        return out


def extract_features(
    app: Application, data: Data, names: tuple[str, ...] | None = None
) -> FeatureMatrix:
    """Turn records into numbers: columns, pixels, or which words a text has.

    `names` are the words to look for; without them those in use in the data.
    """
    if isinstance(app.domain, TextDomain):
        words = (
            tuple(list_common_words(data.x, MIN_TEXT_SHARE, MAX_WORDS)) if names is None else names
        )
        place = {word: j for j, word in enumerate(words)}
        matrix = np.zeros((len(data), len(words)))
        for row, text in enumerate(data.x):
            for word in set(terms(text)):
                if word in place:
                    matrix[row, place[word]] = 1.0
        return FeatureMatrix(matrix, data.y, words)
    matrix = np.asarray(data.x, dtype=np.float64).reshape(len(data), -1)
    if isinstance(app.domain, TableDomain):
        matrix = app.domain.filled(matrix)
        return FeatureMatrix(matrix, data.y, tuple(c.name for c in app.domain.columns))
    height, width = app.domain.shape[1:]
    return FeatureMatrix(matrix, data.y, tuple(_name_pixels(matrix.shape[1], height, width)))


def _name_pixels(size: int, height: int, width: int) -> list[str]:
    places = [divmod(i % (height * width), width) for i in range(size)]
    return [f"pixel {row},{column}" for row, column in places]


@dataclass(frozen=True, eq=False)
class Questions:
    """Has class `first` a higher average in `column` than class `second`? One a row.

    All are `(m,)`; `higher` is the truth.
    """

    column: Ints
    first: Ints
    second: Ints
    higher: Bools

    def __len__(self) -> int:
        return len(self.column)

    @property
    def columns(self) -> int:
        """How many different columns are asked about."""
        return len(np.unique(self.column))


def choose_questions(truth: FeatureMatrix, classes: int, rng: np.random.Generator) -> Questions:
    """Choose questions that are independent for whoever knows nothing.

    A class takes part in one question a column, with a class drawn at random; columns that go up
    and down together inside classes (correlation of 0.5 or more) count as one, so that agreement
    in many pixels next to one another, or in many words of one phrase, is not counted many times.
    Only questions whose answer is beyond chance in the training data are asked.
    """
    differences = ClassDifferences.of(truth, classes)
    kept = find_separate_columns(truth, differences)
    found = []
    for column in kept:
        drawn = rng.permutation(differences.present)
        first, second = drawn[: len(drawn) // 2 * 2].reshape(-1, 2).T
        for a, b, z in zip(first, second, differences.z(first, second, column), strict=True):
            if abs(z) > MIN_Z:
                found.append((column, a, b, z > 0))
    rows = np.array(found, dtype=np.int64).reshape(-1, 4)
    return Questions(rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3].astype(bool))


@dataclass(frozen=True, eq=False)
class ClassDifferences:
    """How classes differ in their averages, in standard errors.

    All pairs of classes in all columns do not fit into memory where both are many, so that they
    are computed for a few columns at a time.

    Parameters
    ----------
    means, errors
        The average of each class and its squared standard error, `(classes, d)`; infinite where
        there are too few records.
    present
        The classes with enough records.
    """

    means: Floats
    errors: Floats
    present: Ints

    @staticmethod
    def of(truth: FeatureMatrix, classes: int) -> ClassDifferences:
        """Measure the classes of a matrix."""
        means = truth.means(classes)
        errors = np.full_like(means, np.inf)
        present = np.flatnonzero(np.bincount(truth.y, minlength=classes) >= MIN_CLASS_RECORDS)
        for label in present:
            rows = truth.matrix[truth.y == label]
            errors[label] = rows.var(axis=0, ddof=1) / len(rows)
        return ClassDifferences(np.nan_to_num(means), errors, present)

    def z(self, first: Ints, second: Ints, column: Any) -> Floats:
        """Differences in standard errors; what is given is broadcast."""
        spread = np.sqrt(self.errors[first, column] + self.errors[second, column])
        gap = self.means[first, column] - self.means[second, column]
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(spread > 0, gap / spread, np.sign(gap) * np.inf)
        return np.asarray(np.nan_to_num(z, posinf=np.inf, neginf=-np.inf))

    def list_pairs(self) -> tuple[Ints, Ints]:
        """List the pairs of present classes, each once: their first and their second, `(p, 1)`."""
        first, second = np.triu_indices(len(self.present), k=1)
        return self.present[first, None], self.present[second, None]

    def split(self, columns: Ints) -> Iterator[Ints]:
        """Split columns into parts of which all pairs fit into memory."""
        pairs = len(self.present) * (len(self.present) - 1) // 2
        size = max(1, AT_A_TIME // max(1, pairs))
        for start in range(0, len(columns), size):
            yield columns[start : start + size]


def find_separate_columns(truth: FeatureMatrix, differences: ClassDifferences) -> Ints:
    """List columns that differ between classes.

    The most different ones come first; of columns that go up and down together only the first.
    """
    first, second = differences.list_pairs()
    strength = np.zeros(truth.matrix.shape[1])
    for part in differences.split(np.arange(len(strength))):
        strength[part] = np.abs(differences.z(first, second, part)).max(axis=0, initial=0.0)
    order = np.argsort(-strength, kind="stable")[:MAX_COLUMNS]
    return _drop_correlated(_centre_by_class(truth), order[strength[order] > MIN_Z])


def _centre_by_class(truth: FeatureMatrix) -> Floats:
    """Subtract from each record the average of its class, `(n, d)`."""
    out = truth.matrix.copy()
    for label in np.unique(truth.y):
        rows_of_class = truth.y == label
        out[rows_of_class] -= out[rows_of_class].mean(axis=0)
    return out


def _drop_correlated(matrix: Floats, order: Ints) -> Ints:
    """Keep columns, the first ones first, of which no two are alike."""
    part = matrix[:, order] - matrix[:, order].mean(axis=0)
    norm = np.sqrt((part * part).sum(axis=0))
    part = part / np.where(norm > 0, norm, 1.0)
    close = np.abs(part.T @ part) >= MAX_CORRELATION
    kept: list[int] = []
    for j in range(len(order)):
        if not close[j, kept].any():
            kept.append(j)
    return np.asarray(order[kept])


def align_answer(answer: ClassAverages, truth: FeatureMatrix, classes: int) -> Floats:
    """Put an answer in the order of the columns, `(classes, d)`; unknown words get 0.

    Raises
    ------
    DataError
        It has another shape, or numbers that are not finite.
    """
    values = np.asarray(answer.values, dtype=np.float64)
    width = len(answer.words) or truth.matrix.shape[1]
    if values.shape != (classes, width) or not np.isfinite(values).all():
        raise DataError(
            f"averages must be finite numbers of shape {(classes, width)}, given {values.shape}"
        )
    if not answer.words:
        return values
    place = {word: j for j, word in enumerate(answer.words)}
    out = np.zeros((classes, len(truth.names)))
    for j, name in enumerate(truth.names):
        if name in place:
            out[:, j] = values[:, place[name]]
    return out


def mark_answers(values: Floats, asked: Questions, rng: np.random.Generator) -> Bools:
    """Return which questions `(m,)` a reconstruction answers correctly; a coin decides ties."""
    gap = values[asked.first, asked.column] - values[asked.second, asked.column]
    coin = rng.random(len(asked)) < 0.5
    return np.where(gap == 0, coin, (gap > 0) == asked.higher)


def correlate_averages(values: Floats, truth: FeatureMatrix, app: Application) -> float:
    """Correlate a reconstruction with the class averages, over all classes and columns.

    Both are taken relative to their mean over classes, in ranges of the column.
    """
    means = truth.means(len(app.classes))
    has_average = ~np.isnan(means[:, 0])
    scale = np.ones(means.shape[1])
    if not isinstance(app.domain, TextDomain):
        scale = centre_and_width(app.domain)[1]
    scale = np.where(scale > 0, scale, 1.0)
    true, guess = ((v[has_average] - v[has_average].mean(axis=0)) / scale for v in (means, values))
    norm = np.sqrt((true**2).sum() * (guess**2).sum())
    return float((true * guess).sum() / norm) if norm > 0 else 0.0


def centre_and_width(domain: TableDomain | ImageDomain) -> tuple[Floats, Floats]:
    """Return the centre and width of each column's range `(d,)`; 0 and 1 where it has no bounds."""
    if isinstance(domain, ImageDomain):
        size = int(np.prod(domain.shape))
        low, high = np.full(size, domain.low), np.full(size, domain.high)
    else:
        low, high = domain.bounds()
    finite = np.isfinite(low) & np.isfinite(high)
    low, high = np.where(finite, low, -0.5), np.where(finite, high, 0.5)
    return (low + high) / 2, high - low
