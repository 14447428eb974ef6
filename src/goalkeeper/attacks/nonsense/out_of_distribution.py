"""Out of distribution: well-formed inputs that are nothing the model was made for."""

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

# The weather is fine today and we go to the park, in a few languages.
_LANGUAGES = (
    "Das Wetter ist heute schön, und wir gehen in den Park.",
    "Il fait beau aujourd'hui et nous allons au parc.",
    "Hoy hace buen tiempo y vamos al parque.",
    "Oggi il tempo è bello e andiamo al parco.",
    "Het is vandaag mooi weer en we gaan naar het park.",
    "Dzisiaj jest ładna pogoda i idziemy do parku.",
    "Bugün hava güzel ve parka gidiyoruz.",
    "Сегодня хорошая погода, и мы идём в парк.",
    "Σήμερα έχει καλό καιρό και πάμε στο πάρκο.",
    "الطقس جميل اليوم ونحن ذاهبون إلى الحديقة.",
    "आज मौसम अच्छा है और हम पार्क जा रहे हैं।",
    "今天天气很好，我们去公园。",  # noqa: RUF001 - Chinese
    "今日は天気がいいので公園に行きます。",
)
_CODE = (
    "for (int i = 0; i < n; i++) { sum += a[i] * b[i]; }",
    "SELECT name, count(*) FROM orders GROUP BY name;",
    "def f(x): return [y for y in x if y % 2]",
    "<table><tr><td>1</td><td>2</td></tr></table>",
    '{"id": 17, "values": [1, 2, 3], "ok": true}',
)


@final
@dataclass(frozen=True, kw_only=True)
class OutOfDistribution(Attack[OrdinaryExamples, NonsenseInputs]):
    """Send noise, other languages, shuffled words, uniform rows or inverted images, well-formed.

    Deviations from the source: no detector is trained or evaluated; the confidence of the model
    itself, against that of its ordinary inputs, is what counts.
    """

    game: ClassVar[type[Nonsense]] = Nonsense
    variant: ClassVar[str] = "nonsense.ood"
    reference: ClassVar[str] = (
        "Hendrycks, Gimpel: A Baseline for Detecting Misclassified and Out-of-Distribution "
        "Examples in Neural Networks (ICLR 2017)"
    )
    tasks: ClassVar[tuple[str, ...]] = ("strange-inputs",)

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
    """Make texts about as long as ordinary ones."""
    draw_example = draw_from(tuple(question.examples.tolist()))

    def size(rng: np.random.Generator) -> int:
        return min(max(20, len(draw_example(rng))), domain.max_chars)

    def draw_letters(first: int, last: int) -> Maker:
        def make(rng: np.random.Generator) -> str:
            codes = rng.integers(first, last, size(rng))
            return "".join(" " if rng.random() < 0.15 else chr(c) for c in codes.tolist())

        return make

    def repeat_sentence(sentences: tuple[str, ...]) -> Maker:
        def make(rng: np.random.Generator) -> str:
            wanted, sentence = size(rng), sentences[int(rng.integers(len(sentences)))]
            return f"{sentence} " * (wanted // (len(sentence) + 1) + 1)

        return lambda rng: make(rng)[: domain.max_chars]

    def shuffle_words(rng: np.random.Generator) -> str:
        words = f"{draw_example(rng)} {draw_example(rng)}".split()
        return " ".join(words[i] for i in rng.permutation(len(words)))[: size(rng)]

    def repeat_word(rng: np.random.Generator) -> str:
        words = str(draw_example(rng)).split() or ["word"]
        word = words[int(rng.integers(len(words)))] + " "
        return (word * (size(rng) // len(word) + 1))[: domain.max_chars]

    return {
        "random letters": draw_letters(97, 123),
        "random signs of many scripts": draw_letters(0x00A1, 0xD7A3),
        "numbers": lambda rng: " ".join(map(str, rng.integers(0, 10**6, size(rng) // 7 + 1)))[
            : domain.max_chars
        ],
        "other languages": repeat_sentence(_LANGUAGES),
        "program text": repeat_sentence(_CODE),
        "shuffled words": shuffle_words,
        "one word again and again": repeat_word,
    }


# ---- rows --------------------------------------------------------------------------------------


def _row_kinds(domain: TableDomain, question: OrdinaryExamples) -> Mapping[str, Maker]:
    """Make rows that keep types, bounds and one-hot groups."""
    examples = np.asarray(question.examples, dtype=np.float64)
    low, high = domain.bounds()
    least, largest = examples.min(axis=0), examples.max(axis=0)
    reach = 2 * np.maximum(largest - least, 1.0)
    low = np.where(np.isfinite(low), low, least - reach)
    high = np.where(np.isfinite(high), high, largest + reach)

    def make_valid(make: Maker) -> Maker:
        return lambda rng: domain.project(np.asarray(make(rng))[None])[0]

    def mix_columns(rng: np.random.Generator) -> Any:
        rows = rng.integers(0, len(examples), examples.shape[1])
        return examples[rows, np.arange(examples.shape[1])]

    def mirror_row(rng: np.random.Generator) -> Any:
        return low + high - examples[int(rng.integers(len(examples)))]

    return {
        "uniform rows": make_valid(lambda rng: rng.uniform(low, high)),
        "corners of the domain": make_valid(
            lambda rng: np.where(rng.random(len(low)) < 0.5, low, high)
        ),
        "columns of different rows": make_valid(mix_columns),
        "mirrored rows": make_valid(mirror_row),
        "one extreme value": make_valid(lambda rng: _set_extreme(examples, low, high, rng)),
    }


def _set_extreme(examples: Any, low: Any, high: Any, rng: np.random.Generator) -> Any:
    row, j = examples[int(rng.integers(len(examples)))].copy(), int(rng.integers(len(low)))
    row[j] = low[j] if rng.random() < 0.5 else high[j]
    return row


# ---- images ------------------------------------------------------------------------------------


def _image_kinds(domain: ImageDomain, question: OrdinaryExamples) -> Mapping[str, Maker]:
    """Make images whose pixels lie in the range of the domain, in its steps."""
    examples = np.asarray(question.examples, dtype=np.float64)
    low, high = domain.low, domain.high

    def draw_example(rng: np.random.Generator) -> Any:
        return examples[int(rng.integers(len(examples)))]

    def quantise(make: Maker) -> Maker:
        def make_image(rng: np.random.Generator) -> Any:
            steps = np.round((np.asarray(make(rng)) - low) / domain.quantum)
            return np.clip(low + steps * domain.quantum, low, high)

        return make_image

    def draw_chess_board(rng: np.random.Generator) -> Any:
        _, height, width = domain.shape
        size = int(rng.integers(1, max(2, min(height, width) // 2 + 1)))
        squares = np.add.outer(np.arange(height) // size, np.arange(width) // size) % 2
        sides = rng.uniform(low, high, 2)
        return np.broadcast_to(sides[squares], domain.shape)

    return {
        "uniform noise": quantise(lambda rng: rng.uniform(low, high, domain.shape)),
        "black and white noise": quantise(lambda rng: rng.choice([low, high], domain.shape)),
        "one even colour": quantise(lambda rng: np.full(domain.shape, rng.uniform(low, high))),
        "inverted images": quantise(lambda rng: low + high - draw_example(rng)),
        "shuffled pixels": quantise(
            lambda rng: rng.permutation(draw_example(rng).reshape(-1)).reshape(domain.shape)
        ),
        "chess boards": quantise(draw_chess_board),
    }
