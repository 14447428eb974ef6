"""What one attack run showed, complete enough to be checked by a third party."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, JsonValue, model_validator

from goalkeeper.core.cost import Cost
from goalkeeper.core.goals import Aspect, Goal, IntegrityLevel
from goalkeeper.core.need import Frozen
from goalkeeper.core.numbers import Real
from goalkeeper.core.outcomes import Outcomes
from goalkeeper.core.standing import DECIDES, Standing

__all__ = [
    "Accuracy",
    "AttackResult",
    "Control",
    "Curve",
    "DamageCount",
    "Evidence",
    "Exhibit",
    "Gain",
    "Latency",
    "Measurement",
    "Outcomes",
    "Picture",
    "Proportion",
    "Ratio",
    "Status",
    "Tally",
    "Trial",
]


PNG = r"^iVBORw0KGgo[A-Za-z0-9+/]*={0,2}$"  # base64 of a PNG file, which starts with its signature
AnyPaired = TypeVar("AnyPaired", bound="Proportion | Gain")


class Status(StrEnum):
    """How far an attack got."""

    TESTED = "tested"
    NOT_APPLICABLE = "not_applicable"
    EXCLUDED = "excluded"
    NOT_TESTED = "not_tested"
    FAILED_TO_RUN = "failed_to_run"
    CONTROL_FAILED = "control_failed"
    COVERED = "covered"  # the same attack with more power was withstood
    NOT_NEEDED = "not_needed"  # whatever it showed, no verdict would change


# ---- tallies: counts from which every bound can be computed again ---------------------------


def _check_paired(counts: AnyPaired) -> AnyPaired:
    """Check that an attack and a baseline with the same items have counts that fit together."""
    if counts.both is None:
        return counts
    most = min(counts.successes, counts.baseline_successes)
    least = counts.successes + counts.baseline_successes - counts.n
    if counts.n != counts.baseline_n or not max(0, least) <= counts.both <= most:
        raise ValueError(
            f"{counts.both} items in common do not fit {counts.successes} of {counts.n} and "
            f"{counts.baseline_successes} of {counts.baseline_n}"
        )
    return counts


class Proportion(Frozen):
    """Successes beside those of a control of equal size; the metric is the excess."""

    kind: Literal["proportion"] = "proportion"
    successes: int
    n: int
    baseline_successes: int
    baseline_n: int
    both: int | None = Field(
        default=None, description="items on which both succeeded, where both had the same items"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        return _check_paired(self)


class Accuracy(Frozen):
    """Right answers in a game that a coin would win half of the time."""

    kind: Literal["accuracy"] = "accuracy"
    correct: int
    n: int


class Gain(Frozen):
    """Successes beside the best without access to the model; the metric is (a - b) / (1 - b)."""

    kind: Literal["gain"] = "gain"
    successes: int
    n: int
    baseline_successes: int
    baseline_n: int
    both: int | None = Field(
        default=None, description="items on which both succeeded, where both had the same items"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        return _check_paired(self)


class RatioAt(Frozen):
    """Counts at one threshold, chosen for a false-alarm rate before the counting."""

    fpr: float
    true_positives: int
    positives: int
    false_positives: int
    negatives: int


class Ratio(Frozen):
    """True over false positive rate at several false-alarm rates; the metric is the largest."""

    kind: Literal["ratio"] = "ratio"
    at: tuple[RatioAt, ...]


class DamageCount(Frozen):
    """Harm of retrained victims: per retraining, items newly wrong and newly right of n.

    The metric is the mean difference as a multiple of the declared tolerance.
    """

    kind: Literal["damage"] = "damage"
    gained: tuple[int, ...]
    lost: tuple[int, ...]
    n: int
    tolerance: float
    items: tuple[tuple[int, int, int], ...] = Field(
        default=(), description="times newly wrong, times newly right, and how many items were so"
    )


class Latency(Frozen):
    """What answers cost: attack inputs beside ordinary inputs as they are, measured in turns.

    What it takes to read a text as large as the attack's is added to the latter. The metric is a
    quantile of the one over the same quantile of the other.
    """

    kind: Literal["latency"] = "latency"
    attack: tuple[float, ...] = Field(description="cost of each attack input, median over rounds")
    benign: tuple[float, ...] = Field(
        description="cost of each ordinary input, and of reading a text as large as the attack's"
    )
    quantile: float
    unit: Literal["seconds", "operations"] = Field(description="seconds differ from run to run")


Tally = Annotated[
    Proportion | Accuracy | Gain | Ratio | DamageCount | Latency, Field(discriminator="kind")
]


# ---- what is shown ---------------------------------------------------------------------------


class Measurement(Frozen):
    """A number with its two-sided 95 % interval, its baseline and its n."""

    metric: str
    value: Real
    low: Real
    high: Real
    baseline: Real
    n: int
    group: str = Field(default="", description="person, subgroup or class; empty for everything")
    note: str = ""


class Curve(Frozen):
    """A metric against the attacker's budget, with a pointwise 95 % band."""

    metric: str = Field(default="", description="what is drawn; empty: the headline metric")
    budget: str
    unit: str
    x: tuple[Real, ...]
    value: tuple[Real, ...]
    low: tuple[Real, ...]
    high: tuple[Real, ...]


class Trial(Frozen):
    """The rated raw material at one budget: what was spent, and the counts."""

    budget: Real = Field(description="the curve's x")
    queries: Real = Field(description="queries of one campaign up to here")
    compute_h: Real = Field(default=0.0, description="hours of computing, measured")
    share: float = Field(default=0.0, description="share of the training data written")
    tally: Tally
    verified: int = Field(default=0, description="successes that the game re-checked one by one")


class Control(Frozen):
    """A check on the attack or the setting."""

    name: str
    passed: bool
    detail: str
    proves: bool = Field(
        default=False,
        description="if passed, the attack was seen to work on the application itself",
    )
    voids: bool = Field(
        default=False,
        description="if failed, what the attack reached may be no doing of its own, and shows "
        "nothing; else a failed check says only that the attack may be too weak",
    )


class Picture(Frozen):
    """An image before and after a change, and the difference, as PNG files in base64.

    In the difference, middle grey is no change, and `factor` is how often it is amplified.
    """

    before: str = Field(pattern=PNG)
    after: str = Field(pattern=PNG)
    difference: str = Field(pattern=PNG)
    factor: int = Field(ge=1)


class Exhibit(Frozen):
    """A real example, e.g. a message before and after."""

    title: str
    before: str = ""
    after: str = ""
    note: str = ""
    picture: Picture | None = Field(default=None, description="of an image; private as the rest")
    private: bool = Field(default=False, description="holds training data; shown redacted")


class AttackPotential(Frozen):
    """What the attack costs on the scale of ISO/SAE 21434, Annex G."""

    days: Real
    expertise: str
    knowledge: str
    window: str
    equipment: str
    points: int


class RatedTrial(Frozen):
    """One trial on the exposure scale: bounds, levels and attack potential."""

    budget: Real
    low: Real
    high: Real
    demonstrated: int
    potential: int
    attack_potential: AttackPotential


class Rated(Frozen):
    """The rating of one piece of evidence; the headline is that of its largest budget."""

    metric: str
    demonstrated: int
    potential: int
    attack_potential: AttackPotential
    trials: tuple[RatedTrial, ...] = ()


class Requirement(Frozen):
    """What the attack needed: the inputs of attack potential that do not come from the run."""

    knowledge: dict[str, str] = Field(description="aspect -> grade that the attack requires")
    capabilities: tuple[str, ...] = ()
    view: str = "nothing"
    expertise: str
    equipment: str
    window: str
    queries_per_day: Real
    identities: int


class AttackResult(Frozen):
    """What the game found in one attack run; the content of a stored unit."""

    status: Status
    summary: str = Field(default="", description="one sentence for people")
    threat: str = Field(
        default="", description="how far inputs could be changed, e.g. `at Linf 0.3`"
    )
    reason: str = Field(default="", description="why it was not tested, or failed")
    measurements: tuple[Measurement, ...] = ()
    trials: tuple[Trial, ...] = ()
    outcomes: Outcomes | None = None
    curve: Curve | None = None
    curves: tuple[Curve, ...] = Field(
        default=(), description="drawn in addition, and not rated: points, no records"
    )
    cost: Cost = Cost()
    controls: tuple[Control, ...] = ()
    caveats: tuple[str, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    traceback: str = ""
    took: Real = Field(
        default=0, description="seconds of the attack run, including marking and controls"
    )
    limited: bool = Field(
        default=False,
        description="whether the time limit cut it short: it shows what it shows, and not that "
        "there is no more; it is run again where there is time",
    )


class Standard(Frozen):
    """An identifier in a public catalogue."""

    framework: str
    id: str
    name: str = ""


class Evidence(Frozen):
    """One line of the assessment: an attack, an attacker, and the result or why there is none."""

    id: str
    attack: str
    task: str
    game: str
    family: str
    variant: str
    attacker: str
    box: str
    goals: tuple[Goal, ...]
    level: IntegrityLevel | None = None
    aspect: Aspect | None = None
    metric: str
    unit: str = Field(default="", description="id of the stored unit this was taken from")
    requires: Requirement
    look: int = Field(default=1, description="which look at a growing sample the result is of")
    looks: int = Field(default=1, description="planned looks, over which alpha is spent")
    covered_by: str = Field(default="", description="id of the evidence of the stronger attacker")
    result: AttackResult
    rated: Rated | None = None
    standing: Standing = DECIDES
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    seed: int = 0
    references: tuple[str, ...] = ()
    standards: tuple[Standard, ...] = ()

    @property
    def status(self) -> Status:
        """How far the attack got."""
        return self.result.status

    @property
    def headline(self) -> Measurement | None:
        """The measurement that is rated."""
        return self.result.measurements[0] if self.result.measurements else None


def jsonable(value: Any) -> JsonValue:
    """Return a setting as plain JSON."""
    if isinstance(value, dict):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(v) for v in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
