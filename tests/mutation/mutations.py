"""Reads mutations.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
FILE = Path(__file__).with_name("mutations.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """One line of goalkeeper written wrongly, and the tests that must notice.

    Parameters
    ----------
    name
        What becomes wrong, in words.
    file
        The file, relative to the checkout.
    old, new
        The text as it stands there, exactly once, and what takes its place.
    tests
        What must fail: files or single tests, as pytest takes them.
    survives
        Why no test can notice, for a mutation that changes nothing observable; empty otherwise.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    survives: str = ""

    def applied(self, text: str) -> str:
        """Return the mutated text of the file.

        Raises
        ------
        ValueError
            The old text does not stand in it exactly once.
        """
        found = text.count(self.old)
        if found != 1:
            raise ValueError(f"{self.name}: {self.old!r} stands {found} times in {self.file}")
        return text.replace(self.old, self.new)


def load() -> list[Mutation]:
    """Read every mutation."""
    rows = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return [Mutation(**{**row, "tests": tuple(row["tests"])}) for row in rows]
