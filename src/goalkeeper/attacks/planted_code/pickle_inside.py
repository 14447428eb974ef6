"""Pickle inside: put a model file in place that runs code when it is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.planted_code._payloads import cut_off, hide, payloads
from goalkeeper.core.access import Access
from goalkeeper.games.planted_code import (
    GenuineFile,
    PlantedCode,
    Replacement,
    Replacements,
)


@final
@dataclass(frozen=True, kw_only=True)
class PickleInside(Attack[GenuineFile, Replacements]):
    """Hide a call in front of the genuine pickle, in all the ways that scanners have missed.

    The file still loads as the genuine model. None of these files is ever loaded here: whether
    its code would run is read off its opcodes, and what it would run does no harm.
    """

    game: ClassVar[type[PlantedCode]] = PlantedCode
    variant: ClassVar[str] = "tampering.undetected_swap"
    reference: ClassVar[str] = (
        "Python documentation, module pickle (warning); MITRE ATLAS AML.T0018 Manipulate AI Model"
    )
    tasks: ClassVar[tuple[str, ...]] = ("planted-code",)

    def run(self, question: GenuineFile, access: Access) -> Replacements:
        """Write one file for each way."""
        files = [Replacement(kind, hide(question.content, opcodes)) for kind, opcodes in payloads()]
        kind, opcodes = next(payloads())
        return [*files, Replacement(f"{kind}, then cut off", cut_off(opcodes))]
