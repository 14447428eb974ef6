"""Swapped model: put a changed, an older or another model file in place of the stored one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.games.swapped_file import (
    AvailableModelFiles,
    Replacement,
    Replacements,
    SwappedFile,
)


@final
@dataclass(frozen=True, kw_only=True)
class SwappedModel(Attack[AvailableModelFiles, Replacements]):
    """Try files that differ from the genuine one by a byte, by their age, or by their training.

    A changed byte is the lowest one of a stored number drawn at random where the file shows its
    numbers (the model hardly answers otherwise, so only a check of the file can notice it), and
    else a byte at the end of the file.
    """

    game: ClassVar[type[SwappedFile]] = SwappedFile
    variant: ClassVar[str] = "tampering.undetected_swap"
    reference: ClassVar[str] = (
        "MITRE ATLAS AML.T0018 Manipulate AI Model; OWASP Machine Learning Security Top 10: "
        "ML06:2023"
    )
    tasks: ClassVar[tuple[str, ...]] = ("swapped-file",)

    def run(self, question: AvailableModelFiles, access: Access) -> Replacements:
        """Change single bytes, and add the older and other models."""
        files = [Replacement("an older model", content) for content in question.older]
        files += [Replacement("a model of other data", content) for content in question.other]
        for _ in range(max(1, question.tries - len(files))):
            files.append(self._one_byte(question, access))
        return files

    def _one_byte(self, question: AvailableModelFiles, access: Access) -> Replacement:
        content, rng = question.content, access.rng
        if not question.numbers:
            added = bytes([int(rng.integers(256))])
            return Replacement("one byte added at the end", content + added)
        start, end, size = question.numbers[int(rng.integers(len(question.numbers)))]
        place = start + size * int(rng.integers(max(1, (end - start) // size)))
        changed = bytes([content[place] ^ int(rng.integers(1, 256))])
        return Replacement("one byte changed", content[:place] + changed + content[place + 1 :])
