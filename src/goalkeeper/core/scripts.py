"""Writing systems: marks that belong to a letter, and scripts that put no space between words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise

__all__ = [
    "count_words",
    "list_clusters",
]

JOINERS = "\u200c\u200d"  # stand inside words of Persian and of Indian scripts
# Scripts without spaces: Thai, Lao, Burmese, Khmer and kana, which hold marks, too, and Han.
ALPHABETS = (
    (0x0E01, 0x0E4F), (0x0E80, 0x0F00), (0x1000, 0x104A), (0x1050, 0x10A0), (0x1780, 0x17D4),
    (0x3041, 0x3100), (0x31F0, 0x3200), (0xFF66, 0xFFA0),
)  # fmt: skip
HAN = ((0x3005, 0x3008), (0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00), (0x20000, 0x323B0))
PIECE = 2  # characters of such a script that count as one word: the usual length of one in Chinese


def _write_class(codes: Iterable[int], blocks: Iterable[tuple[int, int]] = ()) -> str:
    """Write code points in ascending order, and blocks of them, as a regular expression's class."""
    ranges: list[list[int]] = []
    for code in codes:
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    every = (*ranges, *((low, high - 1) for low, high in blocks))
    return "".join(f"{re.escape(chr(a))}-{re.escape(chr(b))}" for a, b in every)


def _is_mark(code: int) -> bool:
    return unicodedata.category(chr(code)).startswith("M")


def _list_marks() -> Iterator[int]:
    """List the marks of living scripts, and the signs that join letters."""
    blocks = chain(range(0x300, 0x1E00), map(ord, JOINERS), range(0x2CEF, 0x3100),
                   range(0xA66F, 0xAC00), range(0xFB1E, 0xFB1F), range(0xFE20, 0xFE30))  # fmt: skip
    return (code for code in blocks if _is_mark(code) or chr(code) in JOINERS)


def _list_letters_without_spaces() -> Iterator[int]:
    return (code for low, high in ALPHABETS for code in range(low, high) if not _is_mark(code))


MARKS = f"[{_write_class(_list_marks())}]"
UNSPACED = f"[{_write_class(_list_letters_without_spaces(), HAN)}]"
WIDE_SIGNS = "\u3001-\u3004\u3008-\u303f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
CLUSTER = re.compile(rf".{MARKS}*+", re.DOTALL)
HAS_UNSPACED = re.compile(UNSPACED)
UNSPACED_LETTER = rf"{UNSPACED}{MARKS}*+"
UNSPACED_RUN = re.compile(rf"(?:{UNSPACED_LETTER})++")
RUNS = re.compile(rf"((?:{UNSPACED_LETTER})++)")
UNITS = re.compile(rf"[^\s{WIDE_SIGNS}]+|[{WIDE_SIGNS}]+")
BREAKS = re.compile(rf"[{WIDE_SIGNS}]+")
WORD = re.compile(rf"\w(?:\w|{MARKS})++")


def list_clusters(text: str) -> list[str]:
    """Split a text into letters with the marks that belong to them, as a reader counts letters."""
    return list(text) if text.isascii() else CLUSTER.findall(text)


def split_runs(text: str) -> list[str]:
    """Split a text into runs of scripts without spaces, at odd places, and what is around them."""
    return RUNS.split(text)


def split_pieces(run: str) -> list[str]:
    """Split a run of a script without spaces into pieces that count as a word each."""
    letters = list_clusters(run)
    return ["".join(letters[i : i + PIECE]) for i in range(0, len(letters), PIECE)]


def split_units(text: str) -> list[str]:
    """Split a text at spaces, and at the punctuation of scripts that use no spaces."""
    return text.split() if text.isascii() else UNITS.findall(text)


def count_words(text: str) -> int:
    """Count the words between spaces; of scripts without spaces, every two characters count one."""
    if text.isascii() or not HAS_UNSPACED.search(text):
        return len(text.split())
    parts = split_runs(text)
    others = BREAKS.sub(" ", " ".join(parts[::2]))
    letters = sum(len(list_clusters(run)) for run in parts[1::2])
    return len(others.split()) + (letters + PIECE - 1) // PIECE


def list_words(text: str) -> Iterator[str]:
    """Yield the words of two or more letters or digits, and the pairs of neighbours in runs."""
    for word in WORD.findall(text):
        if word.isascii() or not HAS_UNSPACED.search(word):
            yield word
            continue
        for i, part in enumerate(split_runs(word)):
            if i % 2 == 0:
                yield from (part,) if len(part) > 1 else ()
            else:
                yield from _list_pairs(list_clusters(part))


def _list_pairs(letters: list[str]) -> Iterator[str]:
    if len(letters) == 1:
        yield letters[0]
    yield from (a + b for a, b in pairwise(letters))


def is_word(text: str) -> bool:
    """Return whether a text holds letters and digits only, with their marks."""
    return re.sub(MARKS, "", text).isalnum()


def is_alphabetic(text: str) -> bool:
    """Return whether a text holds letters only, with their marks."""
    return re.sub(MARKS, "", text).isalpha()
