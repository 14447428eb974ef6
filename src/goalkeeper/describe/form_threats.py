"""The form of damage, attackers and rules in a description."""

from __future__ import annotations

from typing import Any

from pydantic import AliasChoices, ConfigDict, Field

from goalkeeper.core.power import Writes
from goalkeeper.describe.fields import (
    CapabilityName,
    GradeName,
    LevelName,
    Name,
    Reason,
    Section,
    Spending,
    ViewName,
    shorthand,
)


class SecrecyForm(Section):
    """How secret partial and full knowledge is: a class of the rating policy each."""

    partial: str | None = Field(
        default=None,
        description="secrecy of similar data, the family, or some of the parameters: public, "
        "restricted, confidential or strictly_confidential",
    )
    full: str | None = Field(
        default=None,
        description="secrecy of all of it: public, restricted, confidential or "
        "strictly_confidential",
    )


class SecrecyTable(Section):
    """How secret each aspect of the application is kept."""

    data: SecrecyForm | None = Field(default=None, description="the training data")
    algorithm: SecrecyForm | None = Field(default=None, description="the training algorithm")
    model: SecrecyForm | None = Field(default=None, description="the trained model")


class DamageForm(Section):
    """One damage scenario."""

    level: LevelName = Field(
        description="none; normal: limited and manageable; high: considerable; very high: "
        "threatens existence"
    )
    reason: Reason = Field(description="why, in a sentence an auditor can follow")


class AdjustmentForm(Section):
    """A step up or down, and why."""

    reason: Reason = Field(description="why, in a sentence an auditor can follow")


class NeedForm(Section):
    """The protection need of one goal: at least one damage scenario, or `none`."""

    laws: DamageForm | None = Field(
        default=None, description="violation of laws, regulations or contracts"
    )
    self_determination: DamageForm | None = Field(
        default=None, description="impairment of informational self-determination"
    )
    physical: DamageForm | None = Field(
        default=None, description="impairment of the physical integrity of persons"
    )
    tasks: DamageForm | None = Field(
        default=None, description="impairment of the performance of tasks"
    )
    reputation: DamageForm | None = Field(
        default=None, description="negative internal or external effects"
    )
    financial: DamageForm | None = Field(default=None, description="financial consequences")
    cumulation: AdjustmentForm | None = Field(
        default=None,
        description="one level more, because many damages accumulate in this application",
    )
    distribution: AdjustmentForm | None = Field(
        default=None,
        description="one level less, because measured redundancy covers a failure; only "
        "integrity and availability",
    )
    none: Reason | None = Field(
        default=None, description="why a loss of this goal does no relevant damage at all"
    )


class NeedsForm(Section):
    """The protection need of every goal: how severe damage would be, and why."""

    integrity: NeedForm = Field(description="the model makes correct predictions")
    availability: NeedForm = Field(description="harmless inputs are not declined")
    confidentiality: NeedForm = Field(description="the inner properties of the model stay hidden")
    privacy: NeedForm = Field(description="the training data stays hidden")


class KnowledgeForm(Section):
    """How much the attacker knows of each aspect."""

    data: GradeName | None = Field(
        default=None, description="training data; partial: similar data, full: the data itself"
    )
    algorithm: GradeName | None = Field(
        default=None, description="training algorithm; partial: its family"
    )
    model: GradeName | None = Field(default=None, description="trained model and its parameters")


class BudgetForm(Section):
    """What the attacker may spend on one campaign."""

    queries: Spending | None = Field(default=None, description="queries to the model")
    queries_per_day: Spending | None = Field(
        default=None, description="queries per account and day"
    )
    identities: int | None = Field(
        default=None, ge=1, description="number of accounts over which queries can be spread"
    )
    share: float | None = Field(
        default=None, ge=0, le=1, description="share of the training data under its control"
    )
    compute_h: Spending | None = Field(default=None, description="hours of computing")


class AttackerForm(Section):
    """An attacker: a built-in one by its name, or one of your own."""

    model_config = ConfigDict(json_schema_extra=shorthand("name"))

    name: Name = Field(description="name, as reports show it")
    based_on: str | None = Field(
        default=None, description="built-in attacker whose power it has unless stated otherwise"
    )
    label: str | None = Field(default=None, description="who this is, in a sentence")
    knowledge: KnowledgeForm | None = Field(default=None, description="what it knows")
    capabilities: tuple[CapabilityName, ...] | None = Field(
        default=None, description="what it can do: T1 to T4, M1 to M4, W, O"
    )
    view: ViewName | None = Field(default=None, description="how much of an answer it sees")
    budget: BudgetForm | None = Field(default=None, description="what it may spend")
    writes: Writes | None = Field(
        default=None,
        validation_alias=AliasChoices("writes", "inputs"),
        description="whose inputs it can change before they are answered: own (those that it "
        "sends), others (those of other people, on their way), stored (whoever sent them), or both "
        "its own and others",
    )
    window: str | None = Field(
        default=None,
        description="window of opportunity in the rating policy: unlimited, easy, moderate or "
        "difficult",
    )


def attacker(value: Any) -> Any:
    """Let a bare name stand for the built-in attacker of that name."""
    return value if isinstance(value, dict | AttackerForm) else {"name": value}


class PolicyForm(Section):
    """Your own rules in place of the built-in ones."""

    taxonomy: str | None = Field(default=None, min_length=1, description="taxonomy file (YAML)")
    rating: str | None = Field(default=None, min_length=1, description="rating policy file (YAML)")
