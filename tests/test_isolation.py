"""No attack moves the result of another: not by a seed, and not by edits in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import reduce
from operator import or_
from typing import Any, ClassVar, final

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from goalkeeper.attack_run import AttackRun, evaluate, execute
from goalkeeper.attacks import catalogue
from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Application, Feedback
from goalkeeper.core.change import Change
from goalkeeper.core.data import PARTS, Data, Splits, fingerprint
from goalkeeper.core.domain import Column, Domain, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.errors import GoalkeeperError
from goalkeeper.core.evidence import AttackResult, Status
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.core.steering import Steering
from goalkeeper.games.base import Deal, Game, Marking, Task
from goalkeeper.games.membership.game import TASK
from goalkeeper.planning import Choice, make_plan
from goalkeeper.targets import PythonTarget
from goalkeeper.training import FunctionTrainer, SklearnTrainer
from tests.contract.harness import build
from tests.scribbling import scribble
from tests.test_attack_run import counted

torch = pytest.importorskip("torch")

ALL = Power(
    knowledge=Knowledge(data=Grade.FULL, algorithm=Grade.FULL, model=Grade.FULL),
    capabilities=reduce(or_, Capability),
    view=View.GRADIENTS,
    budget=Budget(queries=10_000, share=0.5, compute_h=1.0),
)
N = 60  # records a part
WORDS = np.array([f"w{i}" for i in range(40)])
TABLE = TableDomain(columns=tuple(Column(name=f"c{j}", low=-20, high=20) for j in range(4)))


def part(kind: str, seed: int) -> Data:
    rng = np.random.default_rng(seed)
    y = np.arange(N) % 2
    if kind == "text":
        x = np.empty(N, dtype=object)
        x[:] = [" ".join(rng.choice(WORDS[20 * k : 20 * k + 25], 8)) + f" r{seed}" for k in y]
    else:
        x = rng.normal(size=(N, 4)) + 2 * y[:, None]
    people = np.array([f"p{i % 7}" for i in range(N)], dtype=object)
    return Data(x=x, y=y, columns={"person": people})


MODELS: dict[str, Any] = {
    "logistic regression": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
    "nearest neighbours": lambda: KNeighborsClassifier(n_neighbors=3),
    "scaler that writes": lambda: make_pipeline(StandardScaler(copy=False), LogisticRegression()),
    "text": lambda: make_pipeline(CountVectorizer(), MultinomialNB()),
    "network": lambda: torch.nn.Sequential(
        torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2)
    ),
}


def application(model: str) -> Application:
    kind: str = "text" if model == "text" else "table"
    domain: Domain = TextDomain() if kind == "text" else TABLE
    data = Splits(**{name: part(kind, seed) for seed, name in enumerate(PARTS)})
    trainer: Any
    if model == "network":
        from goalkeeper.training import TorchRecipe, TorchTrainer

        trainer = TorchTrainer(MODELS[model], ("a", "b"), domain, TorchRecipe(epochs=3))
    else:
        trainer = SklearnTrainer(MODELS[model](), ("a", "b"), domain)
    return Application(
        name=model,
        target=trainer.fit(data.train, 0),
        data=data,
        domain=domain,
        classes=("a", "b"),
        harmless=0,
        trainer=trainer,
        lookalike=trainer,
        labeller=lambda x, bases: bases.y,
        person="person",
        feedback=Feedback(share=0.5, rounds=2),
    )


@final
@dataclass(frozen=True, kw_only=True)
class Open(Game[Data, None, int]):
    """Show similar records, and let the attack do what it likes."""

    name: ClassVar[str] = "open"

    def tasks(self, app: Application) -> tuple[Task, ...]:
        return (TASK,)

    def deal(self, app: Application, task: Task, rng: np.random.Generator) -> Deal[Data, None]:
        return Deal(app.data.similar, None)

    def mark(self, marking: Marking[Data, None, int]) -> AttackResult:
        return counted(90, 10, 100)

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        return app


USES: tuple[Callable[[Access], Any], ...] = (
    lambda a: a.data(),
    lambda a: a.own(),
    lambda a: a.reachable(),
    lambda a: a.left(),
    lambda a: a.domain,
    lambda a: a.query(a.data().x),
    lambda a: a.parameters(),
    lambda a: a.network(),
    lambda a: a.trainer().fit(a.data(), 0),
    lambda a: a.check(Change(relabel=np.array([0]), relabelled=np.array([1]))),
    lambda a: a.poison(Change(relabel=np.array([0]), relabelled=np.array([1]))).parameters(),
    lambda a: a.steer(Steering(seed=3)).parameters(),
    lambda a: a.tamper(scribbled).parameters(),
)


def scribbled(parameters: Any) -> Any:
    scribble(parameters, past_numpy=True)
    return parameters


@final
@dataclass(frozen=True, kw_only=True)
class Sloppy(Attack[Data, int]):
    """Work in place on whatever there is."""

    game: ClassVar = Open
    variant: ClassVar[str] = "membership.threshold"
    reference: ClassVar[str] = "none"

    def run(self, question: Data, access: Access) -> int:
        arrays = scribble(question, past_numpy=True)
        for use in USES:
            try:
                arrays += scribble(use(access), past_numpy=True)
            except GoalkeeperError:  # not offered by this application
                continue
        return arrays


BYSTANDERS = {
    "logistic regression": ("loss_threshold", "columns_from_weights", "equation_solving"),
    "nearest neighbours": ("loss_threshold", "stored_points", "substitute_from_data"),
    "scaler that writes": ("loss_threshold", "columns_from_scores", "label_flips"),
    "text": ("good_words_from_weights", "rare", "dictionary", "class_average_linear"),
    "network": ("loss_threshold", "bit_flips", "class_average_from_gradients"),
}


def results(app: Application, attacks: tuple[str, ...]) -> dict[str, Any]:
    """Run these attacks as somebody who knows everything; leave out what is measured in time."""
    known = tuple(name for name in attacks if name in catalogue())
    plan = make_plan(app, choice=Choice(attacks=known, attackers=("insider",), effort=0.2))
    found = {}
    for unit in plan.units:
        result = execute(app, unit.run)
        assert result.status is not Status.FAILED_TO_RUN, result.traceback
        found[f"{unit.attack} {unit.id}"] = untimed(result.model_dump())
    return found


def untimed(value: Any) -> Any:
    if isinstance(value, dict):
        timed = {"took", "seconds", "compute_h"}
        return {k: untimed(v) for k, v in value.items() if k not in timed}
    return [untimed(v) for v in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("model", MODELS)
def test_a_sloppy_attack_does_not_move_the_results_of_others(model: str) -> None:
    """Alone, and after an attack that wrote to whatever it got, on the same application."""
    alone = results(application(model), BYSTANDERS[model])
    app = application(model)
    identity = app.fingerprint
    this = AttackRun(attack=Sloppy(), game=Open(), task=TASK, granted=ALL, seed=0)
    assert evaluate(app, this).status is Status.TESTED
    assert len(alone) >= 2
    assert repr(results(app, BYSTANDERS[model])) == repr(alone)
    assert replace(app).fingerprint == identity


def test_the_sloppy_attack_finds_arrays_to_write_to() -> None:
    """A test in which nothing is tried would show nothing."""
    app = application("network")
    terms = Terms(granted=ALL, rng=np.random.default_rng(0), victim=np.random.SeedSequence(0))
    assert Sloppy().run(app.data.similar, Access(app, terms)) > 20


def writes(x: Any) -> Any:
    """Answer as users' functions do: scale what was given in place."""
    x -= x.mean(axis=0)
    return (x[:, 0] > 0).astype(int)


def written_to(x: Any, y: Any, seed: int) -> Callable[[Any], Any]:
    x[:] = x / 2
    y[:2] = 0
    return writes


def test_a_users_own_code_may_write_to_what_it_gets() -> None:
    """It gets copies of the records, and neither fails nor changes them."""
    data = part("table", 0)
    before = fingerprint(data)
    target = PythonTarget(writes, ("a", "b"), TABLE, sample=data.x[:5])
    target.answer(data.x, View.LABELS)
    FunctionTrainer(written_to, ("a", "b"), TABLE).fit(data, 0).answer(data.x, View.LABELS)
    images = replace(data, x=data.x.reshape(N, 1, 2, 2))
    PythonTarget(writes, ("a", "b"), ImageDomain(shape=(1, 2, 2)), sample=images.x)
    assert fingerprint(data) == before


GAMES = {attack.game.name: attack for attack in catalogue().values()}


@pytest.mark.parametrize("name", GAMES)
def test_the_question_of_every_game_is_read_only(name: str) -> None:
    """No attack can spoil the question for the game that marks it."""
    attack = GAMES[name]
    game = attack.game().smaller()
    for domain in sorted(attack.game.domains):
        try:
            app = build(attack, domain, "rigged", 0)
        except (KeyError, ValueError):
            continue
        for task in game.tasks(app):
            if game.unfit(app, task) is None:
                _written_to(app, game, task)


@final
@dataclass(frozen=True, kw_only=True)
class Scribbles(Attack[Any, Any]):
    """Note what of the question can be written to, write to it, and give up."""

    game: ClassVar = Open
    variant: ClassVar[str] = "membership.threshold"
    reference: ClassVar[str] = "none"
    handed: list[list[str]]

    def run(self, question: Any, access: Access) -> Any:
        self.handed.append(writable(question))
        scribble(question)
        raise RuntimeError("enough")


def _written_to(app: Application, game: Any, task: Task) -> None:
    before, attack = app.fingerprint, Scribbles(handed=[])
    this = AttackRun(attack=attack, game=game, task=task, granted=ALL, seed=0)
    assert execute(app, this).reason == "RuntimeError: enough"
    assert attack.handed == [[]]
    assert replace(app).fingerprint == before


def writable(value: Any, path: str = "question") -> list[str]:
    """Name the arrays, lists and dicts in a question that can be written to."""
    if isinstance(value, np.ndarray):
        return [path] if value.flags.writeable else []
    if isinstance(value, list | dict | set):
        return [path]
    parts: list[tuple[str, Any]] = []
    if isinstance(value, Mapping):
        parts = [(f"{path}[{k!r}]", v) for k, v in value.items()]
    elif isinstance(value, tuple):
        parts = [(f"{path}[{i}]", v) for i, v in enumerate(value)]
    elif is_dataclass(value):
        parts = [(f"{path}.{f.name}", getattr(value, f.name)) for f in fields(value)]
    return [found for name, part in parts for found in writable(part, name)]
