"""The nonsense game: inputs that make no sense must not lead to invalid states."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.data import Inputs
from goalkeeper.core.errors import DataError
from goalkeeper.core.evidence import AttackResult, Exhibit, Measurement, Proportion, Status, Trial
from goalkeeper.core.goals import Aspect, Goal, Harm
from goalkeeper.core.power import Power, View
from goalkeeper.games.base import Deal, Game, Marking, Task
from goalkeeper.games.nonsense.asking import (
    ANSWERED,
    UNAVAILABLE,
    UNRELIABLE,
    HandledInput,
    InputOutcome,
    InputTester,
)
from goalkeeper.games.nonsense.overconfident import allowed, overconfident
from goalkeeper.games.shared.measuring import build_measurement, measure_rate
from goalkeeper.games.shared.wording import percent, span
from goalkeeper.games.tallies import estimate_tally

MALFORMED, STRANGE, DISRUPTIVE = "malformed-inputs", "strange-inputs", "disruptive-inputs"
METRIC = "success_rate"
_RELIABILITY = (Harm(Goal.INTEGRITY, aspect=Aspect.RELIABILITY),)
_OTHERS = 3  # ordinary inputs that are asked after each of the inputs that may disrupt
_WATCHED = 10  # that all fail where the application has stopped, and seldom by chance
_MAX_EXHIBITS = 6
_MAX_CHARS = 300  # of an exhibit
_STOPPED = (
    "inconclusive: the application stopped answering ordinary inputs too, so that it is not known "
    "which of the others it failed on"
)
_NAMES = {
    InputOutcome.BLOCKS: "share after which others are not answered",
    InputOutcome.CRASH: "share of crashes",
    InputOutcome.HANG: "share of inputs without an answer for long",
    InputOutcome.INVALID: "share of invalid states",
    InputOutcome.CONFIDENT: "share of confident answers",
    InputOutcome.REFUSED: "share of refusals",
}


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class OrdinaryExamples:
    """The question: a few ordinary inputs `(m, ...)`, and how many nonsensical ones may be sent."""

    examples: Inputs
    most: int


@dataclass(frozen=True, eq=False, slots=True)
class NonsenseInput:
    """One nonsensical input `(1, ...)`, of whatever type and shape, and which kind it is."""

    kind: str
    x: Inputs


NonsenseInputs = Sequence[NonsenseInput]
Failures = tuple[InputOutcome, ...]


@final
@dataclass(frozen=True, kw_only=True)
class Nonsense(Game[OrdinaryExamples, None, NonsenseInputs]):
    """Question: a few ordinary inputs. Answer: nonsensical ones, each of a named kind.

    The game asks about each alone, so that what one breaks does not hide another. For reliability
    it counts crashes (anything raised but a clean refusal), invalid states (an answer that is no
    class, scores that are no probabilities, a class without a reaction) and confident answers (at
    least as sure as the application is of its own calibration inputs in 95 of 100 cases). Ordinary
    inputs are the baseline: about 5 % of them are answered as confidently.

    For availability (`disruptive-inputs`) only what other people notice counts: a crash, no answer
    for `hang` seconds and 100 times as long as ordinary inputs take, and ordinary inputs that were
    answered before and are refused, or crash, afterwards. That nonsense is answered, however
    confidently, keeps nobody from the application.

    Of malformed inputs only those outside the described domain may not be answered confidently:
    a mail with a control character in it is still a mail. Ordinary inputs are judged by the same
    rule, so there the baseline is about zero, and few crashes are not lost in it.

    A refusal (a ValueError, or an error of CatBoost, LightGBM or ONNX Runtime, with a message) is
    no failure. What lies outside the described domain counts as refused only if the application
    states that it checks (`system.validates`); a model behind an unstated check may be reached by
    another way.

    Parameters
    ----------
    inputs
        Nonsensical inputs that are asked, at most.
    ordinary
        Ordinary inputs they are compared with, at most.
    examples
        Ordinary inputs that the attack may start from.
    hang
        Seconds without an answer, from which on the application hangs.
    """

    name: ClassVar[str] = "nonsense"
    grows: ClassVar[Mapping[str, int]] = {"inputs": 60, "ordinary": 100}

    inputs: int = 120
    ordinary: int = 300
    examples: int = 20
    hang: float = 10.0

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Ask about malformed inputs, well-formed ones that mean nothing, and what disrupts."""
        return tuple(
            Task(name=name, harms=harms, metric=METRIC, sentence=sentence, writes="own")
            for name, harms, sentence in (
                (
                    MALFORMED,
                    _RELIABILITY,
                    "drive the application into an invalid state with malformed inputs",
                ),
                (
                    STRANGE,
                    _RELIABILITY,
                    "make the application answer confidently on inputs it was not made for",
                ),
                (
                    DISRUPTIVE,
                    (Harm(Goal.AVAILABILITY),),
                    "keep other people from the application: by a crash, by an input without an "
                    "answer, or so that their inputs are refused afterwards",
                ),
            )
        )

    def deal(
        self, app: Application, task: Task, rng: np.random.Generator
    ) -> Deal[OrdinaryExamples, None]:
        """Draw a few ordinary inputs of people who use the application."""
        similar = app.data.similar.x
        rows = rng.permutation(len(similar))[: self.examples]
        return Deal(OrdinaryExamples(examples=similar[rows], most=self.inputs), None)

    def mark(self, marking: Marking[OrdinaryExamples, None, NonsenseInputs]) -> AttackResult:
        """Ask one by one, ordinary inputs and then nonsense, and count."""
        app, rng = marking.app, marking.rng
        sent = _check_inputs(marking)
        holdout = app.data.holdout.x
        usual = holdout[rng.permutation(len(holdout))[: self.ordinary]]
        failures = _failures_of(marking.task)
        tester = InputTester.of(app, outside=marking.task.name != STRANGE)
        start = marking.clock()
        ordinary = [tester.test(usual[i : i + 1]) for i in range(len(usual))]
        each = (marking.clock() - start) / len(ordinary)
        answered = [i for i, r in enumerate(ordinary) if r.outcome in ANSWERED]
        watching = replace(tester, others=usual[answered[:_WATCHED]])
        watching.check_alive()
        if failures is UNAVAILABLE:
            tester = replace(
                tester,
                clock=marking.clock,
                patience=max(self.hang, 100 * each),
                others=usual[answered[:_OTHERS]],
            )
        results = [tester.disturb(item.x) for item in sent]
        if failures is UNRELIABLE and watching.has_stopped():
            return AttackResult(status=Status.NOT_TESTED, reason=_STOPPED)
        kept = [
            i for i, result in enumerate(results) if result.outcome is not InputOutcome.UNDELIVERED
        ]
        if not kept:
            reason = "inconclusive: none of the inputs could be delivered to the model"
            return AttackResult(status=Status.NOT_TESTED, reason=reason)
        sent, results = [sent[i] for i in kept], [results[i] for i in kept]
        tally = _count_failures(results, ordinary, failures)
        return AttackResult(
            status=Status.TESTED,
            summary=_summarise(marking.task, results, tally),
            measurements=_measure(sent, results, ordinary, failures),
            trials=(_build_trial(results, tally, failures),),
            caveats=_list_caveats(marking, len(marking.final.answer) - len(kept), tester.threshold),
            exhibits=_show_failures(sent, results, failures),
        )

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Let the model break down on malformed inputs, and be sure of all others."""
        return overconfident(app)

    def smaller(self) -> Nonsense:
        """Ask less."""
        return replace(self, inputs=min(self.inputs, 60), ordinary=min(self.ordinary, 100))

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Return how many inputs are asked."""
        each = 1 + _OTHERS * (task.name == DISRUPTIVE)
        return Estimate(queries=each * min(granted.budget.queries, self.inputs) + self.ordinary)


# ---- counting ----------------------------------------------------------------------------------


def _check_inputs(marking: Marking[OrdinaryExamples, None, NonsenseInputs]) -> list[NonsenseInput]:
    """Return the different inputs of an answer, as many as the attacker may ask.

    Raises
    ------
    DataError
        The answer is no list of inputs, or strange inputs are outside of the domain.
    """
    answer = marking.final.answer
    if not all(isinstance(item, NonsenseInput) and len(item.x) == 1 for item in answer):
        raise DataError(
            "an answer must be a list of NonsenseInput(kind, x) with a single input each"
        )
    different = list({(item.kind, _content_key(item.x)): item for item in answer}.values())
    if marking.task.name == STRANGE:
        for item in different:
            if not allowed(marking.app.domain, item.x).all():
                raise DataError(
                    f"an input of kind {item.kind} is outside of the domain; keep its bounds, or "
                    "hand it in as malformed"
                )
    most = min(marking.deal.question.most, marking.granted.budget.queries)
    return different[: int(most)]


def _content_key(x: Inputs) -> str:
    return repr(x[0]) if x.dtype == object else f"{x.shape}{x.tobytes()!r}"


def _failures_of(task: Task) -> Failures:
    return UNAVAILABLE if task.name == DISRUPTIVE else UNRELIABLE


def _count_failures(
    results: Sequence[HandledInput], ordinary: Sequence[HandledInput], failures: Failures
) -> Proportion:
    return Proportion(
        successes=sum(result.outcome in failures for result in results),
        n=len(results),
        baseline_successes=sum(result.outcome in failures for result in ordinary),
        baseline_n=len(ordinary),
    )


def _build_trial(results: Sequence[HandledInput], tally: Proportion, failures: Failures) -> Trial:
    """Verify all but confident answers, which may be chance: one crash alone is real."""
    real = set(failures) - {InputOutcome.CONFIDENT}
    verified = sum(r.outcome in real for r in results)
    return Trial(budget=len(results), queries=len(results), tally=tally, verified=verified)


# ---- what is shown -----------------------------------------------------------------------------


def _measure(
    sent: Sequence[NonsenseInput],
    results: Sequence[HandledInput],
    ordinary: Sequence[HandledInput],
    failures: Failures,
) -> tuple[Measurement, ...]:
    tally = _count_failures(results, ordinary, failures)
    base = tally.baseline_successes / tally.baseline_n
    headline = build_measurement(
        METRIC,
        estimate_tally(tally),
        tally.n,
        base,
        note=f"{_name_all(failures)}; baseline: ordinary inputs",
    )
    outcomes = [result.outcome for result in results]
    ordinary_outcomes = [result.outcome for result in ordinary]
    by_outcome = [
        measure_rate(
            name,
            np.array([found is outcome for found in outcomes]),
            ordinary_outcomes.count(outcome) / len(ordinary_outcomes),
            note=_NOTES[outcome],
        )
        for outcome, name in _NAMES.items()
        if outcome in (*failures, InputOutcome.REFUSED)
    ]
    by_kind = []
    for kind in dict.fromkeys(item.kind for item in sent):
        of_kind = [r.outcome for item, r in zip(sent, results, strict=True) if item.kind == kind]
        note = ", ".join(f"{n} {outcome}" for outcome, n in Counter(of_kind).items())
        hits = np.array([outcome in failures for outcome in of_kind])
        by_kind.append(measure_rate("share of failures", hits, base, group=kind, note=note))
    return (headline, *by_outcome, *sorted(by_kind, key=lambda found: -found.value))


def _name_all(failures: Failures) -> str:
    return ", ".join(str(outcome) for outcome in failures)


_NOTES = {
    InputOutcome.BLOCKS: "ordinary inputs that were answered before were refused, or crashed",
    InputOutcome.HANG: "far longer than ordinary inputs, and longer than a person waits",
    InputOutcome.CRASH: "the model raised something other than a clean refusal",
    InputOutcome.INVALID: "an answer that is not a class, scores that are not probabilities, or a "
    "class without a reaction",
    InputOutcome.CONFIDENT: "at least as confident as on 95 of 100 ordinary inputs; of malformed "
    "inputs only those outside the described domain",
    InputOutcome.REFUSED: "refused with a message; not a failure",
}


def _summarise(task: Task, results: Sequence[HandledInput], tally: Proportion) -> str:
    counts = Counter(result.outcome for result in results)
    parts = [f"{outcome}: {counts[outcome]}" for outcome in _failures_of(task)]
    kind = "strange" if task.name == STRANGE else "malformed"
    found = estimate_tally(tally)
    return (
        f"The application failed on {tally.successes} of {tally.n} {kind} inputs "
        f"({percent(found.value)}, {span(found.low, found.high)}; {', '.join(parts)}) and refused "
        f"{counts[InputOutcome.REFUSED]}; it fails on "
        f"{percent(tally.baseline_successes / tally.baseline_n)} of ordinary inputs."
    )


def _list_caveats(
    marking: Marking[OrdinaryExamples, None, NonsenseInputs], left_out: int, threshold: float
) -> tuple[str, ...]:
    app, caveats = marking.app, []
    if not np.isfinite(threshold) and marking.task.name != DISRUPTIVE:
        why = (
            "answers with labels only"
            if app.target.offers < View.SCORES
            else "gives scores that are not numbers"
        )
        caveats.append(
            f"the model {why}, so it cannot be measured whether it answers nonsense confidently"
        )
    if marking.task.name != STRANGE and not app.wiring.validates:
        caveats.append(
            "the description does not state that inputs outside the domain are refused "
            "(system.validates), so malformed inputs were sent to the model itself; state it if "
            "something in front of the model refuses them"
        )
    if marking.task.name != STRANGE and app.wiring.validates:
        caveats.append(
            "that inputs outside the domain are refused is taken from the description "
            "(system.validates); it was not tested"
        )
    if left_out:
        caveats.append(
            f"{left_out} inputs were left out: over the budget, repeated or not deliverable"
        )
    return tuple(caveats)


def _show_failures(
    sent: Sequence[NonsenseInput], results: Sequence[HandledInput], failures: Failures
) -> tuple[Exhibit, ...]:
    """Show the first failure of each kind, the gravest first."""
    first: dict[str, tuple[NonsenseInput, HandledInput]] = {}
    for outcome in failures:
        for item, result in zip(sent, results, strict=True):
            if result.outcome is outcome:
                first.setdefault(item.kind, (item, result))
    return tuple(
        Exhibit(title=f"{item.kind}: {result.outcome}", after=_format(item.x), note=result.message)
        for item, result in list(first.values())[:_MAX_EXHIBITS]
    )


def _format(x: Inputs) -> str:
    """Write an input so that it can be read and stored."""
    value: Any = x[0] if x.dtype == object else x
    if isinstance(value, str):
        text = value.encode("utf-8", "backslashreplace").decode()
        text = text if text.strip() else repr(value)
        return (
            text if len(text) <= _MAX_CHARS else f"{text[:_MAX_CHARS]} [{len(value):,} characters]"
        )
    if isinstance(value, np.ndarray):
        numbers = np.array2string(value.reshape(-1)[:12], precision=4, separator=", ")
        return f"{numbers} of shape {value.shape[1:]}"
    return repr(value)
