"""Read look-alike letters and invisible characters as people do."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from goalkeeper.core.application import Application, Target
from goalkeeper.core.data import Data, Floats, Inputs
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import View
from goalkeeper.defences._answers import behind
from goalkeeper.defences._training import NO_RECIPE, PreparingTrainer, retrained, trainer_of
from goalkeeper.defences.base import RETRAINED, Defence, NoSettings

# Letters of other scripts by their Unicode names, and the Latin ones that people read.
CYRILLIC = {
    "A": "a", "VE": "b", "IE": "e", "IO": "e", "ZE": "3", "BYELORUSSIAN-UKRAINIAN I": "i",
    "YI": "i", "JE": "j", "KA": "k", "EM": "m", "EN": "h", "O": "o", "PE": "n", "ER": "p",
    "ES": "c", "TE": "t", "U": "y", "HA": "x", "DZE": "s", "SHHA": "h", "KOMI DE": "d", "QA": "q",
    "WE": "w", "OMEGA": "w", "STRAIGHT U": "y", "GHE": "r", "PALOCHKA": "l",
}  # fmt: skip
GREEK = {
    "ALPHA": "a", "BETA": "b", "EPSILON": "e", "ZETA": "z", "ETA": "n", "IOTA": "i", "KAPPA": "k",
    "MU": "m", "NU": "v", "OMICRON": "o", "RHO": "p", "SIGMA": "o", "TAU": "t", "UPSILON": "u",
    "CHI": "x", "GAMMA": "y", "OMEGA": "w",
}  # fmt: skip
LATIN = {
    "DOTLESS I": "i", "DOTLESS J": "j", "SCRIPT G": "g", "ALPHA": "a", "O WITH STROKE": "o",
    "L WITH STROKE": "l",
}  # fmt: skip
LOOKALIKES = {
    ord(unicodedata.lookup(f"{script} SMALL LETTER {name}")): letter
    for script, letters in (("CYRILLIC", CYRILLIC), ("GREEK", GREEK), ("LATIN", LATIN))
    for name, letter in letters.items()
}
INVISIBLE = ("Cf", "Mn", "Me", "Co", "Cn", "Cs")  # categories of what is not seen, and accents
WORDS = "plain spelling"


class PlainSpelling(Defence[NoSettings]):
    """What people do not see does not hide a word.

    Texts are read without accents and invisible characters, in compatible forms, and with Latin
    letters for those of other scripts that look like them, in training as in use. Boucher et al.
    2022, Bad characters: imperceptible NLP attacks, IEEE S&P, advise to sanitise inputs so.
    """

    about: ClassVar[str] = (
        "read look-alike letters, invisible characters and accents as the letters that people see"
    )
    works: ClassVar[str] = "the attacker hides words from the model and not from people"
    price: ClassVar[str] = "words that differ in accents or scripts alone become the same"
    adaptive: ClassVar[str] = RETRAINED
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.INTEGRITY, Goal.AVAILABILITY})
    families: ClassVar[frozenset[str]] = frozenset({"evasion"})
    settings: ClassVar[type[NoSettings]] = NoSettings

    def lacks(self, app: Application) -> str:
        """Need texts, scores, and a recipe."""
        if not isinstance(app.domain, TextDomain):
            return "its inputs are no texts"
        if app.target.offers < View.SCORES:
            return "the model gives no scores"
        return NO_RECIPE if app.trainer is None else ""

    def candidates(self, app: Application) -> Sequence[NoSettings]:
        """There is nothing to choose."""
        return (NoSettings(),)

    def apply(self, app: Application, settings: NoSettings) -> Application:
        """Train again, on texts that are read so, and read all that is asked so."""
        read = PreparingTrainer(trainer_of(app), read_data, WORDS)
        return behind(retrained(app, read), score_read, WORDS)


def read_data(data: Data, seed: int) -> Data:
    """Return the records with texts as people see them."""
    return replace(data, x=np.array([read(text) for text in data.x], dtype=object))


def score_read(model: Target, x: Inputs) -> Floats:
    """Return the scores `(n, classes)` of the texts as people see them."""
    seen = np.array([read(text) for text in x], dtype=object)
    return model.answer(seen, View.SCORES).scores


def read(text: str) -> str:
    """Return a text as people see it: compatible forms, Latin letters, nothing invisible.

    Capital letters of other scripts become small ones, as most models make no difference.
    """
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFKD", text)
    seen = "".join(c for c in apart if unicodedata.category(c) not in INVISIBLE)
    lower = "".join(c if c.isascii() else c.lower() for c in seen)
    return unicodedata.normalize("NFKC", lower.translate(LOOKALIKES))
