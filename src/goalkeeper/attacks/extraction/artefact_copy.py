"""Copy the stored model, and let the copy answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.attacks.extraction._boxes import Boxes
from goalkeeper.attacks.extraction._copies import Constant, LinearCopy, WordCopy
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.games.extraction import (
    Extraction,
    Original,
    Substitute,
    opened,
    stored_file,
    trusted,
)

LOGARITHMIC = 1.0 + float(np.log(2.0))  # what a word that stands there twice counts


@final
@dataclass(frozen=True, kw_only=True)
class ArtefactCopy(Attack[Original, Substitute]):
    """Take the stored file, open the copy apart from the application, and use it.

    Where no file is known, or it cannot be opened apart, the copy is rebuilt from the parameters:
    linear models of numbers or of words, and single trees. Costs no question. How the file was
    protected (permissions, encryption, whether it runs anywhere) is examined beside it.

    Deviations: none from a paper; this is theft, not learning. The storage and the device
    themselves are examined, not attacked.
    """

    game: ClassVar[type[Extraction]] = Extraction
    variant: ClassVar[str] = "extraction.artefact_theft"
    reference: ClassVar[str] = (
        "MITRE ATLAS AML.T0035, AI Artifact Collection, and AML.T0048.004, AI Intellectual "
        "Property Theft"
    )
    domains: ClassVar[frozenset[str]] = frozenset({"text", "table"})

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse models of which neither the file nor the parameters can be used apart."""
        path = stored_file(app)
        if path is not None:
            if trusted(app, path.read_bytes()):
                return None
            return Unfit(
                f"{path.name} is no file that the description names with its hash (model.file), so "
                "it is not opened"
            )
        try:
            known = app.target.parameters()
        except NotOffered:
            known = {}
        if rebuilt(known, text=isinstance(app.domain, TextDomain)) and _whole(known, app):
            return None
        return Unfit(
            "neither a stored file that goalkeeper can open nor parameters that make up the whole "
            "model are known"
        )

    def run(self, question: Original, access: Access) -> Substitute:
        """Return the copy."""
        try:
            path = access.artefact()
            copy = opened(path.read_bytes(), path.name, question.classes, access.domain)
            if copy is not None:
                return copy
        except NotOffered:
            pass
        try:
            known = access.parameters()
        except NotOffered:
            return Constant(0)
        return rebuilt(known, text=isinstance(access.domain, TextDomain)) or Constant(0)


def rebuilt(known: Mapping[str, Any], *, text: bool) -> Substitute | None:
    """Build a copy from parameters as `Target.parameters` gives them; None if they do not do."""
    if "weights" in known and "bias" in known:
        weights = np.atleast_2d(np.array(known["weights"], dtype=np.float64))
        bias = np.array(known["bias"], dtype=np.float64).reshape(-1)
        if not text:
            return LinearCopy(weights, bias)
        return _words(known, weights, bias) if "vocabulary" in known else None
    leaves = known.get("stored", {}).get("leaves")
    return _tree(leaves) if leaves else None


def _whole(known: Mapping[str, Any], app: Application) -> bool:
    """Tell whether the leaves that are known hold all records: those of one tree of many do not."""
    leaves = known.get("stored", {}).get("leaves")
    if "weights" in known or not leaves:
        return True
    return int(np.sum(leaves["count"])) == len(app.data.train)


def _words(known: Mapping[str, Any], weights: Any, bias: Any) -> WordCopy:
    counts = 1.0 if known.get("binary") else LOGARITHMIC if known.get("sublinear_tf") else 2.0
    idf = known.get("idf")
    return WordCopy(
        words=tuple(str(word) for word in known["vocabulary"]),
        weights=weights,
        bias=bias,
        counts=counts,
        scale=None if idf is None else np.array(idf, dtype=np.float64),
        normed=known.get("norm") == "l2",
    )


def _tree(leaves: Mapping[str, Any]) -> Boxes:
    labels = np.array(leaves["classes"], dtype=np.int64)
    return Boxes(
        low=np.array(leaves["low"], dtype=np.float64),
        high=np.array(leaves["high"], dtype=np.float64),
        labels=labels,
        allowed=(),
        size=np.zeros(len(labels)),
    )
