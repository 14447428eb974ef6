"""The family of a model of texts, by own models of every family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from goalkeeper.attacks.model_family._guessing import FamilyGuesser
from goalkeeper.core.power import Grade, Knowledge, Power


@final
@dataclass(frozen=True, kw_only=True)
class FamilyGuessTexts(FamilyGuesser):
    """Ask own filters of every family what the victims are asked, and learn to distinguish them.

    The inputs are the same for all: similar texts, and ways from one text to another on which
    words are exchanged in turn. How often answers do
    not change at all, how they bend, whether all scores are multiples of one fraction, and what a
    linear fit leaves over are the features; a forest of randomised trees learns the family from
    those of own models.

    Settings
    --------
    models
        Own models of each family, with settings drawn within what is usual.
    asked
        Texts asked of each victim, at most.

    Deviations: the paper distinguishes architectures of networks by raw answers to fixed queries;
    here features of answers distinguish families, because own models see other records.
    """

    domains: ClassVar[frozenset[str]] = frozenset({"text"})
    asks: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.PARTIAL))
