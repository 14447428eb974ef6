"""Words that anyone may know: the public word lists, for attacks of every game."""

from __future__ import annotations

from collections import Counter
from functools import cache
from importlib.resources import files

from goalkeeper.core.access import Access
from goalkeeper.core.power import Grade
from goalkeeper.games._text import terms

LISTS = ("advert", "everyday")


@cache
def public_words() -> tuple[str, ...]:
    """List about 1,800 English words, those of advertising first, then the everyday ones.

    They are public knowledge that an attacker has without any data; each stands there once.
    """
    folder = files("goalkeeper.attacks.evasion").joinpath("words")
    texts = [folder.joinpath(f"{name}.txt").read_text("utf-8") for name in LISTS]
    lines = [line for text in texts for line in text.splitlines() if not line.startswith("#")]
    return tuple(dict.fromkeys(word for line in lines for word in line.split()))


def words_to_ask(access: Access, most: int) -> tuple[str, ...]:
    """List up to `most` words: those of the attacker's own texts, the commonest first, then public.

    Own texts are there only if similar data was granted.
    """
    counts: Counter[str] = Counter()
    if access.granted.knowledge.data >= Grade.PARTIAL:
        for text in access.data().x:
            counts.update(set(terms(text)))
    own = sorted(counts, key=lambda word: (-counts[word], word))
    return tuple(dict.fromkeys([*own, *public_words()]))[:most]
