"""Find the language of texts, among those that goalkeeper has words of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

LEAST = 0.3  # share of the words that must be known: other languages share words with English, too
LOOKED_AT = 2000  # words
ENGLISH = """
the of and a to in is you that it he was for on are as with his they i at be this have from or
one had by but not what all were we when your can said there an each which she do how their if
will up about out many then them these so some her would him into has more no my than been who
its now did get me our us am any only just could should also because after before other over
very here too well even off while where
"""
GERMAN = """
der die das und ist in zu den von mit sie für auf ich nicht ein eine es im dem sich des er auch
an als wie hat bei aus nach werden einen einer einem wir ihr noch um sind war so aber nur oder
wenn kann man über haben mich mir dir dich uns euch mein dein sein ihre keine kein doch schon
sehr mehr bitte durch vor bis zum zur am vom beim wird wurde dass da ja nein hier dort jetzt
heute alle was wer wo unser unsere diese dieser dieses
"""
FUNCTION_WORDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {"en": frozenset(ENGLISH.split()), "de": frozenset(GERMAN.split())}
)


def find_language(words: Sequence[str], known: Mapping[str, Collection[str]]) -> str:
    """Find the language in which most of the words stand: "en", "de", or "" for any other.

    Parameters
    ----------
    words
        Words of one or of several texts, in lower case; the first 2,000 are looked at, and
        those of them that hold digits say nothing.
    known
        Words of each language, beside those that every text of it holds.
    """
    looked_at = [word for word in words[:LOOKED_AT] if word.isalpha()]
    shares = {
        language: sum(w in common or w in known.get(language, ()) for w in looked_at)
        for language, common in FUNCTION_WORDS.items()
    }
    best = max(shares, key=lambda language: shares[language])
    return best if looked_at and shares[best] >= LEAST * len(looked_at) else ""
