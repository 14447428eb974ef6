"""Words written otherwise: look-alike letters, signs between letters, typing errors, synonyms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest

from goalkeeper.core.scripts import HAS_UNSPACED, PIECE, list_clusters
from goalkeeper.games.evasion.lookalikes import list_lookalikes, swap_lookalikes
from goalkeeper.games.evasion.synonyms import list_synonyms

UNSEEN = "\u200b\u2060\ufe00"  # signs that nobody sees: a space, a joiner, a choice of form
LENGTHENING = "\u0640"  # the stroke by which Arabic words are drawn out
SPLITS = UNSEEN + LENGTHENING + ".-*'"  # between two letters they leave a word readable
BLOCK = 64  # letters that are compared at once, as most of a long text is unchanged
MIN_TYPO_LETTERS = 4  # letters of a word that stays readable with a typing error


def split_word(word: str, sign: str = SPLITS[0]) -> str:
    """Put a sign in the middle of a word; without another argument one that nobody sees."""
    letters = list_clusters(word)
    middle = len(letters) // 2
    return "".join(letters[:middle]) + sign + "".join(letters[middle:])


def split_every_letter(word: str, sign: str = SPLITS[0]) -> str:
    """Put a sign that nobody sees behind every letter."""
    return "".join(letter + sign for letter in list_clusters(word))


def mistype_word(word: str) -> str:
    """Swap the first two inner letters that differ; words that are too short stay as they are."""
    letters = list_clusters(word)
    for i in range(1, len(letters) - 2):
        if letters[i] != letters[i + 1]:
            return "".join([*letters[:i], letters[i + 1], letters[i], *letters[i + 2 :]])
    return word


def list_respellings(word: str) -> list[str]:
    """List ways of writing a word that people still read, those hardest to notice first."""
    if HAS_UNSPACED.match(word):
        ways = [swap_lookalikes(word), split_every_letter(word), split_word(word)]
    else:
        ways = [
            swap_lookalikes(word),
            split_word(word),
            mistype_word(word),
            swap_lookalikes(word, 1),
            split_word(word, LENGTHENING if _is_arabic(word) else "."),
        ]
    return [way for way in dict.fromkeys(ways) if way != word]


def _is_arabic(word: str) -> bool:
    return "\u0620" <= word[:1] <= "\u06ff"


def reads_as(word: str, other: str, language: str = "en") -> bool:
    """Return whether `other` is a synonym of `word`, or the same word, still readable.

    Allowed are look-alike letters and single signs between letters, or one typing error: two
    neighbours swapped, one letter left out or doubled, never the first or the last. Synonyms are
    those of `language`.
    """
    return (
        find_changed_letters(word, other) is not None
        or _is_typing_error(word, other)
        or other in list_synonyms(word, language)
    )


def find_changed_letters(word: str, other: str, *, unspaced: bool = False) -> set[int] | None:
    """Find which letters of a word look-alikes replace, or signs follow; None for other changes.

    In scripts without spaces (`unspaced`) only signs that nobody sees may stand between letters,
    and one may stand at the end, too; what is of another script is left alone.
    """
    letters = list_clusters(word)
    changed: list[int] = []
    at = i = 0
    while i < len(letters):
        block = "".join(letters[i : i + BLOCK])
        after = at + len(block)
        if other.startswith(block, at) and (other[after : after + 1] or " ") not in SPLITS:
            at, i = after, i + BLOCK
            continue
        for j in range(i, min(i + BLOCK, len(letters))):
            written = _match_letter(other, at, letters[j : j + 2], unspaced=unspaced)
            if written is None:
                return None
            at += len(written)
            if written != letters[j]:
                changed.append(j)
        i += BLOCK
    if at != len(other):
        return None
    return set(_number_in_runs(letters, changed) if unspaced else changed)


def _number_in_runs(letters: Sequence[str], places: Iterable[int]) -> list[int]:
    """Give numbers by which each run of a script without spaces begins a piece of its own."""
    numbers: list[int] = []
    number = -1
    for letter in letters:
        run = HAS_UNSPACED.match(letter)
        number = number + 1 if run else number + (-(number + 1)) % PIECE
        numbers.append(number)
    return [numbers[place] for place in places]


def _match_letter(text: str, at: int, following: Sequence[str], *, unspaced: bool) -> str | None:
    """Return how the first of the following letters is written at a place of a text.

    That is the letter itself or a look-alike, and perhaps a sign; None where neither stands there.
    """
    letter, following_one = following[0], following[1] if len(following) > 1 else ""
    free = not unspaced or HAS_UNSPACED.match(letter) is not None
    written: str | None = letter
    if not text.startswith(letter, at):
        ways = (*list_lookalikes(letter), *list_lookalikes(letter.lower())) if free else ()
        written = max((way for way in ways if text.startswith(way, at)), key=len, default=None)
    if written is None or not free or (not following_one and not unspaced):
        return written
    sign = text[at + len(written) : at + len(written) + 1]
    seen = sign not in (UNSEEN if unspaced else SPLITS)
    return written if not sign or seen or sign == following_one else written + sign


def _is_typing_error(word: str, other: str) -> bool:
    a, b = list_clusters(word), list_clusters(other)
    if len(a) < MIN_TYPO_LETTERS or a[:1] != b[:1] or a[-1:] != b[-1:]:
        return False
    i = next((i for i, (x, y) in enumerate(zip_longest(a, b)) if x != y), None)
    if i is None:
        return False
    if len(b) == len(a):
        swapped = [*a[:i], *a[i + 1 : i + 2], a[i], *a[i + 2 :]]
        return i < len(a) - 2 and swapped == b
    if len(b) == len(a) - 1:
        return a[:i] + a[i + 1 :] == b
    # The letter before was doubled; neither the first nor the last one alone.
    inner = i > 1 and (i <= len(a) - 1 or a[-2] == a[-1])
    return inner and b[i] == b[i - 1] and b[:i] + b[i + 1 :] == a
