"""The rules of one assessment: a taxonomy, a rating policy, and their hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from goalkeeper.core.assessment import PolicyRow
from goalkeeper.core.errors import PolicyError
from goalkeeper.core.frameworks import Framework
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import Attacker
from goalkeeper.policy._checks import check_rating, check_taxonomy
from goalkeeper.policy._files import nearest, parse, read_bytes
from goalkeeper.policy._frameworks import build_frameworks
from goalkeeper.policy._rating import Rating
from goalkeeper.policy._remedies import RemedyRow, remedies_for
from goalkeeper.policy._sentences import sentences_for
from goalkeeper.policy._taxonomy import Family, Taxonomy, Variant, variants_of

HERE = Path(__file__).parent
NOTE = (
    "The English page this tool follows lists Data Poisoning under Confidentiality and Model "
    "Stealing under Availability. The German original of the same page has them the other way "
    "round; we follow the German original and the definitions, and show both."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Which goals a family threatens: as published in both languages, and by definition."""

    family: str
    named: bool
    english: str
    german: str
    primary: tuple[str, ...]
    secondary: tuple[str, ...]

    @property
    def definition(self) -> str:
        """The goals by definition, in words."""
        words = ", ".join(self.primary)
        return f"{words} (also {'; '.join(self.secondary)})" if self.secondary else words


@dataclass(frozen=True, eq=False, kw_only=True)
class Policy:
    """Everything a rating depends on beside the evidence and the needs.

    `sha256` and `taxonomy_sha256` are those of the files' bytes; a report prints both. `files` are
    the bytes that were read.
    """

    taxonomy: Taxonomy
    rating: Rating
    sha256: str
    taxonomy_sha256: str
    attackers: Mapping[str, Attacker]
    files: Mapping[str, bytes]
    _variants: Mapping[str, Variant]

    @classmethod
    def load(cls, taxonomy: Path | None = None, rating: Path | None = None) -> Policy:
        """Read the two files; None stands for the one that goalkeeper ships.

        Raises
        ------
        PolicyError
            A file cannot be read or used; the message names the file and the key.
        """
        taxonomy_path = taxonomy or HERE / "taxonomy.yaml"
        rating_path = rating or HERE / "rating.yaml"
        contents = {path: read_bytes(path) for path in (rating_path, taxonomy_path)}
        return cls.parse(contents[taxonomy_path], contents[rating_path], taxonomy_path, rating_path)

    @classmethod
    def parse(
        cls, taxonomy: bytes, rating: bytes, taxonomy_path: Path, rating_path: Path
    ) -> Policy:
        """Read the contents of the two files; errors name them by the paths.

        Raises
        ------
        PolicyError
            One of them cannot be used; the message names the file and the key.
        """
        rules = parse(Rating, rating, rating_path)
        check_rating(rules, rating_path)
        families = parse(Taxonomy, taxonomy, taxonomy_path)
        check_taxonomy(families, rules, taxonomy_path)
        return cls(
            taxonomy=families,
            rating=rules,
            sha256=hashlib.sha256(rating).hexdigest(),
            taxonomy_sha256=hashlib.sha256(taxonomy).hexdigest(),
            attackers={name: entry.attacker(name) for name, entry in rules.profiles.items()},
            files={"taxonomy.yaml": taxonomy, "rating.yaml": rating},
            _variants={variant.id: variant for variant in variants_of(families)},
        )

    @property
    def id(self) -> str:
        """Name of the rating policy."""
        return self.rating.policy.id

    @property
    def version(self) -> str:
        """Version of the rating policy."""
        return self.rating.policy.version

    @property
    def families(self) -> Mapping[str, Family]:
        """The attack families by name."""
        return self.taxonomy.families

    def row(self) -> PolicyRow:
        """Name the policy as the assessment does."""
        return PolicyRow(
            id=self.id,
            version=self.version,
            sha256=self.sha256,
            taxonomy_sha256=self.taxonomy_sha256,
            edges={name: rule.edges for name, rule in self.rating.metrics.items()},
        )

    def variants(self) -> tuple[Variant, ...]:
        """List all variants, in the order of the taxonomy."""
        return tuple(self._variants.values())

    def variant(self, id: str) -> Variant:
        """Return the variant `family.name`; raises PolicyError with the nearest one."""
        if id not in self._variants:
            raise PolicyError(f"the taxonomy has no variant {id!r}; {nearest(id, self._variants)}")
        return self._variants[id]

    def sentences(self, kind: str, variants: Collection[str]) -> dict[str, dict[str, str]]:
        """Return the sentences on attacks with a kind of input: by variant, then by task."""
        found = sentences_for(self.taxonomy.sentences, kind)
        return {variant: tasks for variant, tasks in found.items() if variant in variants}

    def remedies(self, variant: str, kind: str) -> tuple[RemedyRow, ...]:
        """List defences against a variant: what, why, which of ours do that, and against what."""
        found = remedies_for(self.taxonomy.remedies, variant, kind)
        return tuple((r.defence, r.reason, r.tries, r.against) for r in found)

    def frameworks(self) -> tuple[Framework, ...]:
        """List the public frameworks, their criteria, and the variants that belong to each."""
        return build_frameworks(self.taxonomy)

    def citation(self, key: str) -> str:
        """Cite an entry of the literature; what was not checked is not printed as a fact."""
        works = self.taxonomy.literature
        if key not in works:
            raise PolicyError(f"the literature has no entry {key!r}; {nearest(key, works)}")
        return works[key].citation()

    def assignment(self) -> tuple[Assignment, ...]:
        """Return the table of families and goals: both published columns, and by definition."""
        published = self.taxonomy.as_published
        return tuple(
            Assignment(
                family=name,
                named=family.named,
                english=_column(published.en, name),
                german=_column(published.de, name),
                primary=tuple(str(h.harm) for h in family.harms if h.rank == "primary"),
                secondary=tuple(
                    f"{h.harm}: {h.why}" if h.why else str(h.harm)
                    for h in family.harms
                    if h.rank != "primary"
                ),
            )
            for name, family in self.families.items()
        )


@cache
def default_policy() -> Policy:
    """Return the policy that goalkeeper ships."""
    return Policy.load()


def _column(table: Mapping[Goal, tuple[str, ...]], family: str) -> str:
    return ", ".join(str(goal) for goal, families in table.items() if family in families) or "-"
