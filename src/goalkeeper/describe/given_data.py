"""Records that are handed over in Python, as arrays, frames, tensors or lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.errors import DescriptionError
from goalkeeper.describe.labels import coded_words, measured

if TYPE_CHECKING:
    import pandas as pd

Columns = Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, eq=False)
class GivenData:
    """Training records and test records; a class is a value of `y`, or of a column it names."""

    X_train: Any
    y_train: Any
    X_test: Any
    y_test: Any

    @property
    def framed(self) -> bool:
        """Whether the inputs are a DataFrame."""
        return _is_frame(self._inputs[0])

    @property
    def label(self) -> str | None:
        """The column that `y_train` names, or None."""
        return self.y_train if isinstance(self.y_train, str) else None

    @cached_property
    def _inputs(self) -> tuple[Any, Any]:
        return _inputs("X_train", self.X_train), _inputs("X_test", self.X_test)

    @cached_property
    def _labels(self) -> tuple[Any, Any]:
        """Labels `(n,)` of both parts, wherever they stand."""
        return tuple(
            x[y] if isinstance(y, str) else y
            for x, y in zip(self._inputs, self._given_labels, strict=True)
        )

    @cached_property
    def _given_labels(self) -> tuple[Any, Any]:
        labels = _labels("y_train", self.y_train), _labels("y_test", self.y_test)
        for name, y, x in zip(("y_train", "y_test"), labels, self._inputs, strict=True):
            if isinstance(y, str) and not (_is_frame(x) and y in x.columns):
                raise DescriptionError(
                    f"there is no column {y}",
                    key=name,
                    expected="the class of each record, or the name of a column of a DataFrame",
                    given=y,
                    advice=f"give an array: {name}=frame[{y!r}]",
                )
        return labels

    def parts(self, columns: Columns) -> dict[str, tuple[Any, Any, dict[str, NDArray[Any]]]]:
        """Return inputs, labels (None: in a column) and what is known beside them, by part."""
        given = {}
        for i, part in enumerate(("train", "test")):
            x, y = self._inputs[i], self._given_labels[i]
            beside = {name: np.asarray(_as_array(pair[i])) for name, pair in columns.items()}
            for name in beside:
                if _is_frame(x) and name in x.columns:
                    raise DescriptionError(
                        f"{name} is both an array and a column of the inputs",
                        key=name,
                        advice=f"name the column, or call the array otherwise: {{{name!r}: ...}}",
                    )
            given[part] = (x, None if isinstance(y, str) else y, beside)
        return given

    def classes(self, model: Any) -> list[Any]:
        """List the classes: those of the model where they are those of the labels, else these.

        Raises
        ------
        DescriptionError
            There is one class only, or labels are measured numbers.
        """
        if any(np.ndim(y) != 1 and np.shape(y)[1:] != (1,) for y in self._labels):
            return ["0", "1"]  # no classes, as who reads the records will explain
        words = self._words()
        if measured(words):
            raise DescriptionError(
                f"the labels are {len(words)} different numbers, so that the model predicts a "
                "number (regression), which goalkeeper does not assess yet",
                key="y_train",
                expected="one class a record",
                given=", ".join(words[:3]) + ", ...",
                advice="give classes; or, if the application decides by a threshold, give the "
                "decision as the label, and a model that makes it",
            )
        if len(words) < 2:
            raise DescriptionError(
                "the labels hold one class only",
                key="y_train",
                expected="records of two classes or more",
                given=", ".join(words),
                advice="give records of every class",
            )
        own = getattr(model, "classes_", None)
        if own is not None and np.ndim(own) == 1:
            listed = _words_of(np.asarray(own))
            if set(words) <= set(listed):
                return listed
        return words

    def _words(self) -> list[str]:
        """List the values of the labels, sorted as numbers where all are numbers."""
        train, test = (_words_of(np.asarray(y)) for y in self._labels)
        words = [word for word in dict.fromkeys((*train, *test)) if word.strip()]
        try:
            return sorted(words, key=float)
        except ValueError:
            return sorted(words)

    def notes(self, options: Mapping[str, Any]) -> list[str]:
        """Say where a column of the inputs is the label itself."""
        x, y = self._inputs[0], self._given_labels[0]
        if not _is_frame(x) or isinstance(y, str) or len(y) != len(x):
            return []
        labels, kept = np.asarray(y).astype(object), set(options.get("drop", ()))
        same = [
            str(name)
            for name in x.columns
            if name not in kept and np.array_equal(x[name].to_numpy(dtype=object), labels)
        ]
        return [
            f"column {name} of X_train holds the classes themselves: if the model should not see "
            f"it, leave it out: drop=[{name!r}]"
            for name in same
        ]


# ---- from the user's containers to arrays and frames ---------------------------------------------


def _is_frame(value: Any) -> bool:
    import pandas as pd

    return isinstance(value, pd.DataFrame)


def _inputs(name: str, given: Any) -> Any:
    """Return inputs as a DataFrame, an array or a sparse matrix; other indices are left aside."""
    given = _as_array(given)
    if _is_frame(given) or hasattr(given, "toarray"):
        return given
    if isinstance(given, list | tuple) and given and all(isinstance(g, str) for g in given):
        return np.array([*given, None], dtype=object)[:-1]
    try:
        made = np.asarray(given)
    except ValueError as error:
        raise DescriptionError(
            "the inputs are no array: they differ in length",
            key=name,
            expected="texts (n,), rows (n, d), images (n, h, w) or (n, c, h, w), or a DataFrame",
            given=str(error).split(";", maxsplit=1)[0],
            advice="give inputs of one shape; sequences are not assessed yet",
        ) from error
    if made.ndim == 0:
        raise DescriptionError(
            "these are no inputs",
            key=name,
            expected="an array, a DataFrame, a tensor or a list of texts",
            given=type(given).__name__,
            advice="collect the inputs in an array first",
        )
    if made.ndim == 1 and made.dtype.kind in "biufc":
        raise DescriptionError(
            f"there is one number a record: shape {made.shape}",
            key=name,
            expected="texts (n,), rows (n, d), images (n, h, w) or (n, c, h, w), or a DataFrame",
            given=f"{made.dtype} {made.shape}",
            advice=f"give rows of one column: {name}.reshape(-1, 1)",
        )
    return made


def _labels(name: str, given: Any) -> Any:
    if isinstance(given, str):
        return given
    made = _as_array(given)
    made = made.to_numpy() if _is_frame(made) else np.asarray(made)
    if made.ndim == 0:
        raise DescriptionError(
            "the classes are missing",
            key=name,
            expected="the class of each record (n,)",
            given="nothing" if given is None else type(given).__name__,
            advice="give one class for each input",
        )
    return made


def _as_array(given: Any) -> Any:
    """Return tensors and series as arrays, and frames of other libraries as pandas frames."""
    if hasattr(given, "to_pandas"):  # polars, pyarrow
        given = given.to_pandas()
    if hasattr(given, "detach"):  # a tensor, wherever it lies
        given = given.detach().cpu().numpy()
    return given.to_numpy() if _is_series(given) else given


def _is_series(given: Any) -> bool:
    import pandas as pd

    return isinstance(given, pd.Series | pd.Index)


def _words_of(values: Any) -> list[str]:
    import pandas as pd

    flat: Sequence[Any] = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    series: pd.Series[Any] = pd.Series(flat)
    return coded_words(series)[0]
