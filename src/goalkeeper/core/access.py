"""The only door between an attack and the application: grants, meters, refuses.

What it hands out belongs to all attacks of a run, so nothing of it can be written to: arrays are
read-only, networks are copies.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from goalkeeper.core.answer_costs import AnswerCosts, CostMeter
from goalkeeper.core.application import Answers, Application, Target, Trainer
from goalkeeper.core.asking import answer_each
from goalkeeper.core.change import Change, Poisoned, checked, genuine
from goalkeeper.core.cost import Cost
from goalkeeper.core.data import Bools, Data, Inputs, Ints
from goalkeeper.core.deadline import check_time
from goalkeeper.core.domain import Domain
from goalkeeper.core.errors import NotGranted, NotOffered
from goalkeeper.core.feedback import FeedbackBatch, FeedbackOutcome
from goalkeeper.core.metered_trainer import MeteredTrainer
from goalkeeper.core.power import Capability, Grade, Power, View
from goalkeeper.core.readonly import private_copy
from goalkeeper.core.reference import DRAWS, ReferencePool, SharedAnswers, derive
from goalkeeper.core.retrained import serving_trainer
from goalkeeper.core.steering import Steering, permitted
from goalkeeper.core.stored_numbers import change_numbers
from goalkeeper.core.terms import Checkpoint as Checkpoint
from goalkeeper.core.terms import SharedTerms
from goalkeeper.core.terms import Terms as Terms

__all__ = ["Access"]

Rewrite = TypeVar("Rewrite", bound=Callable[..., Any])


class Access:
    """Handed to `Attack.run`. What was not granted raises NotGranted."""

    def __init__(
        self, app: Application, terms: Terms, *, shared: SharedTerms | None = None
    ) -> None:
        self._app = app
        self._terms = terms
        self._granted = terms.granted
        self._shared = shared or SharedTerms(app, terms)
        self._meter = self._shared.meter
        self._start = terms.clock()
        self._feedback_outcome: FeedbackOutcome | None = None
        self._checkpoints: list[Checkpoint] = []

    # ---- public knowledge -------------------------------------------------------------------

    @property
    def rng(self) -> np.random.Generator:
        """The only source of randomness an attack may use."""
        return self._terms.rng

    def shared_rng(self) -> np.random.Generator:
        """Return a new generator, the same for every attack: for own models all would train."""
        return np.random.default_rng(derive(self._terms.reference, DRAWS))

    @property
    def domain(self) -> Domain:
        """What an input may look like."""
        return self._app.domain

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self._app.classes

    @property
    def harmless(self) -> int | None:
        """Index of the harmless class, if there is one."""
        return self._app.harmless

    @property
    def granted(self) -> Power:
        """What this attack may use in this run."""
        return self._granted

    @property
    def spent(self) -> Cost:
        """What was spent so far, over all campaigns."""
        meter = self._meter
        return Cost(
            queries=meter.total,
            forward=meter.forward,
            backward=meter.backward,
            models=meter.models,
            seconds=max(0.0, self._terms.clock() - self._start),
        )

    def left(self) -> Ints:
        """Count the queries that each campaign may still spend, `(campaigns,)`."""
        left, campaign = self._meter.left(), self._terms.campaign
        return left if campaign is None else left[[campaign]]

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """The answers handed in so far, in order."""
        return tuple(self._checkpoints)

    def checkpoint(self, answer: Any) -> None:
        """Hand in the best answer so far; the game marks each, which gives the whole curve.

        The answer is copied: what was handed in early cannot be made better later.
        """
        kept = copy.deepcopy(answer)
        self._checkpoints.append(Checkpoint(kept, self.spent, self._meter.queries.copy()))

    # ---- granted: questions to the model ------------------------------------------------------

    def query(self, x: Inputs, campaigns: Ints | None = None) -> Answers:
        """Ask the target about inputs `(n, ...)`; costs n queries.

        An attacker who knows the model fully asks its own copy: that costs n forward passes and
        no query.

        Parameters
        ----------
        x
            Inputs of the application's domain.
        campaigns
            Which campaign pays for each input, `(n,)`; left out, each pays for all of them.

        Raises
        ------
        NotGranted
            The attacker sees no answers, or may not interact with the model at all.
        BudgetSpent
            A campaign's budget does not cover the call; nothing was asked, nothing is charged.
        """
        view = self._pay(x, campaigns)
        return private_copy(self._app.target.answer(x, view).cut(view))

    def query_each(self, x: Inputs, campaigns: Ints | None = None) -> tuple[Answers, Bools]:
        """Query as `query()` does, where an input that gets no answer costs that input only.

        Returns the answers that there are, and which inputs `(n,)` they belong to. An input on
        which the model raises, or gives NaN, is paid as any other.
        """
        view = self._pay(x, campaigns)
        answers, answered = answer_each(self._app.target, x, view)
        return private_copy(answers.cut(view)), answered

    def answer_costs(self, x: Inputs) -> AnswerCosts:
        """Return what it costs to answer each of inputs `(n, ...)`, asked one at a time.

        An attacker who asks sees how long each answer takes. Seconds are measured in this process,
        without a network; a target that counts its own operations is read by these. Costs n
        queries in every campaign. What is refused costs what it took until it was.

        Raises
        ------
        NotGranted, BudgetSpent
            As `query()`.
        """
        self._pay(x, None)
        return CostMeter.of(self._app.target, self._terms.clock).measure(x)

    def _pay(self, x: Inputs, campaigns: Ints | None) -> View:
        """Charge a query, and return what may be seen of its answers."""
        check_time()
        granted = self._granted
        if granted.view is View.NOTHING:
            raise NotGranted("query() needs a view of the answers; this attack sees nothing")
        owns_copy = granted.knowledge.model is Grade.FULL
        if not owns_copy and Capability.M2 not in granted.capabilities.closed():
            raise NotGranted("query() needs capability M2, or full knowledge of the model")
        if owns_copy:
            self._meter.forward += len(x)
        elif campaigns is not None:
            self._meter.charge(campaigns)
        elif self._terms.campaign is not None:
            self._meter.charge(np.full(len(x), self._terms.campaign, dtype=np.int64))
        else:
            self._meter.charge_all(len(x))
        return min(granted.view, self._app.target.offers)

    def victims(self) -> tuple[Access, ...]:
        """Return a door to each of the game's own victims; each pays from its own campaign."""
        app, terms = self._app, replace(self._terms, victims=())
        return tuple(
            type(self)(replace(app, target=target), replace(terms, campaign=i), shared=self._shared)
            for i, target in enumerate(self._terms.victims)
        )

    def parameters(self) -> Mapping[str, Any]:
        """Return the trained parameters (model: full)."""
        self._knows("model", Grade.FULL, "parameters()")
        return private_copy(self._app.target.parameters())

    def vocabulary(self) -> tuple[str, ...]:
        """Return the words that a text model knows, not what it makes of them (model: partial)."""
        self._knows("model", Grade.PARTIAL, "vocabulary()")
        words = self._app.target.parameters().get("vocabulary")
        if words is None:
            raise NotOffered("this model has no vocabulary that can be read")
        return tuple(str(word) for word in words)

    def artefact(self) -> Path:
        """Return the path of the stored model (model: full)."""
        self._knows("model", Grade.FULL, "artefact()")
        return self._app.target.artefact()

    def network(self) -> Any:
        """Return the model as a differentiable torch module (model: full, view: gradients).

        It maps a float tensor `(n, ...)` in the domain's own units to logits `(n, classes)`.
        Autograd works through it; every row that passes forward or backward is counted. It is a
        copy: what is written to its weights does not reach the application.
        """
        self._knows("model", Grade.FULL, "network()")
        if self._granted.view < View.GRADIENTS:
            raise NotGranted("network() needs a view of gradients")
        build = getattr(self._app.target, "network", None)
        if build is None:
            raise NotOffered("this target has no differentiable form")
        meter = self._meter
        return copy.deepcopy(build(meter.passed), {id(meter): meter})  # which counts in both

    # ---- granted: data and algorithm ----------------------------------------------------------

    def data(self) -> Data:
        """Return the attacker's data.

        data: partial gives similar data that the target was not trained on; data: full gives the
        training data, without what the game withholds as its secret.
        """
        self._knows("data", Grade.PARTIAL, "data()")
        return private_copy(self._records_without(self._terms.withheld))

    def _records_without(self, withheld: Bools | None) -> Data:
        if self._granted.knowledge.data is Grade.PARTIAL:
            return self._app.data.similar
        train = self._app.data.train
        return train if withheld is None else train.take(~withheld)

    @property
    def retrainable(self) -> bool:
        """Whether the application describes a recipe: without one, `trainer()` raises."""
        return self._app.trainer is not None

    def trainer(self) -> MeteredTrainer:
        """Return the target's own recipe (algorithm: full) or one of its family (partial)."""
        self._knows("algorithm", Grade.PARTIAL, "trainer()")
        return MeteredTrainer(self._recipe(), self._meter, self._shared.trainings)

    def reference_models(self, candidates: Data, models: int) -> Iterator[SharedAnswers]:
        """Give what reference models say of candidates, in growing stages (16, 16, 32, ...).

        Each candidate, a record of the question, is in half of them (`ReferencePool`). All attacks
        that know as much get the same ones, and who asks for fewer the first: each is trained once,
        and counted for every attack as if it had trained it itself. An even number, 4 at least.
        """
        self._knows("data", Grade.PARTIAL, "reference_models()")
        self._knows("algorithm", Grade.PARTIAL, "reference_models()")
        whole = self._terms.part_of
        withheld = self._terms.withheld if whole is None else whole.withheld
        surely = self._granted.knowledge.data is Grade.FULL and withheld is not None
        return ReferencePool(
            trainer=self._recipe(),
            trainings=self._shared.trainings,
            asked=candidates if whole is None else whole.records,
            own=self._records_without(withheld),
            size=len(self._app.data.train),
            trained=surely,
            rows=None if whole is None else whole.rows,
            stream=self._terms.reference,
            count=self._meter.trained,
        ).grow(models)

    def _recipe(self) -> Trainer:
        full = self._granted.knowledge.algorithm is Grade.FULL
        trainer = self._app.trainer if full else (self._app.lookalike or self._app.trainer)
        if trainer is None:
            raise NotOffered("the application has no training recipe; describe one (model.build)")
        return trainer

    @property
    def memory(self) -> int:
        """Bytes that the answers of an attacker's own models may take at a time."""
        return self._app.compute.memory

    def reachable(self) -> Ints:
        """Rows of the training data that the attacker may delete, modify or relabel.

        With full knowledge of the data: all. Otherwise the attacker's own contributions, a random
        sample as large as the share under its control; it stays the same after every change.
        """
        wanted = Capability.T2 | Capability.T3 | Capability.T4
        if not self._granted.capabilities.closed() & wanted:
            raise NotGranted("reachable() needs one of the capabilities T1 to T4")
        rows, knows_all = len(self._app.data.train), self._granted.knowledge.data is Grade.FULL
        return np.arange(rows) if knows_all else private_copy(self._shared.reachable(rows))

    def own(self) -> Data:
        """Return the reachable training rows themselves, in the order of `reachable()`."""
        return self._app.data.train.take(self.reachable())

    # ---- granted: changes ---------------------------------------------------------------------

    def check(self, change: Change) -> Poisoned:
        """Check a change of the training data as the game will; raises ChangeRefused."""
        check_time()
        touched = len(change.rows) > 0
        reach = self.reachable() if touched else np.empty(0, dtype=np.int64)
        poisoned = checked(change, self._train, self._granted, reach, self._app.labeller)
        if change.trusted is not None:
            genuine(change.trusted, (self._app.data.similar, self.own()))
        return poisoned

    def poison(self, change: Change) -> Access:
        """Change the training data, have the victim retrain, and return access to the result."""
        poisoned = self.check(change)
        if self._app.trainer is None:
            raise NotOffered("the application cannot be retrained; describe model.build")
        train = self._train.take(~poisoned.removed).joined(poisoned.extra)
        seed = int(self._terms.victim.spawn(1)[0].generate_state(1)[0])
        target = serving_trainer(self._app.trainer).fit(train, seed)
        self._meter.models += 1
        return self._changed(target)

    def teach(self, batch: FeedbackBatch) -> Access:
        """Give feedback in one round (M4) and return access to what the application became.

        Feedback adds up over the returned accesses. The declared review, monitor and snapshots
        apply, with one draw of their random choices; the game measures with other draws.

        Raises
        ------
        ChangeRefused
            More feedback than the round takes or the attacker's share allows.
        """
        self._can(Capability.M4, "teach()")
        check_time()
        before = self._feedback_outcome or FeedbackOutcome.start(self._app)
        taught = before.after(batch, self._granted, self._terms.victim.spawn(1)[0])
        self._meter.models += 1
        app = replace(self._app, target=taught.serving)
        access = Access(app, self._terms, shared=self._shared)
        access._feedback_outcome = taught
        return access

    def steer(self, steering: Steering) -> Access:
        """Steer the training (M3, M4), have the victim train, and return access to the result."""
        check_time()
        steering = permitted(steering, self._granted, len(self._app.data.train))
        steered = getattr(self._app.trainer, "fit_steered", None)
        if steered is None:
            raise NotOffered("this application's training cannot be steered")
        seed = int(self._terms.victim.spawn(1)[0].generate_state(1)[0])
        target: Target = steered(self._app.data.train, seed, steering)
        self._meter.models += 1
        return self._changed(target)

    def tamper(self, change: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Access:
        """Rewrite stored numbers (W) and return access to the changed target.

        `change` gets the arrays that the target stores, by name (of a target that does not say,
        its parameters), and returns those to write; others stay.
        """
        self._can(Capability.W, "tamper()")
        check_time()
        target: Target = change_numbers(self._app.target, change)
        return self._changed(target)

    def intercept(self, rewrite: Rewrite) -> Rewrite:
        """Return the rewrite of answers in transit if it may be handed in (O).

        The game sends the answers through it; to see any takes `query()`.
        """
        self._can(Capability.O, "intercept()")
        return rewrite

    @property
    def _train(self) -> Data:  # behind the door of a victim: what it was trained on
        return cast("Data", getattr(self._app.target, "trained_on", self._app.data.train))

    def _changed(self, target: Target) -> Access:
        """Return access to what a change made of the target, on the same terms."""
        return type(self)(replace(self._app, target=target), self._terms, shared=self._shared)

    # ---- checks -------------------------------------------------------------------------------

    def _knows(self, aspect: str, grade: Grade, what: str) -> None:
        if getattr(self._granted.knowledge, aspect) < grade:
            raise NotGranted(f"{what} needs {grade.name.lower()} knowledge of the {aspect}")

    def _can(self, cell: Capability, what: str) -> None:
        if cell not in self._granted.capabilities.closed():
            raise NotGranted(f"{what} needs capability {cell.name}")
