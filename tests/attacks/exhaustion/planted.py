"""Small applications with a planted blow-up, and honest ones: what a sponge must and must not find.

Each is what somebody might have written. Ordinary inputs take microseconds or milliseconds; some
input of the declared size takes many times as long.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import Data, Inputs, Splits
from goalkeeper.core.domain import Column, Domain, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.power import View
from goalkeeper.core.text import texts
from goalkeeper.games.shared.base_targets import BareTarget
from goalkeeper.targets.sklearn import SklearnTarget
from goalkeeper.testing.worlds.kit import application, messages, splits
from goalkeeper.testing.worlds.readings import two_classes

CLASSES = ("ham", "spam")


@dataclass(eq=False)
class Function(BareTarget):
    """Calls a function with each input, and answers by its truth."""

    flags: Callable[[Any], bool]

    def answer(self, x: Inputs, view: View) -> Answers:
        harmful = np.array([0.9 if self.flags(one) else 0.1 for one in x])
        return two_classes(harmful.reshape(len(x)), view)


def parts(draw: Callable[[np.random.Generator], Data]) -> Splits:
    """Draw the four parts of the data, the same every time."""
    rng = np.random.default_rng(0)
    return splits(lambda: draw(rng))


# ---- texts ---------------------------------------------------------------------------------------


def notes(rng: np.random.Generator, n: int = 120) -> Data:
    """Short messages of everyday words; class 1 where they end in a number."""
    y = (np.arange(n) % 2).astype(np.int64)
    ends = (f" {rng.integers(100, 999)}" if one else "" for one in y)
    rows = [t + e for t, e in zip(messages(rng, n, 12), ends, strict=True)]
    return Data(x=texts(rows), y=y)


def over_texts(flags: Callable[[str], bool], size: int = 20_000) -> Application:
    """Wrap a function of texts of up to `size` characters."""
    data = parts(notes)
    return application("notes", Function(flags), data, TextDomain(max_chars=size))


def filtered(analyser: str, grams: tuple[int, int], size: int) -> Application:
    """Wrap a usual filter: TF-IDF and a linear model."""
    data = parts(notes)
    domain = TextDomain(max_chars=size)
    vectoriser = TfidfVectorizer(analyzer=analyser, ngram_range=grams)
    model = make_pipeline(vectoriser, LogisticRegression())
    model.fit(data.train.x, np.array(CLASSES)[data.train.y])
    return application("notes", SklearnTarget(model, CLASSES, domain), data, domain)


def matches(pattern: str, flags: int = 0) -> Callable[[str], bool]:
    found = re.compile(pattern, flags)
    return lambda text: found.match(text) is not None


def contains(pattern: str, flags: int = 0) -> Callable[[str], bool]:
    found = re.compile(pattern, flags)
    return lambda text: found.search(text) is not None


def cut_slowly(text: str) -> bool:
    """Cut off one word after the other from what is left of the text."""
    count = 0
    while text:
        word, _, text = text.partition(" ")
        count += len(word) > 8
    return count > 5


def cut_characters(text: str) -> bool:
    """Take single characters off the front."""
    count = 0
    while text:
        count, text = count + text[0].isdigit(), text[1:]
    return count > 2


def drop_repeats(text: str) -> bool:
    """Keep each word once, in a list."""
    seen: list[str] = []
    for word in text.split():
        if word not in seen:
            seen.append(word)
    return len(seen) > 12


def compare_neighbours(text: str) -> bool:
    """Compare each word with the next, letter by letter."""
    return any(
        difflib.SequenceMatcher(None, a, b).ratio() > 0.99 for a, b in pairwise(text.split())
    )


def compare_all(text: str) -> bool:
    """Compare all pairs of words by their letters."""
    words = [frozenset(word) for word in text.split()]
    return sum(len(a & b) > 6 for i, a in enumerate(words) for b in words[:i]) > 3


def edit_distance(text: str) -> bool:
    """Compare the longest word with a known one, by dynamic programming."""
    word, known = max(text.split() or [""], key=len), "unsubscribe" * 4
    row = list(range(len(known) + 1))
    for i, a in enumerate(word):
        before, row = row, [i + 1] + [0] * len(known)
        for j, b in enumerate(known):
            row[j + 1] = min(before[j] + (a != b), before[j + 1] + 1, row[j] + 1)
    return row[-1] < 4


def read_numbers(text: str) -> bool:
    """Read digits by arithmetic of whole numbers, one after the other."""
    value = 0
    for sign in text:
        value = value * 10 + int(sign) if sign.isascii() and sign.isdigit() else 0
    return value > 100


def match_brackets(text: str) -> bool:
    """Look for the partner of each opening bracket, from the start."""
    pairs = 0
    for i, sign in enumerate(text):
        if sign == "(":
            depth = 0
            for other in text[i:]:
                depth += (other == "(") - (other == ")")
                if not depth:
                    pairs += 1
                    break
    return pairs > 3


def fold_marks(text: str) -> bool:
    """Move marks behind their letter, one swap at a time, until nothing moves."""
    signs = list(text[:4000])
    for i in range(len(signs)):
        j = i
        while j and ord(signs[j]) > 0x2FF and signs[j - 1] > signs[j]:
            signs[j - 1], signs[j], j = signs[j], signs[j - 1], j - 1
    return signs[:1] == ["x"]


TEXTS: dict[str, Callable[[], Application]] = {
    # exponential, with an anchor
    "words up to the end": lambda: over_texts(matches(r"^(\w+\s?)*$")),
    "letters up to the end": lambda: over_texts(matches(r"([a-zA-Z]+)*[ 0-9]"), 2000),
    "an address": lambda: over_texts(matches(r"^([a-z0-9]+[._-]?)+@[a-z]+\.[a-z]+$")),
    "a number with points": lambda: over_texts(matches(r"^(\d+[,.]?)+%$")),
    "a link": lambda: over_texts(matches(r"^https?://([\w-]+\.?)+/$")),
    "a quoted name": lambda: over_texts(matches(r'^"([^"\\]+|\\.)*"$')),
    "a tag": lambda: over_texts(matches(r"^<([a-z]+\s*)+>$")),
    # exponential, anywhere
    "words and a digit anywhere": lambda: over_texts(contains(r"([a-z]+)+\d#")),
    "blanks and a sign anywhere": lambda: over_texts(contains(r"(\s+)+;")),
    "signs anywhere": lambda: over_texts(contains(r"(!+|[!?]+)+x")),
    # quadratic and more
    "blanks at the end": lambda: over_texts(contains(r"\s+$"), 100_000),
    "an address anywhere": lambda: over_texts(contains(r"[\w.+-]+@[\w-]+\.\w+"), 100_000),
    "an open comment": lambda: over_texts(contains(r"<!--.*?-->", re.DOTALL)),
    "an open quote": lambda: over_texts(contains(r'"[^;]*;')),
    "a number at the end": lambda: over_texts(contains(r"\d+\.?\d*$")),
    "three runs": lambda: over_texts(contains(r"x*x*x*y")),
    # no patterns
    "character n-grams": lambda: filtered("char", (3, 5), 100_000),
    "character n-grams of words": lambda: filtered("char_wb", (1, 7), 20_000),
    # Linear in the size: about as many times the reading of the text as there are lengths.
    "word n-grams": lambda: filtered("word", (1, 9), 100_000),
    "words cut off the front": lambda: over_texts(cut_slowly, 100_000),
    "characters cut off the front": lambda: over_texts(cut_characters, 100_000),
    "a list of words": lambda: over_texts(drop_repeats),
    "neighbouring words": lambda: over_texts(compare_neighbours),
    "all pairs of words": lambda: over_texts(compare_all),
    "an edit distance": lambda: over_texts(edit_distance),
    "long numbers": lambda: over_texts(read_numbers),
    "brackets": lambda: over_texts(match_brackets),
    "marks": lambda: over_texts(fold_marks),
}
HONEST_TEXTS: dict[str, Callable[[], Application]] = {
    "a word": lambda: over_texts(lambda text: "free" in text.split(), 2000),
    "a safe pattern": lambda: over_texts(contains(r"\b\d{3}\b"), 2000),
    "words": lambda: filtered("word", (1, 1), 1000),
    "words of long texts": lambda: filtered("word", (1, 1), 100_000),
}

# ---- rows and images -----------------------------------------------------------------------------

COLUMNS = (
    Column(name="amount", low=0.0, high=1e6),
    Column(name="parts", kind="integer", low=0, high=2_000_000),
    Column(name="kind", kind="category", categories=("a", "b", "c", "never")),
    Column(name="rate", low=-1.0, high=1.0, missing=True),
)
SHAPE = (1, 24, 24)


def bills(rng: np.random.Generator, n: int = 120) -> Data:
    x = np.stack(
        [
            np.round(rng.uniform(1, 500, n), 2),
            rng.integers(0, 40, n),
            rng.integers(0, 3, n),
            np.round(rng.uniform(-1, 1, n), 3),
        ],
        axis=1,
    )
    return Data(x=x, y=(x[:, 0] > 250).astype(np.int64))


def pictures(rng: np.random.Generator, n: int = 80) -> Data:
    x = rng.uniform(0, 0.05, (n, *SHAPE))
    for image in x:
        i, j = rng.integers(2, 16, 2)
        image[0, i : i + 6, j : j + 6] = rng.integers(5, 10) / 255 * 25
    return Data(x=np.round(x * 255) / 255, y=(x.mean(axis=(1, 2, 3)) > 0.07).astype(np.int64))


def over(flags: Callable[[Any], bool], draw: Callable[..., Data], domain: Domain) -> Application:
    data = parts(draw)
    return application("bills", Function(flags), data, domain)


def over_rows(flags: Callable[[Any], bool]) -> Application:
    return over(flags, bills, TableDomain(columns=COLUMNS))


def count_up(row: Any) -> bool:
    """Add up the parts one by one."""
    return sum(1 for _ in range(int(row[1]))) > 20


def count_divisors(row: Any) -> bool:
    """Count the divisors of an amount in cents."""
    cents = int(row[0] * 100)
    return sum(cents % k == 0 for k in range(2, cents // 50)) > 3


def repair(row: Any) -> bool:
    """Search long for a value that is missing."""
    return sum(1 for _ in range(40_000)) > 5 if np.isnan(row[3]) else row[3] > 0


def handle_rare(row: Any) -> bool:
    """Handle a category that is rare."""
    return sum(1 for _ in range(40_000)) > 5 if row[2] == 3 else row[2] > 1


def review_large(row: Any) -> bool:
    """Review an amount that is far above the usual."""
    return sum(1 for _ in range(40_000)) > 5 if row[0] > 100_000 else row[0] > 250


def trace_edges(image: Any) -> bool:
    """Follow each bright pixel to all others of its size."""
    values = image.reshape(-1)
    bright = np.flatnonzero(values > 0.3).tolist()
    return bool(sum(values[i] > values[j] for i in bright for j in bright) > 30)


ROWS: dict[str, Callable[[], Application]] = {
    "parts one by one": lambda: over_rows(count_up),
    "divisors": lambda: over_rows(count_divisors),
    "a missing value": lambda: over_rows(repair),
    "a rare category": lambda: over_rows(handle_rare),
    "a large amount": lambda: over_rows(review_large),
}
IMAGES: dict[str, Callable[[], Application]] = {
    "bright pixels": lambda: over(trace_edges, pictures, ImageDomain(shape=SHAPE)),
}


def forest() -> Application:
    """Wrap a random forest, whose time no row decides."""
    data = parts(bills)
    domain = TableDomain(columns=(*COLUMNS[:3], Column(name="rate", low=-1.0, high=1.0)))
    model = RandomForestClassifier(30, random_state=0)
    model.fit(data.train.x, np.array(CLASSES)[data.train.y])
    return application("bills", SklearnTarget(model, CLASSES, domain), data, domain)


HONEST_ROWS: dict[str, Callable[[], Application]] = {
    "a random forest": forest,
    "one comparison": lambda: over_rows(lambda row: bool(row[0] > 250)),
}
