"""What the public functions share: their result, and randomness that no batch decides."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.data import Bools, Floats, Inputs, Ints, row_keys


@dataclass(frozen=True, eq=False, slots=True)
class Perturbed:
    """What an evasion algorithm found for each of n inputs.

    Parameters
    ----------
    points
        Changed inputs `(n, ...)`: a tensor where tensors were given, else an array. Where there
        was no success, the best attempt (gradient algorithms) or the input itself.
    success
        Which of them are answered as wanted, `(n,)`.
    distance
        Size of each change in the units of the inputs, `(n,)`; of pixels, their number.
    passes
        Passes through the model, `(n,)`: forward and backward for gradient algorithms, queries
        for the others.
    """

    points: Any
    success: Bools
    distance: Floats
    passes: Ints


def key_streams(x: Inputs, seed: int) -> Inputs:
    """Return a random stream for each input, decided by its content and the seed alone.

    So the result for an input does not depend on the others in its batch.
    """
    streams = np.empty(len(x), dtype=object)
    for i, key in enumerate(row_keys(x)):
        digest = hashlib.blake2b(key, digest_size=16).digest()
        streams[i] = np.random.default_rng([seed, *np.frombuffer(digest, dtype=np.uint32)])
    return streams
