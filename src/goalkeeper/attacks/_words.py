"""Words that anyone may know: the most frequent ones of everyday messages."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def frequent_words() -> tuple[str, ...]:
    """List 1,500 frequent English words, the most frequent first; `words.txt` names the source."""
    lines = files("goalkeeper.attacks").joinpath("words.txt").read_text("utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("#"))
