"""The taxonomy: attack families, their variants, and where they are catalogued."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

from pydantic import Field

from goalkeeper.core.errors import PolicyError
from goalkeeper.core.evidence import Standard
from goalkeeper.core.goals import Aspect, Goal, Harm, IntegrityLevel
from goalkeeper.core.need import Frozen
from goalkeeper.core.power import Budget, Power
from goalkeeper.core.standing import DECIDES, Standing
from goalkeeper.policy._entries import (
    AspectName,
    BudgetEntry,
    CapabilityName,
    GradeName,
    ViewName,
    capabilities_of,
    knowledge_of,
    view_of,
)
from goalkeeper.policy._files import nearest
from goalkeeper.policy._remedies import Remedy
from goalkeeper.policy._sentences import SentenceEntry

Expertise = Literal["layman", "proficient", "expert", "multiple_experts"]
Equipment = Literal["standard", "specialized", "bespoke", "multiple_bespoke"]
Campaign = Literal["input", "record", "attack"]
Method = Literal["TEST", "EXAMINE", "EXAMINE+TEST"]
Framework = Literal[
    "atlas", "nist", "owasp_ml", "aitg", "opencre", "etsi", "enisa", "cwe", "avid", "ai_act"
]


class TaxonomyHeader(Frozen):
    """Which taxonomy this is."""

    id: str
    version: str


class Source(Frozen):
    """Where the definitions come from."""

    site: str
    repository: str
    commit: str
    licence: str


class Definition(Frozen):
    """What a goal means."""

    definition: str
    example: str
    levels: dict[IntegrityLevel, str] = Field(default_factory=dict)
    aspects: dict[Aspect, str] = Field(default_factory=dict)


class Published(Frozen):
    """The table of goals and attacks as the source prints it, in both languages."""

    en: dict[Goal, tuple[str, ...]]
    de: dict[Goal, tuple[str, ...]]
    finding: str


class HarmEntry(Frozen):
    """What a family harms, and whether its game measures that."""

    goal: Goal
    level: IntegrityLevel | None = None
    aspect: Aspect | None = None
    rank: Literal["primary", "secondary", "consequence"]
    why: str = ""

    @property
    def harm(self) -> Harm:
        """The harm in the words of the goals."""
        return Harm(self.goal, self.level, self.aspect)


class StandardEntry(Frozen):
    """An identifier in a catalogue; inferred when the mapping is ours."""

    id: str
    name: str = ""
    confidence: Literal["official", "inferred"] = "official"


class VariantEntry(Frozen):
    """A variant as the file states it."""

    knowledge: dict[AspectName, GradeName] = Field(default_factory=dict)
    view: ViewName
    capabilities: tuple[tuple[CapabilityName, ...], ...] = ()
    least: BudgetEntry = BudgetEntry()
    expertise: Expertise
    equipment: Equipment
    campaign: Campaign
    harms: tuple[str, ...] = ()
    metric: dict[str, str] = Field(default_factory=dict)
    requirements: tuple[str, ...] = ()
    atlas: StandardEntry | None = None
    standards: dict[Framework, tuple[StandardEntry, ...]] = Field(default_factory=dict)
    refs: tuple[str, ...] = ()
    method: Method = "TEST"
    note: str = ""
    chain: str = ""
    measured_by: str = ""
    inputs: tuple[Literal["text", "table", "image"], ...] = ()
    elsewhere: Standing | None = None
    standing: Standing = DECIDES


class Family(Frozen):
    """An attack family: one game."""

    named: bool
    harms: tuple[HarmEntry, ...] = Field(min_length=1)
    metric: str | dict[str, str]
    requirements: tuple[str, ...] = ()
    standards: dict[Framework, tuple[StandardEntry, ...]] = Field(default_factory=dict)
    mitigations: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()
    note: str = ""
    variants: dict[str, VariantEntry] = Field(min_length=1)

    @property
    def metrics(self) -> dict[str, str]:
        """The rating metric of each kind of task; kind "" when there is only one."""
        return {"": self.metric} if isinstance(self.metric, str) else dict(self.metric)

    @property
    def rated(self) -> tuple[Harm, ...]:
        """The harms that the family's game measures, primary ones first."""
        ranks = ("primary", "secondary")
        return tuple(h.harm for rank in ranks for h in self.harms if h.rank == rank)


class Work(Frozen):
    """One entry of the literature, and how far it was checked."""

    title: str
    venue: str = ""
    year: int | None = None
    doi: str = ""
    arxiv: str = ""
    in_source: bool = False
    checked: Literal["repository", "index", "memory"]
    unchecked: tuple[Literal["venue", "year", "doi", "arxiv"], ...] = ()
    correction: str = ""

    def citation(self) -> str:
        """Cite the work; what was not checked is left out, and an unchecked work says so."""
        if self.checked == "memory":
            return f"{self.title} (reference from memory, not checked)"
        parts = {
            "venue": self.venue,
            "year": str(self.year or ""),
            "doi": f"doi:{self.doi}" if self.doi else "",
            "arxiv": f"arXiv:{self.arxiv}" if self.arxiv else "",
        }
        shown = [text for name, text in parts.items() if text and name not in self.unchecked]
        return ". ".join([self.title.removesuffix("."), *shown])


class Taxonomy(Frozen):
    """The whole file."""

    taxonomy: TaxonomyHeader
    source: Source
    frameworks: dict[Framework, str]
    goals: dict[Goal, Definition]
    as_published: Published
    aliases: dict[str, dict[str, str]] = Field(default_factory=dict)
    families: dict[str, Family]
    literature: dict[str, Work]
    sentences: dict[str, SentenceEntry] = Field(default_factory=dict)
    remedies: dict[str, tuple[Remedy, ...]] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to attack: what it needs, what it harms, how it is rated.

    Parameters
    ----------
    powers
        Alternatives; any one suffices. Their budget is the least spending of one campaign.
    campaign
        What one attacker spends on: one input, one record, or the whole attack.
    metrics
        The rating metric of each kind of task; kind "" when there is only one.
    requirements
        Which requirements of the source it covers.
    references
        Keys of the literature.
    method
        TEST, EXAMINE (looked at, not attacked), or both.
    chain
        A variant that has to be mounted first.
    measured_by
        A variant of another family whose attacks do the same; its evidence stands for this one.
    inputs
        Kinds of input it concerns; empty for all.
    elsewhere
        What it may count for with other inputs, where it is not ruled out by them but not attacked;
        None: it does not exist there.
    standing
        What it may count for, whatever the application.
    """

    family: str
    name: str
    powers: tuple[Power, ...]
    harms: tuple[Harm, ...]
    expertise: Expertise
    equipment: Equipment
    campaign: Campaign
    metrics: Mapping[str, str]
    requirements: tuple[str, ...] = ()
    standards: tuple[Standard, ...] = ()
    references: tuple[str, ...] = ()
    method: Method = "TEST"
    note: str = ""
    chain: str = ""
    measured_by: str = ""
    inputs: tuple[str, ...] = ()
    elsewhere: Standing | None = None
    standing: Standing = DECIDES

    @property
    def id(self) -> str:
        """`family.name`."""
        return f"{self.family}.{self.name}"

    @property
    def least(self) -> Budget:
        """The least spending of one campaign with which it can work."""
        return self.powers[0].budget

    @property
    def metric(self) -> str:
        """The rating metric; the first one where it depends on the task."""
        return next(iter(self.metrics.values()))

    def metric_for(self, task: str = "") -> str:
        """Return the rating metric for a task, named by its kind, as in `backdoor-...`.

        Raises
        ------
        PolicyError
            The metric depends on the kind of task, and `task` names none.
        """
        if set(self.metrics) == {""}:
            return self.metrics[""]
        for kind, metric in self.metrics.items():
            if task.startswith(kind):
                return metric
        raise PolicyError(
            f"{self.id} has one metric for each kind of task and {task!r} names none; "
            f"{nearest(task, self.metrics)}"
        )


def variants_of(taxonomy: Taxonomy) -> Iterator[Variant]:
    """Build every variant of the taxonomy."""
    for family_name, family in taxonomy.families.items():
        for name, entry in family.variants.items():
            rated = family.rated
            yield Variant(
                family=family_name,
                name=name,
                powers=_powers(entry),
                harms=tuple(h for h in rated if not entry.harms or str(h) in entry.harms),
                expertise=entry.expertise,
                equipment=entry.equipment,
                campaign=entry.campaign,
                metrics=entry.metric or family.metrics,
                requirements=tuple(dict.fromkeys(family.requirements + entry.requirements)),
                standards=tuple(_standards(taxonomy, family, entry)),
                references=tuple(dict.fromkeys(entry.refs + family.refs)),
                method=entry.method,
                note=entry.note,
                chain=entry.chain,
                measured_by=entry.measured_by,
                inputs=entry.inputs,
                elsewhere=entry.elsewhere,
                standing=entry.standing,
            )


def _powers(entry: VariantEntry) -> tuple[Power, ...]:
    """Take one capability of each group in every way, and drop what asks more than another."""
    base = Power(
        knowledge=knowledge_of(entry.knowledge),
        view=view_of(entry.view),
        budget=entry.least.budget(),
    )
    cells = dict.fromkeys(capabilities_of(choice) for choice in product(*entry.capabilities))
    return tuple(
        replace(base, capabilities=mine)
        for mine in cells
        if not any(other != mine and other in mine.closed() for other in cells)
    )


def _standards(taxonomy: Taxonomy, family: Family, entry: VariantEntry) -> Iterator[Standard]:
    for framework, listed in mapped(family, entry).items():
        for standard in listed:
            ours = "inferred" if standard.confidence == "inferred" else ""
            name = f"{standard.name} ({ours})" if standard.name and ours else standard.name or ours
            yield Standard(framework=taxonomy.frameworks[framework], id=standard.id, name=name)


def mapped(family: Family, entry: VariantEntry) -> dict[Framework, tuple[StandardEntry, ...]]:
    """Map each framework to the criteria of a variant: its own ones, or else its family's.

    The technique of MITRE ATLAS that a variant names comes first, and stands beside its family's.
    """
    found = family.standards | entry.standards
    if entry.atlas is None:
        return found
    beside = tuple(s for s in found.pop("atlas", ()) if s.id != entry.atlas.id)
    first: dict[Framework, tuple[StandardEntry, ...]] = {"atlas": (entry.atlas, *beside)}
    return first | found
