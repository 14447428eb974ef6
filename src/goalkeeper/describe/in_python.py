"""Describe an application in Python: arguments become the keys that a file would have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from goalkeeper.core.application import Application, Feedback, Property, Tolerances, Wiring
from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.goals import Goal
from goalkeeper.core.need import ProtectionNeed
from goalkeeper.core.power import Attacker
from goalkeeper.core.threats import Threats
from goalkeeper.describe.document import OBJECT, Document, Key, as_text
from goalkeeper.describe.form import ApplicationForm, ModelForm
from goalkeeper.describe.form_data import DataForm
from goalkeeper.describe.given_data import GivenData
from goalkeeper.describe.learning import take_update
from goalkeeper.describe.load import load_document
from goalkeeper.describe.objects import GivenModel, recognise
from goalkeeper.describe.problems import choice, for_python

REASON = "stated by the caller"
ASSUMED = "assumed: the caller states no protection need"
APPLICATION, DATA, MODEL = (
    frozenset(f.model_fields) for f in (ApplicationForm, DataForm, ModelForm)
)
# What arguments of their own give, or what belongs to files.
NOT_OPTIONS = frozenset({"goalkeeper", "data", "model", "privacy", "policy", "file", "function",
                         "train", "test", "part", "inputs", "label", "encoding", "separator",
                         "decimal", "thousands", "retries"})  # fmt: skip
BESIDE = ("person", "subgroups", "sensitive")
Beside = str | Sequence[str] | Mapping[str, Any] | tuple[Any, Any]
Needs = str | Mapping[Any, Any] | Sequence[ProtectionNeed]


class ModelOptions(TypedDict, total=False):
    """What else an application says, by the names of the application file.

    Parameters
    ----------
    name, description
        What reports call the application, and what it is for.
    classes
        The classes in the order of the model's scores (default: those of the model, or those of
        the labels, sorted).
    harmless
        The class of harmless inputs.
    needs
        Protection needs: one level for every goal (`"normal"`), levels by goal
        (`{"integrity": "high", "privacy": "very high"}`), with reasons as in a file, or
        `ProtectionNeed` objects (default: normal, which the caveats then say).
    attackers
        Names of built-in attackers, `Attacker` objects, or mappings as in a file (default: all
        built-in ones).
    text
        Column of a frame that holds the texts.
    person, subgroups, sensitive
        Columns of frames, by name; or arrays for training and test records: `person=(a, b)`,
        `sensitive={"income": (a, b)}`.
    properties
        What must not be inferred of the training data: `Property` objects.
    linkage
        `{"one_record_a_person": True}` where nobody has two records.
    threats, wiring, feedback, tolerances
        As in a file, or `Threats`, `Wiring`, `Feedback` and `Tolerances`.
    columns, features, drop, one_hot, parts, sample, overlap, max_chars, range, channels, input
        As in a file.
    claims, membership_is_sensitive, secrecy, system
        As in a file; `system={"adapter": function}` takes a function.
    labeller
        The function that labels contributed inputs.
    build
        Of a trained torch module: what returns the untrained module (default: its own layers, with
        parameters drawn again).
    training, weights, answers, refusal, trust, trust_names, sha256, integrity, expects
        As under `model` in a file; `expects=0.95` states an accuracy.
    compute
        Device and precision.
    """

    name: str
    description: str
    classes: Sequence[Any]
    harmless: Any
    needs: Needs
    attackers: Sequence[str | Attacker | Mapping[str, Any]]
    text: str
    person: Beside
    subgroups: Beside
    sensitive: Beside
    properties: Sequence[Property]
    linkage: Mapping[str, bool]
    threats: Threats | Mapping[str, Any]
    wiring: Wiring | Mapping[Any, str]
    feedback: Feedback | Mapping[str, Any] | str
    tolerances: Tolerances | Mapping[str, float]
    defences: Sequence[str | Mapping[str, Mapping[str, Any]]]
    columns: Mapping[str, Any]
    features: Sequence[str]
    drop: Sequence[str]
    one_hot: Sequence[Sequence[str]]
    parts: Mapping[str, float]
    sample: int
    overlap: str
    max_chars: int
    range: tuple[float, float]
    channels: str
    input: str
    claims: str
    membership_is_sensitive: bool
    secrecy: Mapping[str, Any]
    system: Mapping[str, Any]
    labeller: Any
    build: Any
    training: Mapping[str, Any]
    weights: str | Path
    answers: str
    refusal: str
    trust: bool
    trust_names: Sequence[str]
    sha256: str
    integrity: str
    expects: float | Mapping[str, Any]
    compute: ComputeSettings


def make_application(model: Any, data: GivenData, options: Mapping[str, Any]) -> Application:
    """Describe an application by objects in memory, read as a file and its data are read.

    Parameters
    ----------
    model
        See `goalkeeper.assess_model`.
    data
        Training and test records.
    options
        See `ModelOptions`.

    Raises
    ------
    DescriptionError
        An argument cannot be used; the message names it.
    DataError
        The data cannot be cut, or the model cannot be trained on it.
    MissingExtra
        The model needs a package that is not installed.
    """
    _check_names(options)
    described = _Description(recognise(model), data, dict(options))
    document = described.document()
    app = load_document(document, options.get("compute"))
    caveats = (*described.caveats, *map(for_python, app.caveats))
    return replace(app, caveats=tuple(dict.fromkeys(caveats)))


class _Description:
    """Turns arguments into the content of an application file."""

    def __init__(self, model: GivenModel, data: GivenData, options: dict[str, Any]) -> None:
        self._model, self._data, self._options = model, data, options
        self._given: dict[Key, Any] = {}
        self.caveats: list[str] = []

    def document(self) -> Document:
        """Return the document; what cannot be written in a file stands beside it."""
        sections: dict[str, dict[str, Any]] = {"data": {}, "model": {}}
        beside = self._records(sections["data"])
        self._place_model(sections["model"])
        self._objects()
        value: dict[str, Any] = {"goalkeeper": 1, "name": self._model.name, **sections}
        value["classes"] = self._data.classes(self._model.value)
        value["needs"] = self._needs()
        for name, option in self._options.items():
            if name in ("compute", "needs", "build", *beside):
                continue
            self._place(value, name, option)
        return Document(
            Path("arguments"),
            plain(value),
            given=self._given,
            arguments={**ARGUMENTS, **self._names()},
        )

    def _names(self) -> dict[Key, str]:
        return {("model", "build"): "build"} if "build" in self._options else {}

    def _place(self, value: dict[str, Any], name: str, option: Any) -> None:
        """Put an option where an application file has it."""
        if name == "claims":
            value["privacy"] = {"claims": option}
        elif name in ("properties", "linkage"):
            value["threats"] = {**value.get("threats", {}), name: option}
        elif name == "threats":
            value["threats"] = {**option, **value.get("threats", {})}
        elif name == "expects" and not isinstance(option, Mapping):
            value["model"]["expects"] = {"accuracy": option}
        elif name == "system":
            value["system"] = {**value.get("system", {}), **option}
        elif name == "wiring" and isinstance(option, Wiring):
            value["wiring"] = option.reactions
        elif name in APPLICATION:
            value[name] = option
        else:
            value["data" if name in DATA else "model"][name] = option

    # ---- records and model --------------------------------------------------------------------

    def _records(self, section: dict[str, Any]) -> tuple[str, ...]:
        """Hand over the records; return the options that came as arrays."""
        columns: dict[str, tuple[Any, Any]] = {}
        options, arrays = self._options, []
        for name in BESIDE:
            if name in options and (found := _arrays(name, options[name])):
                section[name] = next(iter(found)) if name == "person" else list(found)
                columns |= found
                arrays.append(name)
        parts = self._data.parts(columns)
        for part, records in parts.items():
            section[part] = f"X_{part}"
            self._given["data", part] = records
        if self._data.label is not None:
            section["label"] = self._data.label
        if columns and self._data.framed:  # known beside the inputs, and not seen by the model
            options["drop"] = [*options.get("drop", ()), *columns]
        self.caveats += self._data.notes(options)
        return tuple(arrays)

    def _place_model(self, section: dict[str, Any]) -> None:
        given = self._model
        if given.key == "object":
            self._given[OBJECT] = given.value
        elif given.key == "file":
            section["file"] = given.value
        else:
            section[given.key] = given.name
            self._given["model", given.key] = given.value
        if "build" in self._options:
            section["build"] = "build"
            self._given["model", "build"] = self._options["build"]

    def _objects(self) -> None:
        """Take objects out of options, and put there what a file would say instead."""
        options = self._options
        for name in ("feedback", "tolerances"):
            if is_dataclass(options.get(name)):
                options[name] = asdict(options[name])
                options[name].pop("declared", None)
        take_update(options, self._given)
        if isinstance(options.get("threats"), Threats):
            self._given["threats",] = options.pop("threats")
        if "properties" in options:
            options["properties"] = [_property(fact) for fact in options["properties"]]
        if "labeller" in options:
            self._given["labeller",] = options["labeller"]
            options["labeller"] = "labeller"
        wiring = options.get("wiring")
        if isinstance(wiring, Wiring):
            options["system"] = {**_system(wiring), **options.get("system", {})}
        system = dict(options.get("system", {}))
        if callable(system.get("adapter")):
            self._given["system", "adapter"] = system["adapter"]
            options["system"] = {**system, "adapter": "adapter"}
        if "attackers" in options:
            options["attackers"] = [
                self._attacker(i, one) for i, one in enumerate(_listed(options["attackers"]))
            ]

    def _attacker(self, i: int, given: Any) -> Any:
        if not isinstance(given, Attacker):
            return given
        self._given["attackers", i] = given
        return given.name

    # ---- protection needs -----------------------------------------------------------------------

    def _needs(self) -> dict[str, Any]:
        given = self._options.get("needs", {})
        if isinstance(given, str):
            given = {str(goal): given for goal in Goal}
        if not isinstance(given, Mapping):
            given = {need.goal: need for need in given}
        stated = {str(goal): need for goal, need in given.items()}
        left = [str(goal) for goal in Goal if str(goal) not in stated]
        if left:
            which = "" if len(left) == len(Goal) else f" of {', '.join(left)}"
            self.caveats.append(
                f"no protection need{which} is stated: normal is assumed; what follows from the "
                "verdicts depends on it"
            )
        found = {goal: self._need(goal, need) for goal, need in stated.items()}
        return found | {goal: _level("normal", ASSUMED) for goal in left}

    def _need(self, goal: str, given: Any) -> Any:
        """Write a need as a file does: a level stands for damage to tasks of this level."""
        if isinstance(given, ProtectionNeed):
            self._given["needs", goal] = given
            return _level("normal", REASON)
        if isinstance(given, Mapping) and "level" in given:
            return _level(given["level"], given.get("reason", REASON))
        return given if isinstance(given, Mapping) else _level(given, REASON)


ARGUMENTS: Mapping[Key, str] = {
    ("data",): "X_train",
    ("data", "train"): "X_train",
    ("data", "train", "file"): "X_train",
    ("data", "test"): "X_test",
    ("data", "test", "file"): "X_test",
    ("data", "label"): "y_train",
    ("model",): "model",
    ("model", "file"): "model",
    ("model", "build"): "model",
    ("model", "function"): "model",
    ("threats", "properties"): "properties",
    ("threats", "linkage"): "linkage",
    ("privacy", "claims"): "claims",
    **{(section, name): name for section, form in (("data", DataForm), ("model", ModelForm))
       for name in form.model_fields if name not in NOT_OPTIONS and name != "build"},
}  # fmt: skip


def plain(value: Any) -> Any:
    """Write a value as YAML gives it: lists, mappings, and Python's own numbers and texts."""
    if isinstance(value, Mapping):
        return {str(as_text(plain(key))): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(part) for part in value]
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Path):
        return str(value)
    return value


def _level(level: Any, reason: str) -> dict[str, Any]:
    if level == "none":
        return {"none": reason}
    return {"tasks": {"level": level, "reason": reason}}


def _check_names(options: Mapping[str, Any]) -> None:
    known = sorted(ModelOptions.__annotations__)
    for name in options:
        if name not in known:
            raise DescriptionError(
                "there is no such argument",
                key=name,
                expected="one of " + ", ".join(known),
                advice=choice(name, known),
            )


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else [value]


def _arrays(name: str, given: Any) -> dict[str, tuple[Any, Any]]:
    """Return arrays for training and test records by name; empty for names of columns."""
    if isinstance(given, Mapping):
        pairs = {str(column): pair for column, pair in given.items()}
    elif (
        isinstance(given, tuple) and len(given) == 2 and not any(isinstance(g, str) for g in given)
    ):
        pairs = {name: given}
    else:
        return {}
    for column, pair in pairs.items():
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise DescriptionError(
                f"{column} is not a pair of arrays",
                key=name,
                expected="(of the training records, of the test records)",
                given=type(pair).__name__,
                advice="give both, in the order of X_train and X_test",
            )
    return pairs


def _property(fact: Any) -> Any:
    if not isinstance(fact, Property):
        return fact
    made = {f.name: getattr(fact, f.name) for f in fields(fact)}
    return {name: part for name, part in made.items() if part}


def _system(wiring: Wiring) -> dict[str, Any]:
    made = {
        "missing": wiring.missing, "channel": wiring.channel,
        "validates": wiring.validates, "adapter": wiring.adapter,
    }  # fmt: skip
    return {name: part for name, part in made.items() if part}
