"""A small template grammar: sections of lines whose {slots} refer to other sections."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import chain
from typing import TypeVar

import numpy as np

FILES = ("words.txt", "ham.txt", "spam.txt")
HEAD = 3  # Flattens the top of the rank law: the commonest word is not twice as common as the next.
STEADY = frozenset(  # Slots that have one value in a mail.
    (
        *("project", "document", "firm", "product", "products", "clubword", "hobby", "lodging"),
        *("houseword", "petword", "body", "illness", "remedy", "ailment", "coin", "gadget"),
    )
)

Draw = Callable[[], float]
Option = TypeVar("Option")

_SLOT = re.compile(r"\{([^{}]*[^{}A-Z][^{}]*)\}")
_LATE = re.compile(r"\{([A-Z]+)\}")
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeio](?!ne)|un(?!i)|umb)")


@dataclass(frozen=True, slots=True)
class Template:
    """A line cut at its slots: pairs of text and the section to insert after it, then the rest."""

    pairs: tuple[tuple[str, str], ...]
    rest: str


def start_stream(seed: int, *key: int) -> Draw:
    """Return a function that draws uniform numbers in [0, 1); each key is a stream of its own."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
    # Single calls of the generator would take most of the run time, so draw in blocks.
    blocks: Iterator[list[float]] = iter(lambda: rng.random(4096).tolist(), None)
    return chain.from_iterable(blocks).__next__


def pick(options: Sequence[Option], draw: Draw) -> Option:
    """Draw one of the options, all equally likely."""
    return options[int(draw() * len(options))]


def weighted(weights: Mapping[Option, int]) -> tuple[Option, ...]:
    """Repeat every option as often as its weight says, for `pick`."""
    return tuple(option for option, weight in weights.items() for _ in range(weight))


def fill(text: str, value_of: Callable[[str], str]) -> str:
    """Fill the late slots, such as {YOU}."""
    return _LATE.sub(lambda match: value_of(match[1]), text)


def tidy(line: str) -> str:
    """Start the line with a capital and write "an" where it is due."""
    line = _ARTICLE.sub(r"\1n ", line)
    return line[:1].upper() + line[1:]


class Grammar:
    """Sections of templates, read once from the package's text files."""

    def __init__(self, text: str) -> None:
        self._tables: dict[str, tuple[Template, ...]] = {}
        for section in text.split("\n[")[1:]:
            header, _, body = section.partition("]\n")
            name, _, kind = header.partition(" ")
            lines = [line for line in body.splitlines() if line and not line.startswith("#")]
            self._tables[name] = self._rank(lines) if kind else self._compile_all(lines)

    def __getitem__(self, name: str) -> tuple[Template, ...]:
        """Return the templates of a section, repeated as their weights say."""
        return self._tables[name]

    def render(self, template: Template, draw: Draw, said: dict[str, str]) -> str:
        """Expand a template; late slots stay open. `said` keeps what one mail is about."""
        if not template.pairs:
            return template.rest
        parts = []
        for text, name in template.pairs:
            parts.append(text)
            value = said.get(name)
            if value is None:
                table = self._tables[name]
                value = self.render(table[int(draw() * len(table))], draw, said)
                if name in STEADY:
                    said[name] = value
            parts.append(value)
        parts.append(template.rest)
        return "".join(parts)

    def draw(self, name: str, draw: Draw, said: dict[str, str] | None = None) -> str:
        """Expand one line of a section, drawn at random."""
        return self.render(pick(self._tables[name], draw), draw, {} if said is None else said)

    def _rank(self, lines: list[str]) -> tuple[Template, ...]:
        """Weight words by Zipf's law: the r-th is drawn in proportion to 1 / (r + HEAD)."""
        words = [word.replace("_", " ") for line in lines for word in line.split()]
        return weighted(
            {
                Template((), word): max(1, round(4 * len(words) / (rank + HEAD)))
                for rank, word in enumerate(words)
            }
        )

    def _compile_all(self, lines: list[str]) -> tuple[Template, ...]:
        return tuple(self._compile(line) for line in lines)

    def _compile(self, line: str) -> Template:
        pieces = _SLOT.split(line)
        for name in pieces[1::2]:
            if "|" in name:
                self._tables.setdefault(name, self._compile_all(name.split("|")))
        return Template(tuple(zip(pieces[0:-1:2], pieces[1::2], strict=True)), pieces[-1])


@cache
def load_grammar() -> Grammar:
    """Read the grammar of the example."""
    folder = files("goalkeeper.examples.spam_filter")
    return Grammar("\n".join((folder / name).read_text(encoding="ascii") for name in FILES))
