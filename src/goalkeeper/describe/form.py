"""The form of an application file: which keys there are, their types, and what they mean."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from goalkeeper.describe.fields import Name, Section
from goalkeeper.describe.form_changes import ThreatsForm
from goalkeeper.describe.form_data import ColumnForm, DataForm
from goalkeeper.describe.form_threats import (
    AttackerForm,
    NeedsForm,
    PolicyForm,
    SecrecyTable,
    attacker,
)

VERSION = 1
Answered = Literal["labels", "probabilities", "log-probabilities", "logits", "margins"]
DottedName = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")]


class TrainingForm(Section):
    """How a torch module is trained: cross-entropy over shuffled batches."""

    epochs: int | None = Field(
        default=None,
        ge=1,
        description="passes over the data (default: 20, and more where that is under 1,000 steps)",
    )
    batch: int = Field(default=64, ge=1, description="records a step")
    optimiser: Literal["adam", "adamw", "sgd"] = Field(default="adam", description="optimiser")
    rate: float = Field(default=1e-3, gt=0, description="learning rate")
    momentum: float = Field(default=0.9, ge=0, lt=1, description="momentum of sgd")
    weight_decay: float = Field(default=0.0, ge=0, description="weight decay")
    schedule: Literal["constant", "cosine"] = Field(
        default="constant", description="learning rate over time"
    )
    flip: bool = Field(default=False, description="mirror half of the images of each step")
    shift: int = Field(
        default=0,
        ge=0,
        description="move images at random by up to this many pixels in each direction",
    )
    patience: int = Field(
        default=0,
        ge=0,
        description="stop after this many epochs without a lower loss on held-out records, "
        "and keep the best parameters; 0: never stop early",
    )
    validation: float = Field(
        default=0.1, gt=0, lt=1, description="share of the records held out for `patience`"
    )


class ExpectsForm(Section):
    """What you know of your model, so that goalkeeper does not assess another one."""

    accuracy: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="its accuracy, as a share; goalkeeper's own must agree (the 95 % interval, "
        "widened by 0.01)",
    )
    part: Literal["holdout", "train"] = Field(
        default="holdout",
        description="where it has this accuracy: on records that it never saw, or on its "
        "training data",
    )
    answers: str | None = Field(
        default=None,
        min_length=1,
        description="file with inputs, in the form of the data, and a column (npz: array) "
        "`answer` with what your own system answers",
    )


class ModelForm(Section):
    """The model, named by exactly one key.

    Kinds of models add keys of their own, and say what `build` and `file` may be: the whole form
    is that of `goalkeeper.describe.whole_form`.
    """

    build: str | None = Field(default=None)
    training: TrainingForm | None = Field(
        default=None, description="how a torch module that `build` returns is trained"
    )
    weights: str | None = Field(
        default=None,
        min_length=1,
        description="trained parameters of the torch module that `build` returns: a safetensors "
        "file, or a state dict of torch.save; nothing in it is ever run",
    )
    file: str | None = Field(default=None, min_length=1)
    trust: bool = Field(
        default=False,
        description="whether you trust the file; only kinds of models of plug-ins that run code "
        "from the file need it. It never allows a pickle to run code",
    )
    trust_names: tuple[DottedName, ...] = Field(
        default=(),
        description="classes and functions of your own that the file may name, as "
        "package.module.Name; a module beside the application file is found",
    )
    sha256: str | None = Field(
        default=None,
        pattern="^[0-9a-fA-F]{64}$",
        description="hash of the model file, so that nothing else is ever loaded",
    )
    retries: int | None = Field(
        default=None,
        ge=0,
        le=20,
        description="how often `function` is called again after an error of a connection, a "
        "time-out or a busy service; other errors end the attack run at once (default: 2)",
    )
    integrity: str | None = Field(
        default=None,
        min_length=1,
        description="what your application checks before it uses the stored model: none (default), "
        "sha256 (its hash is kept apart and compared at every start), or a Python function "
        "`file.py:name` that takes the path and returns whether the file is taken",
    )
    expects: ExpectsForm | None = Field(
        default=None,
        description="what you know of the model: its accuracy, or its answers to some inputs; "
        "if goalkeeper finds something else, it stops",
    )

    answers: Answered | None = Field(
        default=None,
        description="what a function or a torch module answers with (default: found by looking at "
        "its answers to 200 inputs); margins are any scores of which the highest decides, or, one "
        "an input, the sign",
    )
    refusal: str | None = Field(
        default=None,
        min_length=1,
        description="the class that an answer counts as which the model declines to give: None, "
        "NaN, an empty string, or a word that is no class",
    )


class TolerancesForm(Section):
    """How much damage the application tolerates."""

    benign_rejection: float = Field(
        default=0.01, gt=0, le=1, description="additional share of harmless inputs declined"
    )
    accuracy_drop: float = Field(default=0.02, gt=0, le=1, description="accuracy that may be lost")


def _none_or_loop(schema: dict[str, Any]) -> None:
    full = dict(schema)
    schema.clear()
    schema["anyOf"] = [{"const": "none"}, full]
    schema["description"] = f"{full.pop('description', '')} `none`: it does not."


class FeedbackForm(Section):
    """How the application keeps learning from user feedback."""

    model_config = ConfigDict(json_schema_extra=_none_or_loop)

    share: float = Field(
        default=0.05,
        gt=0,
        le=1,
        description="most feedback of an attacker that one round takes, as a share of the "
        "training data",
    )
    rounds: int = Field(
        default=10,
        ge=0,
        le=100,
        description="updates a user can take part in before the model is reviewed by other means; "
        "0: the application does not learn from feedback",
    )
    review: float = Field(
        default=0.0, ge=0, le=1, description="share of feedback that a person labels again"
    )
    monitor: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="loss of accuracy on a fixed reference set at which an alarm is raised and "
        "learning stops (default: no monitoring); the calibration records stand for the set",
    )
    snapshots: int = Field(
        default=0,
        ge=0,
        strict=True,
        description="how many earlier versions are kept and can be restored",
    )
    learning: str | None = Field(
        default=None,
        min_length=1,
        description="what happens after each round: `retrained` (default; from scratch, on the "
        "training data and all feedback so far), `partial_fit` (the model that serves is updated "
        "with the feedback of the round alone; a network takes further gradient steps), or your "
        "own Python function `file.py:name`, which updates it: from (model, x, y) or "
        "(model, x, y, seed)",
    )
    batch: int | None = Field(
        default=None,
        ge=1,
        strict=True,
        description="records that an update takes at once (default: a network's own batch, else "
        "all of a round)",
    )
    repeats: int = Field(
        default=1,
        ge=1,
        le=1000,
        strict=True,
        description="how often each record of feedback is learnt: so many copies of it where the "
        "model is retrained, so many passes over the round where it is updated",
    )
    shuffle: bool = Field(
        default=False,
        description="whether the feedback of a round is mixed before it is learnt",
    )
    rate: float | None = Field(
        default=None,
        gt=0,
        description="learning rate of the updates of a torch module (default: that of its "
        "training)",
    )
    others: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="honest feedback of other users in each round, as a share of the training "
        "data (default: none, the worst case)",
    )


def _loop(value: Any) -> Any:
    return {"rounds": 0} if value == "none" else value


class SystemForm(Section):
    """The system around the model, which reacts to its answers."""

    channel: Literal["none", "signed", "replay-protected", "in-process"] | None = Field(
        default=None,
        description="how answers are protected on their way from the model: not at all, signed "
        "(a changed answer is noticed), signed with a number or time (an old or absent one is "
        "noticed as well), or in-process: they do not leave the program that runs the model "
        "(default: not stated, so tampering is not tested)",
    )
    missing: Name = Field(
        default="stops",
        description="what the system does when an answer does not arrive, or is rejected as "
        "tampered with: a reaction as under `wiring`; anything else means that it is noticed",
    )
    adapter: str | None = Field(
        default=None,
        description="Python function `file.py:name` in place of `wiring`: from the name of the "
        "class and the scores by class (or None) to the name of a reaction; it returns "
        "`rejected`, or raises, when it notices that an answer was tampered with",
    )
    validates: bool = Field(
        default=False,
        description="whether inputs outside the described domain (`data.max_chars`, `columns`) "
        "are refused before the model sees them",
    )


class PrivacyForm(Section):
    """What the application claims about the people in its data."""

    claims: Literal["anonymity", "pseudonymity"] | None = Field(
        default=None,
        description="claimed protection of people against identification in answers",
    )


class ApplicationForm(Section):
    """The description of an AI application whose security goalkeeper evaluates."""

    goalkeeper: Literal[1] = Field(description="version of this file format: 1")
    name: Name = Field(description="name of the application, as reports show it")
    description: str = Field(default="", description="what it is for, in a sentence or two")
    input: Literal["text", "table", "image"] | None = Field(
        default=None, description="what the model takes (default: as the data suggests)"
    )
    classes: tuple[Name, ...] = Field(
        min_length=2,
        description="classes as in the label column, in the order of the model (models that "
        "answer with numbers are not assessed yet)",
    )
    harmless: Name | None = Field(
        default=None,
        description="class of harmless inputs; every other class is a way of declining",
    )
    data: DataForm = Field(description="the records, and what their columns mean")
    columns: dict[str, ColumnForm] = Field(
        default_factory=dict, description="possible values of the features of a table, by column"
    )
    model: ModelForm = Field(description="the model, named by one key")
    defences: tuple[str | dict[str, dict[str, Any]], ...] = Field(
        default=(),
        description="defences that goalkeeper applies to the model, in this order: the name of "
        "each, or its name with settings",
    )
    threats: ThreatsForm | None = Field(
        default=None,
        description="how far inputs may be changed, and what must not be inferred from the model",
    )
    tolerances: TolerancesForm | None = Field(
        default=None, description="how much damage the application tolerates"
    )
    privacy: PrivacyForm | None = Field(
        default=None, description="what the application claims about the people in its data"
    )
    wiring: dict[str, str] = Field(
        default_factory=dict, description="what the surrounding system does with each class"
    )
    system: SystemForm | None = Field(
        default=None,
        description="how the system around the model receives answers and checks inputs",
    )
    feedback: Annotated[FeedbackForm, BeforeValidator(_loop)] | None = Field(
        default=None,
        description="how it keeps learning from user feedback; none if it does not "
        "(default: not stated, so teaching is not tested)",
    )
    secrecy: SecrecyTable | None = Field(
        default=None, description="how secret data, algorithm and model are kept"
    )
    needs: NeedsForm = Field(description="protection need of every goal, with reasons")
    attackers: (
        Annotated[
            tuple[Annotated[AttackerForm, BeforeValidator(attacker)], ...],
            Field(min_length=1),
        ]
        | None
    ) = Field(
        default=None,
        description="who might attack: names of built-in attackers, or your own attackers "
        "(default: all built-in ones)",
    )
    labeller: str | None = Field(
        default=None,
        description="Python function `file.py:name`: the honest label of contributed inputs, from "
        "(inputs, the records they were derived from)",
    )
    policy: PolicyForm | None = Field(
        default=None, description="your own rules in place of the built-in ones"
    )
