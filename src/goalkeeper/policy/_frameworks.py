"""The criteria of public frameworks: those of frameworks.yaml, and those that variants state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from pydantic import Field

from goalkeeper.core import frameworks as plain
from goalkeeper.core.goals import Goal
from goalkeeper.core.need import Frozen
from goalkeeper.policy._files import parse, read_bytes
from goalkeeper.policy._taxonomy import Framework, StandardEntry, Taxonomy, mapped, variants_of

FILE = Path(__file__).parent / "frameworks.yaml"


class CriterionEntry(Frozen):
    """A criterion as the file states it."""

    name: str = ""
    outside: str = ""
    beyond: str = ""


class FrameworkEntry(Frozen):
    """A framework as the file states it."""

    source: str
    whole: bool
    criteria: dict[str, CriterionEntry] = Field(min_length=1)


class FrameworkFile(Frozen):
    """The whole file."""

    reasons: dict[str, str]
    frameworks: dict[Framework, FrameworkEntry]


def build_frameworks(taxonomy: Taxonomy) -> tuple[plain.Framework, ...]:
    """List every framework of a taxonomy with its criteria, and the variants of each criterion."""
    goals = {v.id: tuple(dict.fromkeys(h.goal for h in v.harms)) for v in variants_of(taxonomy)}
    return tuple(_framework(key, taxonomy, goals) for key in taxonomy.frameworks)


@cache
def framework_file() -> FrameworkFile:
    """Read the file that goalkeeper ships."""
    return parse(FrameworkFile, read_bytes(FILE), FILE)


def _framework(
    key: Framework, taxonomy: Taxonomy, goals: Mapping[str, tuple[Goal, ...]]
) -> plain.Framework:
    listed = framework_file().frameworks.get(key)
    known = dict(listed.criteria) if listed else {}
    stated: dict[str, dict[str, StandardEntry]] = {}
    for variant, entry in _entries(key, taxonomy):
        stated.setdefault(entry.id, {})[variant] = entry
    return plain.Framework(
        key=key,
        name=taxonomy.frameworks[key],
        whole=bool(listed and listed.whole),
        criteria=tuple(
            _criterion(id_, known.get(id_, CriterionEntry()), stated.get(id_, {}), goals)
            for id_ in dict.fromkeys([*known, *sorted(stated)])
        ),
    )


def _entries(key: Framework, taxonomy: Taxonomy) -> Iterator[tuple[str, StandardEntry]]:
    for family_name, family in taxonomy.families.items():
        for name, entry in family.variants.items():
            for standard in mapped(family, entry).get(key, ()):
                yield f"{family_name}.{name}", standard


def _criterion(
    id_: str,
    entry: CriterionEntry,
    variants: Mapping[str, StandardEntry],
    goals: Mapping[str, tuple[Goal, ...]],
) -> plain.Criterion:
    stated = {standard.name for standard in variants.values()}
    return plain.Criterion(
        id=id_,
        name=entry.name or (stated.pop() if len(stated) == 1 else ""),
        variants=tuple(variants),
        inferred=tuple(v for v, s in variants.items() if s.confidence == "inferred"),
        goals=tuple(goal for goal in Goal if any(goal in goals[v] for v in variants)),
        outside=framework_file().reasons[entry.outside] if entry.outside else "",
        beyond=entry.beyond,
    )
