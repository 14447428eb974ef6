"""What became of each item of a question, kept so that two runs can be compared item by item."""

from __future__ import annotations

import base64
import hashlib

from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Inputs, Ints, fingerprint, row_keys
from goalkeeper.core.outcomes import Outcomes

ID_BYTES = 3  # 4 characters; of 1,000 items one in 17 million pairs is taken for equal by chance
MOST_ITEMS = 10_000  # with more of them evidence would be long, and few comparisons need as many


def keep_outcomes(
    app: Application,
    x: Inputs,
    hits: Bools | Ints,
    beside: Bools | Ints | None = None,
    counted: Bools | None = None,
    *,
    most: int | None = None,
) -> Outcomes | None:
    """Keep the outcome of each item `(n,)`, and None where there are too many.

    Parameters
    ----------
    x
        The items `(n, ...)` as they are before the attack.
    hits, beside
        A digit an item: what the attack reached on it, and the baseline on the same item.
    counted
        Which items count; all if left out.
    most
        The largest number of items that are kept.
    """
    if counted is not None:
        kept = None if beside is None else beside[counted]
        return keep_outcomes(app, x[counted], hits[counted], kept, most=most)
    if len(x) > (MOST_ITEMS if most is None else most):
        return None
    return Outcomes(
        ids="".join(_name(key, app.once(_make_key)) for key in row_keys(x)),
        hits=_digits(hits),
        beside="" if beside is None else _digits(beside),
    )


def _make_key(app: Application) -> bytes:
    """Make a key of all data, which is not among the published hashes."""
    parts = {part: getattr(app.data, part) for part in app.data.sizes()}
    return fingerprint("names of items", parts).encode()


def _name(content: bytes, key: bytes) -> str:
    digest = hashlib.blake2b(content, key=key, digest_size=ID_BYTES).digest()
    return base64.urlsafe_b64encode(digest).decode()


def _digits(values: Bools | Ints) -> str:
    return "".join(str(int(value)) for value in values)
