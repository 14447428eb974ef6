"""Train also on texts of other classes that are padded with harmless words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import numpy as np
from pydantic import Field

from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Inputs
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.goals import Goal
from goalkeeper.defences._training import NO_RECIPE, PreparingTrainer, retrained, trainer_of
from goalkeeper.defences.base import RETRAINED, Defence, Settings

STRONGEST = 100  # words that point most to the harmless class


class PaddingSettings(Settings):
    """How texts are padded."""

    words: int = Field(default=100, ge=1, description="most words that are added to a text")
    copies: int = Field(default=1, ge=1, le=20, description="padded copies of each text")


class PaddedTexts(Defence[PaddingSettings]):
    """What was seen among harmless words in training is recognised among them.

    Adversarial training against good words: Lowd and Meek 2005, Good word attacks on statistical
    spam filters, CEAS (frequent retraining on such texts).
    """

    about: ClassVar[str] = (
        "train also on copies of the other classes' texts that are padded with words of harmless "
        "ones, so that padding hides nothing"
    )
    works: ClassVar[str] = (
        "the attacker adds words that harmless texts of the training data have as well"
    )
    price: ClassVar[str] = "more harmless texts may be declined, and training takes longer"
    adaptive: ClassVar[str] = RETRAINED
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.INTEGRITY})
    families: ClassVar[frozenset[str]] = frozenset({"evasion"})
    settings: ClassVar[type[PaddingSettings]] = PaddingSettings

    def lacks(self, app: Application) -> str:
        """Need texts, a harmless class, and a recipe."""
        if not isinstance(app.domain, TextDomain):
            return "its inputs are no texts"
        if app.harmless is None:
            return "no class is named harmless"
        return NO_RECIPE if app.trainer is None else ""

    def candidates(self, app: Application) -> Sequence[PaddingSettings]:
        """Try few and many added words."""
        options = ((100, 1), (1000, 1), (1000, 3))
        return tuple(PaddingSettings(words=words, copies=copies) for words, copies in options)

    def work(self, app: Application, settings: PaddingSettings) -> float:
        """Count the copies."""
        return 1.0 + settings.copies

    def apply(self, app: Application, settings: PaddingSettings) -> Application:
        """Train again."""
        prepare = partial(pad_texts, harmless=app.harmless, settings=settings)
        words = f"padded texts (words={settings.words}, copies={settings.copies})"
        return retrained(app, PreparingTrainer(trainer_of(app), prepare, words))


def pad_texts(data: Data, seed: int, *, harmless: int | None, settings: PaddingSettings) -> Data:
    """Append padded copies of all texts that are not harmless.

    Every second copy is padded with the words that point most to the harmless class, as an
    attacker would choose them, the others with words of harmless texts as they come. Their numbers
    are drawn evenly on a logarithmic scale, as an attacker adds few words where few suffice.
    """
    rows = np.flatnonzero(data.y != harmless)
    common = np.array(" ".join(data.x[data.y == harmless]).split(), dtype=object)
    if len(common) == 0 or len(rows) == 0:
        return data
    pools = (_most_harmless(data, harmless), common)
    rng = np.random.default_rng(seed)
    repeated = np.repeat(rows, settings.copies)
    counts = np.floor(np.exp(rng.uniform(0, np.log(settings.words + 1), len(repeated))))
    padded = [
        f"{data.x[row]} {' '.join(rng.choice(pools[i % 2], int(count)))}"
        for i, (row, count) in enumerate(zip(repeated.tolist(), counts, strict=True))
    ]
    columns = {name: values[repeated] for name, values in data.columns.items()}
    copies = Data(x=np.array(padded, dtype=object), y=data.y[repeated], columns=columns)
    return data.joined(copies)


def _most_harmless(data: Data, harmless: int | None) -> Inputs:
    """List the words whose share of texts is largest in the harmless class beside the others."""
    used: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for text, label in zip(data.x, data.y.tolist(), strict=True):
        used[int(label == harmless)].update(set(text.split()))
    sizes = [np.bincount(data.y == harmless, minlength=2)[i] + 1 for i in (0, 1)]
    odds = {w: (n + 0.5) / sizes[1] / ((used[0][w] + 0.5) / sizes[0]) for w, n in used[1].items()}
    return np.array(sorted(odds, key=lambda word: (-odds[word], word))[:STRONGEST], dtype=object)
