"""In which language a report is written: its messages from a catalogue, and its numbers.

The English text is the message, as usual with gettext. A renderer speaks a language for as long as
it renders; nothing is installed, and two reports can be rendered at once in two threads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from string import Formatter

__all__ = ["ENGLISH", "LANGUAGES", "Language", "N_", "_", "find_language", "ngettext", "speaking"]

DOMAIN = "goalkeeper"
LOCALE = Path(__file__).parents[1] / "locale"
LANGUAGES = ("en", "de")
_GERMAN_DIGITS = str.maketrans(",.", ".,")


@dataclass(frozen=True, slots=True)
class Language:
    """A language: its code for HTML, the translations, and how it writes digits.

    Parameters
    ----------
    code
        As in the attribute `lang` of a page.
    catalogue
        The translations of all messages.
    digits
        What becomes of the characters of an English number; empty if it stays as it is.
    """

    code: str
    catalogue: NullTranslations
    digits: tuple[tuple[int, int], ...] = ()


ENGLISH = Language("en", NullTranslations())
_SPOKEN: ContextVar[Language] = ContextVar("language of the report being rendered", default=ENGLISH)


def find_language(code: str) -> Language:
    """Return the language with a code. Raises ValueError if there is no catalogue of it."""
    if code not in LANGUAGES:
        raise ValueError(f"{code!r} is not one of {', '.join(LANGUAGES)}")
    if code == ENGLISH.code:
        return ENGLISH
    path = LOCALE / code / "LC_MESSAGES" / f"{DOMAIN}.mo"
    with path.open("rb") as file:
        return Language(code, GNUTranslations(file), tuple(_GERMAN_DIGITS.items()))


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Write everything in a language until the end of the block."""
    token = _SPOKEN.set(language)
    try:
        yield
    finally:
        _SPOKEN.reset(token)


def spoken() -> Language:
    """Return the language that is spoken now."""
    return _SPOKEN.get()


# ---- messages ------------------------------------------------------------------------------------


def _(message: str) -> str:
    """Translate a message; an empty one stays empty (gettext would return the catalogue's head)."""
    return _SPOKEN.get().catalogue.gettext(message) if message else ""


def ngettext(one: str, many: str, n: float) -> str:
    """Translate the form of a message for a number, which need not be whole."""
    return _SPOKEN.get().catalogue.ngettext(one, many, 1 if n == 1 else 2)


def N_(message: str) -> str:
    """Mark a message that is translated later."""
    return message


def write_digits(number: str) -> str:
    """Write an English number, such as 1,234.5, as the language does."""
    digits = _SPOKEN.get().digits
    return number.translate(dict(digits)) if digits else number


def within_sentence(words: str) -> str:
    """Write a heading as inside a sentence; abbreviations and German nouns keep a capital."""
    if words[1:2].isupper() or spoken().code != ENGLISH.code:
        return words
    return f"{words[:1].lower()}{words[1:]}"


# ---- sentences that were stored in English -------------------------------------------------------


def retell(text: str, templates: tuple[str, ...]) -> tuple[str, bool]:
    """Translate a stored English text that was made from one of the templates.

    Returns the text, and whether it is in the language that is spoken. A text that was made from
    none of them stays in English.
    """
    if spoken() is ENGLISH or not text:
        return text, True
    for template in templates:
        found = _pattern(template).fullmatch(text)
        if found:
            values = {name: _retell_value(value) for name, value in found.groupdict().items()}
            return _(template).format(**values), True
    return text, False


def _retell_value(value: str) -> str:
    return write_digits(value) if value[:1].isdigit() else _(value)


@cache
def _pattern(template: str) -> re.Pattern[str]:
    """Make the pattern of all texts that a template can be filled in to."""
    parts = []
    for literal, name, *_rest in Formatter().parse(template):
        parts.append(re.escape(literal))
        parts += [f"(?P<{name}>.*?)"] if name else []
    return re.compile("".join(parts), re.DOTALL)
