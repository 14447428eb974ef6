"""The application under evaluation: a target, its data, and what the user says of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeVar

from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.data import Bools, Data, Floats, Inputs, Ints, Splits, fingerprint
from goalkeeper.core.domain import Domain
from goalkeeper.core.errors import NotGranted
from goalkeeper.core.fit import Expectation
from goalkeeper.core.goals import Goal
from goalkeeper.core.identity import content_of, content_of_target, content_of_trainer
from goalkeeper.core.late import ON_TOP
from goalkeeper.core.learning import Feedback
from goalkeeper.core.need import ProtectionNeed
from goalkeeper.core.power import Attacker, View
from goalkeeper.core.threats import Threats

__all__ = [
    "Answers",
    "Application",
    "Ensemble",
    "Feedback",
    "Labeller",
    "Property",
    "Storage",
    "Target",
    "Tolerances",
    "Trainer",
    "Wiring",
]

Computed = TypeVar("Computed")


@dataclass(frozen=True, eq=False, slots=True)
class Answers:
    """What a target said of `n` inputs, as far as the view shows it.

    `labels` is `(n,)`; `scores` (probabilities) and `logits` are `(n, classes)` and raise
    NotGranted when the view does not show them.
    """

    labels: Ints
    _scores: Floats | None = None
    _logits: Floats | None = None

    @property
    def scores(self) -> Floats:
        """Probabilities `(n, classes)`; raises NotGranted below a view of scores."""
        if self._scores is None:
            raise NotGranted("scores are not part of what this attacker sees (view: labels)")
        return self._scores

    @property
    def logits(self) -> Floats:
        """Log-scale scores `(n, classes)`; raises NotGranted below a view of logits."""
        if self._logits is None:
            raise NotGranted("logits are not part of what this attacker sees")
        return self._logits

    def cut(self, view: View) -> Answers:
        """Hide what `view` does not show."""
        return Answers(
            self.labels,
            self._scores if view >= View.SCORES else None,
            self._logits if view >= View.LOGITS else None,
        )


class Target(Protocol):
    """The thing that answers. Adapters live in `goalkeeper.targets`."""

    @property
    def offers(self) -> View:
        """The richest view this target can give (GRADIENTS when parameters can be read)."""
        ...

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`; `view` says how much must be filled in."""
        ...

    def parameters(self) -> Mapping[str, Any]:
        """Return the trained parameters; raises NotOffered.

        Linear models give `weights` `(k, d)`, `bias` `(k,)` with k = 1 (binary: towards class 1)
        or one row a class, and, for texts, `vocabulary` `(d,)`. Where a table is encoded before it
        is weighed, `design` makes the features `(n, d)` that weights multiply.
        """
        ...

    def artefact(self) -> Path:
        """Path of the stored model; raises NotOffered."""
        ...


class Ensemble(Protocol):
    """N targets trained together."""

    def __len__(self) -> int: ...

    def scores(self, x: Inputs) -> Floats:
        """Probabilities `(N, n, classes)`."""
        ...

    def labels(self, x: Inputs) -> Ints:
        """Classes `(N, n)`."""
        ...

    def target(self, i: int) -> Target:
        """Return the i-th target."""
        ...


class Trainer(Protocol):
    """The thing that makes a target from data. Fast paths live in `goalkeeper.training`."""

    @property
    def recipe(self) -> str:
        """What is trained, in words that identify it."""
        ...

    def fit(self, data: Data, seed: int) -> Target:
        """Train one target."""
        ...

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`, with N seeds."""
        ...


class Labeller(Protocol):
    """The honest labelling process: what people would say a contributed input is."""

    def __call__(self, x: Inputs, bases: Data) -> Ints:
        """Label inputs `(m, ...)`, each derived from the record of `bases` in the same place."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerances:
    """How much damage the function bears, as shares of inputs.

    benign_rejection: additional share of harmless inputs that may be declined. accuracy_drop:
    accuracy that may be lost. `declared` says whether the user gave them or they are defaults.
    """

    benign_rejection: float = 0.01
    accuracy_drop: float = 0.02
    declared: bool = False


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Storage:
    """How the application stores its model, and what it checks before it uses the file.

    Parameters
    ----------
    read
        Returns the bytes of the genuine file.
    suffix
        How the name of the file ends, e.g. `.joblib`.
    runs_code
        Whether loading a file the application's way can run code that stands in it.
    protection
        What is checked at start, in words; empty: nothing.
    check
        The check itself: whether the file at a path is taken.
    load
        Loads the file at a path the application's own way; raises what loading raises.
    save
        Returns the bytes of another model in the same format; raises NotOffered.
    """

    read: Callable[[], bytes]
    suffix: str
    runs_code: bool
    protection: str
    check: Callable[[Path], bool]
    load: Callable[[Path], Target]
    save: Callable[[Target], bytes]

    @property
    def declared(self) -> tuple[object, ...]:
        """What decides results beside the hashes of files."""
        return self.suffix, self.runs_code, self.protection


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """How common something is in the training data, where that should stay private.

    Parameters
    ----------
    name
        Short name in kebab case.
    value
        The value of the column (or the class) whose share is private.
    column
        Column beside the inputs; empty for the class.
    shares
        Two shares that must not be distinguishable; None: half and twice the share that
        the value has in similar data.
    """

    name: str
    value: str
    column: str = ""
    shares: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What the surrounding system does with an answer.

    Parameters
    ----------
    reactions
        One reaction a class, by the names of the classes.
    missing
        What it does when an answer does not arrive, or is rejected as tampered with.
    channel
        How answers are protected on their way: `none`, `signed` (a changed answer is noticed),
        `replay-protected` (an old or absent one as well) or `in-process` (there is no way on
        which anybody could change them); empty: not said.
    validates
        Whether inputs outside the described domain are refused before the model sees them.
    adapter
        The system's own rule, in place of `reactions`: from the name of the class and the scores
        by name (None where the model gives none) to a reaction. It returns `rejected`, or raises,
        when it notices that an answer was tampered with.
    """

    reactions: Mapping[str, str] = field(default_factory=dict)
    missing: str = "stops"
    channel: str = ""
    validates: bool = False
    adapter: Callable[[str, Mapping[str, float] | None], str] | None = None

    @property
    def declared(self) -> tuple[object, ...]:
        """Everything that decides results; an adapter's content is among the hashes of files."""
        has_rule = self.adapter is not None
        return dict(self.reactions), self.missing, self.channel, self.validates, has_rule


# Fields that decide no result of an attack run: words for people, and what rates the results.
# What attackers may do is in the identity of each run.
DECIDES_NOTHING = frozenset({"description", "needs", "attackers", "secrecy", "expects", "caveats"})

# Fields that an application read from files owes to them: their hashes say what these fields hold.
# A model that every process trains for itself differs in its last digits, so that by its content no
# process would know the work of another.
FROM_FILES = frozenset({"target", "labeller", "storage", "wiring", "feedback"})


@dataclass(frozen=True, eq=False, kw_only=True)
class Application:
    """Everything goalkeeper knows of the evaluated system.

    `harmless` is the index of the class of harmless inputs (None when there is no such class);
    every other class is then a way of declining. `trainer` is the target's own recipe,
    `lookalike` a generic one of the same family for attackers who know it partially.
    """

    name: str
    target: Target
    data: Splits
    domain: Domain
    classes: tuple[str, ...]
    description: str = ""
    harmless: int | None = None
    trainer: Trainer | None = None
    lookalike: Trainer | None = None
    labeller: Labeller | None = None
    person: str | None = None
    subgroups: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    membership_is_sensitive: bool = False
    properties: tuple[Property, ...] = ()
    one_record_a_person: bool = False  # declared: nobody has two records; False: not said
    threats: Threats = field(default_factory=Threats)
    claims: str = ""  # "anonymity" or "pseudonymity" of the people; empty: not said
    tolerances: Tolerances = field(default_factory=Tolerances)
    wiring: Wiring = field(default_factory=Wiring)
    compute: ComputeSettings = field(default_factory=ComputeSettings)
    feedback: Feedback | None = None  # None: not said whether it learns from feedback
    storage: Storage | None = None  # None: no stored file is known
    needs: Mapping[Goal, ProtectionNeed] = field(default_factory=dict)
    attackers: tuple[Attacker, ...] = ()
    secrecy: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    expects: Expectation | None = None  # None: the user said nothing of accuracy or answers
    caveats: tuple[str, ...] = ()
    hashes: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_model(
        cls, model: Any, X_train: Any, y_train: Any, X_test: Any, y_test: Any, **options: Any
    ) -> Application:
        """Describe an application by a model and records in memory.

        Parameters
        ----------
        model
            An estimator or pipeline of scikit-learn, fitted or not; a trained torch, Keras or ONNX
            model; a Booster; a function of inputs; a class or function that builds the model; a
            target; or the path of a model file. What is not fitted is trained on the training
            records; the untrained clone of a fitted estimator is the recipe for retraining it.
        X_train, X_test
            Inputs that the model was trained on, and inputs that it never saw: DataFrames, arrays
            of rows `(n, d)` or images `(n, h, w)` or `(n, c, h, w)`, tensors, or texts `(n,)`.
            Estimators get frames as they are given; their index does not matter.
        y_train, y_test
            The class of each record `(n,)`, or the name of the column of a frame that has it.
        **options
            What else a file would say, by the same names: `classes`, `harmless`, `needs`,
            `attackers`, `sensitive`, `person`, `threats` and others; see
            `goalkeeper.in_python.ModelOptions`.

        Raises
        ------
        DescriptionError
            An argument cannot be used; the message names it.
        """
        data = ON_TOP.call("describe", "GivenData", X_train, y_train, X_test, y_test)
        made: Application = ON_TOP.call("describe", "make_application", model, data, options)
        return made

    @cached_property
    def fingerprint(self) -> str:
        """Identify what was evaluated; the same in every process, and once the model is reloaded.

        Every field is in it but those that decide nothing. What was read from files is identified
        by their hashes; a target, labeller or check made in Python by its content.
        """
        return fingerprint(self.contents)

    @cached_property
    def contents(self) -> dict[str, str]:
        """Identify each part of what was evaluated, by the name of its field."""
        names = [f.name for f in fields(self) if f.name not in DECIDES_NOTHING]
        return {name: fingerprint(self._content(name)) for name in names}

    def once(self, compute: Callable[[Application], Computed]) -> Computed:
        """Compute something of this application once, and keep it as long as the application."""
        if compute not in self._computed:
            self._computed[compute] = compute(self)
        found: Computed = self._computed[compute]
        return found

    @cached_property
    def _computed(self) -> dict[Any, Any]:
        return {}

    def _content(self, name: str) -> Any:
        """Describe a field; `content_of` where nothing else is known to identify it."""
        value = getattr(self, name)
        if name in FROM_FILES and self.hashes:
            return getattr(value, "declared", type(value).__qualname__)
        if name == "data":
            return {part: getattr(value, part) for part in value.sizes()}
        if name == "target":
            return content_of_target(value, self.data.holdout.x)
        if name in ("trainer", "lookalike"):
            return content_of_trainer(value)
        if name == "compute":
            return value.arithmetic
        return content_of(value)
