"""Words that anyone may know: the public word lists, for attacks of every game."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

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
