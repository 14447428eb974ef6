"""Single leaves: a leaf with one record shows where that record lies, and its class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from goalkeeper.attacks.artefact_leak._stored import (
    check_stored,
    read_contents,
    refuse_large_leaves,
)
from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.power import Budget
from goalkeeper.games.artefact_leak import (
    ArtefactLeak,
    ClaimLimit,
    Claims,
    HashedWeights,
    Regions,
    WordRegions,
    WordWeights,
)


@final
@dataclass(frozen=True, kw_only=True)
class SingleLeaves(Attack[ClaimLimit, Claims]):
    """Read the regions of the leaves that the fewest training records reached.

    Of a forest, the tree with most leaves of one record is read: its leaves are disjoint, so that
    no record is claimed twice. A forest's tree counts the records of its own bootstrap sample;
    others may lie in the same region, and then the claim fails. Of a tree on words, a leaf says
    which words its text has and which it lacks; of hashed words, which numbers.
    """

    game: ClassVar[type[ArtefactLeak]] = ArtefactLeak
    variant: ClassVar[str] = "artefact_leak.parameters"
    reference: ClassVar[str] = (
        "SACRO-ML (AI-SDC), structural attacks (k-anonymity of leaves); singling out as in "
        "Giomi et al. 2023 (Anonymeter)"
    )
    tasks: ClassVar[tuple[str, ...]] = ("single-records",)
    most: ClassVar[Budget] = Budget(compute_h=1.0)  # no question is asked

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse models without leaves, or whose every leaf holds several records."""
        refused = check_stored(app, ("leaves", "word_leaves"), "leaves of a decision tree")
        if refused is not None:
            return refused
        fewest = int(_read_leaves(app.target.parameters())["count"].min())
        return None if fewest < 2 else refuse_large_leaves(fewest)

    def run(self, question: ClaimLimit, access: Access) -> Claims:
        """Claim the leaves with fewest records; among equals chosen at random."""
        leaves = _read_leaves(access.parameters())
        count = np.asarray(leaves["count"])
        order = np.lexsort((access.rng.random(len(count)), count))[: question.most]
        fewest = order[count[order] == count.min()]
        classes = np.asarray(leaves["classes"])[fewest]
        if "bounds" not in leaves:
            low, high = (np.asarray(leaves[key])[fewest] for key in ("low", "high"))
            columns = getattr(access.domain, "columns", ())
            numbers = [column.kind != "category" for column in columns]
            return Regions(low, high, classes, np.array(numbers or [True] * low.shape[1]))
        words = read_contents(access.parameters()).get("words", ())
        return WordRegions(
            weights=_read_weights(tuple(map(str, words)), leaves["weighing"]),
            bounds=tuple(leaves["bounds"][i] for i in fewest),
            classes=classes,
        )


def _read_leaves(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    contents = read_contents(parameters)
    found: Mapping[str, Any] = contents.get("leaves", contents.get("word_leaves"))
    return found


def _read_weights(
    words: tuple[str, ...], weighing: Mapping[str, Any]
) -> WordWeights | HashedWeights:
    how: dict[str, Any] = {"idf": weighing.get("idf"), "norm": weighing.get("norm")}
    how["sublinear"] = weighing.get("sublinear_tf", False)
    if "hashing" in weighing:
        return HashedWeights(hashing=weighing["hashing"], columns=weighing["columns"], **how)
    return WordWeights(words=words, binary=weighing.get("binary", False), **how)
