"""What attacks on the stored model read from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from goalkeeper.attacks.base import Unfit
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.errors import NotOffered
from goalkeeper.games.artefact_leak import Claims, Sought, WordSets, records


def contents(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what parameters hold beside weights."""
    kept: Mapping[str, Any] = parameters.get("stored", {})
    return kept


def lacks(app: Application, keys: tuple[str, ...], what: str) -> Unfit | None:
    """Say that a model stores nothing under any of these keys; None where it does.

    Proven where the adapter could read the model: then what it stores is known.
    """
    try:
        known = app.target.parameters()
    except NotOffered as error:
        return Unfit(f"what the model stores cannot be read: {error}")
    if any(key in contents(known) for key in keys):
        return None
    return Unfit(
        f"the stored model has no {what}", proven="weights" in known or bool(contents(known))
    )


def claimed(question: Sought, access: Access, name: str, rows: str) -> Claims:
    """Claim stored records, drawn at random where there are more than may be claimed.

    Parameters
    ----------
    question
        How many claims count.
    access
        The door.
    name
        Which records, `point` or `support`: prefix of the keys of their classes and words.
    rows
        Key of the records `(n, d)` of tables and images.
    """
    kept = contents(access.parameters())
    classes = np.asarray(kept[f"{name}_classes"])
    size = min(question.most, len(classes))
    chosen = np.sort(access.rng.choice(len(classes), size, replace=False))
    if f"{name}_words" in kept:
        bags = kept[f"{name}_words"]
        return WordSets(tuple(frozenset(bags[i]) for i in chosen))
    return records(np.asarray(kept[rows])[chosen], classes[chosen])
