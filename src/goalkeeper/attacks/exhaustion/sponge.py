"""Sponges: kinds of inputs that take a model longest for their size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.core.data import Inputs
from goalkeeper.core.domain import ImageDomain, TableDomain, TextDomain
from goalkeeper.core.errors import TargetError
from goalkeeper.core.power import Budget
from goalkeeper.games.exhaustion import Exhaustion, InputKind, Population, SizeLimits

Maker = Callable[[np.random.Generator], Any]
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@final
@dataclass(frozen=True, kw_only=True)
class Sponge(Attack[SizeLimits, Population]):
    """Send inputs of kinds that are known to slow programs down, and keep the slowest kind.

    For texts: as many different words as fit, unknown words, single letters, repeats that
    make regular expressions go back and forth, nested brackets, blanks, signs of other scripts.
    For rows and images: the ends of the range, noise, numbers next to nothing, sharp edges.

    Deviations from the source: there, a genetic algorithm recombines inputs by how long each took
    and how much energy; here kinds are compared, because a model that is not a language model
    has few ways to be slow. How long answers take is measured by the game for the
    attacker; energy is not measured.
    """

    game: ClassVar[type[Exhaustion]] = Exhaustion
    variant: ClassVar[str] = "exhaustion.sponge"
    reference: ClassVar[str] = (
        "Shumailov, Zhao, Bates, Papernot, Mullins, Anderson: Sponge Examples: Energy-Latency "
        "Attacks on Neural Networks (IEEE EuroS&P 2021, arXiv 2006.03463)"
    )
    most: ClassVar[Budget] = Budget(queries=100, share=0.0, compute_h=1.0)

    def run(self, question: SizeLimits, access: Access) -> Population:
        """Ask about one kind after the other, and hand in all so far after each."""
        population: list[InputKind] = []
        campaigns = np.arange(question.inputs)
        for name, make in _list_kinds(question, access).items():
            if access.left().min() < 1:
                break
            x = make(access.rng)
            try:
                access.query(x, campaigns)
            except TargetError:
                continue  # not answered, so nothing to wait for
            population.append(InputKind(name, x))
            access.checkpoint(tuple(population))
        return tuple(population)


def _list_kinds(
    question: SizeLimits, access: Access
) -> Mapping[str, Callable[[np.random.Generator], Inputs]]:
    domain, n = access.domain, question.inputs

    def make_many(make: Maker) -> Callable[[np.random.Generator], Inputs]:
        def make_inputs(rng: np.random.Generator) -> Inputs:
            values = [make(rng) for _ in range(n)]
            if not isinstance(domain, TextDomain):
                return np.stack(values)
            marks = ["".join(row) for row in rng.choice(list(_LETTERS), (n, 6)).tolist()]
            out = np.empty(n, dtype=object)  # a different beginning each, to be no mere copies
            out[:] = [f"{m} {v}"[: question.size] for m, v in zip(marks, values, strict=True)]
            return out

        return make_inputs

    if isinstance(domain, TextDomain):
        kinds = _text_kinds(question.size)
    elif isinstance(domain, TableDomain):
        kinds = _row_kinds(domain, question)
    else:
        kinds = _image_kinds(domain)
    return {name: make_many(make) for name, make in kinds.items()}


# ---- texts -------------------------------------------------------------------------------------


def _text_kinds(size: int) -> Mapping[str, Maker]:
    def join_random_words(rng: np.random.Generator, shortest: int, longest: int) -> str:
        count = size // (shortest + 1) + 1
        codes = rng.integers(97, 123, (count, longest)).astype(np.uint8)
        lengths = rng.integers(shortest, longest + 1, count)
        rows = (row[:k].tobytes().decode() for row, k in zip(codes, lengths, strict=True))
        return " ".join(rows)

    def join_distinct_words(rng: np.random.Generator) -> str:
        pairs = [a + b for a in _LETTERS for b in _LETTERS]
        triples = [pair + c for pair in pairs for c in _LETTERS]
        return " ".join([*_shuffle(pairs, rng), *_shuffle(triples, rng)][: size // 3 + 1])

    def repeat_pieces(pieces: tuple[str, ...], end: str = "!") -> Maker:
        def make(rng: np.random.Generator) -> str:
            piece = pieces[int(rng.integers(len(pieces)))]
            return (piece * (size // len(piece) + 1))[: size - len(end)] + end

        return make

    def draw_signs(first: int, last: int, gap: int) -> Maker:
        def make(rng: np.random.Generator) -> str:
            text = "".join(map(chr, rng.integers(first, last, size).tolist()))
            return " ".join(text[i : i + gap] for i in range(0, size, gap))

        return make

    return {
        "as many different words as fit": join_distinct_words,
        "long unknown words": lambda rng: join_random_words(rng, 8, 12),
        "one very long word": lambda rng: (
            join_random_words(rng, size, size) if size < 50_000 else "a" * size
        ),
        "one letter again and again": repeat_pieces(("a", "e", "i", "o", "1", "_")),
        "single letters": repeat_pieces(("a ", "b c ", "x.", "i-")),
        "addresses": repeat_pieces(("a@", "a.b@", "www.", "http://", "1.1.", "a@a.a ")),
        "nested brackets": repeat_pieces(("(", "[", "{", "<", "<a ", "((a)")),
        "quotes and backslashes": repeat_pieces(('"', "'", "\\", '\\"', "`")),
        "blanks": repeat_pieces((" ", "\t", "\n", " \n", "\u00a0"), end="x"),
        "capital letters": lambda rng: join_random_words(rng, 2, 6).upper(),
        "signs of other scripts": draw_signs(0x4E00, 0x9FFF, 3),
        "capitals that change length": repeat_pieces(("\u0130", "\u1e9e", "\ufb03", "\u0149 ")),
        "letters with many marks": repeat_pieces(
            ("a\u0301\u0323", "o\u0308\u0304 ", "\u1100\u1161")
        ),
        "numbers": lambda rng: " ".join(map(str, rng.integers(0, 10**9, size // 8 + 1))),
    }


def _shuffle(items: list[str], rng: np.random.Generator) -> list[str]:
    return [items[i] for i in rng.permutation(len(items))]


# ---- rows and images ---------------------------------------------------------------------------


def _row_kinds(domain: TableDomain, question: SizeLimits) -> Mapping[str, Maker]:
    examples = np.asarray(question.examples, dtype=np.float64)
    low, high = domain.bounds()
    low = np.where(np.isfinite(low), low, np.minimum(examples.min(axis=0), -1e300))
    high = np.where(np.isfinite(high), high, np.maximum(examples.max(axis=0), 1e300))

    def vary_one(row: Any, rng: np.random.Generator) -> Any:
        out, j = row.copy(), int(rng.integers(len(row)))
        out[j] = rng.uniform(low[j] / 2, high[j] / 2) * 2
        return out

    def make_valid(make: Maker) -> Maker:
        return lambda rng: domain.project(np.asarray(make(rng))[None])[0]

    return {
        "lowest values": make_valid(lambda rng: vary_one(low, rng)),
        "highest values": make_valid(lambda rng: vary_one(high, rng)),
        "lowest and highest values": make_valid(
            lambda rng: np.where(rng.random(len(low)) < 0.5, low, high)
        ),
        "numbers next to nothing": make_valid(lambda rng: rng.choice([5e-324, 1e-310], len(low))),
        "uniform rows": make_valid(lambda rng: rng.uniform(low / 2, high / 2) * 2),
        "rows with long fractions": make_valid(
            lambda rng: examples[int(rng.integers(len(examples)))] * (1 + rng.normal() * 1e-9)
        ),
    }


def _image_kinds(domain: ImageDomain) -> Mapping[str, Maker]:
    low, high, shape = domain.low, domain.high, domain.shape

    def vary_one(value: float, rng: np.random.Generator) -> Any:
        image = np.full(int(np.prod(shape)), value)
        image[int(rng.integers(image.size))] = rng.uniform(low, high)
        return image.reshape(shape)

    def quantise(make: Maker) -> Maker:
        def make_inputs(rng: np.random.Generator) -> Any:
            steps = np.round((np.asarray(make(rng)) - low) / domain.quantum)
            return np.clip(low + steps * domain.quantum, low, high)

        return make_inputs

    return {
        "black": quantise(lambda rng: vary_one(low, rng)),
        "white": quantise(lambda rng: vary_one(high, rng)),
        "black and white noise": lambda rng: rng.choice([low, high], shape),
        "uniform noise": quantise(lambda rng: rng.uniform(low, high, shape)),
        "hardly visible noise": quantise(
            lambda rng: low + rng.integers(0, 2, shape) * domain.quantum
        ),
        "numbers next to nothing": lambda rng: np.clip(
            rng.choice([5e-324, 1e-310, 1e-40], shape), low, high
        ),
    }
