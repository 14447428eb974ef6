"""What to do after an exception of a model, by what it says and by what the model was given."""

from __future__ import annotations

from typing import Any

import numpy as np

UNSUITED = (
    IndexError,
    AttributeError,
    TypeError,
    KeyError,
)  # of code made for another kind of input

# What messages of libraries say, in lower case, and what to do.
KNOWN = (
    (
        ("not fitted",),
        "train the model before it is stored, or give the function that builds it: `build` under "
        "model",
    ),
    (
        ("features, but",),
        "name the columns that the model was trained on, in its order: `features: [...]` under "
        "data",
    ),
    (
        ("unknown categor",),
        "let the encoder take words that it has not seen, as "
        "OneHotEncoder(handle_unknown='ignore') does: attacks and new records have some",
    ),
    (
        ("missing", "positional argument"),
        "it is called with the inputs alone: give its other arguments a default",
    ),
    (
        ("double", "float"),
        "it is given float64 and wants float32: convert its input first, e.g. "
        "np.asarray(x, dtype=np.float32), or make a torch module float32 throughout",
    ),
)


def remedy_for(error: BaseException, given: Any) -> str:
    """Say what to do about an exception.

    Parameters
    ----------
    error
        What the model raised.
    given
        The inputs that it was to answer.
    """
    if isinstance(error, SystemExit):
        return "let it return an answer where it ends the program"
    if isinstance(error, RecursionError):
        return "it calls itself, or follows a structure, without end: correct it"
    words = str(error).lower()
    for parts, remedy in KNOWN:
        if all(part in words for part in parts):
            return remedy
    if isinstance(error, UNSUITED) and isinstance(given, np.ndarray):
        return (
            f"it is given {describe_inputs(given)}, and must make of it what it works on, e.g. by "
            "pandas.DataFrame(x, columns=[...]) or torch.from_numpy(x)"
        )
    return (
        f"it is given {describe_inputs(given)}, and must answer all of them at once: check that "
        "it takes such inputs, preprocessing included"
    )


def describe_inputs(given: Any) -> str:
    """Say in a few words what a model is given."""
    if isinstance(given, np.ndarray):
        rows = "one row" if given.ndim == 2 else "one entry"
        return f"a numpy array {given.shape} of {given.dtype}, {rows} an input"
    if hasattr(given, "columns"):
        names = [str(name) for name in given.columns]
        more = " and more" if len(names) > 6 else ""
        return f"a pandas DataFrame of {len(given)} rows with the columns " + (
            ", ".join(names[:6]) + more
        )
    if isinstance(given, list):
        return f"a list of {len(given)} texts"
    return f"a {type(given).__name__} of {given.shape}" if hasattr(given, "shape") else "inputs"
