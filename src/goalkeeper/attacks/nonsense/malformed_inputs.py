"""Malformed inputs: what no honest sender sends, and what programs trip over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.nonsense._collecting import Maker, collect_inputs, draw_from
from goalkeeper.core.access import Access
from goalkeeper.core.domain import ImageDomain, TableDomain, TextDomain
from goalkeeper.games.nonsense import Nonsense, NonsenseInputs, OrdinaryExamples

HUGE = 1_000_000  # characters of the longest text that is tried
_BLANK = (
    *("", " ", "\n", "\t", "\r\n", "\v", "\f", "\u00a0", "\u200b", "\u2028", "\u3000", "\ufeff"),
    *(" " * 100, "\n" * 100, " \t\n" * 30),
)
_MARKUP = (
    *("%s%s%s%n", "{0} {name} {", "${HOME}", "<p><b>", "<!--", "<![CDATA[", "&#0;", "\\x00\\u0000"),
    *("\";'--", "\\", "```", "=1+1", "@@@@", "[[[[(((("),
)
_NO_TEXT: tuple[Any, ...] = (
    *(None, 0, -1, 3.5, float("nan"), float("inf"), True, 2**70, b"bytes", b"\xff\xfe"),
    *([], ["a", "list"], {"a": "mapping"}, ("a", "tuple")),
)


@final
@dataclass(frozen=True, kw_only=True)
class MalformedInputs(Attack[OrdinaryExamples, NonsenseInputs]):
    """Send inputs that are empty, huge, broken, out of range, or of the wrong type or shape.

    The kinds of malformed input are a fixed list, each filled at random from a few ordinary
    inputs: blanks, control characters, broken Unicode, missing and infinite numbers, and so on.

    Deviations from the source: there, random characters go to the standard input of programs;
    here each kind is a way in which the described domain can be broken.
    """

    game: ClassVar[type[Nonsense]] = Nonsense
    variant: ClassVar[str] = "nonsense.fuzz"
    reference: ClassVar[str] = (
        "Miller, Fredriksen, So: An Empirical Study of the Reliability of UNIX Utilities "
        "(Communications of the ACM 1990)"
    )
    tasks: ClassVar[tuple[str, ...]] = ("malformed-inputs", "disruptive-inputs")

    def run(self, question: OrdinaryExamples, access: Access) -> NonsenseInputs:
        """Collect as many as may be asked."""
        domain = access.domain
        if isinstance(domain, TextDomain):
            return collect_inputs(_text_kinds(domain, question), question, access, text=True)
        kinds = (
            _row_kinds(domain, question)
            if isinstance(domain, TableDomain)
            else _image_kinds(domain, question)
        )
        return collect_inputs(kinds, question, access, text=False)


# ---- texts -------------------------------------------------------------------------------------


def _text_kinds(domain: TextDomain, question: OrdinaryExamples) -> Mapping[str, Maker]:
    draw_example = draw_from(tuple(question.examples.tolist()))
    longer = min(2 * domain.max_chars, HUGE)

    def scatter_characters(characters: tuple[str, ...]) -> Maker:
        def make(rng: np.random.Generator) -> str:
            text = list(draw_example(rng))
            for _ in range(20):
                place = int(rng.integers(len(text) + 1))
                text.insert(place, characters[int(rng.integers(len(characters)))])
            return "".join(text)[: domain.max_chars]

        return make

    return {
        "blank": draw_from(_BLANK),
        "control characters": scatter_characters(
            tuple(map(chr, [*range(9), 11, 12, 27, 127, 133, 155]))
        ),
        "broken Unicode": scatter_characters(
            ("\ud800", "\udfff", "\udc80", "\ufffe", "\uffff", "\U0010ffff")
        ),
        "piled-up marks": scatter_characters(
            ("\u0301" * 40, "\u202e", "\u202d", "\u2066", "\u200d", "\u0338")
        ),
        "one very long word": lambda rng: "".join(
            map(chr, rng.integers(97, 123, min(domain.max_chars, HUGE)))
        ),
        "too long": lambda rng: (
            (draw_example(rng) + " ") * (longer // (len(draw_example(rng)) + 1) + 1)
        ),
        "markup and placeholders": draw_from(_MARKUP),
        "not a text": draw_from(_NO_TEXT),
    }


# ---- rows --------------------------------------------------------------------------------------


def _row_kinds(domain: TableDomain, question: OrdinaryExamples) -> Mapping[str, Maker]:
    examples = np.asarray(question.examples, dtype=np.float64)
    low, high = domain.bounds()
    low = np.where(np.isfinite(low), low, examples.min(axis=0))
    high = np.where(np.isfinite(high), high, examples.max(axis=0))
    span = np.maximum(high - low, 1.0)
    categories = [j for j, c in enumerate(domain.columns) if c.kind == "category"]
    whole = [j for j, c in enumerate(domain.columns) if c.kind == "integer"]

    def draw_example(rng: np.random.Generator) -> Any:
        return examples[int(rng.integers(len(examples)))].copy()

    def set_one_value(values: tuple[float, ...], columns: list[int] | None = None) -> Maker:
        def make(rng: np.random.Generator) -> Any:
            row, among = draw_example(rng), columns or list(range(len(low)))
            row[among[int(rng.integers(len(among)))]] = values[int(rng.integers(len(values)))]
            return row

        return make

    def exceed_range(rng: np.random.Generator) -> Any:
        row, j = draw_example(rng), int(rng.integers(len(low)))
        far = span[j] * float(rng.uniform(1, 1000))
        row[j] = high[j] + far if rng.random() < 0.5 else low[j] - far
        return row

    kinds: dict[str, Maker] = {
        "a missing value": set_one_value((np.nan,)),
        "an infinite value": set_one_value((np.inf, -np.inf)),
        "a number too large for sums": set_one_value((1.7e308, -1.7e308, 3.4e38)),
        "a value out of range": exceed_range,
        "all values out of range": lambda rng: high + span * rng.uniform(1, 1000, len(span)),
        "all values missing": lambda rng: np.full(len(low), np.nan),
        "numbers next to nothing": lambda rng: rng.choice([5e-324, -5e-324, -0.0], len(low)),
    }
    if categories:
        kinds["an unknown category"] = set_one_value((-1.0, 999.0, 0.5), categories)
    if whole:
        kinds["a fraction of a whole number"] = set_one_value((0.5, 1e-9, 2**53 + 0.5), whole)
    return kinds


# ---- images ------------------------------------------------------------------------------------


def _image_kinds(domain: ImageDomain, question: OrdinaryExamples) -> Mapping[str, Maker]:
    examples = np.asarray(question.examples, dtype=np.float64)
    channels, height, width = domain.shape
    span = domain.high - domain.low

    def draw_example(rng: np.random.Generator) -> Any:
        return examples[int(rng.integers(len(examples)))].copy()

    def set_one_pixel(values: tuple[float, ...]) -> Maker:
        def make(rng: np.random.Generator) -> Any:
            image = draw_example(rng).reshape(-1)
            image[int(rng.integers(image.size))] = values[int(rng.integers(len(values)))]
            return image.reshape(domain.shape)

        return make

    def resize(rng: np.random.Generator) -> Any:
        shape = [(channels, height + 1, width), (channels, 1, 1), (channels + 1, height, width)]
        shape += [
            (channels, 2 * height, 2 * width),
            (channels, width + 2, height),
            (channels, 0, 0),
        ]
        return rng.uniform(domain.low, domain.high, shape[int(rng.integers(len(shape)))])

    return {
        "a pixel that is not a number": set_one_pixel((np.nan,)),
        "an infinite pixel": set_one_pixel((np.inf, -np.inf)),
        "all pixels no numbers": lambda rng: np.full(domain.shape, np.nan),
        "a pixel out of range": set_one_pixel((domain.high + 10 * span, domain.low - 10 * span)),
        "far too bright": lambda rng: draw_example(rng) * 255 + span * rng.uniform(1, 1000),
        "negative": lambda rng: -draw_example(rng) - span * rng.random(),
        "another size": resize,
    }
