"""What small targets stand on: one that shows only its answers, and one about another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers, Target
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View


class BareTarget:
    """Has no parameters to read and no stored file; a subclass answers, with scores at most."""

    @property
    def offers(self) -> View:
        """Scores."""
        return View.SCORES

    def parameters(self) -> Mapping[str, Any]:
        """Refuse: there are none."""
        raise NotOffered("this target has no parameters that can be read")

    def artefact(self) -> Path:
        """Refuse: there is no file."""
        raise NotOffered("this target has no stored file")


@dataclass(frozen=True, eq=False)
class WrappedTarget(BareTarget):
    """Passes every question on to another target; a weakened target changes one thing of it."""

    target: Target

    @property
    def offers(self) -> View:
        """At most scores: what lies beneath is not the whole of the weakened model."""
        return min(self.target.offers, View.SCORES)

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        return self.target.answer(x, view).cut(self.offers)


def draw_by_content(x: Inputs, key: bytes) -> Floats:
    """Draw a number in [0, 1) for each input `(n,)` that only its content and a key decide."""
    rows = [str(v).encode(errors="surrogatepass") for v in x] if x.dtype == object else None
    if rows is None:
        rows = [np.ascontiguousarray(v, dtype=np.float64).tobytes() for v in x]
    digests = [hashlib.blake2b(row, key=key, digest_size=6).digest() for row in rows]
    return np.array([int.from_bytes(d, "big") for d in digests], dtype=np.float64) / 2**48
