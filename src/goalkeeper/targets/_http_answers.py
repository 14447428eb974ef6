"""What a service answers to each input, as labels or scores that every target gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.errors import TargetError

LABEL_KEYS = ("label", "class", "name", "category", "prediction")
SCORE_KEYS = ("score", "probability", "confidence", "prob", "value", "logit")


class DeclinedItem:
    """Stands where a service declined to answer an input."""


DECLINED = DeclinedItem()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What means that a service declines to answer, and the class that counts as its answer.

    Parameters
    ----------
    answer
        The class.
    status
        HTTP statuses that mean it.
    field, values
        Where in a reply it says so, and the texts that say it; without texts, whatever stands
        there does. An answer that is one of the texts means it, too.
    """

    answer: str
    status: frozenset[int] = frozenset()
    field: str = ""
    values: frozenset[str] = frozenset()


def items_of(found: Any, inputs: int, *, single: bool) -> list[Any]:
    """Split what stands at the answer path into one answer for each input.

    `single` says that it is the answer to one input itself, and no list of answers. Lists of one
    around it are taken off.
    """
    if single:
        while isinstance(found, list) and len(found) == 1:
            found = found[0]
        return [found]
    if not isinstance(found, list):
        raise TargetError(
            f"a list of {inputs} answers was expected, but there is a {type(found).__name__}; "
            "check model.http.response"
        )
    if len(found) != inputs:
        raise TargetError(
            f"it gave {len(found)} answers to {inputs} inputs, so that it is not known whose they "
            "are; check model.http.response, or set batch: 1"
        )
    return found


def as_answers(items: Sequence[Any], classes: Sequence[str], refused: str) -> Any:
    """Turn answers into scores `(n, classes)` where all of them are, else into labels.

    Each is a label, a list of scores, a mapping of classes to scores, or one or more mappings with
    a label and a score. Where some classes have no score, only the label is taken. What was
    declined counts as the class `refused`.
    """
    if all(isinstance(item, list) for item in items):
        with suppress(ValueError, TypeError):  # ragged, or words among them: named below
            rows = np.array(items)
            if rows.ndim == 2 and rows.shape[1] == len(classes) and rows.dtype.kind in "fiu":
                return rows.astype(np.float64)
    read = [_read(item) for item in items]
    if any(isinstance(one, dict) for one in read):
        names = [str(name) for name in classes]
        found = [_row(one, names) for one in read]
        whole = all(row is not None for row in found)
        read = found if whole else [_best(one) for one in read]
    if any(isinstance(one, list) for one in read):
        width = len(classes)
        sure = [float(str(name) == refused) for name in classes]
        read = [sure if one is DECLINED else one for one in read]
        _check_rows(read, width)
        return np.array(read, dtype=np.float64)
    labels = [refused if one is DECLINED else one for one in read]
    if all(isinstance(label, float) for label in labels):
        return np.array(labels, dtype=np.float64)
    return np.array(labels, dtype=object)


def _check_rows(rows: Sequence[Any], width: int) -> None:
    for i, row in enumerate(rows):
        numbers = isinstance(row, list) and all(_is_number(cell) for cell in row)
        if not numbers or len(row) != width:
            shown = f"{len(row)} values" if isinstance(row, list) else repr(row)[:60]
            raise TargetError(
                f"the answer to input {i} is {shown}, but a list of {width} scores, one a class, "
                "was expected; check model.http.response"
            )


def _read(item: Any) -> Any:
    """Read one answer: a label, a number, a list of numbers, or scores by class."""
    if item is DECLINED or isinstance(item, str | bool | int | float):
        return item
    if isinstance(item, Mapping):
        pair = _pair(item)
        if pair is not None:
            return {pair[0]: pair[1]} if pair[1] is not None else pair[0]
        if item and all(_is_number(value) for value in item.values()):
            return {str(name): float(value) for name, value in item.items()}
    if isinstance(item, list) and item and all(isinstance(part, Mapping) for part in item):
        pairs = [_pair(part) or ("", None) for part in item]
        scores = {str(label): score for label, score in pairs if score is not None}
        if len(scores) == len(pairs):
            return scores
    if isinstance(item, list):
        return item
    kind = "null" if item is None else f"a {type(item).__name__}: {str(item)[:60]}"
    raise TargetError(
        f"an answer is {kind}; a label, a list of scores, or scores by class were expected: "
        "check model.http.response"
    )


def _pair(item: Mapping[str, Any]) -> tuple[Any, float | None] | None:
    """Return label and score of a mapping such as {label: spam, score: 0.9}, or None."""
    label = next((item[k] for k in LABEL_KEYS if isinstance(item.get(k), str | int)), None)
    if label is None:
        return None
    score = next((float(item[k]) for k in SCORE_KEYS if _is_number(item.get(k))), None)
    if score is None and len(item) > 1 and all(_is_number(v) for v in item.values()):
        return None  # classes may be called so
    return label, score


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _row(one: Any, names: Sequence[str]) -> Any:
    """Return scores in the order of the classes, or None where some class has none."""
    if not isinstance(one, dict):
        return one if one is DECLINED else None
    unknown = [name for name in one if str(name) not in names]
    if unknown:
        raise TargetError(
            f"it gives a score for {unknown[0]!r}, but the classes are {', '.join(names)}; list "
            "every class as the service writes it"
        )
    return [one[name] for name in names] if len(one) == len(names) else None


def _best(one: Any) -> Any:
    return max(one, key=lambda name: float(one[name])) if isinstance(one, dict) else one
