"""Copy the stored model, and let the copy answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.attacks.extraction._boxes import BoxSubstitute
from goalkeeper.attacks.extraction._substitutes import (
    ConstantSubstitute,
    LinearSubstitute,
    WordSubstitute,
)
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.games.extraction import (
    Extraction,
    PublicInterface,
    Substitute,
    find_stored_file,
    is_trusted,
    open_model,
)

LOGARITHMIC = 1.0 + float(np.log(2.0))  # what a word that stands there twice counts


@final
@dataclass(frozen=True, kw_only=True)
class ArtefactCopy(Attack[PublicInterface, Substitute]):
    """Copy the stored model file, load the copy outside of the application, and use it.

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
        path = find_stored_file(app)
        if path is not None:
            if is_trusted(app, path.read_bytes()):
                return None
            return Unfit(
                f"the description does not name {path.name} with its hash (model.file), so it is "
                "not opened"
            )
        try:
            parameters = app.target.parameters()
        except NotOffered:
            parameters = {}
        if rebuild_model(parameters, text=isinstance(app.domain, TextDomain)) and _is_whole(
            parameters, app
        ):
            return None
        return Unfit(
            "goalkeeper can neither open a stored file nor read parameters that make up the whole "
            "model"
        )

    def run(self, question: PublicInterface, access: Access) -> Substitute:
        """Return the copy."""
        try:
            path = access.artefact()
            copy = open_model(path.read_bytes(), path.name, question.classes, access.domain)
            if copy is not None:
                return copy
        except NotOffered:
            pass
        try:
            parameters = access.parameters()
        except NotOffered:
            return ConstantSubstitute(0)
        return rebuild_model(
            parameters, text=isinstance(access.domain, TextDomain)
        ) or ConstantSubstitute(0)


def rebuild_model(parameters: Mapping[str, Any], *, text: bool) -> Substitute | None:
    """Build a copy from parameters as `Target.parameters` gives them; None if they do not do."""
    if "weights" in parameters and "bias" in parameters:
        weights = np.atleast_2d(np.array(parameters["weights"], dtype=np.float64))
        bias = np.array(parameters["bias"], dtype=np.float64).reshape(-1)
        if not text:
            return LinearSubstitute(weights, bias, design=parameters.get("design"))
        return (
            _build_word_substitute(parameters, weights, bias)
            if "vocabulary" in parameters
            else None
        )
    leaves = parameters.get("stored", {}).get("leaves")
    return _build_tree(leaves) if leaves else None


def _is_whole(parameters: Mapping[str, Any], app: Application) -> bool:
    """Return whether the known leaves hold all records; those of one tree of many do not."""
    leaves = parameters.get("stored", {}).get("leaves")
    if "weights" in parameters or not leaves:
        return True
    return int(np.sum(leaves["count"])) == len(app.data.train)


def _build_word_substitute(
    parameters: Mapping[str, Any], weights: Any, bias: Any
) -> WordSubstitute:
    counts = (
        1.0 if parameters.get("binary") else LOGARITHMIC if parameters.get("sublinear_tf") else 2.0
    )
    idf = parameters.get("idf")
    return WordSubstitute(
        words=tuple(str(word) for word in parameters["vocabulary"]),
        weights=weights,
        bias=bias,
        counts=counts,
        scale=None if idf is None else np.array(idf, dtype=np.float64),
        normed=parameters.get("norm") == "l2",
    )


def _build_tree(leaves: Mapping[str, Any]) -> BoxSubstitute:
    labels = np.array(leaves["classes"], dtype=np.int64)
    return BoxSubstitute(
        low=np.array(leaves["low"], dtype=np.float64),
        high=np.array(leaves["high"], dtype=np.float64),
        labels=labels,
        allowed=(),
        size=np.zeros(len(labels)),
    )
