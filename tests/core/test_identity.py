"""The fingerprint of an application: what decides a result is in it, and nothing that moves."""

from __future__ import annotations

import gc
import io
import os
import subprocess
import sys
import weakref
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from goalkeeper.core.application import (
    DECIDES_NOTHING,
    Application,
    Feedback,
    Property,
    Storage,
    Tolerances,
    Wiring,
)
from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.data import PARTS, Data, Inputs, Ints, Splits, fingerprint
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.fit import Expectation
from goalkeeper.core.goals import Goal
from goalkeeper.core.identity import content_of
from goalkeeper.core.need import ProtectionNeed
from goalkeeper.core.power import Attacker, Power
from goalkeeper.core.threats import TextThreat, Threats
from goalkeeper.targets import PythonTarget, SklearnTarget
from goalkeeper.training import SklearnTrainer

SPAM, HAM = ("buy pills now", "cheap pills"), ("see you soon", "the meeting moved")


def part(name: str, n: int = 40) -> Data:
    words = [(SPAM if i % 2 else HAM)[i // 2 % 2] for i in range(n)]
    x = np.array([f"{w} {name}{i}" for i, w in enumerate(words)], dtype=object)
    return Data(x=x, y=np.arange(n) % 2)


def model(**settings: Any) -> Any:
    return make_pipeline(TfidfVectorizer(), LogisticRegression(**settings))


def trainer(**settings: Any) -> SklearnTrainer:
    return SklearnTrainer(model(**settings), ("ham", "spam"), TextDomain())


def honest(x: Inputs, bases: Data) -> Ints:
    return bases.y


def strict(x: Inputs, bases: Data) -> Ints:
    return np.ones_like(bases.y)


def stored(suffix: str) -> Storage:
    return Storage(
        read=lambda: b"model",
        suffix=suffix,
        runs_code=True,
        protection="",
        check=lambda path: True,
        load=lambda path: trainer().fit(part("train"), 0),
        save=lambda target: b"",
    )


def application() -> Application:
    data = Splits(**{name: part(name) for name in PARTS})
    return Application(
        name="filter",
        target=trainer().fit(data.train, 0),
        data=data,
        domain=TextDomain(),
        classes=("ham", "spam"),
        harmless=0,
        trainer=trainer(),
        lookalike=trainer(C=2),
        labeller=honest,
    )


NEED = ProtectionNeed(goal=Goal.PRIVACY, level=2)
OTHER: dict[str, Any] = {
    "name": "another filter",
    "target": trainer(C=5).fit(part("train"), 0),
    "data": Splits(**{name: part(name, 42) for name in PARTS}),
    "domain": TextDomain(max_chars=99),
    "classes": ("ham", "junk"),
    "description": "Sorts mail.",
    "harmless": None,
    "trainer": trainer(C=5),
    "lookalike": trainer(C=5),
    "labeller": strict,
    "person": "sender",
    "subgroups": ("language",),
    "sensitive": ("age",),
    "membership_is_sensitive": True,
    "one_record_a_person": True,
    "properties": (Property(name="age", value="old"),),
    "threats": Threats(text=TextThreat(words=3)),
    "claims": "anonymity",
    "tolerances": Tolerances(accuracy_drop=0.3),
    "wiring": Wiring(missing="delivers"),
    "compute": ComputeSettings(precision="fast"),
    "feedback": Feedback(rounds=3),
    "storage": stored(".joblib"),
    "needs": {Goal.PRIVACY: NEED},
    "attackers": (Attacker(name="someone", power=Power()),),
    "secrecy": {"data": {"training": "public"}},
    "expects": Expectation(accuracy=0.9),
    "caveats": ("it is slow",),
    "hashes": {"model.joblib": "12ab"},
}


def test_every_field_has_another_value_here() -> None:
    """A new field belongs into this table, and, if it decides nothing, onto the list of those."""
    assert set(OTHER) == {f.name for f in fields(Application)}
    assert set(OTHER) > DECIDES_NOTHING


@pytest.mark.parametrize("name", OTHER)
def test_a_field_is_in_the_fingerprint_or_decides_nothing(name: str) -> None:
    app = application()
    changed = replace(app, **{name: OTHER[name]})
    assert (changed.fingerprint == app.fingerprint) is (name in DECIDES_NOTHING)


@pytest.mark.parametrize(
    "other",
    [
        Wiring(reactions={"ham": "deliver"}),
        Wiring(adapter=lambda name, scores: "rejected"),
        Wiring(channel="signed"),
        Wiring(validates=True),
    ],
)
def test_every_part_of_the_wiring_counts(other: Wiring) -> None:
    app = application()
    assert replace(app, wiring=other).fingerprint != app.fingerprint


def test_two_applications_that_are_alike_are_the_same() -> None:
    assert application().fingerprint == application().fingerprint


def test_asking_and_loading_again_change_nothing() -> None:
    app = application()
    assert isinstance(app.target, SklearnTarget)
    app.target.answer(app.data.holdout.x, app.target.offers)
    file = io.BytesIO()
    joblib.dump(app.target.model, file)
    again = SklearnTarget(joblib.load(file), app.classes, app.domain, indexed=True)
    assert replace(app, target=again).fingerprint == application().fingerprint


def test_another_process_finds_the_same() -> None:
    """Text is hashed differently in each process, and threads add numbers up in another order."""
    root = Path(__file__).parent.parent.parent
    code = "from tests.core.test_identity import application; print(application().fingerprint)"
    path = os.pathsep.join([str(root), *sys.path])
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path, "OMP_NUM_THREADS": seed},
            cwd=root,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert found == {application().fingerprint}


def test_a_target_without_parameters_is_known_by_its_answers() -> None:
    app, asked = application(), []

    def target(rule: Callable[[str], int]) -> PythonTarget:
        def function(x: Any) -> Ints:
            asked.append(len(x))
            return np.array([rule(text) for text in x])

        return PythonTarget(function, app.classes, app.domain, sample=app.data.train.x[:2])

    pills = replace(app, target=target(lambda text: int("pills" in text)))
    again = replace(app, target=target(lambda text: int("pills" in text)))
    others = replace(app, target=target(lambda text: int("soon" in text)))
    asked.clear()
    assert pills.fingerprint == again.fingerprint != others.fingerprint
    assert asked == [32, 32, 32]
    assert pills.fingerprint == again.fingerprint
    assert asked == [32, 32, 32]  # asked once, and not again


def test_files_identify_what_is_trained_anew_in_every_process() -> None:
    """Trained by other threads it differs in its last digits; what the files say is the same."""
    described = replace(application(), hashes={"application.yaml": "ab", "model.py": "cd"})
    trained = replace(described, target=trainer(tol=1e-9).fit(described.data.train, 0))
    assert trained.fingerprint == described.fingerprint
    assert replace(described, wiring=Wiring(missing="delivers")).fingerprint != (
        described.fingerprint
    )
    kept = replace(described, storage=stored(".joblib"))
    assert kept.fingerprint != replace(described, storage=stored(".pt")).fingerprint
    assert replace(kept, hashes={"model.py": "ce"}).fingerprint != kept.fingerprint


def test_the_last_digits_of_parameters_do_not_count() -> None:
    app = application()

    def moved(by: float) -> str:
        assert isinstance(app.target, SklearnTarget)
        weights = app.target.parameters()["weights"] * (1 + by)
        return replace(app, target=app.target.with_parameters({"weights": weights})).fingerprint

    assert moved(0) == moved(1e-15) != moved(1e-6)


def test_something_is_computed_once_and_goes_with_its_application() -> None:
    computed = []

    class Costly:
        def __init__(self, app: Application) -> None:
            computed.append(app.name)

    app = application()
    kept = weakref.ref(app.once(Costly))
    assert app.once(Costly) is kept()
    assert computed == ["filter"]
    replace(app, name="other").once(Costly)
    assert computed == ["filter", "other"]
    del app
    gc.collect()
    assert kept() is None


# ---- content -------------------------------------------------------------------------------------


def same(one: Any, other: Any) -> bool:
    return fingerprint(content_of(one)) == fingerprint(content_of(other))


def adding(n: int) -> Callable[[int], int]:
    return lambda value: value + n


@dataclass(frozen=True)
class Point:
    x: Any


class Rule:
    def __init__(self, words: Any, folder: str = "/a") -> None:
        self.words, self.file = words, Path(folder) / "words.txt"

    @cached_property
    def longest(self) -> str:
        return str(max(self.words, key=len))

    def apply(self, text: str) -> bool:
        return text in self.words


def test_functions_are_known_by_their_code_and_what_they_close_over() -> None:
    assert same(adding(1), adding(1))
    assert not same(adding(1), adding(2))
    assert not same(honest, strict)
    assert not same(partial(max, 1), partial(max, 2))
    assert same(len, len)
    assert not same(len, max)
    assert same(Rule({"a"}).apply, Rule({"a"}).apply)
    assert not same(Rule({"a"}).apply, Rule({"b"}).apply)
    assert not same(lambda text: text in {"a", "b"}, lambda text: text in {"a", "c"})


def test_objects_are_known_by_what_they_hold() -> None:
    used = Rule({"a", "bcd"})
    assert used.longest == "bcd"
    assert same(used, Rule({"bcd", "a"}, "/elsewhere"))
    assert not same(used, Rule({"a"}))
    assert not same(Point(1), Point(2))
    assert not same(Point(np.zeros(2)), Point(np.zeros(3)))
    assert not same(Point, Rule)
    assert not same(Goal.PRIVACY, Goal.INTEGRITY)
    assert same([Point((1, "a")), None, os], [Point((1, "a")), None, os])


def test_what_holds_itself_has_an_end() -> None:
    rule = Rule([])
    rule.words.append(rule)
    assert same(rule, rule)
