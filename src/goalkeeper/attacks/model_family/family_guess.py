"""The family of a model of tables or images, by own models of every family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from goalkeeper.attacks.model_family._guessing import FamilyGuesser


@final
@dataclass(frozen=True, kw_only=True)
class FamilyGuess(FamilyGuesser):
    """Ask own models of every family what the victims are asked, and learn what distinguishes them.

    The inputs are the same for all: single ones, long and short lines between records, and
    lines along single columns or pixels. How often answers do
    not change at all, how they bend, whether all scores are multiples of one fraction, and what a
    linear fit leaves over are the features; a forest of randomised trees learns the family from
    those of own models.

    Settings
    --------
    models
        Own models of each family, with settings drawn within what is usual.
    asked
        Inputs asked of each victim, at most.

    Deviations: the paper distinguishes architectures of networks by raw answers to fixed queries;
    here features of answers distinguish families, because own models see other records.
    Without similar data the first victim labels rows of the domain, or made-up patterns.
    """

    domains: ClassVar[frozenset[str]] = frozenset({"table", "image"})
    version: ClassVar[int] = 2
