"""Three unseen records with the model's answers, for the user to compare with the own system."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Inputs
from goalkeeper.core.domain import TableDomain, TextDomain
from goalkeeper.core.fit import ExampleRecord
from goalkeeper.fit.decisions import AnsweredRecords

COUNT = 3
CHARACTERS = 70
COLUMNS = 5


def choose_examples(
    app: Application, unseen: Data, answered: AnsweredRecords
) -> tuple[ExampleRecord, ...]:
    """Choose the first unseen records of different classes, then the first of the others."""
    first = [int(np.flatnonzero(unseen.y == c)[0]) for c in dict.fromkeys(unseen.y.tolist())]
    rows = sorted([*first, *(r for r in range(len(unseen)) if r not in first)][:COUNT])
    return tuple(
        ExampleRecord(
            record=describe_record(unseen.x[row], app),
            label=app.classes[int(unseen.y[row])],
            answer=_answer(int(answered.labels[row]), app.classes),
        )
        for row in rows
    )


def _answer(label: int, classes: tuple[str, ...]) -> str:
    return classes[label] if 0 <= label < len(classes) else "none of the classes"


def describe_record(x: Inputs, app: Application) -> str:
    """Describe one input in a line: the start of a text, the first columns, range of an image."""
    domain = app.domain
    if isinstance(domain, TextDomain):
        text = " ".join(str(x).split())
        return text if len(text) <= CHARACTERS else text[: CHARACTERS - 3] + "..."
    values = np.asarray(x, dtype=np.float64)
    if not isinstance(domain, TableDomain):
        size = "x".join(map(str, domain.shape))
        return f"{size} image, values {values.min():.3g} to {values.max():.3g}"
    cells = []
    for column, value in list(zip(domain.columns, values.tolist(), strict=True))[:COLUMNS]:
        coded = column.kind == "category" and 0 <= value < len(column.categories)
        cells.append(f"{column.name}={column.categories[int(value)] if coded else f'{value:g}'}")
    more = len(domain.columns) - COLUMNS
    return ", ".join(cells) + (f", and {more} more" if more > 0 else "")
