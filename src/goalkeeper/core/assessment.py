"""The assessment: everything else is rendered from it."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import AliasChoices, Field, ValidationError

from goalkeeper.core.errors import OtherSchema, StoreError
from goalkeeper.core.evidence import Evidence
from goalkeeper.core.fit import FitReport
from goalkeeper.core.goals import Goal
from goalkeeper.core.late import ON_TOP
from goalkeeper.core.need import Frozen, ProtectionNeed
from goalkeeper.core.numbers import Real
from goalkeeper.core.private import write_text
from goalkeeper.core.standing import DECIDES, Standing

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 2  # raised when a field gets another name or meaning; what changed: CHANGES
CHANGES = {2: "the key `result` of a piece of evidence was called `played`"}


class Verdict(StrEnum):
    """What is said of a goal."""

    MET = "met"
    NOT_MET = "not_met"
    INCONCLUSIVE = "inconclusive"
    NOT_ASSESSED = "not_assessed"


class Bracket(Frozen):
    """From what was demonstrated to what testing cannot exclude."""

    low: Real
    high: Real


class Gap(Frozen):
    """Something applicable that was not tested, and why; or what more data would settle."""

    variant: str
    attacker: str
    reason: str
    evidence: str = Field(default="", description="id of the evidence that more data would settle")


class GoalRating(Frozen):
    """The verdict on one goal.

    `demonstrated` and `potential` are the points of attack potential of the cheapest attack that
    was shown to succeed, and of the cheapest that cannot be excluded ("inf": none).
    """

    goal: Goal
    need: ProtectionNeed
    required: int = Field(description="attack potential that must be withstood, in points")
    critical: int = Field(description="exposure level from which an attack counts as a success")
    verdict: Verdict
    risk: Bracket
    demonstrated: Real
    potential: Real
    exposure: Bracket = Field(
        description="[demonstrated, potential] exposure level, worst evidence of what must be "
        "withstood"
    )
    cheapest_attack: str = Field(default="", description="evidence id")
    because: tuple[str, ...] = Field(default=(), description="evidence ids, strongest first")
    reason: str = Field(default="", description="one sentence why")
    attackers: tuple[str, ...] = ()
    not_tested: tuple[Gap, ...] = ()
    hypotheses: int = Field(default=1, description="planned tests that share the error rate")
    doubt: str = Field(
        default="", description="why nothing that was withstood counts: it may be another model"
    )


class Estimate(Frozen):
    """What an attack run will cost, estimated before it."""

    queries: Real = 0
    models: int = 0
    seconds: Real = 0


class PlanRow(Frozen):
    """One attack x task x attacker: planned or skipped, and why."""

    attack: str
    game: str
    task: str
    variant: str
    attacker: str
    status: Literal["planned", "skipped"]
    reasons: tuple[str, ...] = ()
    goals: tuple[Goal, ...] = ()
    unit: str = ""
    interim: str = Field(default="", description="unit of the interim look, with smaller samples")
    evidence: str = Field(default="", description="id of its evidence; empty if there is none")
    estimate: Estimate = Estimate()
    standing: Standing = DECIDES


class AttackerRow(Frozen):
    """An attacker as described: the report prints it, verify reads it."""

    name: str
    label: str
    box: str
    knowledge: dict[str, str]
    capabilities: tuple[str, ...]
    view: str
    window: str
    writes: str = Field(
        default="both",
        validation_alias=AliasChoices("writes", "inputs"),
        description="whose inputs it changes: own, others, stored or both",
    )
    queries: Real
    queries_per_day: Real
    identities: int
    share: float
    compute_h: Real


class Baseline(Frozen):
    """How well the application does its job before any attack, per slice."""

    slice: str
    metric: str
    value: Real
    low: Real
    high: Real
    n: int


class ApplicationRow(Frozen):
    """The evaluated application, by name and content."""

    name: str
    description: str = ""
    domain: str
    classes: tuple[str, ...]
    harmless: str | None = None
    parts: dict[str, int] = Field(default_factory=dict)
    fingerprint: str
    hashes: dict[str, str] = Field(default_factory=dict)
    contents: dict[str, str] = Field(
        default_factory=dict, description="a hash of each part that decides results"
    )
    secrecy: dict[str, dict[str, str]] = Field(default_factory=dict)
    tolerances: dict[str, float | bool] = Field(default_factory=dict)
    caveats: tuple[str, ...] = ()
    baseline: tuple[Baseline, ...] = ()


class PolicyRow(Frozen):
    """Which rules rated this."""

    id: str
    version: str
    sha256: str
    taxonomy_sha256: str
    edges: dict[str, tuple[Real, ...]] = Field(
        default_factory=dict,
        description="lower edges of exposure levels 1 to 4, by metric; older runs have none",
    )


class Tool(Frozen):
    """Which program wrote this."""

    name: str = "goalkeeper"
    version: str


class Advice(Frozen):
    """What would help; verified by replay where that was done."""

    defence: str
    for_: tuple[Goal, ...] = Field(alias="for", serialization_alias="for")
    reason: str
    tries: tuple[str, ...] = Field(
        default=(), description="defences that goalkeeper harden can apply and measure"
    )
    verified: dict[str, str] | None = None
    variants: tuple[str, ...] = Field(default=(), description="variants that it helps against")


class NextStep(Frozen):
    """What would settle a goal that is inconclusive, at the least cost, and how long it takes.

    `continue`: make the `runs` that the time limit left out. `enlarge`: take `factor` times the
    sample of an attack run; that settles the goal if `settles`, and else one of the `runs` that are
    open.
    """

    kind: Literal["continue", "enlarge"]
    attack: str = ""
    attacker: str = ""
    unit: str = ""
    factor: int = 1
    records: int = Field(
        default=0, description="records that the data must have, where it has fewer"
    )
    models: int = Field(default=0, description="further models that are trained for it")
    settles: bool = False
    runs: int = Field(default=1, description="attack runs that are open")
    seconds: Real = Field(description="by what the attack runs of this assessment took")
    seconds_of_all: Real = Field(default=0, description="of all open ones that can be settled")


class Assessment(Frozen):
    """Everything that was found, complete enough to rate it again."""

    schema_version: Literal[2] = Field(default=2, alias="schema", serialization_alias="schema")
    tool: Tool
    application: ApplicationRow
    policy: PolicyRow
    seed: int
    effort: Real = Field(default=1.0, description="by which sample sizes were multiplied")
    started: str
    finished: str
    environment: dict[str, str] = Field(default_factory=dict)
    verdict: Verdict
    goals: dict[Goal, GoalRating]
    attackers: tuple[AttackerRow, ...] = ()
    plan: tuple[PlanRow, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    advice: tuple[Advice, ...] = ()
    next_steps: dict[Goal, NextStep] = Field(
        default_factory=dict, description="what would settle each goal that is inconclusive"
    )
    complete: bool = Field(default=True, description="whether every planned unit was run")
    fit: FitReport | None = Field(
        default=None, description="how well the model fits its data; null in older runs"
    )
    sentences: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="what an attack did, in words to be filled in: by variant, then by how the "
        "task's name begins",
    )

    @classmethod
    def from_folder(cls, folder: Path | str) -> Assessment:
        """Read the assessment of a run folder; raises StoreError where it cannot be understood."""
        path = Path(folder) / "assessment.json"
        return cls.parse(path.read_text("utf-8"), source=str(path))

    @classmethod
    def parse(cls, text: str, *, source: str) -> Assessment:
        """Read the content of assessment.json.

        Raises
        ------
        OtherSchema
            It has another schema than this version reads.
        StoreError
            It is no assessment.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise _problem(text, error, source) from error

    def __str__(self) -> str:
        return str(ON_TOP.call("report.summary", "summarise", self))

    def __repr__(self) -> str:  # what a notebook or a prompt shows
        return str(self)

    def _repr_html_(self) -> str:
        return str(ON_TOP.call("report.summary", "summarise_html", self))

    def save(self, path: Path | str) -> None:
        """Write the assessment as JSON, into a new file that only its owner can read."""
        write_text(Path(path), self.to_json())

    def to_frame(self) -> pd.DataFrame:
        """Return one row per piece of evidence: attack, attacker and result."""
        import pandas as pd

        return pd.DataFrame([_row(evidence) for evidence in self.evidence])

    def to_json(self) -> str:
        """Render as the content of assessment.json: stable order, one trailing newline."""
        return self.model_dump_json(by_alias=True, indent=1) + "\n"


def _problem(text: str, error: ValidationError, source: str) -> StoreError:
    """Say in one line why a text is no assessment of this version, and what to do."""
    again = "run the application again: goalkeeper run FILE -o DIR"
    try:
        schema = json.loads(text).get("schema")
    except (ValueError, AttributeError):
        return StoreError(f"{source} is not an assessment: it is not a JSON object; {again}")
    supported = f"this one reads schema {SCHEMA_VERSION}"
    if isinstance(schema, int) and schema < SCHEMA_VERSION:
        changed = "; ".join(what for version, what in CHANGES.items() if version > schema)
        earlier = f"{source} has schema {schema}, of an earlier goalkeeper ({changed})"
        return OtherSchema(f"{earlier}; {supported}: {again}")
    if isinstance(schema, int) and schema > SCHEMA_VERSION:
        later = f"{source} has schema {schema}, of a later goalkeeper"
        return OtherSchema(f"{later}; {supported}: update goalkeeper, or {again}")
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    finding = f"{where}: {first['msg']}"
    return StoreError(f"{source} is not an assessment of this version: {finding}; {again}")


def _row(evidence: Evidence) -> dict[str, Any]:
    seen, rated = evidence.headline, evidence.rated
    return {
        "id": evidence.id,
        "attack": evidence.attack,
        "task": evidence.task,
        "attacker": evidence.attacker,
        "goals": ", ".join(evidence.goals),
        "status": str(evidence.status),
        "metric": seen.metric if seen else evidence.metric,
        "value": seen.value if seen else None,
        "low": seen.low if seen else None,
        "high": seen.high if seen else None,
        "baseline": seen.baseline if seen else None,
        "n": seen.n if seen else 0,
        "demonstrated": rated.demonstrated if rated else None,
        "potential": rated.potential if rated else None,
        "attack_potential": rated.attack_potential.points if rated else None,
    }
