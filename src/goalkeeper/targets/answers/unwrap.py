"""Find the array in what a model returned, whatever holds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.errors import TargetError
from goalkeeper.targets.answers.entries import ENTRIES, LABEL_KEYS, SCORE_KEYS

DEEPEST = 5  # holders within holders: a tuple of a dict of a frame


@dataclass(frozen=True, eq=False, slots=True)
class Returned:
    """What a model returned for `n` inputs.

    Parameters
    ----------
    values
        `(n,)` or `(n, columns)`: numbers, truth values, or an object array of words, in which
        missing answers are None or NaN.
    names
        The names of the columns, where they have any.
    said
        The kind of answers that the name of a dict's entry says; empty where it says nothing.
    confidence
        Where `values` are the likeliest classes: the score `(n,)` of each; else None.
    """

    values: NDArray[Any]
    names: tuple[str, ...] = ()
    said: str = ""
    confidence: NDArray[np.float64] | None = None


def unwrap(raw: Any, n: int, what: str) -> Returned:
    """Find the answers to `n` inputs in arrays, tensors, lists, frames, dicts, tuples and objects.

    Raises
    ------
    TargetError
        There is not one answer for every input; names `what` and what it returned.
    """
    held, said = open_holders(raw, n, what)
    if held is None and n != 1:
        raise TargetError(f"{what} returned None for {n} inputs; return one answer for every input")
    if _is_frame(held):
        return _of_frame(held, n, said, what)
    if isinstance(held, Mapping):
        return _of_columns(held, n, said, what)
    if _are_pairs(held):
        held = [{LABEL_KEYS[0]: word, SCORE_KEYS[0]: score} for word, score in held]
    if _are_records(held):
        return _of_records(held, n, what)
    return Returned(fitted(as_array(held, what), n, what), said=said)


def open_holders(raw: Any, n: int, what: str) -> tuple[Any, str]:
    """Open dicts, tuples and output objects; return what they hold, and the kind that is said.

    Tensors are returned as they are, so that gradients still reach what made them.
    """
    said = ""
    for _ in range(DEEPEST):
        if isinstance(raw, tuple) and hasattr(raw, "_fields"):
            raw = dict(zip(raw._fields, raw, strict=True))
        if isinstance(raw, Mapping):
            found = _entry(raw, n, what)
            if found is None:
                return raw, said
            raw, said = raw[found], ENTRIES.get(str(found).lower(), "") or said
        elif isinstance(raw, tuple | list) and _are_outputs(raw, n):
            _refuse_sorted(raw, what)
            raw = next((part for part in raw if not _is_loss(part)), raw[0])
        elif isinstance(raw, Iterator):
            raw = list(raw)
        elif not isinstance(raw, str | bytes | list | tuple) and not _is_array(raw):
            name = next((key for key in ENTRIES if getattr(raw, key, None) is not None), None)
            if name is None:
                return raw, said
            raw, said = getattr(raw, name), ENTRIES[name] or said
        else:
            return raw, said
    return raw, said


def as_array(raw: Any, what: str) -> NDArray[Any]:
    """Turn tensors of any device and dtype, sparse matrices, series and lists into an array."""
    if isinstance(raw, np.ma.MaskedArray):
        values = np.array(raw.data, dtype=object)
        values[np.ma.getmaskarray(raw)] = None
        return values
    if callable(getattr(raw, "detach", None)):
        raw = raw.detach().cpu()
        raw = raw.float() if "bfloat16" in str(raw.dtype) else raw
        return np.asarray(raw.numpy())
    for method in ("toarray", "get", "numpy"):
        if type(raw).__module__.split(".")[0] in _CONVERTED and callable(
            getattr(raw, method, None)
        ):
            return np.asarray(getattr(raw, method)())
    if isinstance(raw, list | tuple) and raw and callable(getattr(raw[0], "detach", None)):
        raw = [as_array(part, what) for part in raw]
    mixed = isinstance(raw, list | tuple) and any(isinstance(v, str) for v in raw)
    try:
        made = np.asarray(raw, dtype=object) if mixed else np.asarray(raw)
        if made.dtype == object and made.ndim == 1 and all(_is_row(v) for v in made):
            made = np.asarray(made.tolist())  # a column whose cells are lists
        if made.dtype.kind == "c":
            raise TargetError(f"{what} returned complex numbers", "return their real part")
        return made
    except (ValueError, TypeError) as error:
        raise TargetError(
            f"{what} returned a ragged {type(raw).__name__}; return one array"
        ) from error


def _is_row(value: Any) -> bool:
    return isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)


_CONVERTED = frozenset({"scipy", "cupy", "tensorflow", "jaxlib", "jax"})


def fitted(values: NDArray[Any], n: int, what: str) -> NDArray[Any]:
    """Drop axes of length 1, so that the answers are `(n,)` or `(n, columns)`."""
    shape = values.shape
    if n == 1 and (not shape or shape[0] != 1):  # the axis of the inputs was squeezed away
        values = values[None]
    if values.ndim >= 2:
        rest = tuple(size for size in values.shape[1:] if size != 1)
        values = values.reshape(values.shape[0], *rest)
    if values.ndim not in (1, 2) or len(values) != n:
        hint = "; it looks transposed" if len(shape) == 2 and shape[1] == n else ""
        raise TargetError(
            f"{what} returned an array of shape {shape} for {n} inputs{hint}; return one label "
            f"({n},), or one column a class ({n}, classes), for every input"
        )
    return values


# ---- holders ------------------------------------------------------------------------------------


def _is_frame(raw: Any) -> bool:
    return hasattr(raw, "columns") and (hasattr(raw, "iloc") or hasattr(raw, "to_numpy"))


def _is_array(raw: Any) -> bool:
    return hasattr(raw, "shape") or hasattr(raw, "__array__") or _is_frame(raw) or raw is None


def _are_outputs(raw: Sequence[Any], n: int) -> bool:
    """Tell outputs that stand side by side, of which the first counts, from a list of answers."""
    if not raw or isinstance(raw[0], str | bytes):
        return False
    first = raw[0]
    if _is_loss(first):
        return any(_is_array(part) and _is_sized(part) and len(part) == n for part in raw[1:])
    if isinstance(first, Mapping):
        return any(hasattr(value, "shape") and _is_sized(value) for value in first.values())
    size = len(first) if _is_sized(first) else None
    if isinstance(raw, tuple):
        return len(raw) != n or (size == n and _is_array(first))
    alone = len(raw) == 1 and getattr(first, "ndim", 0) > 1
    return size == n and (len(raw) != n or _depths(raw) > 1 or alone)


def _refuse_sorted(raw: Sequence[Any], what: str) -> None:
    """Refuse the largest scores of each input beside their classes, as of `torch.topk`.

    Read as one column a class they would make the first class the answer to everything.
    """
    if len(raw) != 2 or not all(getattr(part, "ndim", 0) == 2 for part in raw):
        return
    scores, places = (as_array(part, what) for part in raw)
    kinds = scores.dtype.kind + places.dtype.kind
    if kinds not in ("fi", "fu") or scores.shape != places.shape or scores.shape[1] < 2:
        return
    falling = (np.diff(scores, axis=1) <= 0).all()
    if falling and (np.diff(np.sort(places, axis=1), axis=1) > 0).all():
        raise TargetError(
            f"{what} returned the largest scores of each input and the classes that they belong to",
            "return the scores of all classes, (n, classes), in the order of the classes",
        )


def _is_loss(part: Any) -> bool:
    """Tell what stands before the logits where a module computes its loss too: one number, or none.

    Hugging Face models return `(loss, logits)`.
    """
    return part is None or (hasattr(part, "shape") and not _is_sized(part))


def _is_sized(value: Any) -> bool:
    return hasattr(value, "__len__") and getattr(value, "ndim", 1) > 0


def _depths(parts: Sequence[Any]) -> int:
    return len({getattr(part, "ndim", None) for part in parts})


def _entry(raw: Mapping[Any, Any], n: int, what: str) -> Any:
    """Return the key that holds the answers; None where keys are columns of an answer."""
    if not raw:
        raise TargetError(f"{what} returned an empty dict; return one answer for every input")
    by_name = {str(key).lower(): key for key in raw}
    label = next((key for key in LABEL_KEYS if key in by_name), None)
    if label is not None and any(key in by_name for key in SCORE_KEYS):
        return None
    known = next((key for key in ENTRIES if key in by_name and raw[by_name[key]] is not None), None)
    if known is not None:
        return by_name[known]
    if len(raw) == 1:
        return next(iter(raw))
    return None


# ---- columns and records ------------------------------------------------------------------------


def _of_frame(frame: Any, n: int, said: str, what: str) -> Returned:
    names = [str(name) for name in frame.columns]
    if {key.lower() for key in names} & set(LABEL_KEYS) and {key.lower() for key in names} & set(
        SCORE_KEYS
    ):
        return _of_records(_rows({name: frame[name] for name in names}, n), n, what)
    values = fitted(np.asarray(frame.to_numpy()), n, what)
    numbered = names == [str(i) for i in range(len(names))]
    return Returned(values, () if numbered else tuple(names), said)


def _of_columns(columns: Mapping[Any, Any], n: int, said: str, what: str) -> Returned:
    """Read a dict with one entry a class, or with labels and their scores."""
    rows = _rows(columns, n)
    if rows is None:
        raise TargetError(
            f"{what} returned a dict with the entries {', '.join(map(str, columns))}; return the "
            "array of answers itself, or name its entry logits, probabilities or labels"
        )
    return _of_records(rows, n, what, said)


def _rows(columns: Mapping[Any, Any], n: int) -> list[dict[Any, Any]] | None:
    listed = {}
    for key, column in columns.items():
        values = as_array(column, str(key)).reshape(-1)
        if len(values) != n:
            return None
        listed[key] = values.tolist()
    return [{key: values[i] for key, values in listed.items()} for i in range(n)]


def _are_pairs(raw: Any) -> bool:
    """Tell `[("spam", 0.9), ...]`: the class of each input, and its score."""
    return isinstance(raw, list) and all(
        isinstance(one, tuple) and len(one) == 2 and isinstance(one[0], str)
        and isinstance(one[1], int | float | np.number)
        for one in raw
    )  # fmt: skip


def _are_records(raw: Any) -> bool:
    if isinstance(raw, np.ndarray) or hasattr(raw, "iloc"):
        if str(getattr(raw, "dtype", "")) != "object":
            return False
        raw = list(raw)
    return isinstance(raw, list | tuple) and any(
        isinstance(part, Mapping)
        or (isinstance(part, list | tuple) and part and isinstance(part[0], Mapping))
        for part in raw
    )


def _of_records(raw: Any, n: int, what: str, said: str = "") -> Returned:
    """Read one dict an input: a label and its score, all labels with scores, or class to score."""
    answers = [list(part) if isinstance(part, list | tuple) else [part] for part in raw]
    if n == 1 and len(answers) > 1:  # every class of one input
        answers = [[one for part in answers for one in part]]
    if len(answers) != n:
        raise TargetError(f"{what} returned {len(answers)} answers for {n} inputs")
    scores = [_scores_by_name(answer, what) for answer in answers]
    if all(len(found) <= 1 for found in scores):
        labels = np.array([next(iter(found), None) for found in scores], dtype=object)
        sure = np.array([next(iter(found.values()), np.nan) for found in scores], dtype=object)
        return Returned(labels, said=said, confidence=_floats(sure, what))
    names = tuple(dict.fromkeys(name for found in scores for name in found))
    table = [[found.get(name, np.nan) for name in names] for found in scores]
    return Returned(_floats(np.array(table, dtype=object), what), names, said)


def _scores_by_name(answer: Sequence[Any], what: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in answer:
        if part is None:
            continue
        if not isinstance(part, Mapping):
            raise TargetError(f"{what} returned {type(part).__name__} {part!r:.40} among dicts")
        keys = {str(key).lower(): key for key in part}
        label = next((keys[key] for key in LABEL_KEYS if key in keys), None)
        score = next((keys[key] for key in SCORE_KEYS if key in keys), None)
        if label is None:
            found |= {str(name): value for name, value in part.items()}
        else:
            found[str(part[label])] = np.nan if score is None else part[score]
    return found


def _floats(values: NDArray[Any], what: str) -> NDArray[np.float64]:
    missing = np.array([value is None for value in values.reshape(-1)]).reshape(values.shape)
    try:
        return np.where(missing, np.nan, values).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise TargetError(f"{what} returned scores that are no numbers: {error}") from error
