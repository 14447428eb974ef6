"""What attacks on the stored model read from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from goalkeeper.attacks.base import Unfit
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.errors import NotOffered
from goalkeeper.games.artefact_leak import ClaimLimit, Claims, Regions, WordSets, claim_records


def read_contents(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what parameters hold beside weights."""
    kept: Mapping[str, Any] = parameters.get("stored", {})
    return kept


def check_stored(app: Application, keys: tuple[str, ...], what: str) -> Unfit | None:
    """Say that a model stores nothing under any of these keys; None where it does.

    Proven where the adapter read all that the model keeps, or what it did not read is less than
    two records.
    """
    try:
        parameters = app.target.parameters()
    except NotOffered as error:
        if getattr(app.target, "weights_only", False):
            return Unfit(f"the stored model has no {what}: its classes keep none", proven=True)
        return check_size(app) or Unfit(f"what the model stores cannot be read: {error}")
    contents = read_contents(parameters)
    if any(key in contents for key in keys):
        return None
    if "unread" in contents and "leaves" in keys:
        fewest = int(contents.get("fewest", 1))
        large = refuse_large_leaves(fewest) if fewest > 1 else None
        return large or Unfit(f"{contents['unread']} cannot be read")
    read = "weights" in parameters or "coefs_0" in parameters or bool(contents)
    unread = getattr(app.target, "unread", 0)
    if read and (unread is None or unread >= count_two_records(app)):
        size = "more" if unread is None else f"{unread} numbers and words"
        return Unfit(f"the model keeps {size} beside its weights, which may be records")
    return Unfit(f"the stored model has no {what}", proven=read)


def refuse_large_leaves(fewest: int) -> Unfit:
    """Say that no leaf shows a single record, where the smallest holds so many."""
    return Unfit(
        f"the smallest leaf holds {fewest} training records, so that none singles one out",
        proven=True,
    )


def check_size(app: Application) -> Unfit | None:
    """Say that a model cannot hold records because it keeps too little; None where it might.

    Proven where everything that it keeps was counted: less than two records have.
    """
    kept: int | None = getattr(app.target, "kept", None)
    if kept is None or kept >= count_two_records(app):
        return None
    return Unfit(
        f"all that the model keeps are {kept} numbers and words, too few to hold records",
        proven=True,
    )


def count_two_records(app: Application) -> int:
    """Count the numbers of two records, or one for each record where these are fewer."""
    x = app.data.train.x
    if x.dtype == object:  # a text counts by its letters, as `count_kept` counts words
        record = int(np.median([1 + len(text) // 8 for text in x])) if len(x) else 0
    else:
        record = int(np.prod(x.shape[1:]))
    return min(2 * record, len(app.data.train))


def claim_stored_records(question: ClaimLimit, access: Access, name: str, rows: str) -> Claims:
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
    contents = read_contents(access.parameters())
    classes = np.asarray(contents[f"{name}_classes"])
    size = min(question.most, len(classes))
    chosen = np.sort(access.rng.choice(len(classes), size, replace=False))
    if f"{name}_words" in contents:
        bags = contents[f"{name}_words"]
        return WordSets(tuple(frozenset(bags[i]) for i in chosen))
    low = np.asarray(contents[rows])[chosen]
    if f"{rows}_high" in contents:  # of an encoded table something may be left open
        return Regions(low, np.asarray(contents[f"{rows}_high"])[chosen], classes[chosen])
    return claim_records(low, classes[chosen])
