"""Judge a text by its most suspicious part."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import numpy as np
from pydantic import Field

from goalkeeper.core.application import Application, Target
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import View
from goalkeeper.defences._answers import behind
from goalkeeper.defences.base import BEHIND, Defence, Settings


class PartSettings(Settings):
    """What a part is, and how suspicious it must be."""

    words: int = Field(default=50, ge=5, description="words of a part; parts overlap by half")
    least: float = Field(
        default=0.9,
        gt=0.5,
        lt=1,
        description="score of the other classes above which a part alone decides",
    )


class SuspiciousPart(Defence[PartSettings]):
    """Harmless words at other places do not dilute a part that is judged alone.

    Jorgensen, Zhou and Inge 2008, A multiple instance learning strategy for combating good word
    attacks on spam filters, JMLR 9.
    """

    about: ClassVar[str] = (
        "judge a text also by its most suspicious part, so that harmless words elsewhere do not "
        "outweigh it"
    )
    works: ClassVar[str] = (
        "a part of a harmful text looks harmful by itself, whatever stands elsewhere"
    )
    price: ClassVar[str] = "more harmless texts may be declined, and answers take longer"
    adaptive: ClassVar[str] = BEHIND
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.INTEGRITY})
    families: ClassVar[frozenset[str]] = frozenset({"evasion"})
    settings: ClassVar[type[PartSettings]] = PartSettings

    def lacks(self, app: Application) -> str:
        """Need texts, a harmless class, and scores."""
        if not isinstance(app.domain, TextDomain):
            return "its inputs are no texts"
        if app.harmless is None:
            return "no class is named harmless"
        return "" if app.target.offers >= View.SCORES else "the model gives no scores"

    def candidates(self, app: Application) -> Sequence[PartSettings]:
        """Try a certain and a less certain part."""
        return tuple(PartSettings(least=least) for least in (0.99, 0.9))

    def apply(self, app: Application, settings: PartSettings) -> Application:
        """Answer behind the model."""
        compute = partial(score_parts, harmless=app.harmless, settings=settings)
        words = f"most suspicious part (words={settings.words}, least={settings.least:g})"
        return behind(app, compute, words)


def score_parts(
    model: Target, x: Inputs, *, harmless: int | None, settings: PartSettings
) -> Floats:
    """Return the scores `(n, classes)` of each text, or of a part that is suspicious enough.

    Of the parts whose score of the harmless class is at most `1 - least`, the one with the lowest
    counts, unless the whole text scores lower still.
    """
    whole = model.answer(x, View.SCORES).scores.copy()
    parts = [split(text, settings.words) for text in x]
    owners = np.repeat(np.arange(len(x)), [len(p) for p in parts])
    texts = np.array([part for p in parts for part in p], dtype=object)
    if len(texts) == 0:
        return whole
    scores = model.answer(texts, View.SCORES).scores
    lowest = np.argsort(-scores[:, harmless], kind="stable")  # the last of each text stays
    best = np.full(len(x), -1)
    best[owners[lowest]] = lowest
    found = best >= 0
    harmless_part = np.ones(len(x))
    harmless_part[found] = scores[best[found], harmless]
    takes = harmless_part <= np.minimum(1 - settings.least, whole[:, harmless])
    whole[takes] = scores[best[takes]]
    return whole


def split(text: str, words: int) -> list[str]:
    """Cut a text of more than so many words into parts that overlap by half; else none."""
    every = text.split()
    if len(every) <= words:
        return []
    step = max(1, words // 2)
    starts = range(0, len(every) - words + step, step)
    return [" ".join(every[i : i + words]) for i in starts]
