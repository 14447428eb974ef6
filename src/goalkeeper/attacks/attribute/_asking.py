"""Ask the target about a record with every candidate value, the likeliest first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from goalkeeper.core.access import Access
from goalkeeper.core.application import Answers
from goalkeeper.core.data import Floats, Ints
from goalkeeper.games.attribute import IncompleteRecords

FIRST = 2  # values asked about in the first round; each round asks about as many as all before


class CandidateAnswers(NamedTuple):
    """One candidate for every record: which value `(n,)` it stands for, and the answers."""

    values: Ints
    answers: Answers


def impute_chances(question: IncompleteRecords, access: Access) -> Floats:
    """Log chance of every value without the model, `(n, values)`."""
    imputer = question.imputers.trained_on(access.data(), question.attribute)
    return imputer.log_chances(question.records)


def ask_in_rounds(
    question: IncompleteRecords, access: Access, chances: Floats
) -> Iterator[list[CandidateAnswers]]:
    """Yield the answers in rounds of growing size, until all is asked or the budget is spent."""
    attribute, n = question.attribute, len(question.records)
    order = np.argsort(-chances[:, attribute.value_of], axis=1, kind="stable")
    most = min(order.shape[1], int(access.left().min()))
    start, stop = 0, min(FIRST, most)
    while start < stop:
        asked = []
        for rank in range(start, stop):
            candidates = order[:, rank]
            x = attribute.fill_in(question.records.x, candidates)
            answers = access.query(x, np.arange(n))
            asked.append(CandidateAnswers(attribute.value_of[candidates], answers))
        yield asked
        start, stop = stop, min(2 * stop, most)
